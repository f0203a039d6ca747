/**
 * Training by ms-swift, driven from here: data written in its form, judge and reward server started, its log followed
 * into our metrics, everything ended together.
 */

import { mkdir, readdir, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { JsonlWriter, messageOf, readJsonl, UsageError, writeFileAtomic } from "../base/index.ts";
import type { GrpoRecipe, SftRecipe } from "../training/index.ts";
import { type ChildProgram, startProgram, waitUntilReady } from "./child-program.ts";
import { lineReader, type SwiftStep, swiftStep } from "./follow-log.ts";
import { environmentWarnings, type PythonEnvironment } from "./python-environment.ts";
import { type SwiftRows, writeSwiftRows } from "./swift-rows.ts";
import { type SwiftSettings, swiftGrpo, swiftSft } from "./swift-settings.ts";

/** Where this node stands among all; from `NNODES`, `NODE_RANK`, `MASTER_ADDR`, as ms-swift reads them. */
export interface ClusterPlace {
  nodes: number;
  rank: number;
  /** Of the first node. */
  address: string;
}

/** How a run is carried out. */
export interface SwiftRunOptions {
  /** Folder of the run. */
  out: string;
  python: PythonEnvironment;
  /** GPUs of this node, 0 for the CPU. */
  gpus: number;
  /** Path of `video_r2_swift.py`. */
  plugin: string;
  /** Folder of rendered videos; default `<out>/clips`. */
  clips?: string | undefined;
  /** Go on from the last checkpoint. */
  resume: boolean;
  /** The command that serves rewards at an address. */
  rewardCommand: (recipe: GrpoRecipe, at: { host: string; port: string; judge: string }) => string[];
  env: Readonly<Record<string, string | undefined>>;
}

/** What a run would do: every file but the data, and every command. */
export interface SwiftPlan {
  recipe: SftRecipe | GrpoRecipe;
  place: ClusterPlace;
  settingsPath: string;
  settings: SwiftSettings;
  data: { from: string; to: string }[];
  /** Commands of servers that are started first, and the one that trains. */
  judge: string[] | null;
  rewards: string[] | null;
  /** Where rewards are asked for; null for SFT, `PORT` where it is found when the run starts. */
  rewardUrl: string | null;
  train: string[];
  warnings: string[];
}

/** What happens in a run. */
export type SwiftEvent =
  | { kind: "note"; text: string }
  | { kind: "data"; rows: number }
  | { kind: "step"; metrics: SwiftStep };

/** How a run ended. */
export interface SwiftResult {
  step: number;
  finished: boolean;
  /** Folder of the last checkpoint: a model, or an adapter where the recipe has `lora`. */
  checkpoint: string | null;
}

/** Where this node stands. @throws UsageError `swift-nodes` for variables that do not fit together */
export function clusterPlace(env: SwiftRunOptions["env"]): ClusterPlace {
  const number = (name: string, fallback: number): number => {
    const value = env[name] === undefined ? fallback : Number(env[name]);
    if (!(Number.isInteger(value) && value >= 0))
      throw new UsageError("swift-nodes", `${name}: must be a whole number, got ${env[name]}`);
    return value;
  };
  const nodes = number("NNODES", 1);
  const rank = number("NODE_RANK", 0);
  if (rank >= Math.max(1, nodes))
    throw new UsageError("swift-nodes", `NODE_RANK: must be below NNODES (${nodes}), got ${rank}`);
  if (nodes > 1 && !env.MASTER_ADDR)
    throw new UsageError("swift-nodes", "MASTER_ADDR: must be the first node's address, is not set");
  return { nodes: Math.max(1, nodes), rank, address: env.MASTER_ADDR ?? "127.0.0.1" };
}

/**
 * Works out a run.
 *
 * @throws UsageError `swift-nodes`, `swift-batch`; `swift-token` where several nodes are to share a reward server without a token
 */
export async function planSwift(
  recipe: SftRecipe | GrpoRecipe,
  options: SwiftRunOptions,
): Promise<SwiftPlan> {
  const { python, gpus, plugin, env } = options;
  const out = resolve(options.out);
  const place = clusterPlace(env);
  const to = (name: string): string => join(out, "data", `${name}.${place.rank}.jsonl`);
  const data = [
    { from: recipe.data, to: to("train") },
    ...(recipe.heldout === undefined ? [] : [{ from: recipe.heldout, to: to("heldout") }]),
  ];
  const swiftOut = join(out, "swift");
  const resume = options.resume ? ((await lastCheckpoint(swiftOut)) ?? undefined) : undefined;
  const where = {
    data: to("train"),
    ...(recipe.heldout === undefined ? {} : { heldout: to("heldout") }),
    ...{ out: swiftOut, plugin, gpus, nodes: place.nodes, resume },
  };
  const settings = recipe.kind === "sft" ? swiftSft(recipe, where) : swiftGrpo(recipe, where);
  const settingsPath = join(out, `swift.${place.rank}.json`);
  const first = place.rank === 0;
  const rewards = recipe.kind === "grpo" ? rewardPlan(recipe, place, options) : null;
  return {
    recipe,
    place,
    settingsPath,
    settings,
    data,
    judge: (first && recipe.kind === "grpo" && recipe.cluster?.judge?.command) || null,
    rewards: first ? (rewards?.command ?? null) : null,
    rewardUrl: rewards?.url ?? null,
    train: [...[python.python, "-m", "swift.cli.main"], recipe.kind === "sft" ? "sft" : "rlhf", settingsPath],
    warnings: environmentWarnings(python, { kind: recipe.kind, gpus, lora: recipe.lora !== undefined }),
  };
}

/** Of several nodes all ask the first one, at a port that all know. */
const SHARED_PORT = "8765";

function rewardPlan(
  recipe: GrpoRecipe,
  place: ClusterPlace,
  { env, rewardCommand }: SwiftRunOptions,
): { command: string[] | null; url: string } {
  const given = env.VIDEO_R2_REWARD_URL;
  if (given) return { command: null, url: given };
  const judge = recipe.cluster?.judge?.url ?? recipe.judge;
  if (place.nodes === 1) {
    const command = rewardCommand(recipe, { host: "127.0.0.1", port: "PORT", judge });
    return { command, url: "http://127.0.0.1:PORT/v1/rewards" };
  }
  if (!env.VIDEO_R2_REWARD_TOKEN)
    throw new UsageError(
      "swift-token",
      "VIDEO_R2_REWARD_TOKEN: must be the same secret on all nodes, is not set",
      "All nodes ask the first one's reward server over the network.",
    );
  return {
    command: rewardCommand(recipe, { host: "0.0.0.0", port: SHARED_PORT, judge }),
    url: `http://${place.address}:${SHARED_PORT}/v1/rewards`,
  };
}

/**
 * Carries out a run. Ctrl-C (the signal) ends ms-swift, reward server and judge; `resume` goes on from the last
 * checkpoint.
 *
 * @throws UsageError `run-exists`; `swift-failed` with ms-swift's last words; as `writeSwiftRows` and `startProgram`
 */
export async function runSwift(
  plan: SwiftPlan,
  options: SwiftRunOptions,
  signal: AbortSignal,
  onEvent: (event: SwiftEvent) => void,
): Promise<SwiftResult> {
  const out = resolve(options.out);
  const swiftOut = join(out, "swift");
  if (!options.resume && (await stat(swiftOut).catch(() => null)))
    throw new UsageError(
      "run-exists",
      `${out}: must not hold a run already`,
      "Go on with it by --resume, or choose another --out.",
    );
  const { recipe, place } = plan;
  await mkdir(out, { recursive: true });
  await writeFileAtomic(join(out, "recipe.json"), json(recipe));
  for (const { from, to } of plan.data) {
    const { skipped, rows } = await writeRows(from, to, recipe, options, signal, onEvent);
    onEvent({ kind: "note", text: `${to}: ${rows} rows` });
    for (const { id, reason } of skipped) onEvent({ kind: "note", text: `left out ${id}: ${reason}` });
  }
  await writeFileAtomic(plan.settingsPath, json(plan.settings));
  const started: ChildProgram[] = [];
  const stop = async (): Promise<void> => {
    // The trainer first, so that it does not find its rewards gone.
    for (const child of started.reverse()) await child.stop();
  };
  try {
    const url = await startServers(plan, options, started, signal, onEvent);
    const env = {
      ...options.env,
      ...(url === null ? {} : { VIDEO_R2_REWARD_URL: url }),
      // Nothing of the judge's or the hub's is asked of a proxy on the way to our own server.
      NO_PROXY: ["127.0.0.1", "localhost", options.env.NO_PROXY].filter(Boolean).join(","),
      PYTHONUNBUFFERED: "1",
    };
    const trainer = await startProgram({
      ...{ name: "ms-swift", command: plan.train, env, cwd: out },
      log: join(out, `swift.${place.rank}.log`),
    });
    started.push(trainer);
    const onAbort = (): void => void trainer.stop();
    signal.addEventListener("abort", onAbort, { once: true });
    const step = await followSteps(trainer, out, place.rank === 0, onEvent);
    signal.removeEventListener("abort", onAbort);
    const code = await trainer.ended;
    const checkpoint = await lastCheckpoint(swiftOut);
    if (signal.aborted) return { step, finished: false, checkpoint };
    if (code !== 0)
      throw new UsageError(
        "swift-failed",
        `ms-swift: must end well, got exit code ${code}: ${trainer.tail().split("\n").slice(-6).join("\n")}`,
        `All it said is in ${join(out, `swift.${place.rank}.log`)}.`,
      );
    return { step, finished: true, checkpoint };
  } finally {
    await stop();
  }
}

async function writeRows(
  from: string,
  to: string,
  recipe: SftRecipe | GrpoRecipe,
  { out, clips }: SwiftRunOptions,
  signal: AbortSignal,
  onEvent: (event: SwiftEvent) => void,
): Promise<SwiftRows> {
  return writeSwiftRows({
    data: from,
    out: to,
    clips: clips ?? join(resolve(out), "clips"),
    video: recipe.video,
    kind: recipe.kind,
    signal,
    onProgress: (rows) => onEvent({ kind: "data", rows }),
  });
}

/** Starts judge and reward server, where the plan has them. @returns where rewards are asked for */
async function startServers(
  plan: SwiftPlan,
  { out, env }: SwiftRunOptions,
  started: ChildProgram[],
  signal: AbortSignal,
  onEvent: (event: SwiftEvent) => void,
): Promise<string | null> {
  const { recipe } = plan;
  if (plan.judge !== null && recipe.cluster?.judge) {
    const { url, waitSeconds } = recipe.cluster.judge;
    onEvent({ kind: "note", text: `starting the judge: ${plan.judge.join(" ")}` });
    const judge = await startProgram({
      name: "judge",
      command: plan.judge,
      env,
      log: join(out, "judge.log"),
    });
    started.push(judge);
    const models = `${url.replace(/#.*$/, "").replace(/\/$/, "")}/models`;
    await waitUntilReady(judge, async () => (await fetch(models)).ok, waitSeconds, signal);
  }
  if (plan.rewards === null || plan.rewardUrl === null) return plan.rewardUrl;
  const port = String(await freePort());
  const here = (text: string): string => text.replace("PORT", port);
  const server = await startProgram({
    ...{ name: "reward server", command: plan.rewards.map(here), env },
    log: join(out, "rewards.log"),
  });
  started.push(server);
  const url = here(plan.rewardUrl);
  const health = url.replace(/\/v1\/rewards$/, "/healthz").replace(plan.place.address, "127.0.0.1");
  await waitUntilReady(server, async () => (await fetch(health)).ok, 120, signal);
  onEvent({ kind: "note", text: `rewards at ${url}` });
  return url;
}

function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const server = createServer();
    server.once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => found(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Follows the log until the program ends. @returns the last step */
async function followSteps(
  trainer: ChildProgram,
  out: string,
  first: boolean,
  onEvent: (event: SwiftEvent) => void,
): Promise<number> {
  if (!first) {
    await trainer.ended;
    return 0;
  }
  const path = join(out, "metrics.jsonl");
  const known = await lastStep(path);
  const metrics = await JsonlWriter.open(path);
  const read = lineReader(join(out, "swift", "logging.jsonl"));
  let step = known;
  const take = async (): Promise<void> => {
    for (const line of await read()) {
      const found = swiftStep(parsed(line));
      // A run that goes on finds its earlier lines again.
      if (found === null || found.step <= step) continue;
      step = found.step;
      await metrics.append(found);
      onEvent({ kind: "step", metrics: found });
    }
  };
  let over = false;
  void trainer.ended.then(() => {
    over = true;
  });
  while (!over) {
    await take();
    await new Promise((wait) => setTimeout(wait, 300));
  }
  await take();
  return step;
}

function parsed(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {};
  }
}

async function lastStep(path: string): Promise<number> {
  let step = 0;
  if (!(await stat(path).catch(() => null))) return 0;
  try {
    for await (const line of readJsonl<{ step: number }>(path)) step = line.step;
  } catch (error) {
    // A kill can cut the last line; the step is logged again.
    if (!(error instanceof UsageError)) throw new Error(messageOf(error));
  }
  return step;
}

/** ms-swift's newest checkpoint, or null. */
async function lastCheckpoint(swiftOut: string): Promise<string | null> {
  const names = await readdir(swiftOut).catch(() => []);
  const steps = names.flatMap((name) => {
    const step = /^checkpoint-(\d+)$/.exec(name)?.[1];
    return step === undefined ? [] : [Number(step)];
  });
  return steps.length === 0 ? null : join(swiftOut, `checkpoint-${Math.max(...steps)}`);
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
