/** How long a run would take: as fast as earlier runs of the model, or as a few questions that are asked for it. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../../base/index.ts";
import type { Answerer } from "./answerer.ts";
import type { PlannedRun, RunRecord } from "./run-benchmark.ts";
import { byVideo } from "./shard.ts";

/** A guess with what it rests on. */
export interface TimeEstimate {
  seconds: number;
  /** Such as `as fast as MLVU was (2174 questions)`. */
  basis: string;
}

/**
 * From the run records in the folders of a model: of the same benchmark, else of all together.
 *
 * @param out the folder that holds a folder for each benchmark
 * @returns null where there is none of this model
 */
export async function estimateFromRuns(
  out: string,
  model: string,
  { plan: { benchmark }, questions }: PlannedRun,
): Promise<TimeEstimate | null> {
  const records: RunRecord[] = [];
  for (const name of (await readdir(out).catch(() => [])).sort()) {
    const text = await readFile(join(out, name, "run.json"), "utf8").catch(() => null);
    if (text !== null) records.push(JSON.parse(text) as RunRecord);
  }
  const own = records.filter((record) => record.model.name === model && record.seconds > 0);
  const same = own.filter((record) => record.benchmark === benchmark.name);
  const used = same.length > 0 ? same : own;
  const asked = used.reduce((sum, record) => sum + record.questions, 0);
  if (asked === 0) return null;
  const seconds = used.reduce((sum, record) => sum + record.seconds, 0);
  const names = [...new Set(used.map((record) => record.benchmark))].join(", ");
  return {
    seconds: (seconds / asked) * questions.length,
    basis: `as fast as ${names} ${same.length > 0 || used.length === 1 ? "was" : "were"} (${asked} questions)`,
  };
}

/**
 * Asks as many questions as are in flight at once, spread over the benchmark, and forgets the answers.
 *
 * @throws UsageError `benchmark-probe` where none of them was answered; as the answerer does
 */
export async function estimateByAsking(
  { plan: { benchmark }, questions, prompts }: PlannedRun,
  answerer: Answerer,
  signal: AbortSignal,
): Promise<TimeEstimate> {
  const { inFlight, together } = answerer;
  const count = Math.min(questions.length, inFlight * together);
  const ordered = byVideo(questions);
  const chosen = Array.from({ length: count }, (_, i) => {
    const question = ordered[Math.floor((i * ordered.length) / count)] as (typeof ordered)[number];
    return { question, prompt: prompts.get(question.id) as string, maxNewTokens: benchmark.maxNewTokens };
  });
  const batches = Array.from({ length: Math.ceil(count / together) }, (_, i) =>
    chosen.slice(i * together, (i + 1) * together),
  );
  // A checkpoint compiles its programs at the first batch.
  if (together > 1) await answerer.answer(batches[0] as (typeof batches)[number], signal);
  const begun = performance.now();
  const answers = (await Promise.all(batches.map((batch) => answerer.answer(batch, signal)))).flat();
  const seconds = (performance.now() - begun) / 1000;
  const failures = answers.flatMap(({ failure }) => failure ?? []);
  if (failures.length === count)
    throw new UsageError(
      "benchmark-probe",
      `${benchmark.title}: must answer one of ${count} questions, got ${failures[0]}`,
    );
  return {
    seconds: (seconds / count) * questions.length,
    basis: `as fast as ${count} of the questions, just asked`,
  };
}
