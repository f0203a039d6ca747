/**
 * Training recipes: YAML files that say everything a run depends on, so that the file and the commit give the run.
 * Names and defaults follow the reference's training scripts (docs/papers.md) unless a recipe says otherwise.
 */

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { UsageError } from "../base/index.ts";

const positive = z.number().positive();
const count = z.number().int().positive();

const video = z.strictObject({
  /** Frames per second that are sampled. */
  fps: positive.default(1),
  /** Fewest frames of a video; even. */
  minFrames: count.default(4),
  /** Most frames of a video; even. */
  maxFrames: count.default(128),
  /** Fewest pixels of a frame. */
  minPixels: count.default(100_352),
  /** Most pixels of a frame. */
  maxPixels: count.default(151_200),
  /** Draw `HH:MM:SS` on every frame. */
  timestamps: z.boolean().default(true),
  /** Draw the subtitles of rows that have some. */
  subtitles: z.boolean().default(true),
});

const lora = z.strictObject({
  /** Rank of the adapters. */
  r: count.default(64),
  /** Scale: the adapter's product is multiplied by `alpha / r`. */
  alpha: positive.default(64),
  /** Probability that an input of an adapter is dropped, in [0, 1). */
  dropout: z.number().min(0).lt(1).default(0.05),
});

const optimizer = z.strictObject({
  learningRate: positive.default(1e-5),
  /** Learning rate at the end of the cosine, as a share of the highest. */
  minLearningRateRatio: z.number().min(0).max(1).default(0),
  weightDecay: z.number().min(0).default(0.1),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  epsilon: positive.default(1e-8),
  /** Share of the steps over which the learning rate rises from 0. */
  warmupRatio: z.number().min(0).lt(1).default(0.03),
  /** Largest norm of all gradients together. */
  maxGradNorm: positive.default(1),
});

const sft = z.strictObject({
  kind: z.literal("sft"),
  /** Starting checkpoint: a folder. Relative paths are relative to the recipe's folder. */
  model: z.string(),
  /** Rows to learn from: JSONL as `video-r2 data synth` writes it. */
  data: z.string(),
  /** Rows never trained on, whose loss is measured at every checkpoint. */
  heldout: z.string().optional(),
  video: video.prefault({}),
  /** Train low-rank adapters instead of all weights. */
  lora: lora.optional(),
  /** Parts that stay as they are. The reference freezes the vision tower and the merger. */
  freeze: z.array(z.enum(["vision", "merger", "embeddings"])).default(["vision", "merger"]),
  optimizer: optimizer.prefault({}),
  /** Passes over the data; `steps` wins where both are given. */
  epochs: positive.default(1),
  /** Optimiser steps. */
  steps: count.optional(),
  /** Rows in an optimiser step. */
  batchSize: count.default(32),
  /** Rows in one forward and backward pass; divides `batchSize`, gradients are accumulated. Default `batchSize`. */
  microBatchSize: count.optional(),
  /** Questions of one video that are trained together, so that the vision tower runs once for them. Default 1. */
  questionsPerVideo: count.default(1),
  /** Text lengths are padded to a multiple of this, so that few programs are compiled. */
  padTo: count.default(64),
  /** Steps between checkpoints. */
  saveEvery: count.default(100),
  /** Checkpoints kept; older ones are deleted. */
  keep: count.default(2),
  seed: z.number().int().default(0),
  /** Threads that decode and draw while the model trains. */
  workers: count.default(1),
});

/** A supervised fine-tuning recipe, with every default filled in and every path absolute. */
export type SftRecipe = z.infer<typeof sft>;

/** How frames are taken from videos in a recipe. */
export type RecipeVideo = z.infer<typeof video>;

/** How the optimiser is set in a recipe. */
export type RecipeOptimizer = z.infer<typeof optimizer>;

/**
 * Reads a recipe.
 *
 * @param path a YAML (or JSON) file
 * @param overrides values that replace those of the file, such as `{steps: 10}`; `undefined` ones do not
 * @throws UsageError `recipe-invalid` naming each field that is wrong, `recipe-missing` if there is no file
 */
export async function loadRecipe(
  path: string,
  overrides: Partial<z.input<typeof sft>> = {},
): Promise<SftRecipe> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new UsageError(
      "recipe-missing",
      `recipe: must be a readable file, got ${path}`,
      "Recipes that come with video-r2 are in its recipes/ folder.",
      {
        cause: error,
      },
    );
  }
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw new UsageError(
      "recipe-invalid",
      `${path}: must be YAML, got ${error instanceof Error ? error.message : error}`,
    );
  }
  if (content === null || typeof content !== "object" || Array.isArray(content)) {
    throw new UsageError("recipe-invalid", `${path}: must be a mapping of names to values`);
  }
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
  const recipe = parseRecipe({ ...content, ...given }, path);
  // Paths in the file are relative to the file; paths given by the caller are relative to where the caller is.
  const locate = (name: "model" | "data" | "heldout", value: string): string =>
    resolve(name in given ? "." : dirname(path), value);
  return {
    ...recipe,
    model: locate("model", recipe.model),
    data: locate("data", recipe.data),
    ...(recipe.heldout === undefined ? {} : { heldout: locate("heldout", recipe.heldout) }),
  };
}

/**
 * Checks a recipe's values and fills in the defaults.
 *
 * @param value the recipe as parsed from YAML or JSON
 * @param name what errors call it
 * @throws UsageError `recipe-invalid` naming each field that is wrong
 */
export function parseRecipe(value: unknown, name = "recipe"): SftRecipe {
  const parsed = sft.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      (issue) => `${issue.path.join(".") || "the recipe"}: ${issue.message}`,
    );
    throw new UsageError(
      "recipe-invalid",
      `${name}: ${problems.join("; ")}`,
      "docs/training.md lists every field.",
    );
  }
  const recipe = parsed.data;
  const micro = recipe.microBatchSize ?? recipe.batchSize;
  if (recipe.batchSize % micro !== 0) {
    throw new UsageError(
      "recipe-invalid",
      `${name}: batchSize must be a multiple of microBatchSize, got ${recipe.batchSize} and ${micro}`,
    );
  }
  if (micro % recipe.questionsPerVideo !== 0) {
    throw new UsageError(
      "recipe-invalid",
      `${name}: microBatchSize must be a multiple of questionsPerVideo, got ${micro} and ${recipe.questionsPerVideo}`,
    );
  }
  return { ...recipe, microBatchSize: micro };
}
