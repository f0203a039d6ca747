/** `video-r2 eval`: a model on benchmarks. */

import { join } from "node:path";
import type { Command } from "commander";
import { formatDuration, Progress, rerunKeepingHeap, UsageError } from "../base/index.ts";
import {
  type Benchmark,
  type BenchmarkQuestion,
  benchmarks,
  type FetchPlan,
  findBenchmark,
  loadPromptProfile,
  type PromptProfile,
} from "../benchmarks/index.ts";
import { synthesize } from "../data/index.ts";
import {
  type Answerer,
  type BenchmarkRun,
  chatAnswerer,
  checkpointAnswerer,
  estimateByAsking,
  estimateFromRuns,
  locateData,
  type PlannedRun,
  parseShard,
  planBenchmark,
  runBenchmark,
  runsText,
  type TimeEstimate,
} from "../evaluation/index.ts";
import { type Embedder, type Judge, openEmbedder, openJudge } from "../judges/index.ts";
import {
  type ChatModel,
  type FrameSampling,
  locateModel,
  type ModelPlace,
  openModel,
} from "../models/index.ts";
import { commandAgain } from "./command-again.ts";
import { fetchMissing, planRecord, planText } from "./fetch-data.ts";
import { integerFlag, numberFlag } from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { packageCommit, packageVersion } from "./package-version.ts";
import { paletteFor, printable } from "./terminal.ts";

interface EvalFlags {
  model: string;
  data?: string;
  download?: true;
  videos?: string;
  prompts?: string;
  judge: string;
  judgePrompts?: string;
  embedder: string;
  limit?: number;
  shard?: string;
  out?: string;
  concurrency: number;
  retries: number;
  timeout: number;
  batchSize: number;
  temperature: number;
  topP: number;
  topK: number;
  seed: number;
  fps?: number;
  maxFrames?: number;
  timestamps?: boolean;
  list?: true;
  dryRun?: true;
  probe?: true;
  json?: true;
}

/** The reference's frames, for models that do not say how they want theirs. */
const referenceSampling: Partial<FrameSampling> = {
  fps: 2,
  minFrames: 4,
  maxFrames: 128,
  minPixels: 100_352,
  maxPixels: 151_200,
  timestamps: false,
};

/** Videos of the synthetic world that is made where none is named. */
const SYNTHETIC_VIDEOS = 60;

const help = `
Answers are kept as they come: the same command goes on after a stop or a kill, and asks again what had failed. Each
benchmark gets a folder with its answers in lmms-eval's format, results.json (our scoring and the released code's side
by side), run.json (all that the run depends on) and scored/, what video-r2 score makes of the answers.

Data is read from --data DIR (the data set's own layout, or a folder of such folders), else from HF_HOME as lmms-eval
leaves it. With --download what is missing is fetched from the Hugging Face hub first, as by video-r2 data fetch.
synthetic is generated where no --data is given.

Examples:
  $ video-r2 eval synthetic
  $ video-r2 eval mvbench videomme --data /data/benchmarks --model http://localhost:8000/v1#Qwen2.5-VL-7B-Instruct
  $ video-r2 eval mlvu --data /data/mlvu --model http://gpu1:8000/v1 --shard 1/4 --out runs/mlvu
  $ video-r2 eval mvbench --download --model http://localhost:8000/v1#Qwen2.5-VL-7B-Instruct
  $ video-r2 eval --list
  $ video-r2 eval videomathqa --data /data/videomathqa --dry-run
  $ video-r2 eval mlvu --data /data/mlvu --model http://gpu1:8000/v1 --dry-run --probe`;

/** Adds the command. */
export function registerEval(program: Command): void {
  program
    .command("eval")
    .description("run a model on benchmarks: accuracy by two scorings, TAC, TAR; resumes after a stop")
    .argument("[benchmark...]", `any of ${benchmarks.map(({ name }) => name).join(", ")}`)
    .option(
      "--model <model>",
      "builtin, a checkpoint folder, hf:org/name or http://host:port/v1#name",
      "builtin",
    )
    .option("--data <dir>", "folder of the questions and videos")
    .option("--download", "fetch what is missing of them from the Hugging Face hub")
    .option("--videos <dir>", "folder of the videos, where it is another")
    .option("--prompts <file>", "put questions in the words of this file instead of our own")
    .option("--judge <judge>", "what decides about consistency: rules, or http://host:port/v1#model", "rules")
    .option("--judge-prompts <file>", "what the judge is asked, instead of our own prompts")
    .option("--embedder <embedder>", "what compares claims, as for score", "lexical")
    .option("--limit <n>", "at most so many questions of each task", integerFlag("--limit", 1))
    .option("--shard <i/n>", "only part i of n; all questions about a video are in one part")
    .option("--out <dir>", "folder of the run (default: runs/eval/MODEL)")
    .option("--concurrency <n>", "requests to a server in flight", integerFlag("--concurrency", 1), 16)
    .option(
      "--retries <n>",
      "times a request is sent again after a cut connection, a timeout, 429 or 5xx",
      integerFlag("--retries", 0),
      4,
    )
    .option(
      "--timeout <seconds>",
      "until a request that is not answered in full counts as failed",
      numberFlag("--timeout", 0, Number.POSITIVE_INFINITY, true),
      600,
    )
    .option("--batch-size <n>", "questions at once in this process", integerFlag("--batch-size", 1), 16)
    .option("--temperature <x>", "0 gives the likeliest words", numberFlag("--temperature", 0, 2), 0)
    .option(
      "--top-p <p>",
      "sample from the likeliest tokens of this probability",
      numberFlag("--top-p", 0, 1, true),
      1,
    )
    .option("--top-k <k>", "sample from so many likeliest tokens", integerFlag("--top-k", 0), 0)
    .option("--seed <n>", "seed of the sampling, and of intervals", integerFlag("--seed", 0), 0)
    .option("--fps <x>", "frames per second", numberFlag("--fps", 0, Number.POSITIVE_INFINITY, true))
    .option("--max-frames <n>", "at most so many frames", integerFlag("--max-frames", 2))
    .option("--timestamps", "draw the time on the frames (default: as the model was trained)")
    .option("--no-timestamps", "do not draw it")
    .option("--list", "say which benchmarks there are, and end")
    .option(
      "--dry-run",
      "check data, videos and prompts, say what would be asked and how long it takes, and end",
    )
    .option("--probe", "with --dry-run: ask a few questions to tell how long it takes")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", help)
    .action(async (names: string[], flags: EvalFlags) => {
      if (flags.list) return list(flags.json === true);
      if (names.length === 0)
        throw new UsageError(
          "usage",
          "benchmark: must be named, got none",
          "video-r2 eval --list says which there are.",
        );
      // Only a model in this process frees and wants much memory.
      const place = await locateModel(flags.model);
      const code = flags.dryRun || place.kind === "server" ? null : await rerunKeepingHeap();
      process.exitCode =
        code ?? (await interruptible((signal) => run(names.map(findBenchmark), place, flags, signal)));
    });
}

function list(json: boolean): void {
  const known = benchmarks.map(({ name, title, group, source, maxNewTokens, subsets }) => {
    return { name, title, group, ...source, subsets: subsets.length, maxNewTokens };
  });
  if (json) {
    process.stdout.write(`${JSON.stringify(known, null, 2)}\n`);
    return;
  }
  const width = Math.max(...known.map(({ name }) => name.length));
  for (const { name, title, group, hub, questions } of known)
    process.stdout.write(
      `${name.padEnd(width)}  ${title}, ${group}${questions === null ? "" : `, ${questions} questions`}${hub === null ? "" : `, ${hub}`}\n`,
    );
}

async function run(
  chosen: readonly Benchmark[],
  place: ModelPlace,
  flags: EvalFlags,
  signal: AbortSignal,
): Promise<number> {
  const out = flags.out ?? join("runs/eval", nameOf(place).replace(/[^\w.-]+/g, "__"));
  const profile = flags.prompts === undefined ? undefined : await loadPromptProfile(flags.prompts);
  const note = (text: string): void => {
    if (!flags.json) process.stderr.write(`${printable(text)}\n`);
  };
  const fetched = flags.download
    ? await fetchMissing(chosen, flags, { signal, silent: flags.json === true })
    : { folders: new Map<string, string>(), plans: [] };
  // What a dry run would fetch is not here to be looked at.
  const here = chosen.filter((benchmark) => !fetched.plans.some((one) => one.benchmark === benchmark));
  // All data is looked at before anything is asked.
  const planned: PlannedRun[] = [];
  for (const benchmark of here) {
    const folder = fetched.folders.get(benchmark.name);
    planned.push(await plan(benchmark, folder, out, profile, flags, signal, note));
  }
  for (const { plan: of, missing, questions } of planned) {
    if (missing.length === 0) continue;
    const lost = missing.reduce((sum, { questions: count }) => sum + count, 0);
    note(
      `${paletteFor(process.stderr).yellow("note")}: ${of.benchmark.title}: ${missing.length} videos of ${lost} of the ${questions.length} questions are not there, such as ${missing[0]?.path}`,
    );
  }
  if (flags.dryRun) {
    const times = await estimateAll(planned, place, out, flags, signal);
    return dryRun(planned, times, fetched.plans, flags);
  }
  const runs = await runAll(planned, place, out, flags, signal, note);
  if (flags.json)
    process.stdout.write(
      `${JSON.stringify(
        runs.map(({ record, result, scores }) => ({ record, result, scores })),
        null,
        2,
      )}\n`,
    );
  else
    process.stdout.write(
      `${runsText(
        planned.map(({ plan: of }) => of.benchmark.title),
        runs,
      )}\n${out}\n`,
    );
  return runs.some(({ record }) => record.failed > 0) ? 1 : 0;
}

/** A part of a benchmark has a folder of its own. */
function folderOf({ plan: { benchmark, shard } }: PlannedRun): string {
  return shard === undefined ? benchmark.name : `${benchmark.name}.${shard.index}-of-${shard.count}`;
}

function nameOf(place: ModelPlace): string {
  return place.kind === "server" ? (place.model ?? new URL(place.url).host) : place.name;
}

async function plan(
  benchmark: Benchmark,
  fetchedTo: string | undefined,
  out: string,
  profile: PromptProfile | undefined,
  flags: EvalFlags,
  signal: AbortSignal,
  note: (text: string) => void,
): Promise<PlannedRun> {
  const own = benchmark.name === "synthetic" && flags.data === undefined;
  const data = own ? join(out, "synthetic-world") : (fetchedTo ?? (await locateData(benchmark, flags.data)));
  if (own) {
    note(`generating ${SYNTHETIC_VIDEOS} held-out videos in ${data}`);
    const world = { seed: flags.seed, split: "heldout" as const, questionsPerVideo: 8 };
    for await (const _ of synthesize({ ...world, out: data, count: SYNTHETIC_VIDEOS, signal }));
    signal.throwIfAborted();
  }
  return planBenchmark({
    benchmark,
    data,
    videos: flags.videos,
    limit: flags.limit,
    shard: flags.shard === undefined ? undefined : parseShard(flags.shard),
    // Nobody else has words for our own world.
    profile: benchmark.group === "synthetic" ? undefined : profile,
  });
}

/** How long each would take; null where there is nothing to go by. */
async function estimateAll(
  planned: readonly PlannedRun[],
  place: ModelPlace,
  out: string,
  flags: EvalFlags,
  signal: AbortSignal,
): Promise<(TimeEstimate | null)[]> {
  if (!flags.probe) return Promise.all(planned.map((one) => estimateFromRuns(out, nameOf(place), one)));
  const model = await openServer(place, flags, signal);
  const times: TimeEstimate[] = [];
  try {
    for (const one of planned) {
      const answerer = await openAnswerer(one, place, model, flags);
      try {
        times.push(await estimateByAsking(one, answerer, signal));
      } finally {
        await answerer.close();
      }
    }
  } finally {
    await model?.close();
  }
  return times;
}

function dryRun(
  planned: readonly PlannedRun[],
  times: readonly (TimeEstimate | null)[],
  toFetch: readonly FetchPlan[],
  flags: EvalFlags,
): number {
  const found = planned.map(({ plan: of, questions, prompts, missing }, i) => ({
    benchmark: of.benchmark.name,
    time: times[i] ?? null,
    data: of.data,
    questions: questions.length,
    videos: new Set(questions.flatMap(({ videos }) => videos)).size,
    missing,
    example: prompts.get((questions[0] as BenchmarkQuestion).id),
  }));
  const fetches = toFetch.map((one) => ({ benchmark: one.benchmark.name, fetch: planRecord(one) }));
  if (flags.json) process.stdout.write(`${JSON.stringify([...found, ...fetches], null, 2)}\n`);
  else {
    for (const one of toFetch) process.stdout.write(`to be fetched: ${printable(planText(one))}\n`);
    for (const { benchmark, data, questions, videos, missing, example, time } of found) {
      const gone = missing.length === 0 ? "" : `, ${missing.length} of them missing`;
      process.stdout.write(
        `${benchmark}: ${questions} requests about ${videos} videos${gone}, from ${data}\n    ${timeText(time)}\n${printable(
          example ?? "",
        )
          .split("\n")
          .map((line) => `    ${line}`)
          .join("\n")}\n`,
      );
    }
  }
  return found.some(({ missing }) => missing.length > 0) ? 1 : 0;
}

function timeText(time: TimeEstimate | null): string {
  return time === null
    ? "no run of this model to tell the time from; --probe asks a few questions for it"
    : `about ${formatDuration(time.seconds)}, ${time.basis}`;
}

/** What all benchmarks of a run share. */
interface Shared {
  /** Of a server; a checkpoint is loaded for each benchmark. */
  model: ChatModel | null;
  judge: Judge;
  embedder: Embedder;
}

async function runAll(
  planned: readonly PlannedRun[],
  place: ModelPlace,
  out: string,
  flags: EvalFlags,
  signal: AbortSignal,
  note: (text: string) => void,
): Promise<BenchmarkRun[]> {
  const judge = await openJudge(flags.judge, {
    cacheDir: join(out, "judge-cache"),
    prompts: flags.judgePrompts,
    warn: note,
    signal,
  });
  const embedder = await openEmbedder(flags.embedder, { signal });
  const model = await openServer(place, flags, signal);
  const runs: BenchmarkRun[] = [];
  try {
    for (const [i, one] of planned.entries()) {
      const shared = { model, judge, embedder };
      runs.push(await runOne(one, place, join(out, folderOf(one)), shared, flags, signal));
      note(`${one.plan.benchmark.title}: ${i + 1} of ${planned.length} benchmarks done`);
    }
  } catch (error) {
    if (signal.aborted) note(`\nanswers so far are in ${out}; go on with: ${commandAgain()}`);
    throw error;
  } finally {
    await Promise.all([model?.close(), judge.close(), embedder.close()]);
  }
  return runs;
}

/** The server that is asked; null where a checkpoint is, which is loaded for each benchmark. */
async function openServer(
  place: ModelPlace,
  { model: spec, concurrency, retries, timeout }: EvalFlags,
  signal: AbortSignal,
): Promise<ChatModel | null> {
  if (place.kind !== "server") return null;
  const model = await openModel(spec, { concurrency, retries, timeoutSeconds: timeout, signal });
  signal.addEventListener("abort", () => void model.close(), { once: true });
  return model;
}

async function runOne(
  planned: PlannedRun,
  place: ModelPlace,
  out: string,
  { model, judge, embedder }: Shared,
  flags: EvalFlags,
  signal: AbortSignal,
): Promise<BenchmarkRun> {
  const { benchmark } = planned.plan;
  const { temperature, topP, topK, seed } = flags;
  const answerer = await openAnswerer(planned, place, model, flags);
  const total = planned.questions.length;
  let progress: Progress | undefined;
  try {
    return await runBenchmark(planned, {
      out,
      answerer,
      settings: { temperature, topP, topK, seed },
      judge,
      embedder,
      version: packageVersion(),
      commit: await packageCommit(),
      signal,
      onProgress: (done, _, failed) => {
        progress ??= new Progress({ label: benchmark.title, total, done, silent: flags.json === true });
        progress.update(done, failed > 0 ? `${failed} failed` : "");
      },
    });
  } finally {
    progress?.finish();
    await answerer.close();
  }
}

async function openAnswerer(
  { questions }: PlannedRun,
  place: ModelPlace,
  model: ChatModel | null,
  flags: EvalFlags,
): Promise<Answerer> {
  const { temperature, topP, topK, seed, fps, maxFrames, timestamps } = flags;
  const given = {
    ...(fps === undefined ? {} : { fps }),
    ...(maxFrames === undefined ? {} : { maxFrames }),
    ...(timestamps === undefined ? {} : { timestamps }),
  };
  const shared = { temperature, topP, topK, seed, questions };
  if (place.kind === "folder" || model === null) {
    const { dir, name } = place as Extract<ModelPlace, { kind: "folder" }>;
    return checkpointAnswerer({ ...shared, dir, name, batchSize: flags.batchSize, sampling: given });
  }
  const { syntheticOnly } = await model.info();
  const sampling = { ...(syntheticOnly ? {} : referenceSampling), ...given };
  return chatAnswerer(model, { ...shared, concurrency: flags.concurrency, sampling });
}
