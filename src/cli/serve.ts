/** `video-r2 serve`: a model behind the OpenAI protocol. */

import { stat } from "node:fs/promises";
import type { Command } from "commander";
import { UsageError } from "../base/index.ts";
import { openModel } from "../models/index.ts";
import { startServer } from "../server/index.ts";
import { collect, integerFlag } from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { registerServeRewards } from "./serve-rewards.ts";
import { untilStopped } from "./until-stopped.ts";

interface ServeFlags {
  host: string;
  port: number;
  model: string;
  device?: string;
  mediaRoot?: string[];
  maxBody: number;
  apiKey?: string;
  json?: boolean;
}

const examples = `
Examples:
  $ video-r2 serve
  $ video-r2 serve --port 9000 --model ./checkpoint --media-root ./videos
  $ curl http://127.0.0.1:8000/v1/models
  $ video-r2 serve rewards --help

Ask it with any client of the OpenAI protocol, or with
  $ video-r2 ask clip.mp4 "What happens?" --model http://127.0.0.1:8000/v1#builtin`;

/** Adds the command and those below it. */
export function registerServe(program: Command): void {
  const serve = program
    .command("serve")
    // What stands after the name of a command below is that command's.
    .enablePositionalOptions()
    .description("serve a model over HTTP: /v1/chat/completions, /v1/models, /healthz")
    .option("--host <host>", "address to listen on; the default is this machine only", "127.0.0.1")
    .option("--port <n>", "port to listen on; 0 takes a free one", integerFlag("--port", 0), 8000)
    .option(
      "--model <model>",
      "who answers: builtin, a checkpoint folder, hf:org/name or a server",
      "builtin",
    )
    .option("--device <device>", "where a checkpoint runs: cpu, webgpu or cuda")
    .option(
      "--media-root <folder>",
      "folder below which requests may name files (file: URLs); repeat it",
      collect,
    )
    .option("--max-body <MiB>", "largest request", integerFlag("--max-body", 1), 64)
    .option(
      "--api-key <key>",
      "what clients must send as their key (default: $VIDEO_R2_SERVE_KEY, else none)",
    )
    .option("--json", "print the address as one JSON document")
    .addHelpText("after", examples)
    .action((flags: ServeFlags) => interruptible((signal) => run(flags, signal)));
  registerServeRewards(serve);
}

async function run(flags: ServeFlags, signal: AbortSignal): Promise<void> {
  const { host, port, mediaRoot = [], apiKey = process.env.VIDEO_R2_SERVE_KEY || undefined } = flags;
  if (port > 65535) throw new UsageError("usage", `--port: must be at most 65535, got ${port}`);
  for (const root of mediaRoot)
    if (!(await stat(root).catch(() => null))?.isDirectory())
      throw new UsageError("usage", `--media-root: must be a folder, got ${root}`);
  const model = await openModel(flags.model, { device: flags.device });
  try {
    const { name } = await model.info();
    const server = await startServer({
      model,
      host,
      port,
      mediaRoots: mediaRoot,
      maxBodyBytes: flags.maxBody * 2 ** 20,
      apiKey,
      log: (line) => process.stderr.write(`${line}\n`),
    });
    process.stdout.write(
      flags.json
        ? `${JSON.stringify({ url: `${server.url}/v1`, model: name })}\n`
        : `${name} at ${server.url}/v1\n`,
    );
    if (!["127.0.0.1", "localhost", "::1"].includes(host) && apiKey === undefined)
      process.stderr.write("anyone who can reach this machine can use the model; --api-key asks for a key\n");
    await untilStopped(signal);
    process.stderr.write(`stopping; ${server.active} requests in progress have 10 s to end\n`);
    await server.close();
  } finally {
    await model.close();
  }
}
