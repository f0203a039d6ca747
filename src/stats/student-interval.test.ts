import { expect, it } from "vitest";
import { studentInterval } from "./student-interval.ts";

it("is mean ± t s / sqrt(n), worked by hand", () => {
  // s = 2, n = 3: 4.3027 * 2 / sqrt(3).
  const found = studentInterval([4, 6, 8]);
  expect(found?.mean).toBe(6);
  expect(found?.low).toBeCloseTo(6 - 4.9683, 4);
  expect(found?.high).toBeCloseTo(6 + 4.9683, 4);
  expect(found?.n).toBe(3);
});

it("goes over from the table to the expansion without a jump", () => {
  const half = (n: number): number => {
    // n values with standard deviation 1 over n - 1: half the interval is t / sqrt(n).
    const spread = Math.sqrt((n - 1) / (n - (n % 2)));
    const values = Array.from({ length: n }, (_, i) =>
      i === n - 1 && n % 2 === 1 ? 0 : (i % 2 ? 1 : -1) * spread,
    );
    const { low, high } = studentInterval(values) ?? {};
    return ((((high ?? 0) as number) - ((low ?? 0) as number)) / 2) * Math.sqrt(n);
  };
  expect(half(31)).toBeCloseTo(2.0423, 4);
  // 40 and 120 degrees of freedom, from any table.
  expect(half(41)).toBeCloseTo(2.0211, 3);
  expect(half(121)).toBeCloseTo(1.9799, 3);
});

it("has no interval of one value and nothing of none", () => {
  expect(studentInterval([5])).toEqual({ mean: 5, low: null, high: null, n: 1 });
  expect(studentInterval([])).toBeNull();
});
