/** Runs of benchmarks on disk, parts put together. */

import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { readJsonl, UsageError } from "../../base/index.ts";
import {
  type Benchmark,
  type BenchmarkResult,
  findBenchmark,
  type ScoredQuestion,
} from "../../benchmarks/index.ts";
import { recordPaths } from "../earlier-records.ts";
import type { SampleRecord } from "../score-record.ts";
import { type ScoreSummary, SummaryBuilder } from "../score-summary.ts";
import type { RunRecord } from "./run-benchmark.ts";

/** A run of one benchmark with one model, whole or in parts. */
export interface EvaluatedRun {
  /** The model's name; with the folder's where two runs would be called alike. */
  label: string;
  benchmark: Benchmark;
  result: BenchmarkResult;
  scores: ScoreSummary;
  /** Questions that have a score by our scoring and by the released code's, and not the same. */
  differ: number;
  /** One, or one for each part. */
  records: RunRecord[];
  folders: string[];
  /** Parts that are not there, such as `2/4`. */
  missingParts: string[];
}

/** Folders below one that are looked into. */
const DEPTH = 4;

/**
 * Finds the runs in folders.
 *
 * @throws UsageError `report-runs` where there are none, or a run's files do not fit
 */
export async function readRuns(dirs: readonly string[]): Promise<EvaluatedRun[]> {
  const folders: string[] = [];
  for (const dir of dirs) folders.push(...(await runFolders(dir, DEPTH)));
  if (folders.length === 0)
    throw new UsageError(
      "report-runs",
      `runs: must be folders written by video-r2 eval, got none in ${dirs.join(", ")}`,
      "A run has run.json once all of its questions are answered; go on with the command that began it.",
    );
  const groups = new Map<string, { record: RunRecord; folder: string }[]>();
  for (const folder of [...new Set(folders)]) {
    const record = JSON.parse(await readFile(join(folder, "run.json"), "utf8")) as RunRecord;
    const { model, benchmark, settings, prompts, data } = record;
    const { shard } = data;
    // Parts belong together if all but the part is the same; whole runs are each their own.
    const key = JSON.stringify([
      ...[model.name, model.weights, benchmark, settings, prompts.profile, shard?.count ?? folder],
      ...[shard === null ? "" : basename(join(folder, ".."))],
    ]);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push({ record, folder });
  }
  const runs = await Promise.all([...groups.values()].map(readGroup));
  return labelled(runs);
}

async function runFolders(dir: string, depth: number): Promise<string[]> {
  if ((await stat(join(dir, "run.json")).catch(() => null))?.isFile()) return [dir];
  if (depth === 0) return [];
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const found = await Promise.all(below.sort().map((name) => runFolders(join(dir, name), depth - 1)));
  return found.flat();
}

async function readGroup(parts: readonly { record: RunRecord; folder: string }[]): Promise<EvaluatedRun> {
  const [{ record }] = parts as [{ record: RunRecord; folder: string }];
  const benchmark = findBenchmark(record.benchmark);
  const scored: ScoredQuestion[] = [];
  const builder = new SummaryBuilder();
  let scores: ScoreSummary | undefined;
  for (const { folder } of parts) {
    for (const name of (await readdir(folder)).filter((file) => file.includes("_samples_")).sort())
      for await (const row of readJsonl<LoggedRow>(join(folder, name))) scored.push(questionOf(row));
    for await (const sample of readJsonl<SampleRecord>(recordPaths(join(folder, "scored")).samples))
      builder.add(sample);
    scores = JSON.parse(await readFile(join(folder, "scored/summary.json"), "utf8")) as ScoreSummary;
  }
  const { settings, usage, seconds } = scores as ScoreSummary;
  const count = record.data.shard?.count ?? 1;
  const there = new Set(parts.map((part) => part.record.data.shard?.index ?? 1));
  return {
    label: record.model.name,
    benchmark,
    result: benchmark.aggregate(scored),
    scores: builder.summary(settings, { usage, seconds }, { seed: record.settings.seed }),
    differ: scored.filter(({ score: { robust, reference } }) => bothAndDiffer(robust.score, reference.score))
      .length,
    records: parts.map((part) => part.record),
    folders: parts.map(({ folder }) => folder),
    missingParts: Array.from({ length: count }, (_, i) => i + 1)
      .filter((index) => !there.has(index))
      .map((index) => `${index}/${count}`),
  };
}

function bothAndDiffer(a: number | null, b: number | null): boolean {
  return a !== null && b !== null && a !== b;
}

/** What `logRow` keeps of a question. */
interface LoggedRow {
  video_r2: ScoredQuestion["question"] & ScoredQuestion["score"];
}

function questionOf({ video_r2: own }: LoggedRow): ScoredQuestion {
  const { id, subset, categories, together, robust, reference, others } = own;
  return { question: { id, subset, categories, together }, score: { robust, reference, others } };
}

/** Names each model's runs apart where it has two of one benchmark. */
function labelled(runs: readonly EvaluatedRun[]): EvaluatedRun[] {
  const seen = new Map<string, number>();
  for (const { label, benchmark } of runs) {
    const key = `${label}\n${benchmark.name}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  const twice = new Set([...seen].filter(([, count]) => count > 1).map(([key]) => key.split("\n")[0]));
  return runs.map((run) =>
    twice.has(run.label) ? { ...run, label: `${run.label} (${join(run.folders[0] as string, "..")})` } : run,
  );
}
