/**
 * What all training recipes have in common: YAML files that say everything a run depends on, so that the file and the
 * commit give the run. Names and defaults follow the reference's training scripts (docs/papers.md) unless a recipe says
 * otherwise.
 */

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { UsageError } from "../base/index.ts";

const positive = z.number().positive();
const count = z.number().int().positive();

/** How frames are taken from videos. */
export const videoSchema = z.strictObject({
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

/** AdamW and its schedule. */
export const optimizerSchema = z.strictObject({
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

const judgeServer = z.strictObject({
  /** The program and its arguments that serve the judge, such as `[vllm, serve, MODEL, --port, "8000"]`. */
  command: z.array(z.string()).min(1),
  /** Where it then answers: `http://host:port/v1#model`. */
  url: z.string(),
  /** Longest it may take until it does. */
  waitSeconds: positive.default(1800),
});

/** What only matters where another engine trains on a cluster (`--engine swift`). */
const cluster = z.strictObject({
  /** Rows or completions that a GPU takes in one pass. */
  perDevice: count.default(1),
  /** Longest prompt with its answer, in tokens; longer rows are left out. */
  maxLength: count.optional(),
  /** A judge to start for the run; its `url` is used in place of the recipe's `judge`. */
  judge: judgeServer.optional(),
  /** Further arguments of ms-swift by name; they win over what the recipe gives. */
  swift: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
    .default({}),
  /** Environment of ms-swift, such as `NCCL_DEBUG`. */
  env: z.record(z.string(), z.string()).default({}),
});

/** What a recipe says for a cluster. */
export type RecipeCluster = z.infer<typeof cluster>;

/** Fields of every recipe. */
export const commonFields = {
  /** Starting checkpoint: a folder, or `hf:org/name`. Relative paths are relative to the recipe's folder. */
  model: z.string(),
  /** Rows to learn from: JSONL as `video-r2 data synth` writes it. */
  data: z.string(),
  /** Train low-rank adapters instead of all weights. */
  lora: lora.optional(),
  /** Parts that stay as they are. The reference freezes the vision tower and the merger. */
  freeze: z.array(z.enum(["vision", "merger", "embeddings"])).default(["vision", "merger"]),
  /** Passes over the data; `steps` wins where both are given. */
  epochs: positive.default(1),
  /** Optimiser steps. */
  steps: count.optional(),
  /** Text lengths are padded to a multiple of this, so that few programs are compiled. */
  padTo: count.default(64),
  /** Steps between checkpoints. */
  saveEvery: count.default(100),
  /** Checkpoints kept; older ones are deleted. */
  keep: count.default(2),
  seed: z.number().int().default(0),
  /** Threads that decode and draw while the model trains. */
  workers: count.default(1),
  cluster: cluster.optional(),
};

/** How frames are taken from videos in a recipe. */
export type RecipeVideo = z.infer<typeof videoSchema>;

/** How the optimiser is set in a recipe. */
export type RecipeOptimizer = z.infer<typeof optimizerSchema>;

/** What every recipe says, whatever is trained by it. */
export type CommonRecipe = z.infer<z.ZodObject<typeof commonFields>> & {
  kind: string;
  heldout?: string | undefined;
  video: RecipeVideo;
  optimizer: RecipeOptimizer;
};

/** A recipe's files, whose paths are relative to it. */
type Located = { model: string; data: string; heldout?: string | undefined };

/**
 * Reads a recipe file.
 *
 * @param path a YAML (or JSON) file
 * @param overrides values that replace those of the file, such as `{steps: 10}`; `undefined` ones do not
 * @param check checks a recipe's values and fills in the defaults
 * @throws UsageError `recipe-invalid` naming each field that is wrong, `recipe-missing` if there is no file
 */
export async function loadRecipeFile<T extends Located>(
  path: string,
  overrides: Readonly<Record<string, unknown>>,
  check: (value: unknown, name: string) => T,
): Promise<T> {
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
  const recipe = check({ ...content, ...given }, path);
  // Paths in the file are relative to the file; paths given by the caller are relative to where the caller is.
  const locate = (name: "model" | "data" | "heldout", value: string): string =>
    value.startsWith("hf:") ? value : resolve(name in given ? "." : dirname(path), value);
  return {
    ...recipe,
    model: locate("model", recipe.model),
    data: locate("data", recipe.data),
    ...(recipe.heldout === undefined ? {} : { heldout: locate("heldout", recipe.heldout) }),
  };
}

/**
 * Checks values against a recipe's schema and fills in the defaults.
 *
 * @throws UsageError `recipe-invalid` naming each field that is wrong
 */
export function checkRecipe<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.join(".") || "the recipe"}: ${issue.message}`,
  );
  throw recipeInvalid(`${name}: ${problems.join("; ")}`);
}

/** A recipe that cannot be used. */
export function recipeInvalid(message: string): UsageError {
  return new UsageError("recipe-invalid", message, "docs/training.md lists every field.");
}
