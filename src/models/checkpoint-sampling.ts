/**
 * How a checkpoint wants its frames: beside the pixel settings, `preprocessor_config.json` may hold `fps`,
 * `min_frames` and `max_frames`, as transformers' video processors do, and under `video_r2` what is our own.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { messageOf, UsageError } from "../base/index.ts";
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

/** The fields that `checkpointSampling` reads, to be merged into `preprocessor_config.json` by who saves a checkpoint. */
export function samplingJson(
  sampling: Pick<FrameSampling, "fps" | "minFrames" | "maxFrames" | "timestamps">,
  syntheticOnly: boolean,
): Record<string, unknown> {
  return {
    fps: sampling.fps,
    min_frames: sampling.minFrames,
    max_frames: sampling.maxFrames,
    video_r2: { timestamps: sampling.timestamps, synthetic_only: syntheticOnly },
  };
}
