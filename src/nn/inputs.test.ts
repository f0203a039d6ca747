import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadConfig } from "./config.ts";
import { buildInputs, buildTargets, type Prompt } from "./inputs.ts";
import type { Grid } from "./rope.ts";
import { buildVisionInputs, MASKED } from "./vision-inputs.ts";

const config = loadConfig(new URL("../../test/fixtures/qwen", import.meta.url).pathname);
const { video_token_id: VIDEO, image_token_id: IMAGE } = config;
const PATCH = 96;

function video(grid: Grid, fill = 0) {
  const pixelValues = new Float32Array(grid[0] * grid[1] * grid[2] * PATCH).fill(fill);
  return { kind: "video" as const, grid, pixelValues };
}

describe("buildInputs", () => {
  it("points placeholders behind the token table, in the order of the vision tokens", () => {
    const prompts: Prompt[] = [
      { ids: [1, VIDEO, VIDEO, 2], vision: [video([1, 2, 4])] },
      { ids: [VIDEO, 3], vision: [video([1, 2, 2])] },
    ];
    const { layout, tensors, attentionMask } = buildInputs(config, prompts, { side: "left" });
    expect([...tensors.index.data]).toEqual([1, 160, 161, 2, 0, 0, 162, 3]);
    expect([...attentionMask]).toEqual([1, 1, 1, 1, 0, 0, 1, 1]);
    expect(layout.masked).toBe(true);
    expect([...(tensors.padding?.data ?? [])]).toEqual([0, 0, 0, 0, MASKED, MASKED, 0, 0]);
    expect(tensors.vision?.pixelValues.shape).toEqual([12, PATCH]);
  });

  it("computes a video once that several rows share", () => {
    const shared = video([1, 2, 2]);
    const prompts = [7, 8].map((id) => ({ ids: [VIDEO, id], vision: [shared] }));
    const { layout, tensors } = buildInputs(config, prompts);
    expect([...tensors.index.data]).toEqual([160, 7, 160, 8]);
    expect(layout.vision?.patches).toBe(4);
    expect(layout.masked).toBe(false);
  });

  it.each([
    [{ ids: [] }, /must have 1 to/],
    [{ ids: [160] }, /must be below 160, got 160/],
    [{ ids: [1.5, -1] }, /must be below 160, got -1/],
    [{ ids: [IMAGE] }, /give 0 tokens, so it must hold as many placeholders, got 1/],
    [
      { ids: [VIDEO], vision: [{ ...video([1, 2, 2]), pixelValues: new Float32Array(5) }] },
      /must have 384 pixel values, got 5/,
    ],
  ] as [Prompt, RegExp][])("refuses %j", (prompt, message) => {
    expect(() => buildInputs(config, [prompt], { length: 4 })).toThrow(message);
  });
});

describe("buildTargets", () => {
  it("learns each label from the place before it, and never the first token", () => {
    const prompts: Prompt[] = [
      { ids: [1, 2, 3], labels: [1, -100, 3] },
      { ids: [4, 5], labels: [-100, 5] },
    ];
    const left = buildTargets(prompts, 3, { side: "left", count: 2 });
    expect([...left.places.data]).toEqual([1, 0, 1, 0]);
    expect([...left.ids.data]).toEqual([3, 0, 5, 0]);
    expect([...left.weights.data]).toEqual([1, 0, 1, 0]);
    expect([...buildTargets(prompts, 3).places.data]).toEqual([1, 0]);
    expect(() => buildTargets([{ ids: [1, 2, 3], labels: [1, 2, 3] }], 3, { count: 1 })).toThrow(
      "at most 1 in a row, got 2",
    );
  });
});

describe("buildVisionInputs", () => {
  const side = fc.integer({ min: 1, max: 5 }).map((n) => 2 * n);
  const grids = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), side, side), {
    minLength: 1,
    maxLength: 3,
  });

  it("puts every merged patch into one window, in an order that restore undoes", () => {
    fc.assert(
      fc.property(grids, (list) => {
        const { layout, tensors } = buildVisionInputs(config.vision, list);
        const patches = list.reduce((sum, [t, h, w]) => sum + t * h * w, 0);
        expect(layout.patches).toBe(patches);
        expect(layout.frames.count).toBe(list.reduce((sum, [t]) => sum + t, 0));
        const { order, restore } = tensors;
        if (order && restore) {
          expect([...order.data].sort((a, b) => a - b)).toEqual(Array.from(order.data, (_, i) => i));
          order.data.forEach((from, to) => {
            expect(restore.data[from]).toBe(to);
          });
        } else expect(layout.reordered).toBe(false);
        for (const [groups, padded] of [
          [layout.windows, tensors.windows],
          [layout.frames, tensors.frames],
        ] as const) {
          expect(groups.padded).toBe(padded !== undefined);
          if (!padded) expect(groups.count * groups.size).toBe(patches);
          else {
            // Every patch is in the slot that is said to be its place, and slots without a patch are masked.
            padded.places.data.forEach((slot, patch) => {
              expect(padded.slots.data[slot]).toBe(patch);
              expect(padded.bias.data[slot]).toBe(0);
            });
            expect(padded.bias.data.filter((x) => x === 0).length).toBe(patches);
          }
        }
      }),
    );
  });

  it("refuses a side that merging does not divide", () => {
    expect(() => buildVisionInputs(config.vision, [[1, 3, 4]])).toThrow("must be multiples of 2, got 1x3x4");
  });
});
