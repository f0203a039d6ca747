/** The interval of a mean over few independent repetitions, such as seeds, by Student's t distribution. */

/** 97.5 % quantiles of Student's t, for 1 to 30 degrees of freedom. */
const QUANTILES = [
  12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281, 2.201, 2.1788, 2.1604,
  2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.093, 2.086, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555,
  2.0518, 2.0484, 2.0452, 2.0423,
];

/** A mean with its 95 % interval. */
export interface MeanInterval {
  mean: number;
  /** Null of a single value, which says nothing about how much values differ. */
  low: number | null;
  high: number | null;
  /** Values it is over. */
  n: number;
}

/**
 * The mean of values and its 95 % interval, `mean ± t(n - 1) s / sqrt(n)`, as if they were drawn from a normal
 * distribution.
 *
 * @returns null of no values
 */
export function studentInterval(values: readonly number[]): MeanInterval | null {
  const n = values.length;
  if (n === 0) return null;
  const middle = values.reduce((a, b) => a + b, 0) / n;
  if (n === 1) return { mean: middle, low: null, high: null, n };
  const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (n - 1);
  const half = quantile(n - 1) * Math.sqrt(variance / n);
  return { mean: middle, low: middle - half, high: middle + half, n };
}

/** Beyond the table by its expansion in 1 / freedom (Abramowitz and Stegun, 26.7.5), right to 1e-4. */
function quantile(freedom: number): number {
  const known = QUANTILES[freedom - 1];
  if (known !== undefined) return known;
  const z = 1.959964;
  return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
}
