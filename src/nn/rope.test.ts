import { describe, expect, it } from "vitest";
import { loadConfig } from "./config.ts";
import { languageRotary, positionIds, type VisionItem } from "./rope.ts";

const config = loadConfig(new URL("../../test/fixtures/qwen", import.meta.url).pathname);
const VIDEO = config.video_token_id;
const IMAGE = config.image_token_id;

/** Positions of one row, as time, height and width. */
function positionsOf(ids: number[], items: VisionItem[], mask?: number[]) {
  const { ids: all, deltas } = positionIds(config, ids, [1, ids.length], [items], mask);
  const n = ids.length;
  return {
    axes: [0, 1, 2].map((axis) => Array.from(all.subarray(axis * n, (axis + 1) * n))),
    delta: deltas[0],
  };
}

describe("positionIds", () => {
  it("counts text", () => {
    expect(positionsOf([5, 6, 7], [])).toEqual({
      axes: [
        [0, 1, 2],
        [0, 1, 2],
        [0, 1, 2],
      ],
      delta: 0,
    });
  });

  it("gives a video time, rows and columns, and goes on behind the largest", () => {
    // 2 tokens of text, then 2 temporal patches of 1 x 2 merged patches, 3 seconds apart at 2 ids a second.
    const ids = [5, 6, VIDEO, VIDEO, VIDEO, VIDEO, 7];
    const { axes, delta } = positionsOf(ids, [{ kind: "video", grid: [2, 2, 4], secondPerGrid: 3.9 }]);
    expect(axes).toEqual([
      [0, 1, 2, 2, 8, 8, 9],
      [0, 1, 2, 2, 2, 2, 9],
      [0, 1, 2, 3, 2, 3, 9],
    ]);
    expect(delta).toBe(10 - 7);
  });

  it("gives an image no time, and counts on behind its longer side", () => {
    const { axes } = positionsOf([IMAGE, IMAGE, IMAGE, 7], [{ kind: "image", grid: [1, 2, 6] }]);
    expect(axes).toEqual([
      [0, 0, 0, 3],
      [0, 0, 0, 3],
      [0, 1, 2, 3],
    ]);
  });

  it("passes over padding, wherever it is", () => {
    const left = positionsOf([0, 0, 5, 6], [], [0, 0, 1, 1]);
    expect(left.axes[0]).toEqual([1, 1, 0, 1]);
    expect(left.delta).toBe(2 - 4);
    expect(positionsOf([5, 6, 0], [], [1, 1, 0]).axes[0]).toEqual([0, 1, 1]);
  });

  it("says which prompt has too few placeholders", () => {
    expect(() => positionsOf([5, VIDEO], [{ kind: "video", grid: [1, 2, 4] }])).toThrow(
      "prompt 0: must hold 2 tokens for the video of grid 1x2x4, got 1",
    );
  });
});

describe("languageRotary", () => {
  it("turns each channel with its own axis", () => {
    // mrope_section is [1, 1, 2]: channel 0 follows time, 1 height, 2 and 3 width.
    const { cos, sin } = languageRotary(config.text, [3, 5, 7], [1, 1]);
    const angle = (position: number, channel: number): number => position * 1e6 ** (-channel / 4);
    const angles = [angle(3, 0), angle(5, 1), angle(7, 2), angle(7, 3)];
    angles.forEach((x, i) => {
      expect(cos.data[i]).toBeCloseTo(Math.cos(x), 6);
      expect(sin.data[i]).toBeCloseTo(Math.sin(x), 6);
    });
    expect(cos.shape).toEqual([1, 1, 4]);
  });
});
