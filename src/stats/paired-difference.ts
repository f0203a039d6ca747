/** Two sets of scores of the same questions: mean difference, its interval, and a sign-flip test. */

import { bootstrapInterval, type Interval, type IntervalOptions } from "./bootstrap-interval.ts";
import { mean } from "./mean.ts";
import { randomIntegers, sumByCluster } from "./resample.ts";

/** How much better the second set is than the first. */
export interface PairedDifference {
  /** Mean of second minus first, null without pairs. */
  value: number | null;
  /** Number of pairs. */
  n: number;
  /** Of the difference, null with fewer than two clusters. */
  interval: Interval | null;
  /**
   * Two-sided p value of "no difference" by flipping the sign of whole clusters: exact up to 12 clusters with a
   * difference, else over `samples` random flips with the observed one counted, so never 0. Null without pairs.
   */
  p: number | null;
}

const exactUpTo = 12;

/** As large as the observed sum, but for the rounding of adding up in another order. */
const asLarge = (sum: number, observed: number) => Math.abs(sum) >= observed * (1 - 1e-12) - 1e-12;

function exactP(sums: readonly number[], observed: number): number {
  const flips = 2 ** sums.length;
  let extreme = 0;
  for (let bits = 0; bits < flips; bits++) {
    let sum = 0;
    sums.forEach((value, i) => {
      sum += (bits >> i) & 1 ? -value : value;
    });
    if (asLarge(sum, observed)) extreme++;
  }
  return extreme / flips;
}

function randomP(sums: readonly number[], observed: number, samples: number, seed: number | string): number {
  const next = randomIntegers(`${seed}/signs`);
  let extreme = 1;
  for (let s = 0; s < samples; s++) {
    let sum = 0;
    for (const value of sums) sum += next() & 0x80000000 ? -value : value;
    if (asLarge(sum, observed)) extreme++;
  }
  return extreme / (samples + 1);
}

/**
 * Compares paired scores, `second[i] - first[i]`.
 *
 * @throws RangeError if the lengths differ, or for options out of range
 */
export function pairedDifference(
  first: readonly number[],
  second: readonly number[],
  options: IntervalOptions = {},
): PairedDifference {
  if (first.length !== second.length)
    throw new RangeError(`pairs: must be as many of both, got ${first.length} and ${second.length}`);
  const differences = first.map((value, i) => (second[i] as number) - value);
  const { seed = 0, samples = 2000 } = options;
  const sums = [...sumByCluster(differences, options.clusters).sums].filter((sum) => sum !== 0);
  const observed = Math.abs(sums.reduce((a, b) => a + b, 0));
  const p = sums.length <= exactUpTo ? exactP(sums, observed) : randomP(sums, observed, samples, seed);
  return {
    value: mean(differences),
    n: differences.length,
    interval: bootstrapInterval(differences, options),
    p: differences.length === 0 ? null : p,
  };
}
