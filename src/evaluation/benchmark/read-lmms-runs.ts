/**
 * Runs that lmms-eval made: a folder of `STAMP_samples_TASK.jsonl` with `STAMP_results.json` beside them. Outputs are
 * scored anew, both ways; what lmms-eval wrote about itself is compared with that.
 */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { mapPool, UsageError } from "../../base/index.ts";
import {
  type Benchmark,
  type BenchmarkQuestion,
  type BenchmarkResult,
  benchmarks,
  type ScoredQuestion,
} from "../../benchmarks/index.ts";
import { benchmarkOfFile, readJsonValues, readRow, type TraceRow } from "../../data/index.ts";
import { ComparableRun } from "../score-against.ts";
import { type SampleScorer, scoreSample } from "../score-sample.ts";
import { SummaryBuilder } from "../score-summary.ts";
import { countDiffering, type EvaluatedRun } from "./evaluated-run.ts";
import { scoreJudged } from "./judged-output.ts";
import { locateData } from "./locate-data.ts";

/** How runs of lmms-eval are read. */
export interface ReadLmmsOptions {
  scorer: SampleScorer;
  /** Folder of the data sets, for logs that hold no `doc`; see `locateData`. */
  data?: string | undefined;
  /** Seed of the intervals; default 0. */
  seed?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** A log of one task. */
interface TaskLog {
  benchmark: Benchmark;
  subset: string | null;
  /** The task, with * for its subset: what tells `videomme_think` from `videomme_w_subtitle`. */
  variant: string;
  task: string;
  stamp: string;
  name: string;
}

const logName = /^(?:(.*)_)?samples_(.+?)(?:\.head)?\.jsonl(?:\.gz)?$/;
const bare = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");

/** What a file's name says, or null where it is no log of a benchmark that we know. */
function taskLog(name: string): TaskLog | null {
  const [, stamp = "", task] = logName.exec(name) ?? [];
  const found = benchmarks.find((one) => one.name === benchmarkOfFile(name).benchmark);
  if (task === undefined || found === undefined) return null;
  const subset = [...found.subsets]
    .sort((a, b) => b.length - a.length)
    .find((one) => bare(task).includes(bare(one)));
  if (found.subsets.length > 0 && subset === undefined) return null;
  const variant = subset === undefined ? task : task.toLowerCase().replace(subset.toLowerCase(), "*");
  return { benchmark: found, subset: subset ?? null, variant, task, stamp, name };
}

/** Whether a folder holds such logs. */
export async function holdsLmmsLogs(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((name) => taskLog(name) !== null);
}

/**
 * Reads the runs in a folder, one for each benchmark and variant of its task; of several logs of a task the newest.
 *
 * @throws UsageError `report-log` where a log holds no questions and `data` has none; `traces-invalid`, `benchmark-row`
 */
export async function readLmmsRuns(folder: string, options: ReadLmmsOptions): Promise<EvaluatedRun[]> {
  const groups = new Map<string, TaskLog[]>();
  for (const name of (await readdir(folder)).sort()) {
    const log = taskLog(name);
    if (log === null) continue;
    const key = `${log.benchmark.name}\n${log.variant}`;
    groups.set(key, [...(groups.get(key) ?? []), log]);
  }
  const said = await readResults(folder);
  const runs: EvaluatedRun[] = [];
  for (const logs of groups.values()) {
    const newest = new Map(logs.map((log) => [log.task, log]));
    const run = await readGroup(folder, [...newest.values()], said, options);
    if (logs.length > newest.size)
      run.notes.push(
        `Of ${logs.length} logs of ${run.label} on ${run.benchmark.title} the newest of each task count: ${newest.size}.`,
      );
    runs.push(run);
  }
  // One model with and without subtitles, say.
  for (const run of runs) {
    const same = runs.filter(({ benchmark }) => benchmark === run.benchmark);
    const variant = [...groups.values()][runs.indexOf(run)]?.[0]?.variant;
    if (same.length > 1) run.label += `, ${variant}`;
  }
  return runs;
}

async function readGroup(
  folder: string,
  logs: readonly TaskLog[],
  said: LmmsResults,
  options: ReadLmmsOptions,
): Promise<EvaluatedRun> {
  const { benchmark } = logs[0] as TaskLog;
  const label = said.model ?? folder.replace(/^.*[/\\]/, "").replace("__", "/");
  const scored: ScoredQuestion[] = [];
  const builder = new SummaryBuilder();
  const comparable = new ComparableRun();
  const begun = performance.now();
  let left = 0;
  for (const log of logs) {
    const { rows, unknown } = await readLog(folder, log, options);
    left += unknown;
    const score = async ({ question, row }: LoggedOutput) => {
      const output = { text: row.output, finishReason: row.finishReason };
      return {
        question,
        score: await scoreJudged(benchmark, question, output, options.scorer.judge),
        record: { ...(await scoreSample(row, options.scorer)), key: "" },
      };
    };
    for await (const { question, score: given, record } of mapPool(rows, 64, score)) {
      options.signal?.throwIfAborted();
      scored.push({ question, score: given });
      builder.add(record);
      comparable.add(record);
    }
  }
  const { judge, embedder, threshold, deltaSeconds, compat } = options.scorer;
  const result = benchmark.aggregate(scored);
  const notes = [
    `${label} on ${benchmark.title} was run by lmms-eval, and is scored anew here.`,
    ...differences(label, benchmark, logs, result, said),
  ];
  if (left > 0)
    notes.push(`${left} outputs of ${label} on ${benchmark.title} are about no question that is known.`);
  return {
    label,
    benchmark,
    result,
    scores: builder.summary(
      { judge: judge.name, embedder: embedder.name, threshold, deltaSeconds, compat },
      { usage: judge.usage(), seconds: (performance.now() - begun) / 1000 },
      { seed: options.seed ?? 0 },
    ),
    comparable,
    differ: countDiffering(scored),
    cost: {
      questions: scored.length,
      ...{ failed: null, frames: null, promptTokens: null, completionTokens: null },
      seconds: null,
    },
    folder,
    incomplete: false,
    notes,
  };
}

interface LoggedOutput {
  question: BenchmarkQuestion;
  row: TraceRow;
}

/** The outputs of a log in the order of the split; where a question comes twice, the last. */
async function readLog(
  folder: string,
  { benchmark, subset, name }: TaskLog,
  { data }: ReadLmmsOptions,
): Promise<{ rows: LoggedOutput[]; unknown: number }> {
  const file = join(folder, name);
  const byId = new Map<number, LoggedOutput>();
  let questions: Map<number, BenchmarkQuestion> | undefined;
  let unknown = 0;
  for await (const { line, value } of readJsonValues(file)) {
    const fields = value as Record<string, unknown>;
    const docId = Number(fields?.doc_id);
    if (!Number.isInteger(docId))
      throw badLog(`${file}:${line}`, "doc_id: must be a whole number", fields?.doc_id);
    let question: BenchmarkQuestion | null;
    if (typeof fields.doc === "object" && fields.doc !== null) {
      question = benchmark.fromLog(
        fields.doc as Record<string, unknown>,
        { subset, docId },
        `${file}:${line}`,
      );
    } else {
      questions ??= await questionsOf(benchmark, subset, data, file);
      question = questions.get(docId) ?? null;
      if (question !== null && fields.target !== undefined && !sameTarget(fields.target, question))
        throw badLog(
          `${file}:${line}`,
          `target: must be that of question ${docId} of ${benchmark.title} in ${data}, ${JSON.stringify(question.target)}`,
          fields.target,
        );
    }
    if (question === null) {
      unknown++;
      continue;
    }
    const [row] = readRow({ ...fields, doc: question.doc }, { file, line });
    byId.set(docId, { question, row: row as TraceRow });
  }
  return { rows: [...byId].sort(([a], [b]) => a - b).map(([, output]) => output), unknown };
}

function sameTarget(target: unknown, question: BenchmarkQuestion): boolean {
  return String(target).trim() === question.target.trim();
}

function badLog(place: string, rule: string, value: unknown): UsageError {
  return new UsageError(
    "report-log",
    `${place}: ${rule}, got ${JSON.stringify(value)}`,
    "Is this the same edition of the data set, in the same order? lmms-eval's doc_id is the position in the split.",
  );
}

/** The questions that a log without `doc` is about. */
async function questionsOf(
  benchmark: Benchmark,
  subset: string | null,
  data: string | undefined,
  file: string,
): Promise<Map<number, BenchmarkQuestion>> {
  if (data === undefined)
    throw new UsageError(
      "report-log",
      `${file}: must hold each question's row (doc), got none`,
      `Name the folder of ${benchmark.title}'s questions with --data DIR; they are joined by doc_id.`,
    );
  const questions = new Map<number, BenchmarkQuestion>();
  for await (const question of benchmark.read(await locateData(benchmark, data)))
    if (question.subset === subset) questions.set(question.docId, question);
  return questions;
}

/** What lmms-eval wrote of its runs in a folder. */
interface LmmsResults {
  model: string | null;
  /** By task: metric to value, the newest file's. */
  tasks: Map<string, Record<string, unknown>>;
}

async function readResults(folder: string): Promise<LmmsResults> {
  const tasks = new Map<string, Record<string, unknown>>();
  let model: string | null = null;
  const names = (await readdir(folder)).filter((name) => /(?:^|_)results\.json$/.test(name)).sort();
  for (const name of names) {
    let said: { results?: Record<string, Record<string, unknown>>; model_name?: unknown };
    try {
      said = JSON.parse(await readFile(join(folder, name), "utf8"));
    } catch {
      // Written with NaN by Python, or cut short: the samples are what counts.
      continue;
    }
    if (typeof said.model_name === "string") model = said.model_name;
    for (const [task, metrics] of Object.entries(said.results ?? {})) tasks.set(task, metrics);
  }
  return { model, tasks };
}

/** Figures by name: numbers as they are, tables flattened. */
function numbersOf(value: unknown, name = ""): [string, number][] {
  if (typeof value === "number") return [[name, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    numbersOf(item, name === "" ? key : `${name}/${key}`),
  );
}

/** Where lmms-eval's own figures are others than the released scoring gives here. */
function differences(
  label: string,
  benchmark: Benchmark,
  logs: readonly TaskLog[],
  { reference }: BenchmarkResult,
  said: LmmsResults,
): string[] {
  const released = new Map(numbersOf(reference.released));
  const found: string[] = [];
  for (const { task, subset } of logs) {
    for (const [metric, value] of Object.entries(said.tasks.get(task) ?? {})) {
      if (/stderr|^alias$|^samples$/.test(metric)) continue;
      for (const [name, number] of numbersOf(value)) {
        const own = name === "" ? (released.get(subset ?? "") ?? released.get("")) : released.get(name);
        if (own !== undefined && Math.abs(own - number) > 5e-5)
          found.push(`${[task, name].filter(Boolean).join(" ")} ${number} and here ${own.toFixed(5)}`);
      }
    }
  }
  if (found.length === 0) return [];
  const more = found.length > 3 ? `, and ${found.length - 3} more` : "";
  return [
    `lmms-eval's own figures of ${label} on ${benchmark.title} are not what its scoring gives here: ${found.slice(0, 3).join("; ")}${more}. Letters drawn at random and other versions of its code do that.`,
  ];
}
