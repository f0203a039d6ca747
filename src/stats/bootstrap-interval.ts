/** Percentile bootstrap interval of a mean (Efron and Tibshirani 1993, chapter 13), clusters resampled whole. */

import { quantile, resampledMeans, sumByCluster } from "./resample.ts";

/** How an interval is made. */
export interface IntervalOptions {
  /** One key per value, such as the video a question is about; default every value by itself. */
  clusters?: readonly (string | number)[] | undefined;
  /** Same seed, same interval. Default 0. */
  seed?: number | string | undefined;
  /** Number of resamplings, at least 1; default 2000. */
  samples?: number | undefined;
  /** Coverage, within (0, 1); default 0.95. */
  level?: number | undefined;
}

/** An interval for a mean. */
export interface Interval {
  low: number;
  high: number;
  /** Nominal coverage, such as 0.95. */
  level: number;
  /** Number of clusters that were resampled. */
  clusters: number;
}

/**
 * The interval of the mean of `values`, or null with fewer than two clusters: one video says nothing about how
 * much videos differ.
 *
 * @throws RangeError for clusters that do not fit the values, or options out of range
 */
export function bootstrapInterval(values: readonly number[], options: IntervalOptions = {}): Interval | null {
  const { seed = 0, samples = 2000, level = 0.95 } = options;
  if (!(level > 0 && level < 1)) throw new RangeError(`level: must be within (0, 1), got ${level}`);
  if (!(Number.isInteger(samples) && samples > 0))
    throw new RangeError(`samples: must be a positive integer, got ${samples}`);
  const clusters = sumByCluster(values, options.clusters);
  if (clusters.sums.length < 2) return null;
  const means = resampledMeans(clusters, samples, seed);
  return {
    low: quantile(means, (1 - level) / 2),
    high: quantile(means, (1 + level) / 2),
    level,
    clusters: clusters.sums.length,
  };
}
