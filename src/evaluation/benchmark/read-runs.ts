/** Runs of benchmarks on disk, parts put together. */

import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { readJsonl, UsageError } from "../../base/index.ts";
import { benchmarks, findBenchmark, type ScoredQuestion } from "../../benchmarks/index.ts";
import { recordPaths } from "../earlier-records.ts";
import { ComparableRun } from "../score-against.ts";
import type { SampleRecord } from "../score-record.ts";
import { type ScoreSummary, SummaryBuilder } from "../score-summary.ts";
import { countDiffering, type EvaluatedRun } from "./evaluated-run.ts";
import { holdsLmmsLogs, type ReadLmmsOptions, readLmmsRuns } from "./read-lmms-runs.ts";
import type { RunRecord } from "./run-benchmark.ts";

/** Folders below one that are looked into. */
const DEPTH = 4;

/**
 * Finds the runs in folders, ours and lmms-eval's, in the order of the folders.
 *
 * @throws UsageError `report-runs` where there are none; for runs of lmms-eval as `readLmmsRuns`
 */
export async function readRuns(dirs: readonly string[], options: ReadLmmsOptions): Promise<EvaluatedRun[]> {
  const folders: RunFolder[] = [];
  for (const dir of dirs) folders.push(...(await runFolders(dir, DEPTH)));
  if (folders.length === 0)
    throw new UsageError(
      "report-runs",
      `runs: must be folders written by video-r2 eval or by lmms-eval, got none in ${dirs.join(", ")}`,
      "A run has run.json once all of its questions are answered; go on with the command that began it.",
    );
  const runs = await ownRuns(folders.filter(({ own }) => own).map(({ folder }) => folder));
  for (const { folder, own } of folders) if (!own) runs.push(...(await readLmmsRuns(folder, options)));
  const named = labelled(runs);
  const place = (run: EvaluatedRun): number => folders.findIndex(({ folder }) => folder === run.folder);
  // Models as they come, each with its benchmarks in the order of the tables.
  const first = new Map<string, number>();
  for (const run of named)
    first.set(run.label, Math.min(place(run), first.get(run.label) ?? Number.POSITIVE_INFINITY));
  const order = ({ label, benchmark }: EvaluatedRun): number =>
    (first.get(label) as number) * benchmarks.length + benchmarks.indexOf(benchmark);
  return named.sort((a, b) => order(a) - order(b));
}

async function ownRuns(folders: readonly string[]): Promise<EvaluatedRun[]> {
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
  return Promise.all([...groups.values()].map(readGroup));
}

interface RunFolder {
  folder: string;
  /** Whether `video-r2 eval` wrote it. */
  own: boolean;
}

async function runFolders(dir: string, depth: number): Promise<RunFolder[]> {
  if ((await stat(join(dir, "run.json")).catch(() => null))?.isFile()) return [{ folder: dir, own: true }];
  // A run of ours that is not done has its answers in outputs.jsonl only.
  if ((await stat(dir).catch(() => null))?.isDirectory() && (await holdsLmmsLogs(dir)))
    return [{ folder: dir, own: false }];
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
  const comparable = new ComparableRun();
  let scores: ScoreSummary | undefined;
  for (const { folder } of parts) {
    for (const name of (await readdir(folder)).filter((file) => file.includes("_samples_")).sort())
      for await (const row of readJsonl<LoggedRow>(join(folder, name))) scored.push(questionOf(row));
    for await (const sample of readJsonl<SampleRecord>(recordPaths(join(folder, "scored")).samples)) {
      builder.add(sample);
      comparable.add(sample);
    }
    scores = JSON.parse(await readFile(join(folder, "scored/summary.json"), "utf8")) as ScoreSummary;
  }
  const { settings, usage, seconds } = scores as ScoreSummary;
  const count = record.data.shard?.count ?? 1;
  const there = new Set(parts.map((part) => part.record.data.shard?.index ?? 1));
  const missing = Array.from({ length: count }, (_, i) => i + 1).filter((index) => !there.has(index));
  const sum = (name: "questions" | "frames" | "promptTokens" | "completionTokens" | "failed" | "seconds") =>
    parts.reduce((total, part) => total + part.record[name], 0);
  const label = record.model.name;
  return {
    label,
    benchmark,
    result: benchmark.aggregate(scored),
    scores: builder.summary(settings, { usage, seconds }, { seed: record.settings.seed }),
    comparable,
    differ: countDiffering(scored),
    cost: {
      questions: sum("questions"),
      failed: sum("failed"),
      frames: sum("frames"),
      promptTokens: sum("promptTokens") || null,
      completionTokens: sum("completionTokens") || null,
      seconds: sum("seconds"),
    },
    folder: (parts[0] as (typeof parts)[number]).folder,
    incomplete: missing.length > 0,
    notes:
      missing.length === 0
        ? []
        : [
            `Of ${label} on ${benchmark.title} the parts ${missing.map((index) => `${index}/${count}`).join(", ")} are missing.`,
          ],
  };
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
    twice.has(run.label) ? { ...run, label: `${run.label} (${join(run.folder, "..")})` } : run,
  );
}
