import fc from "fast-check";
import { expect, it } from "vitest";
import { maximumMatching } from "./maximum-matching.ts";
import { randomIntegers } from "./resample.ts";

const total = (weights: number[][], pairs: readonly (readonly [number, number])[]) =>
  pairs.reduce((sum, [i, j]) => sum + (weights[i]?.[j] as number), 0);

/** Every matching, one row after the other. */
function best(
  weights: number[][],
  allowed: boolean[][],
  row = 0,
  used = new Set<number>(),
): [number, number] {
  if (row === weights.length) return [0, 0];
  let [size, sum] = best(weights, allowed, row + 1, used);
  weights[row]?.forEach((weight, j) => {
    if (!allowed[row]?.[j] || used.has(j)) return;
    const [s, t] = best(weights, allowed, row + 1, new Set([...used, j]));
    if (s + 1 > size || (s + 1 === size && t + weight > sum)) [size, sum] = [s + 1, t + weight];
  });
  return [size, sum];
}

const problem = fc
  .record({ rows: fc.integer({ min: 0, max: 6 }), columns: fc.integer({ min: 1, max: 6 }) })
  .chain(({ rows, columns }) => {
    const matrix = <T>(cell: fc.Arbitrary<T>) =>
      fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), {
        minLength: rows,
        maxLength: rows,
      });
    // Hundredths, so that equal totals happen; also far from 0..1.
    const weight = fc.oneof(
      fc.integer({ min: -100, max: 100 }).map((n) => n / 100),
      fc.integer({ min: -1e6, max: 1e6 }),
    );
    return fc.record({ weights: matrix(weight), allowed: matrix(fc.boolean()) });
  });

it("finds the most pairs and among those the largest weight, as brute force does", () => {
  fc.assert(
    fc.property(problem, ({ weights, allowed }) => {
      const pairs = maximumMatching(weights, allowed);
      const [size, sum] = best(weights, allowed);
      expect(pairs.length).toBe(size);
      // Rounding of sums of up to six weights of up to 1e6.
      expect(Math.abs(total(weights, pairs) - sum)).toBeLessThan(1e-6);
      expect(new Set(pairs.map(([i]) => i)).size).toBe(size);
      expect(new Set(pairs.map(([, j]) => j)).size).toBe(size);
      for (const [i, j] of pairs) expect(allowed[i]?.[j]).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

it("takes two weaker pairs over one stronger", () => {
  const weights = [
    [0.9, 0.8],
    [0.8, 0.1],
  ];
  const allowed = [
    [true, true],
    [true, false],
  ];
  expect(maximumMatching(weights, allowed)).toEqual([
    [0, 1],
    [1, 0],
  ]);
});

it("matches nothing to nothing", () => {
  expect(maximumMatching([], [])).toEqual([]);
  expect(maximumMatching([[], []], [[], []])).toEqual([]);
  expect(maximumMatching([[1]], [[false]])).toEqual([]);
});

it("matches 200 to 200 at once", () => {
  let a = 1;
  const weights = Array.from({ length: 200 }, () =>
    Array.from({ length: 200 }, () => {
      a = (a * 48271) % 2147483647;
      return a / 2147483647;
    }),
  );
  const started = performance.now();
  expect(
    maximumMatching(
      weights,
      weights.map((row) => row.map(() => true)),
    ).length,
  ).toBe(200);
  expect(performance.now() - started).toBeLessThan(5000);
});

it("is quick where one side is long, and the same whichever side it is", () => {
  const random = randomIntegers(7);
  const weights = Array.from({ length: 1200 }, () =>
    Array.from({ length: 12 }, () => (random() % 1000) / 1000),
  );
  const allowed = weights.map((row) => row.map((weight) => weight > 0.2));
  const begun = performance.now();
  const found = maximumMatching(weights, allowed);
  // Milliseconds, where the square of the rows would be seconds.
  expect(performance.now() - begun).toBeLessThan(1000);
  const turned = <T>(table: T[][]) => (table[0] ?? []).map((_, j) => table.map((row) => row[j] as T));
  const other = maximumMatching(turned(weights), turned(allowed));
  expect(found).toHaveLength(12);
  expect(other).toHaveLength(12);
  const back = other.map(([column, row]) => [row, column] as const);
  expect(total(weights, found)).toBeCloseTo(total(weights, back), 9);
  expect(found.map(([row]) => row)).toEqual(found.map(([row]) => row).sort((a, b) => a - b));
});
