/**
 * What a runner of benchmarks costs: `video-r2 eval` beside inspect_ai and lmms-eval, each as its own command, on the
 * same questions to the same server, which answers at once, with as many requests in flight. A request holds four frames
 * of one of eight short videos. video-r2 gets the videos; inspect_ai gets their frames as data URLs, lmms-eval as files,
 * which it encodes once, and once more the videos, as its own tasks have them. All score by letter; video-r2 also scores
 * consistency and claims and writes its pages. Peers run with the settings of their documentation that cost least.
 *
 * Run: npm run bench -- eval, with VIDEO_R2_PYTHON naming a Python with inspect_ai and lmms_eval, and
 * VIDEO_R2_BENCH_SAMPLES for another number of questions than 10,000. Memory and processor time are read on Linux only.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { mapPool } from "../src/base/index.ts";
import { findBenchmark } from "../src/benchmarks/index.ts";
import { synthesize } from "../src/data/index.ts";
import { systemPrompt } from "../src/models/index.ts";
import { encodeJpeg, sampleVideo } from "../src/video/index.ts";
import { startCli } from "../test/run-cli.ts";
import type { ServerStats } from "./instant-server.ts";
import { median } from "./peer.ts";

const SAMPLES = Number(process.env.VIDEO_R2_BENCH_SAMPLES ?? 10_000);
const MODEL = "instant";
const IN_FLIGHT = 64;
const FRAMES = 4;
const MAX_TOKENS = 1024;
/** What `video-r2 eval` takes for a model that does not say how it wants its frames. */
const PIXELS = { minPixels: 100_352, maxPixels: 151_200 };
/** Pillow's quality that gives as many bytes as our 90. */
const PILLOW_QUALITY = 80;
const python = process.env.VIDEO_R2_PYTHON ?? "python3";
const here = (name: string): string => new URL(name, import.meta.url).pathname;

/** What a runner did. */
interface Run {
  /** Of the whole command: from its start to its end, logs on disk. */
  seconds: number;
  served: ServerStats;
  /** Of all its processes. */
  cpuSeconds: number;
  /** Resident memory of all its processes, in MiB, each time it was looked at. */
  memory: { requests: number; mebibytes: number }[];
  /** The share of right answers it reports, from 0 to 1. */
  right: number;
  /** Load average of the machine over the last minute, at the end. */
  load: number;
}

/** A runner, and how it is started on a number of questions; `right` reads what it reports. */
interface Runner {
  name: string;
  samples: number;
  start: (data: Questions, url: string, out: string) => ChildProcess;
  right: (out: string) => Promise<number>;
}

/** The questions, as files. */
interface Questions {
  /** In the form of the benchmark `synthetic`. */
  rows: string;
  /** In that of bench/eval.py. */
  peers: string;
  /** Folder of lmms-eval's tasks. */
  tasks: string;
}

interface Server {
  url: string;
  stats: () => Promise<ServerStats>;
  reset: () => Promise<void>;
  stop: () => void;
}

async function startServer(): Promise<Server> {
  const child = spawn(process.execPath, ["--import", "tsx", here("instant-server.ts"), MODEL], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [url] = (await once(lines, "line")) as [string];
  const { origin } = new URL(url);
  return {
    url,
    stats: async () => (await (await fetch(`${origin}/stats`)).json()) as ServerStats,
    reset: async () => void (await (await fetch(`${origin}/reset`)).text()),
    stop: () => child.disconnect(),
  };
}

/** Eight short videos, and questions about them, each in words of its own. */
async function makeQuestions(folder: string): Promise<Questions> {
  const world = join(folder, "world");
  const sources: Record<string, unknown>[] = [];
  const shape = { seed: 0, split: "heldout" as const, count: 8, lengths: [8], questionsPerVideo: 8 };
  for await (const { rows } of synthesize({ ...shape, out: world }))
    sources.push(...rows.filter(({ answerType }) => answerType === "choice").map((row) => ({ ...row })));
  const data = {
    rows: join(world, "questions.jsonl"),
    peers: join(folder, "peers.jsonl"),
    tasks: join(folder, "tasks"),
  };
  const lines = Array.from({ length: SAMPLES }, (_, i) => {
    const source = sources[Math.floor((i * sources.length) / SAMPLES)] as Record<string, unknown>;
    return `${JSON.stringify({ ...source, id: `q${i}`, question: `${source.question} (${i})` })}\n`;
  });
  await writeFile(data.rows, lines.join(""));
  await writeFile(data.peers, (await peerLines(data.rows, folder)).join(""));
  await writeTasks(data);
  return data;
}

/** The same questions with the same frames, as JPEG files, in the form of bench/eval.py. */
async function peerLines(rows: string, folder: string): Promise<string[]> {
  const benchmark = findBenchmark("synthetic");
  const frames = new Map<string, object[]>();
  const lines: string[] = [];
  for await (const question of benchmark.read(rows)) {
    const video = question.videos[0] as string;
    let parts = frames.get(video);
    if (parts === undefined) {
      parts = [];
      const sampling = { fps: FRAMES / 8, minFrames: FRAMES, maxFrames: FRAMES, factor: 28, ...PIXELS };
      for (const frame of (await sampleVideo(video, sampling)).frames) {
        const image = join(folder, `${frames.size}-${parts.length}.jpg`);
        await writeFile(image, encodeJpeg(frame));
        parts.push({ text: `[00:0${frame.seconds.toFixed(1)}]` }, { image });
      }
      frames.set(video, parts);
    }
    const said = [...parts, { text: benchmark.prompt(question) }];
    const { id, target } = question;
    lines.push(
      `${JSON.stringify({ id, target, video: resolve(video), system: systemPrompt, parts: said })}\n`,
    );
  }
  return lines;
}

/** lmms-eval's tasks, with their functions beside them. */
async function writeTasks({ peers, tasks }: Questions): Promise<void> {
  await mkdir(tasks);
  await copyFile(here("eval_lmms.py"), join(tasks, "eval_lmms.py"));
  for (const form of ["pictures", "video"])
    await writeFile(
      join(tasks, `${form}.yaml`),
      [
        `task: ${form}`,
        "dataset_path: json",
        `dataset_kwargs: {data_files: {test: ${peers}}, cache_dir: ${join(tasks, "cache")}}`,
        "test_split: test",
        "output_type: generate_until",
        `doc_to_messages: !function eval_lmms.with_${form}`,
        "doc_to_visual: !function eval_lmms.doc_to_visual",
        "doc_to_text: !function eval_lmms.doc_to_text",
        "doc_to_target: target",
        "process_results: !function eval_lmms.process_results",
        `generation_kwargs: {max_new_tokens: ${MAX_TOKENS}, temperature: 0, do_sample: false}`,
        "metric_list: [{metric: right, aggregation: mean, higher_is_better: true}]",
        "metadata: {version: 0}",
        "",
      ].join("\n"),
    );
}

/** The one file below a folder whose name ends so. */
async function findFile(folder: string, end: string): Promise<string> {
  const names = await readdir(folder, { recursive: true });
  const found = names.find((name) => name.endsWith(end));
  if (found === undefined) throw new Error(`bench/eval: ${folder} must hold a *${end}, got ${names}`);
  return join(folder, found);
}

const json = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, "utf8"));

const ours: Runner = {
  name: "video-r2 eval",
  samples: SAMPLES,
  start: ({ rows }, url, out) =>
    startCli([
      ...["eval", "synthetic", "--data", rows, "--model", `${url}#${MODEL}`, "--out", out],
      ...["--concurrency", String(IN_FLIGHT), "--fps", String(FRAMES / 8), "--max-frames", String(FRAMES)],
      "--json",
    ]).child,
  right: async (out) => {
    const found = (await json(join(out, "synthetic", "results.json"))) as {
      result: { robust: { value: number } };
    };
    return found.result.robust.value / 100;
  },
};

function startPython(args: readonly string[], env: Record<string, string>): ChildProcess {
  return spawn(python, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
}

const inspect: Runner = {
  name: "inspect_ai",
  samples: SAMPLES,
  start: ({ peers }, url, out) =>
    startPython(
      [
        ...["-m", "inspect_ai", "eval", `${here("eval.py")}@questions`, "-T", `data=${peers}`],
        ...["--model", `openai-api/instant/${MODEL}`, "--log-dir", out, "--log-format", "eval"],
        ...["--max-connections", String(IN_FLIGHT), "--max-samples", String(IN_FLIGHT)],
        ...["--max-tokens", String(MAX_TOKENS), "--temperature", "0", "--seed", "0"],
        ...["--display", "none", "--no-score-display", "--no-log-realtime", "--no-log-images"],
        ...["--log-buffer", "1000"],
      ],
      { INSTANT_API_KEY: "none", INSTANT_BASE_URL: url },
    ),
  right: async (out) => {
    const child = startPython(
      ["-m", "inspect_ai", "log", "dump", "--header-only", await findFile(out, ".eval")],
      {},
    );
    let text = "";
    for await (const chunk of child.stdout as NodeJS.ReadableStream) text += chunk;
    const log = JSON.parse(text) as {
      results: { scores: { metrics: { accuracy: { value: number } } }[] };
    };
    return log.results.scores[0]?.metrics.accuracy.value ?? Number.NaN;
  },
};

const lmms = (task: "pictures" | "video", name: string, samples: number): Runner => ({
  name,
  samples,
  start: ({ tasks }, url, out) =>
    startPython(
      [
        ...["-m", "lmms_eval", "eval", "--model", "async_openai", "--model_args"],
        [
          `model_version=${MODEL},base_url=${url},num_cpus=${IN_FLIGHT}`,
          `nframes=${FRAMES},min_pixels=${PIXELS.minPixels},max_pixels=${PIXELS.maxPixels}`,
        ].join(),
        ...["--tasks", task, "--include_path", tasks, "--output_path", out, "--log_samples"],
        ...["--batch_size", "1", "--limit", String(samples), "--verbosity", "WARNING"],
      ],
      {
        OPENAI_API_KEY: "none",
        HF_HUB_OFFLINE: "1",
        HF_DATASETS_OFFLINE: "1",
        HF_HOME: join(tasks, "cache"),
        LMMS_IMAGE_ENCODE_FORMAT: "JPEG",
        LMMS_IMAGE_JPEG_QUALITY: String(PILLOW_QUALITY),
      },
    ),
  right: async (out) => {
    const found = (await json(await findFile(out, "_results.json"))) as {
      results: Record<string, Record<string, number>>;
    };
    return found.results[task]?.["right,none"] ?? Number.NaN;
  },
});

/** A process and those it started, as `/proc` knows them. */
async function processTree(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const below = text.split(" ").filter(Boolean).map(Number);
  return [pid, ...(await Promise.all(below.map(processTree))).flat()];
}

/** Resident memory in MiB and processor time in seconds of a process and those it started. */
async function resources(pid: number): Promise<{ mebibytes: number; cpuSeconds: number }> {
  let [mebibytes, cpuSeconds] = [0, 0];
  for (const one of await processTree(pid)) {
    const status = await readFile(`/proc/${one}/status`, "utf8").catch(() => "");
    mebibytes += Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
    // After the name, which may hold spaces; user, system and those of children that ended, in hundredths.
    const fields = (await readFile(`/proc/${one}/stat`, "utf8").catch(() => ""))
      .split(") ")
      .at(-1)
      ?.split(" ");
    cpuSeconds += [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields?.[at] ?? 0), 0) / 100;
  }
  return { mebibytes, cpuSeconds };
}

/** Runs a command to its end, looking at it ten times a second. */
async function measure(runner: Runner, data: Questions, server: Server, out: string): Promise<Run> {
  await rm(out, { recursive: true, force: true });
  await server.reset();
  const begun = performance.now();
  const child = runner.start(data, server.url, out);
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      said = (said + chunk).slice(-4000);
    });
  let ended: { code: number | null; seconds: number } | undefined;
  child.on("error", (error) => {
    said += error.message;
    ended ??= { code: 1, seconds: 0 };
  });
  child.on("close", (code) => {
    ended ??= { code, seconds: (performance.now() - begun) / 1000 };
  });
  const memory: Run["memory"] = [];
  let cpuSeconds = 0;
  while (ended === undefined) {
    const [now, { requests }] = await Promise.all([resources(child.pid ?? 0), server.stats()]);
    if (now.mebibytes > 0) memory.push({ requests, mebibytes: now.mebibytes });
    cpuSeconds = Math.max(cpuSeconds, now.cpuSeconds);
    await sleep(100);
  }
  const served = await server.stats();
  if (ended.code !== 0 || served.requests !== runner.samples)
    throw new Error(
      `bench/eval: ${runner.name} must ask ${runner.samples} questions, got ${served.requests} and exit code ${ended.code}: ${said}`,
    );
  const right = await runner.right(out);
  return { seconds: ended.seconds, served, cpuSeconds, memory, right, load: loadavg()[0] ?? 0 };
}

/** Requests a second of a client that does nothing else: what the server and this machine can do. */
async function ceiling(server: Server, bytes: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  const body = Buffer.alloc(bytes, "x");
  const url = `${server.url}/chat/completions`;
  const ask = (): Promise<void> =>
    new Promise((done, fail) => {
      const sent = request(url, { agent, method: "POST", headers: { "content-length": bytes } }, (reply) => {
        reply.resume();
        reply.on("end", done);
      });
      sent.on("error", fail);
      sent.end(body);
    });
  const count = Math.max(2000, SAMPLES);
  for await (const _ of mapPool(Array(count / 10).fill(0), IN_FLIGHT, ask));
  await server.reset();
  for await (const _ of mapPool(Array(count).fill(0), IN_FLIGHT, ask));
  agent.destroy();
  const { requests, seconds } = await server.stats();
  return requests / seconds;
}

/** Of the line through memory by requests, from a tenth of the questions on: KiB for each. */
function slope({ memory }: Run, samples: number): number {
  const points = memory.filter(({ requests }) => requests >= samples / 10 && requests < samples);
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map((p) => p.requests)), mean(points.map((p) => p.mebibytes))];
  const sum = (of: (p: Run["memory"][number]) => number): number => points.reduce((all, p) => all + of(p), 0);
  return (
    (1024 * sum((p) => (p.requests - x) * (p.mebibytes - y))) /
    sum((p) => (p.requests - x) * (p.requests - x))
  );
}

const perSecond = ({ served }: Run): number => served.requests / served.seconds;
/** Seconds of the whole command for each question. */
const each = ({ seconds, served }: Run): number => seconds / served.requests;

/** The lowest and highest of several runs. */
function range(runs: readonly Run[], of: (run: Run) => number, digits: number): string {
  const values = runs.map(of);
  const [low, high] = [Math.min(...values).toFixed(digits), Math.max(...values).toFixed(digits)];
  return runs.length > 1 ? ` (${low} to ${high})` : "";
}

const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;

function speedTable(all: ReadonlyMap<Runner, Run[]>): string[] {
  const best = middle(all.get(ours) as Run[]);
  const milliseconds = (run: Run): number => 1000 * each(run);
  const rows = [...all].map(([{ name, samples }, runs]) => {
    const run = middle(runs);
    return line([
      name,
      samples.toLocaleString("en"),
      `${perSecond(run).toFixed(0)}${range(runs, perSecond, 0)}`,
      `${(perSecond(best) / perSecond(run)).toFixed(1)}x`,
      `${milliseconds(run).toFixed(2)}${range(runs, milliseconds, 2)}`,
      `${(each(run) / each(best)).toFixed(1)}x`,
      ((1000 * run.cpuSeconds) / samples).toFixed(2),
      (run.served.bytes / samples / 1000).toFixed(1),
    ]);
  });
  return [
    "| runner | questions | requests/s, first to last | ours is | whole command, ms a question | it takes | processor, ms a question | kB a request |",
    "|---|---|---|---|---|---|---|---|",
    ...rows,
  ];
}

function memoryTable(all: ReadonlyMap<Runner, Run[]>): string[] {
  const rows = [...all].map(([{ name, samples }, runs]) => {
    const run = middle(runs);
    const after = (requests: number): string =>
      run.memory.find((seen) => seen.requests >= requests)?.mebibytes.toFixed(0) ?? "";
    const most = Math.max(...run.memory.map(({ mebibytes }) => mebibytes));
    return line([
      name,
      ...[samples / 10, samples / 2, samples].map(after),
      slope(run, samples).toFixed(1),
      most.toFixed(0),
    ]);
  });
  return [
    "| memory of all its processes, MiB | after a tenth | after half | after all requests | KiB more for each from a tenth on | at most, to the end of the command |",
    "|---|---|---|---|---|---|",
    ...rows,
  ];
}

const middle = (runs: readonly Run[]): Run => {
  const rate = median(runs.map(perSecond));
  return runs.find((run) => perSecond(run) === rate) as Run;
};

/** Peers whose package is there. */
async function peersHere(): Promise<{ runners: Runner[]; missing: string[] }> {
  const all: [string, Runner[]][] = [
    ["inspect_ai", [inspect]],
    [
      "lmms_eval",
      [
        lmms("pictures", "lmms-eval, frames given", SAMPLES),
        // Thousands would take it many minutes.
        lmms("video", "lmms-eval, videos given", Math.ceil(SAMPLES / 10)),
      ],
    ],
  ];
  const runners: Runner[] = [];
  const missing: string[] = [];
  for (const [module, own] of all) {
    const version = await versionOf(module);
    if (version === null) missing.push(`${module} is not installed in ${python} and was left out.`);
    else runners.push(...own.map((one) => ({ ...one, name: one.name.replace(/^[^,]+/, `$& ${version}`) })));
  }
  return { runners, missing };
}

async function versionOf(module: string): Promise<string | null> {
  const child = startPython(["-c", `import importlib.metadata as m; print(m.version("${module}"))`], {});
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk;
  });
  child.stderr?.resume();
  const code = await new Promise((done) => {
    child.on("error", () => done(1));
    child.on("close", done);
  });
  return code === 0 ? text.trim() : null;
}

/** All runners must have asked the same, and have come to the same score. */
function checkSame(runs: ReadonlyMap<Runner, Run[]>): void {
  const [first] = runs.get(ours) as [Run];
  const size = (run: Run): number => run.served.bytes / run.served.requests;
  for (const [{ name, samples }, [run]] of runs) {
    if (run === undefined) continue;
    const [bytes, expected] = [size(run), size(first)];
    if (Math.abs(bytes / expected - 1) > 0.1)
      throw new Error(`bench/eval: requests must be of about ${expected} bytes, got ${bytes} of ${name}`);
    if (samples === SAMPLES && Math.abs(run.right - first.right) > 1e-6)
      throw new Error(`bench/eval: ${first.right} must be right, got ${run.right} of ${name}`);
  }
}

/** Runs the bench. @returns a table in Markdown */
export async function benchEval(): Promise<{ markdown: string }> {
  const folder = await mkdtemp(join(tmpdir(), "bench-eval-"));
  const server = await startServer();
  try {
    const data = await makeQuestions(folder);
    const { runners, missing } = await peersHere();
    const runs = new Map<Runner, Run[]>([[ours, []], ...runners.map((one): [Runner, Run[]] => [one, []])]);
    const take = async (runner: Runner): Promise<void> => {
      process.stderr.write(`  ${runner.name}\n`);
      runs.get(runner)?.push(await measure(runner, data, server, join(folder, "out")));
    };
    // Ours before, between and after: whether the machine stayed the same.
    for (const runner of runners) {
      await take(ours);
      await take(runner);
    }
    await take(ours);
    checkSame(runs);
    const [{ served }] = runs.get(ours) as [Run];
    const most = await ceiling(server, Math.round(served.bytes / served.requests));
    return {
      markdown: [
        ...speedTable(runs),
        "",
        ...memoryTable(runs),
        "",
        `A client that does nothing else makes ${most.toFixed(0)} requests a second to this server. Load average of the machine at the end of each run: ${[...runs].map(([{ name }, all]) => `${name} ${all.map(({ load }) => load.toFixed(1)).join(", ")}`).join("; ")}.`,
        ...missing,
      ].join("\n"),
    };
  } finally {
    server.stop();
    await rm(folder, { recursive: true });
  }
}
