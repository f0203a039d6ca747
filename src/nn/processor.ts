/**
 * How a checkpoint wants its video's pixels: `preprocessor_config.json`, or `video_preprocessor_config.json`
 * of newer checkpoints, which goes first for videos.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { messageOf, UsageError } from "../base/index.ts";

/** Pixel settings; the names are those of `toPatches` and `smartResize` in `src/video`. */
export interface ProcessorConfig {
  /** Side of a patch in pixels. */
  patchSize: number;
  /** Frames in a patch. */
  temporalPatchSize: number;
  /** Patches merged to a token along each side. */
  mergeSize: number;
  /** Mean of red, green and blue, of values in [0, 1]. */
  mean: [number, number, number];
  /** Standard deviation of red, green and blue. */
  std: [number, number, number];
  /** Least pixels of a frame after resizing. */
  minPixels: number;
  /** Most pixels of a frame after resizing. */
  maxPixels: number;
}

/** Qwen2.5-VL's settings: CLIP's mean and standard deviation, 14-pixel patches of 2 frames, 2 x 2 merged. */
export const QWEN_PROCESSOR: Readonly<ProcessorConfig> = {
  patchSize: 14,
  temporalPatchSize: 2,
  mergeSize: 2,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
  minPixels: 56 * 56,
  maxPixels: 28 * 28 * 1280,
};

const size = z.number().int().positive();
const colour = z.tuple([z.number(), z.number(), z.number()]);
const schema = z.object({
  patch_size: size.optional(),
  temporal_patch_size: size.optional(),
  merge_size: size.optional(),
  image_mean: colour.optional(),
  image_std: colour.optional(),
  min_pixels: size.nullish(),
  max_pixels: size.nullish(),
  size: z.object({ shortest_edge: size.optional(), longest_edge: size.optional() }).loose().nullish(),
});

/**
 * Reads a checkpoint's pixel settings; what is not given has Qwen2.5-VL's value.
 *
 * @throws UsageError `processor-invalid` naming file and field
 */
export async function loadProcessor(dir: string): Promise<ProcessorConfig> {
  for (const name of ["video_preprocessor_config.json", "preprocessor_config.json"]) {
    const path = join(dir, name);
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text !== undefined) return parseProcessor(text, path);
  }
  return { ...QWEN_PROCESSOR };
}

/** The contents of a `preprocessor_config.json` that transformers reads back to the same settings. */
export function processorJson(config: ProcessorConfig): Record<string, unknown> {
  return {
    image_processor_type: "Qwen2VLImageProcessor",
    processor_class: "Qwen2_5_VLProcessor",
    do_convert_rgb: true,
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    rescale_factor: 1 / 255,
    resample: 3,
    image_mean: config.mean,
    image_std: config.std,
    merge_size: config.mergeSize,
    patch_size: config.patchSize,
    temporal_patch_size: config.temporalPatchSize,
    min_pixels: config.minPixels,
    max_pixels: config.maxPixels,
  };
}

function parseProcessor(text: string, path: string): ProcessorConfig {
  let file: z.infer<typeof schema>;
  try {
    file = schema.parse(JSON.parse(text));
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    const got = issue ? `${issue.path.join(".")}: ${issue.message}` : messageOf(cause);
    throw new UsageError(
      "processor-invalid",
      `${path}: must be a Qwen2-VL preprocessor, got ${got}`,
      undefined,
      {
        cause,
      },
    );
  }
  const standard = QWEN_PROCESSOR;
  return {
    patchSize: file.patch_size ?? standard.patchSize,
    temporalPatchSize: file.temporal_patch_size ?? standard.temporalPatchSize,
    mergeSize: file.merge_size ?? standard.mergeSize,
    mean: file.image_mean ?? [...standard.mean],
    std: file.image_std ?? [...standard.std],
    minPixels: file.min_pixels ?? file.size?.shortest_edge ?? standard.minPixels,
    maxPixels: file.max_pixels ?? file.size?.longest_edge ?? standard.maxPixels,
  };
}
