/** `video-r2 serve rewards`: the rewards of training over HTTP, for trainers elsewhere. */

import type { Command } from "commander";
import { UsageError } from "../base/index.ts";
import { openEmbedder, openJudge } from "../judges/index.ts";
import { connectServer, locateModel } from "../models/index.ts";
import type { Compat } from "../rewards/index.ts";
import { jsonLog, type LogLevel, logLevels, startRewardServer } from "../server/index.ts";
import { choiceFlag, integerFlag, matchingOptions, numberFlag } from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { untilStopped } from "./until-stopped.ts";

interface RewardFlags {
  host: string;
  port: number;
  apiKey?: string;
  judge: string;
  judgePrompts?: string;
  judgeCache?: string;
  judgeConcurrency: number;
  judgeTimeout: number;
  embedder: string;
  threshold?: number;
  delta: number;
  mode: "precision" | "recall" | "f1";
  weights: [number, number, number];
  gate: boolean;
  compat: Compat;
  deadline: number;
  queue: number;
  remember: number;
  batchSize: number;
  batchMs: number;
  maxBody: number;
  maxCompletion: number;
  logLevel: LogLevel;
  json?: boolean;
}

const examples = `
Examples:
  $ video-r2 serve rewards
  $ video-r2 serve rewards --judge http://localhost:8001/v1#Qwen3-8B --embedder hf:sentence-transformers/all-MiniLM-L6-v2
  $ video-r2 serve rewards --host 0.0.0.0 --api-key "$KEY" --compat reference
  $ curl http://127.0.0.1:8765/v1/rewards -H 'content-type: application/json' -d '{"items": [{"id": "1",
      "completion": "<think>At 00:03 a star appears. So it is B.</think><answer>B</answer>",
      "question": "Which? A. ring B. star", "row": {"solution": "B", "temporal_grounding": {"00:03": "A star appears."}}}]}'

docs/rewards-server.md tells how trainers ask it: ms-swift, verl, TRL, OpenRLHF.`;

/** Three numbers of at least 0, joined by commas. */
function weightsFlag(text: string): [number, number, number] {
  const values = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (values.length !== 3 || values.some((value) => !Number.isFinite(value) || value < 0))
    throw new UsageError(
      "usage",
      `--weights: must be three numbers of at least 0 for accuracy, format and TAR, got ${JSON.stringify(text)}`,
      "Such as --weights 1,1,1",
    );
  return values as [number, number, number];
}

/** Adds the command to `serve`. */
export function registerServeRewards(serve: Command): void {
  const { embedder, threshold, delta } = matchingOptions();
  const seconds = (flag: string) => numberFlag(flag, 0, 3600, true);
  serve
    .command("rewards")
    .description("serve the rewards of training over HTTP: /v1/rewards, /openrlhf, /healthz, /metrics")
    .option("--host <host>", "address to listen on; the default is this machine only", "127.0.0.1")
    .option("--port <n>", "port to listen on; 0 takes a free one", integerFlag("--port", 0), 8765)
    .option(
      "--api-key <key>",
      "what clients must send as their key (default: $VIDEO_R2_REWARD_TOKEN); needed with another --host",
    )
    .option("--judge <judge>", "rules, or http://host:port/v1#model", "rules")
    .option("--judge-prompts <file>", "what the judge is asked, instead of our own prompts")
    .option("--judge-cache <dir>", "keep the judge's replies there")
    .option(
      "--judge-concurrency <n>",
      "requests to the judge in flight",
      integerFlag("--judge-concurrency", 1),
      32,
    )
    .option(
      "--judge-timeout <seconds>",
      "time that judge and embedder servers have for a request",
      seconds("--judge-timeout"),
      30,
    )
    .addOption(embedder)
    .addOption(threshold)
    .addOption(delta)
    .option(
      "--mode <mode>",
      "what TAR is a share of: precision (the completion's claims), recall (the reference's), f1",
      choiceFlag("--mode", ["precision", "recall", "f1"]),
      "precision",
    )
    .option("--weights <a,f,t>", "weights of accuracy, format and TAR in the total", weightsFlag, [
      1, 1, 1,
    ] as [number, number, number])
    .option("--no-gate", "count TAR of inconsistent completions, too")
    .option(
      "--compat <mode>",
      "paper, or reference for the released code's numbers",
      choiceFlag("--compat", ["paper", "reference"]),
      "paper",
    )
    .option(
      "--deadline <seconds>",
      "time until a request is answered with what is known",
      seconds("--deadline"),
      60,
    )
    .option("--queue <n>", "most completions waiting or in progress", integerFlag("--queue", 1), 4096)
    .option(
      "--remember <n>",
      "results kept for requests that are sent again",
      integerFlag("--remember", 0),
      20_000,
    )
    .option("--batch-size <n>", "most texts in a call of the embedder", integerFlag("--batch-size", 1), 256)
    .option("--batch-ms <n>", "milliseconds that a text waits for others", integerFlag("--batch-ms", 0), 2)
    .option("--max-body <MiB>", "largest request", integerFlag("--max-body", 1), 16)
    .option(
      "--max-completion <n>",
      "longest completion, in characters",
      integerFlag("--max-completion", 1),
      32_768,
    )
    .option(
      "--log-level <level>",
      "what is logged to stderr, as JSON lines: silent, error, info, debug",
      choiceFlag("--log-level", logLevels),
      "info",
    )
    .option("--json", "print the address as one JSON document")
    .addHelpText("after", examples)
    .action((flags: RewardFlags) => interruptible((signal) => run(flags, signal)));
}

function checkFlags({ port, compat, mode, judge, judgePrompts }: RewardFlags): void {
  if (port > 65535) throw new UsageError("usage", `--port: must be at most 65535, got ${port}`);
  if (compat === "reference" && mode !== "precision")
    throw new UsageError("usage", `--mode: must be precision with --compat reference, got ${mode}`);
  if (judgePrompts !== undefined && judge === "rules")
    throw new UsageError("usage", "--judge-prompts: must come with --judge URL#model, got rules");
}

/** Asks the judge's server for its models; rules are always there. */
async function judgeProbe(judge: string): Promise<((signal: AbortSignal) => Promise<void>) | undefined> {
  if (judge === "rules") return undefined;
  const place = await locateModel(judge);
  if (place.kind !== "server") return undefined;
  const server = await connectServer(place);
  return (signal) => server.check(signal);
}

async function run(flags: RewardFlags, signal: AbortSignal): Promise<void> {
  checkFlags(flags);
  const { compat, judgeTimeout: timeoutSeconds, judgeConcurrency } = flags;
  const write = (line: string) => void process.stderr.write(`${line}\n`);
  const log = jsonLog(flags.logLevel, write);
  const judge = await openJudge(flags.judge, {
    prompts: flags.judgePrompts,
    cacheDir: flags.judgeCache,
    compat,
    concurrency: judgeConcurrency,
    timeoutSeconds,
    // A deadline is near: what does not pass soon is for the trainer to ask again.
    retries: 1,
    warn: (message) => log("info", "note", { message }),
  });
  const embedder = await openEmbedder(flags.embedder, { timeoutSeconds, retries: 1 });
  const [accuracy, format, temporal] = flags.weights;
  try {
    const server = await startRewardServer({
      judge,
      embedder,
      settings: {
        weights: { accuracy, format, temporal },
        gate: flags.gate,
        deltaSeconds: flags.delta,
        threshold: flags.threshold,
        mode: flags.mode,
        compat,
      },
      probeJudge: await judgeProbe(flags.judge),
      host: flags.host,
      port: flags.port,
      apiKey: flags.apiKey ?? (process.env.VIDEO_R2_REWARD_TOKEN || undefined),
      deadlineSeconds: flags.deadline,
      queueLimit: flags.queue,
      inFlight: judge.name === "rules" ? undefined : 2 * judgeConcurrency,
      remembered: flags.remember,
      embedBatch: { size: flags.batchSize, waitMs: flags.batchMs },
      maxBodyBytes: flags.maxBody * 2 ** 20,
      maxCompletion: flags.maxCompletion,
      log,
    });
    const url = `${server.url}/v1/rewards`;
    const what = { url, judge: judge.name, embedder: embedder.name, compat };
    process.stdout.write(
      flags.json ? `${JSON.stringify(what)}\n` : `rewards at ${url}, judged by ${judge.name}\n`,
    );
    await untilStopped(signal);
    log("info", "stopping", { requests: server.active });
    await server.close(flags.deadline);
  } finally {
    await Promise.all([judge.close(), embedder.close()]);
  }
}
