/**
 * Runs a benchmark: every answer is on disk before it counts, so a run that was stopped or killed at any moment goes
 * on where it was, and ends with the same logs.
 */

import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  hashJson,
  mapPool,
  sha256,
  UsageError,
  writeFileAtomic,
  writeLinesAtomic,
} from "../../base/index.ts";
import {
  type Benchmark,
  type BenchmarkQuestion,
  type BenchmarkResult,
  missingFiles,
  type PromptProfile,
} from "../../benchmarks/index.ts";
import type { Embedder, Judge } from "../../judges/index.ts";
import { scoreFiles } from "../score-files.ts";
import type { ScoreSummary } from "../score-summary.ts";
import type { Answerer, AnswererInfo } from "./answerer.ts";
import { scoreJudged } from "./judged-output.ts";
import { type GenerationArguments, lmmsLogs, type ScoredAnswer } from "./lmms-log.ts";
import { type OutputLine, OutputLog } from "./output-log.ts";
import { byVideo, type Shard, shardOf } from "./shard.ts";

/** What of a benchmark is run. */
export interface BenchmarkPlan {
  benchmark: Benchmark;
  /** Folder of the questions. */
  data: string;
  /** Folder of the videos, where it is another. */
  videos?: string | undefined;
  /** At most this many questions of each subset. */
  limit?: number | undefined;
  shard?: Shard | undefined;
  /** Whose words the questions are put in; default our own. */
  profile?: PromptProfile | undefined;
}

/** Outputs being judged at once; the judge bounds its own requests. */
const JUDGED_AT_ONCE = 64;

/** How far answers may get ahead of a slow one; with 1, one that takes ten times as long idles all places but its own. */
const AHEAD = 16;

/** What is going to be asked. */
export interface PlannedRun {
  plan: BenchmarkPlan;
  /** In the order of the split. */
  questions: BenchmarkQuestion[];
  prompts: Map<string, string>;
  /** Videos that are not there, with the questions that want them. */
  missing: { path: string; questions: number }[];
}

/** How answers are generated. */
export interface EvaluationSettings {
  temperature: number;
  topP: number;
  topK: number;
  seed: number;
}

/** How a run is carried out. */
export interface RunBenchmarkOptions {
  /** Gets the logs, `results.json`, `run.json`, and `scored/`, what `video-r2 score` makes of the logs. */
  out: string;
  answerer: Answerer;
  settings: EvaluationSettings;
  judge: Judge;
  embedder: Embedder;
  /** The package's version, and its commit where that is known, for the record. */
  version: string;
  commit: string | null;
  signal: AbortSignal;
  onProgress?: (done: number, total: number, failed: number) => void;
}

/** What a run is a run of: enough to repeat it. */
export interface RunRecord {
  benchmark: string;
  version: string;
  commit: string | null;
  node: string;
  model: AnswererInfo;
  settings: EvaluationSettings & { maxNewTokens: number; together: number };
  /** Whose words, and the SHA-256 of all prompts. */
  prompts: { profile: string; sha256: string };
  data: { folder: string; limit: number | null; shard: Shard | null; sha256: string };
  questions: number;
  /** When it was begun, as in the names of its logs. */
  stamp: string;
  /** Seconds of work, over all sittings, and tokens, as far as they are known. */
  seconds: number;
  promptTokens: number;
  completionTokens: number;
  frames: number;
  /** Questions whose video or request failed. */
  failed: number;
}

/** What came of a run. */
export interface BenchmarkRun {
  record: RunRecord;
  result: BenchmarkResult;
  /** TAC, TAR, VAS and the rest, of the same outputs. */
  scores: ScoreSummary;
}

/**
 * Reads a benchmark's questions and puts them into words; nothing is asked yet.
 *
 * @throws UsageError `benchmark-folder`, `benchmark-row`, `prompt-profile-invalid`; `benchmark-empty` where nothing is left to ask
 */
export async function planBenchmark(plan: BenchmarkPlan): Promise<PlannedRun> {
  const { benchmark, data, videos, limit, shard, profile } = plan;
  const all: BenchmarkQuestion[] = [];
  for await (const question of benchmark.read(data, { limit, videos })) all.push(question);
  const questions = shard === undefined ? all : shardOf(all, shard);
  if (questions.length === 0)
    throw new UsageError(
      "benchmark-empty",
      `${benchmark.name}: must have questions to ask, got ${all.length} in ${data}${shard ? ` and none in part ${shard.index} of ${shard.count}` : ""}`,
    );
  const prompts = new Map(questions.map((question) => [question.id, benchmark.prompt(question, profile)]));
  const wanted = new Map<string, number>();
  const looked = new Map<string, boolean>();
  for (const { videos: paths } of questions)
    for (const path of paths) {
      const missing = looked.get(path) ?? (await missingFiles({ videos: [path] })).length > 0;
      looked.set(path, missing);
      if (missing) wanted.set(path, (wanted.get(path) ?? 0) + 1);
    }
  return {
    plan,
    questions,
    prompts,
    missing: [...wanted].map(([path, count]) => ({ path, questions: count })),
  };
}

/**
 * Asks what has no answer yet, scores everything and writes the logs.
 *
 * @throws UsageError for what is wrong with all requests; the signal's reason. What was answered stays in `out`.
 */
export async function runBenchmark(
  { plan, questions, prompts }: PlannedRun,
  options: RunBenchmarkOptions,
): Promise<BenchmarkRun> {
  const { benchmark, profile } = plan;
  const { out, answerer, settings, signal, onProgress = () => {} } = options;
  await mkdir(out, { recursive: true });
  const begun = performance.now();
  const shared = {
    model: { ...answerer.info, device: undefined },
    settings,
    together: answerer.together,
    maxNewTokens: benchmark.maxNewTokens,
  };
  const common = hashJson(shared);
  const batches: BenchmarkQuestion[][] = [];
  const ordered = byVideo(questions);
  for (let at = 0; at < ordered.length; at += answerer.together)
    batches.push(ordered.slice(at, at + answerer.together));
  // In a batch each answer depends on all of its questions.
  const keys = new Map<string, string>();
  for (const batch of batches) {
    const words = batch.map(({ id, doc, videos }) => [id, prompts.get(id), doc, videos]);
    const key = sha256(`${common}\n${JSON.stringify(words)}`).slice(0, 24);
    for (const { id } of batch) keys.set(id, key);
  }
  const log = await OutputLog.open(join(out, "outputs.jsonl"));
  const stampOf = await openStamp(out);
  let done = 0;
  let failures = 0;
  const count = (lines: readonly OutputLine[]): void => {
    done += lines.length;
    failures += lines.filter(({ text }) => text === null).length;
    onProgress(done, questions.length, failures);
  };
  try {
    const known = (batch: readonly BenchmarkQuestion[]): OutputLine[] =>
      batch.flatMap(({ id }) => log.get(id, keys.get(id) as string) ?? []);
    // What failed is tried again: the video may be there now, and the server in better health.
    const settled = (lines: readonly OutputLine[], batch: readonly BenchmarkQuestion[]): boolean =>
      lines.length === batch.length && lines.every(({ text }) => text !== null);
    const open = batches.filter((batch) => {
      const lines = known(batch);
      if (!settled(lines, batch)) return true;
      count(lines);
      return false;
    });
    const work = async (batch: BenchmarkQuestion[]): Promise<OutputLine[]> => {
      signal.throwIfAborted();
      const asked = batch.map((question) => ({
        question,
        prompt: prompts.get(question.id) as string,
        maxNewTokens: benchmark.maxNewTokens,
      }));
      const answers = await answerer.answer(asked, signal);
      const lines = batch.map(({ id }, i) => ({
        id,
        key: keys.get(id) as string,
        ...(answers[i] as (typeof answers)[number]),
      }));
      await log.append(lines);
      return lines;
    };
    for await (const lines of mapPool(open, answerer.inFlight, work, AHEAD)) count(lines);
    const seconds = stampOf.seconds + (performance.now() - begun) / 1000;
    const score = async (question: BenchmarkQuestion): Promise<ScoredAnswer> => {
      const {
        id: _,
        key: __,
        ...answered
      } = log.get(question.id, keys.get(question.id) as string) as OutputLine;
      const { text, finishReason, failure } = answered;
      return {
        question,
        prompt: prompts.get(question.id) as string,
        answered,
        score: await scoreJudged(benchmark, question, { text, finishReason, failure }, options.judge),
      };
    };
    const answers: ScoredAnswer[] = [];
    for await (const answer of mapPool(questions, JUDGED_AT_ONCE, score, AHEAD)) answers.push(answer);
    signal.throwIfAborted();
    const sum = (pick: (answer: ScoredAnswer) => number | null): number =>
      answers.reduce((total, answer) => total + (pick(answer) ?? 0), 0);
    const record: RunRecord = {
      benchmark: benchmark.name,
      version: options.version,
      commit: options.commit,
      node: process.version,
      model: answerer.info,
      settings: { ...settings, maxNewTokens: benchmark.maxNewTokens, together: answerer.together },
      prompts: {
        profile: profile?.name ?? "own",
        sha256: sha256(questions.map(({ id }) => `${id}\n${prompts.get(id)}`).join("\n")),
      },
      data: {
        folder: plan.data,
        limit: plan.limit ?? null,
        shard: plan.shard ?? null,
        sha256: hashJson(questions.map(({ id, doc }) => [id, doc])),
      },
      questions: questions.length,
      stamp: stampOf.stamp,
      seconds: Math.round(seconds * 10) / 10,
      promptTokens: sum(({ answered }) => answered.promptTokens),
      completionTokens: sum(({ answered }) => answered.completionTokens),
      frames: sum(({ answered }) => answered.frames),
      failed: failures,
    };
    return await conclude(benchmark, answers, record, options);
  } catch (error) {
    await stampOf.save((performance.now() - begun) / 1000);
    throw error;
  } finally {
    await log.close();
  }
}

/** Scores, and writes what a run leaves. */
async function conclude(
  benchmark: Benchmark,
  answers: readonly ScoredAnswer[],
  record: RunRecord,
  { out, judge, embedder, signal }: RunBenchmarkOptions,
): Promise<BenchmarkRun> {
  const { settings } = record;
  const generation: GenerationArguments = {
    max_new_tokens: settings.maxNewTokens,
    temperature: settings.temperature,
    do_sample: settings.temperature > 0,
    until: [],
  };
  const result = benchmark.aggregate(answers.map(({ question, score }) => ({ question, score })));
  const files: string[] = [];
  for (const [name, lines] of lmmsLogs(benchmark, answers, generation, record.stamp)) {
    const path = join(out, name);
    await writeLinesAtomic(path, lines);
    files.push(path);
  }
  const { summary: scores } = await scoreFiles({
    files,
    judge,
    embedder,
    compat: "paper",
    threshold: embedder.threshold,
    deltaSeconds: 2,
    outDir: join(out, "scored"),
    signal,
  });
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  await writeFileAtomic(join(out, "results.json"), json({ result, scores }));
  await writeFileAtomic(join(out, "run.json"), json(record));
  return { record, result, scores };
}

/** When a run was begun, and the seconds that earlier sittings took. */
async function openStamp(
  out: string,
): Promise<{ stamp: string; seconds: number; save: (more: number) => Promise<void> }> {
  const path = join(out, "begun.json");
  const text = await readFile(path, "utf8").catch(() => null);
  const now = new Date().toISOString().replace(/[-:]/g, "").replace("T", "_").slice(0, 15);
  const { stamp, seconds } =
    text === null ? { stamp: now, seconds: 0 } : (JSON.parse(text) as { stamp: string; seconds: number });
  const save = (more: number): Promise<void> =>
    writeFileAtomic(path, `${JSON.stringify({ stamp, seconds: seconds + more })}\n`);
  if (text === null) await save(0);
  return { stamp, seconds, save };
}
