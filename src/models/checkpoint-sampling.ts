/**
 * How a checkpoint wants its frames: beside the pixel settings, `preprocessor_config.json` may hold `fps`,
 * `min_frames` and `max_frames`, as transformers' video processors do, and under `video_r2` what is our own.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { messageOf, UsageError, writeFileAtomic } from "../base/index.ts";
import { loadProcessor } from "../nn/index.ts";
import type { FrameSampling } from "./chat-model.ts";

const schema = z.object({
  fps: z.number().positive().nullish(),
  min_frames: z.int().positive().nullish(),
  max_frames: z.int().positive().nullish(),
  video_r2: z
    .object({ timestamps: z.boolean().optional(), synthetic_only: z.boolean().optional() })
    .nullish(),
});

/** What a checkpoint says of its frames and of what it knows. */
export interface CheckpointSampling {
  sampling: FrameSampling;
  /** Whether it knows the synthetic world only. */
  syntheticOnly: boolean;
}

/** The reference's bounds, for checkpoints that say nothing: Qwen2.5-VL's own maximum is 85 times as large. */
const defaults = { fps: 2, minFrames: 4, maxFrames: 32, maxPixels: 360 * 420 };

/**
 * Reads how a checkpoint wants its frames; what it does not say is the reference's.
 *
 * @throws UsageError `processor-invalid` naming file and field
 */
export async function checkpointSampling(dir: string): Promise<CheckpointSampling> {
  const { patchSize, mergeSize, minPixels, maxPixels } = await loadProcessor(dir);
  const path = join(dir, "preprocessor_config.json");
  const text = await readFile(path, "utf8").catch(() => "{}");
  let file: z.infer<typeof schema>;
  try {
    file = schema.parse(JSON.parse(text));
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    const got = issue ? `${issue.path.join(".")}: ${issue.message}` : messageOf(cause);
    throw new UsageError("processor-invalid", `${path}: must hold sampling settings, got ${got}`, undefined, {
      cause,
    });
  }
  return {
    sampling: {
      fps: file.fps ?? defaults.fps,
      minFrames: file.min_frames ?? defaults.minFrames,
      maxFrames: file.max_frames ?? defaults.maxFrames,
      minPixels: Math.min(minPixels, defaults.maxPixels),
      maxPixels: Math.min(maxPixels, defaults.maxPixels),
      factor: patchSize * mergeSize,
      timestamps: file.video_r2?.timestamps ?? false,
    },
    syntheticOnly: file.video_r2?.synthetic_only ?? false,
  };
}

/** How frames were sampled in training: what a checkpoint is to say of itself. */
export type TrainedSampling = Pick<FrameSampling, "fps" | "minFrames" | "maxFrames" | "timestamps">;

/** The fields that `checkpointSampling` reads, for who writes `preprocessor_config.json` anew. */
export function samplingJson(sampling: TrainedSampling, syntheticOnly: boolean): Record<string, unknown> {
  return {
    fps: sampling.fps,
    min_frames: sampling.minFrames,
    max_frames: sampling.maxFrames,
    video_r2: { timestamps: sampling.timestamps, synthetic_only: syntheticOnly },
  };
}

/**
 * Writes into a checkpoint's `preprocessor_config.json` how its frames were sampled in training, so that it is asked
 * as it was trained; everything else in the file stays.
 *
 * @param syntheticOnly whether it knows the synthetic world only
 */
export async function saveSampling(
  dir: string,
  sampling: TrainedSampling,
  syntheticOnly: boolean,
): Promise<void> {
  const path = join(dir, "preprocessor_config.json");
  const file = JSON.parse(await readFile(path, "utf8").catch(() => "{}")) as Record<string, unknown>;
  await writeFileAtomic(
    path,
    `${JSON.stringify({ ...file, ...samplingJson(sampling, syntheticOnly) }, null, 2)}\n`,
  );
}
