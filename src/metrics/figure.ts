/** A figure is never a bare number: it says over how many samples it is, how many have no score and why. */

import { bootstrapInterval, type Interval, type IntervalOptions, mean } from "../stats/index.ts";

/** The score of one sample, or why it has none. */
export type Score = { score: number; reason?: undefined } | { score: null; reason: string };

/** One sample's score with what it belongs to. */
export type ScoredSample = Score & {
  /** What is drawn together in resampling, such as the video; default the sample by itself. */
  cluster?: string | number | undefined;
};

/** A mean over samples. */
export interface Figure {
  /** Mean of the scores, null where no sample has one. */
  value: number | null;
  /** Number of samples with a score. */
  n: number;
  /** Number of samples without; they are in no numerator and no denominator. */
  unscored: number;
  /** Why they have none: reason to count, the most frequent first. */
  reasons: Record<string, number>;
  /** Bootstrap interval, clustered; null with fewer than two clusters. */
  interval: Interval | null;
}

/** How the interval is made; clusters are the samples' own. */
export type FigureOptions = Omit<IntervalOptions, "clusters">;

/** Counts reasons, the most frequent first. */
export function countReasons(reasons: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
}

/** The mean of samples, with what is to be known about it. @throws RangeError for options out of range */
export function figure(samples: readonly ScoredSample[], options: FigureOptions = {}): Figure {
  const values: number[] = [];
  const clusters: string[] = [];
  const reasons: string[] = [];
  samples.forEach(({ score, reason, cluster }, i) => {
    if (score === null) reasons.push(reason);
    else {
      values.push(score);
      clusters.push(cluster === undefined ? `sample ${i}` : String(cluster));
    }
  });
  return {
    value: mean(values),
    n: values.length,
    unscored: reasons.length,
    reasons: countReasons(reasons),
    interval: bootstrapInterval(values, { ...options, clusters }),
  };
}

/** A figure for each group, groups in the order in which they first occur. */
export function figuresBy<T extends ScoredSample>(
  samples: readonly T[],
  group: (sample: T) => string,
  options: FigureOptions = {},
): Record<string, Figure> {
  const groups = new Map<string, T[]>();
  for (const sample of samples) {
    const name = group(sample);
    const members = groups.get(name);
    if (members) members.push(sample);
    else groups.set(name, [sample]);
  }
  return Object.fromEntries([...groups].map(([name, members]) => [name, figure(members, options)]));
}
