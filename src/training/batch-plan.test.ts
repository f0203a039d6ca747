import { describe, expect, it } from "vitest";
import { type PlannedRow, planEpoch, planFrom } from "./batch-plan.ts";

const rows: PlannedRow[] = Array.from({ length: 96 }, (_, i) => ({
  video: `v${Math.floor(i / 4)}`,
  shape: Math.floor(i / 4) % 2 ? "8" : "16",
  tokens: 50 + ((i * 37) % 60),
}));
const options = { batchSize: 8, questionsPerVideo: 2, seed: 1 };

describe("planEpoch", () => {
  it("uses every row once where batches divide evenly", () => {
    const batches = planEpoch(rows, options, 0);
    expect(batches).toHaveLength(12);
    expect(batches.flat().sort((a, b) => a - b)).toEqual(rows.map((_, i) => i));
  });

  it("keeps shapes together, and a video's rows side by side", () => {
    for (const batch of planEpoch(rows, options, 0)) {
      expect(new Set(batch.map((i) => rows[i]?.shape)).size).toBe(1);
      for (let i = 0; i < batch.length; i += 2)
        expect(rows[batch[i] as number]?.video).toBe(rows[batch[i + 1] as number]?.video);
    }
  });

  it("depends on seed and epoch alone", () => {
    expect(planEpoch(rows, options, 3)).toEqual(planEpoch(rows, options, 3));
    expect(planEpoch(rows, options, 3)).not.toEqual(planEpoch(rows, options, 4));
    expect(planEpoch(rows, options, 3)).not.toEqual(planEpoch(rows, { ...options, seed: 2 }, 3));
  });

  it("leaves out rows that fill no batch, others in another pass", () => {
    const left = (epoch: number) => {
      const used = new Set(planEpoch(rows.slice(0, 84), options, epoch).flat());
      return rows.slice(0, 84).flatMap((_, i) => (used.has(i) ? [] : [i]));
    };
    expect(left(0).length).toBeGreaterThan(0);
    expect(left(0)).not.toEqual(left(1));
  });
});

describe("planFrom", () => {
  const take = (step: number, count: number) => {
    const found = [];
    for (const item of planFrom(rows, options, step)) {
      found.push(item);
      if (found.length === count) break;
    }
    return found;
  };

  it("goes on from any step as if it had not stopped, over the end of a pass", () => {
    const all = take(0, 40);
    for (const step of [1, 11, 12, 13, 25]) expect(take(step, 10)).toEqual(all.slice(step, step + 10));
    expect(all[12]?.epoch).toBe(1);
  });

  it("ends where there are too few rows for one batch", () => {
    expect([...planFrom(rows.slice(0, 3), options, 0)]).toEqual([]);
  });
});
