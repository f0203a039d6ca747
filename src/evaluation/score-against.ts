/** Compares the outputs of one run with those of another about the same questions, pair by pair. */

import { stat } from "node:fs/promises";
import { readJsonl, UsageError } from "../base/index.ts";
import {
  type Comparison,
  compareSamples,
  pairSamples,
  type ScoredPair,
  type ScoredSample,
} from "../metrics/index.ts";
import { averageInterval, type Interval, mean } from "../stats/index.ts";
import { recordPaths } from "./earlier-records.ts";
import { clusterOf, type SampleRecord } from "./score-record.ts";

/** The figures that are compared; the first run is the other one. */
export interface RunComparison {
  accuracy: Comparison;
  agreement: Comparison;
  tar: Comparison;
  attention: Comparison;
}

/** A figure that runs are compared by. */
export type Compared = keyof RunComparison;
const names: readonly Compared[] = ["accuracy", "agreement", "tar", "attention"];

/** The scores of a run that are compared, by question. Holds a few numbers for each output. */
export class ComparableRun {
  readonly #samples: Record<Compared, (ScoredSample & { id: string })[]> = {
    accuracy: [],
    agreement: [],
    tar: [],
    attention: [],
  };
  readonly #seen = new Map<string, number>();

  /** Counts one record. */
  add(record: SampleRecord): void {
    const question = `${record.benchmark ?? ""}/${record.category ?? ""}/${record.id}`;
    const times = (this.#seen.get(question) ?? 0) + 1;
    this.#seen.set(question, times);
    const id = times === 1 ? question : `${question} (${times})`;
    const cluster = record.video === null ? id : clusterOf(record);
    const judged = (value: number | null, reason: string): ScoredSample =>
      value === null ? { score: null, reason } : { score: value };
    const { accuracy, consistent, tar, attention } = record;
    this.#samples.accuracy.push({ ...accuracy, id, cluster });
    this.#samples.tar.push({ ...tar, id, cluster });
    const agrees = consistent.value === null ? null : +consistent.value;
    this.#samples.agreement.push({ ...judged(agrees, consistent.why), id, cluster });
    this.#samples.attention.push({ ...judged(attention.value, attention.why), id, cluster });
  }

  /** This run against an earlier one. */
  against(first: ComparableRun, seed: number): RunComparison {
    const compared = names.map(
      (name) => [name, compareSamples(first.#samples[name], this.#samples[name], { seed })] as const,
    );
    return Object.fromEntries(compared) as Record<Compared, Comparison>;
  }

  /** Questions that both runs have a score for. */
  pairs(first: ComparableRun, figure: Compared): ScoredPair[] {
    return pairSamples(first.#samples[figure], this.#samples[figure]).pairs;
  }
}

/** A difference averaged over benchmarks. */
export interface AverageDifference {
  /** Means of both over the benchmarks, and the second less the first. */
  first: number;
  second: number;
  value: number;
  /** Questions of each benchmark resampled by themselves, videos whole; null where one has fewer than two videos. */
  interval: Interval | null;
  benchmarks: number;
}

/**
 * Compares a model's runs with another's, each benchmark counting as much as any other.
 *
 * @param runs the two runs of each benchmark
 * @returns null where no benchmark has a pair
 */
export function averageAgainst(
  runs: readonly { first: ComparableRun; second: ComparableRun }[],
  figure: Compared,
  seed: number,
): AverageDifference | null {
  const all = runs
    .map(({ first, second }) => second.pairs(first, figure))
    .filter((pairs) => pairs.length > 0);
  const average = (value: (pair: ScoredPair) => number): number =>
    mean(all.map((pairs) => mean(pairs.map(value)) ?? 0)) ?? 0;
  if (all.length === 0) return null;
  return {
    first: average(({ a }) => a),
    second: average(({ b }) => b),
    value: average(({ a, b }) => b - a),
    interval: averageInterval(
      all.map((pairs) => ({
        values: pairs.map(({ a, b }) => b - a),
        clusters: pairs.map(({ cluster }) => cluster),
      })),
      { seed },
    ),
    benchmarks: all.length,
  };
}

/**
 * Reads the records of an earlier run.
 *
 * @throws UsageError `against-missing` for a folder without `samples.jsonl`
 */
export async function readComparable(folder: string): Promise<ComparableRun> {
  const { samples } = recordPaths(folder);
  if (!(await stat(samples).catch(() => null))?.isFile())
    throw new UsageError(
      "against-missing",
      `--against: must be a folder written by score --out, got ${folder}, which has no samples.jsonl`,
    );
  const run = new ComparableRun();
  for await (const record of readJsonl<SampleRecord>(samples)) run.add(record);
  return run;
}
