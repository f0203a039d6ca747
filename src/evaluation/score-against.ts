/** Compares the outputs of one run with those of another about the same questions, pair by pair. */

import { stat } from "node:fs/promises";
import { readJsonl, UsageError } from "../base/index.ts";
import { type Comparison, compareSamples, type ScoredSample } from "../metrics/index.ts";
import { recordPaths } from "./earlier-records.ts";
import { clusterOf, type SampleRecord } from "./score-record.ts";

/** The figures that are compared; the first run is the other one. */
export interface RunComparison {
  accuracy: Comparison;
  agreement: Comparison;
  tar: Comparison;
  attention: Comparison;
}

type Compared = keyof RunComparison;
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
}

/**
 * Reads the records of an earlier run.
 *
 * @throws UsageError `against-missing` for a folder without `samples.jsonl`
 */
export async function readComparable(folder: string): Promise<ComparableRun> {
  const run = new ComparableRun();
  await readInto(run, folder);
  return run;
}

/** Adds the records of a folder to a run, such as those of one part of it; throws as `readComparable`. */
export async function readInto(run: ComparableRun, folder: string): Promise<void> {
  const { samples } = recordPaths(folder);
  if (!(await stat(samples).catch(() => null))?.isFile())
    throw new UsageError(
      "against-missing",
      `--against: must be a folder written by score --out, got ${folder}, which has no samples.jsonl`,
    );
  for await (const record of readJsonl<SampleRecord>(samples)) run.add(record);
}
