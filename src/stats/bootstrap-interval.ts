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
  const { seed, samples, level } = checked(options);
  const clusters = sumByCluster(values, options.clusters);
  if (clusters.sums.length < 2) return null;
  return percentiles(resampledMeans(clusters, samples, seed), level, clusters.sums.length);
}

/**
 * The interval of the mean of several means, such as the average over benchmarks: each is resampled by itself. Null
 * where one has fewer than two clusters, or there is none.
 *
 * @param parts the values of each, and their clusters
 * @throws RangeError as `bootstrapInterval`
 */
export function averageInterval(
  parts: readonly { values: readonly number[]; clusters?: readonly (string | number)[] }[],
  options: Omit<IntervalOptions, "clusters"> = {},
): Interval | null {
  const { seed, samples, level } = checked(options);
  const all = parts.map(({ values, clusters }) => sumByCluster(values, clusters));
  if (all.length === 0 || all.some(({ sums }) => sums.length < 2)) return null;
  const total = new Float64Array(samples);
  all.forEach((clusters, i) => {
    resampledMeans(clusters, samples, `${seed}/${i}`).forEach((mean, s) => {
      total[s] = (total[s] as number) + mean / all.length;
    });
  });
  const count = all.reduce((sum, { sums }) => sum + sums.length, 0);
  return percentiles(total, level, count);
}

function percentiles(means: Float64Array, level: number, clusters: number): Interval {
  const ascending = means.sort();
  return {
    low: quantile(ascending, (1 - level) / 2),
    high: quantile(ascending, (1 + level) / 2),
    level,
    clusters,
  };
}

function checked(options: IntervalOptions): { seed: number | string; samples: number; level: number } {
  const { seed = 0, samples = 2000, level = 0.95 } = options;
  if (!(level > 0 && level < 1)) throw new RangeError(`level: must be within (0, 1), got ${level}`);
  if (!(Number.isInteger(samples) && samples > 0))
    throw new RangeError(`samples: must be a positive integer, got ${samples}`);
  return { seed, samples, level };
}
