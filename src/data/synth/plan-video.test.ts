import { describe, expect, it } from "vitest";
import { eventsOf } from "./events.ts";
import { gridOf } from "./make-scene.ts";
import { planVideo } from "./plan-video.ts";
import { endOf, isVisible, startOf } from "./scene.ts";

const plans = Array.from({ length: 600 }, (_, index) =>
  planVideo({ seed: 21, split: "train", subtitles: 0.2, levels: [1, 2, 3] }, index),
);

it("gives the same plan for the same seed and index, alone or among others, and another for another seed", () => {
  expect(planVideo({ seed: 21, split: "train", subtitles: 0.2, levels: [1, 2, 3] }, 417)).toEqual(plans[417]);
  expect(planVideo({ seed: 22, split: "train", subtitles: 0.2, levels: [1, 2, 3] }, 417).scene).not.toEqual(
    plans[417]?.scene,
  );
  expect(planVideo({ seed: 21, split: "heldout" }, 417).scene).not.toEqual(plans[417]?.scene);
});

describe("scenes", () => {
  it("have every event on the grid and at a second of its own", () => {
    for (const { scene } of plans) {
      const times = eventsOf(scene).map(({ startSeconds }) => startSeconds);
      expect(times.every((time) => time % scene.gridSeconds === 0)).toBe(true);
      expect(new Set(times).size).toBe(times.length);
      expect(times.every((time) => time >= 0 && time < scene.durationSeconds)).toBe(true);
    }
  });

  it("last long enough to be sampled: at least two grid steps for every colour of every thing", () => {
    for (const { scene } of plans)
      for (const entity of scene.entities) {
        const cuts = [...entity.colours.map(({ start }) => start), endOf(entity)];
        for (let i = 1; i < cuts.length; i++)
          expect((cuts[i] ?? 0) - (cuts[i - 1] ?? 0)).toBeGreaterThanOrEqual(2 * scene.gridSeconds);
      }
  });

  it("keep things apart and inside the picture, below the time", () => {
    for (const { scene } of plans) {
      for (let second = 0; second < scene.durationSeconds; second++) {
        const boxes = scene.entities
          .filter((entity) => isVisible(entity, second))
          .flatMap((entity) =>
            entity.paths.map((path) => {
              const point = path.findLast(({ seconds }) => seconds <= second) ?? path[0];
              const half = entity.kind === "shape" ? entity.radius : entity.kind === "digit" ? 10 : 6 * 8;
              return { entity, x: point?.x ?? 0, y: point?.y ?? 0, half };
            }),
          );
        for (const { x, y, half, entity } of boxes) {
          expect(x - half, `${entity.form} at ${x}`).toBeGreaterThanOrEqual(0);
          expect(x + half).toBeLessThanOrEqual(112);
          expect(y - 18).toBeGreaterThanOrEqual(22);
          expect(y + 14).toBeLessThanOrEqual(112);
        }
      }
    }
  });

  it("touch where they say so", () => {
    const touching = plans.filter(({ scene }) => scene.touch !== undefined);
    expect(touching.length).toBeGreaterThan(30);
    for (const { scene } of touching) {
      const mover = scene.entities[scene.touch?.mover ?? -1];
      const other = scene.entities[scene.touch?.other ?? -1];
      if (mover === undefined || other === undefined || scene.touch === undefined) throw new Error("no pair");
      expect(startOf(other)).toBeLessThan(scene.touch.seconds);
      expect(isVisible(mover, scene.touch.seconds) && isVisible(other, scene.touch.seconds)).toBe(true);
    }
  });
});

it.each([
  [8, 1],
  [16, 1],
  [24, 3],
  [32, 2],
  [40, 5],
  [48, 3],
  [64, 4],
  [20, 2],
  [61, 4],
])("puts events of a video of %i s on a grid of %i s", (duration, grid) => {
  expect(gridOf(duration)).toBe(grid);
});

it("changes between the pairs of frames that a model sees at 2 frames a second and at most 32", () => {
  for (const duration of [8, 10, 12, 14, 16, 24, 32, 40, 48, 64]) {
    const grid = gridOf(duration);
    const total = duration * 8;
    const count = Math.min(32, duration * 2);
    const times = Array.from({ length: count }, (_, i) => Math.round((i * (total - 1)) / (count - 1)) / 8);
    for (let pair = 0; pair < count; pair += 2) {
      const cells = [times[pair] ?? 0, times[pair + 1] ?? 0].map((time) => Math.floor(time / grid));
      expect(cells[0], `pair ${pair / 2} of ${duration} s`).toBe(cells[1]);
    }
  }
});

it.each([
  [
    { lengths: [7] },
    "lengths: must be whole numbers of seconds from 8 to 64 (from 1 where all levels are 0), got [7]",
  ],
  [{ levels: [] }, "levels: must be 0, 1, 2 or 3, got []"],
  [{ size: 113 }, "size: must be an even number of pixels from 64 to 1024, got 113"],
  [{ fps: 2.5 }, "fps: must be a whole number from 4 to 30, got 2.5"],
  [{ subtitles: 2 }, "subtitles: must be a share from 0 to 1, got 2"],
  [
    { questionsPerVideo: 0 },
    "questions per video: must be a whole number from 1 to 16, or 0 with timelines, lookups or option rows, got 0",
  ],
  [{ seed: 0.5 }, "seed: must be a whole number, got 0.5"],
])("refuses %j", (options, message) => {
  expect(() => planVideo({ seed: 1, split: "train", ...options }, 0)).toThrow(message);
});
