/**
 * The real 3B configuration in this process: a checkpoint with random weights is made, loaded, sees a video and
 * generates 16 tokens. The measured part runs in a process of its own, so that its peak memory is its own.
 *
 *     npx tsx bench/real-size.ts VIDEO [float32 | float16]
 */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeRandomCheckpoint } from "../scripts/make-random-checkpoint.ts";
import { formatDuration, UsageError } from "../src/base/index.ts";
import { Qwen25VL, type WeightDType } from "../src/nn/index.ts";
import { prepareVideo } from "../src/video/index.ts";

const NEW_TOKENS = 16;
const FRAMES = 4;
const PIXELS = 112 * 196;

/** What a run took. */
export interface RealSizeResult {
  /** What weights were kept in. */
  dtype: WeightDType;
  parameters: number;
  promptTokens: number;
  frames: number;
  loadSeconds: number;
  visionSeconds: number;
  prefillSeconds: number;
  secondsPerToken: number;
  /** Peak resident memory of the whole process, in bytes. */
  peakBytes: number;
  text: string;
}

/** Loads, sees, generates; the work of the process that is measured. */
async function measure(directory: string, video: string, dtype: WeightDType): Promise<RealSizeResult> {
  const start = performance.now();
  const model = await Qwen25VL.load(directory, { dtype });
  const loadSeconds = (performance.now() - start) / 1000;
  const { minPixels, ...patches } = model.processor;
  const options = { fps: 1, minFrames: FRAMES, maxFrames: FRAMES, minPixels, ...patches, maxPixels: PIXELS };
  const prepared = await prepareVideo(video, options);
  const messages = [
    {
      role: "user" as const,
      content: [
        { type: "video" as const, pixelValues: prepared.pixelValues, gridThw: prepared.gridThw },
        { type: "text" as const, text: "What happens in this video?" },
      ],
    },
  ];
  const { generations, stats } = await model.generate([{ messages }], {
    maxNewTokens: NEW_TOKENS,
    stopTokenIds: [],
  });
  const { parameters } = model.info();
  await model.dispose();
  return {
    dtype,
    parameters,
    promptTokens: stats.promptTokens,
    frames: FRAMES,
    loadSeconds,
    visionSeconds: stats.visionSeconds,
    prefillSeconds: stats.prefillSeconds,
    secondsPerToken: stats.decodeSeconds / (NEW_TOKENS - 1),
    peakBytes: process.resourceUsage().maxRSS * 1024,
    text: generations[0]?.[0]?.text ?? "",
  };
}

/**
 * Makes the checkpoint, measures, removes the checkpoint.
 *
 * @param video file that the model sees
 * @param directory of a checkpoint made before, which stays; default a temporary one
 * @param dtype what weights are kept in
 * @returns the measurements, and a table in Markdown
 */
export async function benchRealSize(
  video: string,
  directory?: string,
  dtype: WeightDType = "float32",
): Promise<{ result: RealSizeResult; markdown: string }> {
  if (!existsSync(video))
    throw new UsageError("video-missing", `bench/real-size: the video must exist, got ${video}`);
  const made = directory ?? (await mkdtemp(join(tmpdir(), "real-size-")));
  try {
    if (!existsSync(join(made, "config.json"))) await makeRandomCheckpoint(made);
    const self = fileURLToPath(import.meta.url);
    const args = [...process.execArgv, self, "--measure", made, video, dtype];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 });
    const result = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as RealSizeResult;
    return { result, markdown: table(result) };
  } finally {
    if (directory === undefined) await rm(made, { recursive: true });
  }
}

function table(result: RealSizeResult): string {
  const rows = [
    ["parameters", `${(result.parameters / 1e9).toFixed(2)} G, ${result.dtype} in memory, bfloat16 on disk`],
    ["load", formatDuration(result.loadSeconds)],
    ["vision tower", `${formatDuration(result.visionSeconds)} for ${result.frames} frames`],
    ["prefill", `${formatDuration(result.prefillSeconds)} for ${result.promptTokens} tokens`],
    ["decoding", `${result.secondsPerToken.toFixed(2)} s a token, compilation included`],
    ["peak memory", `${(result.peakBytes / 2 ** 30).toFixed(1)} GiB`],
  ];
  const lines = rows.map((row) => `| ${row.join(" | ")} |`);
  return ["| Qwen2.5-VL-3B's configuration, random weights | |", "|---|---|", ...lines].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [command, second, video, third] = process.argv.slice(2);
  const dtypeOf = (name: string | undefined) => (name === "float16" ? name : "float32");
  if (command === "--measure" && second && video)
    process.stdout.write(`${JSON.stringify(await measure(second, video, dtypeOf(third)))}\n`);
  else if (command) {
    const made = process.env.VIDEO_R2_REAL_SIZE_DIR;
    const { result, markdown } = await benchRealSize(command, made, dtypeOf(second));
    process.stdout.write(`${markdown}\n\ngenerated: ${JSON.stringify(result.text)}\n`);
  } else {
    process.stderr.write("usage: npx tsx bench/real-size.ts VIDEO [float32 | float16]\n");
    process.exit(2);
  }
}
