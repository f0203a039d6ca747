/** `video-r2 export`: a checkpoint as ONNX files. */

import type { Command } from "commander";
import { UsageError } from "../base/index.ts";
import { checkpointSampling } from "../models/index.ts";
import { exportModel, type FrameSize } from "../nn/index.ts";
import { smartResize } from "../video/index.ts";
import { byteProgress } from "./byte-progress.ts";
import { choiceFlag, integerFlag } from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { modelFolder } from "./model-folder.ts";

interface Flags {
  out: string;
  frame?: FrameSize[];
  prefill?: number;
  capacity?: number;
  dtype: "float32" | "float16";
  force?: true;
  json?: true;
}

const examples = `
DIR gets a vision tower for each frame size, embed.onnx, prefill.onnx and decode.onnx, their weights in weights.bin, the
tokenizer, and README.json, which says what goes in and comes out, and in which order. ONNX Runtime runs them without
video-r2, from any language; docs/checkpoints.md has a program in Python. All sizes are fixed; a video may be of any
length, and a prompt is read in pieces.

Examples:
  $ video-r2 export builtin --out onnx
  $ video-r2 export runs/first/model --out onnx --frame 112x112 --capacity 1024
  $ video-r2 export hf:Qwen/Qwen2.5-VL-3B-Instruct --out onnx --dtype float16 --frame 504x280 --json`;

/** Adds the command. */
export function registerExport(program: Command): void {
  program
    .command("export")
    .description("export a checkpoint to ONNX files that run without this program")
    .argument("<model>", "builtin, a checkpoint folder or hf:org/name")
    .requiredOption("--out <dir>", "folder to write")
    .option(
      "--frame <size>",
      "size of frames after resizing, WIDTHxHEIGHT in pixels; repeat it (default: what 16:9, 4:3, 1:1 and 9:16 become)",
      frameFlag,
    )
    .option(
      "--prefill <n>",
      "tokens of a prompt that are read at once (default 256)",
      integerFlag("--prefill", 1),
    )
    .option(
      "--capacity <n>",
      "most tokens of prompt and answer (default 2048, or the model's)",
      integerFlag("--capacity", 1),
    )
    .option(
      "--dtype <type>",
      "what weights are stored as: float32 or float16",
      choiceFlag("--dtype", ["float32", "float16"] as const),
      "float32",
    )
    .option("--force", "replace an export that is there")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", examples)
    .action((model: string, flags: Flags) => interruptible((signal) => run(model, flags, signal)));
}

async function run(spec: string, flags: Flags, signal: AbortSignal): Promise<void> {
  const start = performance.now();
  const model = await modelFolder("model", spec);
  const { out, prefill, capacity, dtype } = flags;
  const progress = byteProgress("weights", flags.json === true);
  const result = await exportModel({
    model,
    out,
    dtype,
    frames: flags.frame ?? (await usualFrames(model)),
    ...(prefill === undefined ? {} : { prefill }),
    ...(capacity === undefined ? {} : { capacity }),
    force: flags.force === true,
    signal,
    onProgress: progress.onProgress,
  }).finally(progress.finish);
  if (flags.json) {
    const seconds = Number(((performance.now() - start) / 1000).toFixed(3));
    process.stdout.write(`${JSON.stringify({ ...result, seconds })}\n`);
    return;
  }
  process.stdout.write(
    `${out}: ${result.files.join(", ")}; weights ${Math.ceil(result.weightBytes / 1e6)} MB; README.json says how they are used\n`,
  );
}

function frameFlag(text: string, earlier: FrameSize[] = []): FrameSize[] {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (width === undefined || height === undefined)
    throw new UsageError(
      "usage",
      `--frame: must be WIDTHxHEIGHT, such as 504x280, got ${JSON.stringify(text)}`,
    );
  return [...earlier, { width: Number(width), height: Number(height) }];
}

/** What frames of usual shapes are resized to for this checkpoint, each size once. */
async function usualFrames(model: string): Promise<FrameSize[]> {
  const { sampling } = await checkpointSampling(model);
  const sizes = [
    [1920, 1080],
    [1440, 1080],
    [1080, 1080],
    [1080, 1920],
  ].map(([width, height]) => smartResize(height as number, width as number, sampling));
  const known = new Map(sizes.map((size) => [`${size.width}x${size.height}`, size]));
  return [...known.values()];
}
