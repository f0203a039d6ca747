/** Video Attention Score: how much a reasoning rests on what is seen, judged 0 to 10 and printed times ten. */

import { type Figure, type FigureOptions, figure, type ScoredSample } from "./figure.ts";
import { vasBuckets } from "./reference/vas-summary.ts";

/** One sample's judged score, 0 to 10, or why there is none. */
export type VasSample = ScoredSample & { benchmark?: string | undefined };

/** The scores of one benchmark. */
export interface VasFigure extends Figure {
  /** Smallest and largest score, null without any. */
  min: number | null;
  max: number | null;
  /** How many scores are in `0-2`, `3-5`, `6-8` and `9-10`, fractions rounded. */
  distribution: Record<string, number>;
  /** `value` times ten, as the paper prints it; null without any score. */
  printed: number | null;
}

/** The scores by benchmark and over all. */
export interface VasSummary {
  perBenchmark: Record<string, VasFigure>;
  /** Over all samples. */
  overall: VasFigure;
  /** Mean of the benchmarks, each counted once, as the paper averages; 0 to 10, null without any. */
  meanOfBenchmarks: number | null;
}

function vasFigure(samples: readonly VasSample[], options: FigureOptions): VasFigure {
  const base = figure(samples, options);
  const scores = samples.flatMap((sample) => sample.score ?? []);
  const inBucket = (low: number, high: number) =>
    scores.filter((score) => Math.round(score) >= low && Math.round(score) <= high).length;
  const bound = (choose: (...values: number[]) => number) =>
    scores.length > 0 ? scores.reduce((a, b) => choose(a, b)) : null;
  return {
    ...base,
    min: bound(Math.min),
    max: bound(Math.max),
    distribution: Object.fromEntries(vasBuckets.map(([name, low, high]) => [name, inBucket(low, high)])),
    printed: base.value === null ? null : base.value * 10,
  };
}

/** Summarises judged scores; what has none is counted with its reason and is not 0. */
export function vasSummary(samples: readonly VasSample[], options: FigureOptions = {}): VasSummary {
  const groups = new Map<string, VasSample[]>();
  for (const sample of samples) {
    const name = sample.benchmark ?? "all";
    const members = groups.get(name);
    if (members) members.push(sample);
    else groups.set(name, [sample]);
  }
  const perBenchmark = Object.fromEntries(
    [...groups].map(([name, members]) => [name, vasFigure(members, options)] as const),
  );
  const values = Object.values(perBenchmark).flatMap(({ value }) => value ?? []);
  return {
    perBenchmark,
    overall: vasFigure(samples, options),
    meanOfBenchmarks: values.length > 0 ? values.reduce((a, b) => a + b, 0) / values.length : null,
  };
}
