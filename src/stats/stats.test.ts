import fc from "fast-check";
import { expect, it } from "vitest";
import { averageInterval, bootstrapInterval, mean, pairedDifference } from "./index.ts";

it("has no mean of nothing", () => {
  expect(mean([])).toBeNull();
  expect(mean([1, 2, 6])).toBe(3);
});

it("gives the same interval for the same seed, and another for another", () => {
  const values = Array.from({ length: 50 }, (_, i) => Math.sqrt(i));
  expect(bootstrapInterval(values, { seed: 1 })).toEqual(bootstrapInterval(values, { seed: 1 }));
  expect(bootstrapInterval(values, { seed: 1 })).not.toEqual(bootstrapInterval(values, { seed: 2 }));
});

it("is as wide as the normal approximation for many independent values", () => {
  const values = Array.from({ length: 1000 }, (_, i) => i % 2);
  const interval = bootstrapInterval(values, { samples: 4000 });
  // 1.96 * 0.5 / sqrt(1000) = 0.031; the quantiles of 4000 resamplings vary by about 0.001.
  expect(interval?.low).toBeCloseTo(0.5 - 0.031, 2);
  expect(interval?.high).toBeCloseTo(0.5 + 0.031, 2);
});

it("is wider where values of one video go together", () => {
  const values = Array.from({ length: 100 }, (_, i) => (i < 50 ? 1 : 0));
  const clusters = values.map((_, i) => `video ${Math.floor(i / 10)}`);
  const alone = bootstrapInterval(values);
  const together = bootstrapInterval(values, { clusters });
  expect(together?.clusters).toBe(10);
  expect((together?.high ?? 0) - (together?.low ?? 0)).toBeGreaterThan(
    2 * ((alone?.high ?? 0) - (alone?.low ?? 0)),
  );
});

it("of an average of means counts each as much, however many values it has", () => {
  const coin = (n: number) => Array.from({ length: n }, (_, i) => i % 2);
  const interval = averageInterval([{ values: coin(1000) }, { values: coin(100) }], { samples: 4000 });
  // Standard deviations of the means are 0.0158 and 0.05, of their average half the root of the squares' sum.
  const half = (1.96 * Math.hypot(0.5 / Math.sqrt(1000), 0.5 / Math.sqrt(100))) / 2;
  expect(interval?.low).toBeCloseTo(0.5 - half, 2);
  expect(interval?.high).toBeCloseTo(0.5 + half, 2);
  expect(interval?.clusters).toBe(1100);
  // Parts that go against each other are drawn by themselves: the same values are not the same draws.
  const both = averageInterval([{ values: coin(100) }, { values: coin(100).map((v) => -v) }]);
  expect((both?.high ?? 0) - (both?.low ?? 0)).toBeGreaterThan(0.1);
  expect(averageInterval([])).toBeNull();
  expect(averageInterval([{ values: coin(9) }, { values: [1, 1], clusters: ["a", "a"] }])).toBeNull();
});

it("has no interval of one video", () => {
  expect(bootstrapInterval([0, 1, 1], { clusters: ["a", "a", "a"] })).toBeNull();
  expect(bootstrapInterval([1])).toBeNull();
});

it("holds the mean", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 20, maxLength: 60 }),
      (v) => {
        const interval = bootstrapInterval(v, { samples: 400 });
        const m = mean(v) as number;
        expect(interval?.low).toBeLessThanOrEqual(m + 1e-9);
        expect(interval?.high).toBeGreaterThanOrEqual(m - 1e-9);
      },
    ),
    { numRuns: 30 },
  );
});

it("says how wrong options are", () => {
  expect(() => bootstrapInterval([1], { clusters: [] })).toThrow(
    "clusters: must be one per value, got 0 for 1",
  );
  expect(() => bootstrapInterval([1, 2], { level: 95 })).toThrow("level: must be within (0, 1), got 95");
  expect(() => bootstrapInterval([1, 2], { samples: 0 })).toThrow("samples: must be a positive integer");
  expect(() => pairedDifference([1], [])).toThrow("pairs: must be as many of both, got 1 and 0");
});

it("tests a difference exactly where there are few pairs", () => {
  // Five pairs, all better: 2 of 32 sign patterns are as extreme.
  const difference = pairedDifference([0, 0, 0, 0, 0], [1, 1, 1, 1, 1]);
  expect(difference).toMatchObject({ value: 1, n: 5, p: 2 / 32 });
  expect(pairedDifference([1, 0], [1, 0])).toMatchObject({ value: 0, p: 1 });
  expect(pairedDifference([], [])).toEqual({ value: null, n: 0, interval: null, p: null });
});

it("tests by random flips where there are many, videos as one", () => {
  const first = Array.from({ length: 60 }, () => 0);
  const second = first.map((_, i) => (i < 45 ? 1 : -1));
  expect(pairedDifference(first, second).p).toBeLessThan(0.002);
  const clusters = first.map((_, i) => Math.floor(i / 30));
  // Two videos, sums 30 and 0: 2 of 2 patterns are as extreme.
  expect(pairedDifference(first, second, { clusters }).p).toBe(1);
  expect(pairedDifference(first, second, { seed: 7 })).toEqual(pairedDifference(first, second, { seed: 7 }));
});
