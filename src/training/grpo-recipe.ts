/** Recipes of GRPO. Defaults are the reference's settings for the 7B model, but for truncated completions. */

import { z } from "zod";
import { lossTypes } from "./grpo-loss.ts";
import {
  checkRecipe,
  commonFields,
  loadRecipeFile,
  optimizerSchema,
  recipeInvalid,
  videoSchema,
} from "./recipe-file.ts";

const count = z.number().int().positive();
const weight = z.number().min(0).default(1);

const rewards = z.strictObject({
  /** What each part counts. */
  accuracy: weight,
  format: weight,
  /** TAR. */
  temporal: weight,
  /** Whether TAR counts in consistent traces only. */
  gate: z.boolean().default(true),
  /** Largest time between claims that match, in seconds. */
  deltaSeconds: z.number().min(0).default(2),
  /** Smallest similarity of claims that match; default the embedder's own. */
  threshold: z.number().min(-1).max(1).optional(),
  /** What TAR is a share of: the completion's claims, the reference's, or the harmonic mean. */
  mode: z.enum(["precision", "recall", "f1"]).default("precision"),
});

const grpo = z.strictObject({
  kind: z.literal("grpo"),
  ...commonFields,
  /** Rows never trained on, which are answered greedily and scored at every checkpoint. */
  heldout: z.string().optional(),
  /** How many of them, spread over the file. */
  heldoutRows: count.default(64),
  video: videoSchema
    .extend({ fps: z.number().positive().default(2), maxFrames: count.default(32) })
    .prefault({}),
  optimizer: optimizerSchema
    .extend({
      learningRate: z.number().positive().default(1e-6),
      weightDecay: z.number().min(0).default(0.01),
      warmupRatio: z.number().min(0).lt(1).default(0),
    })
    .prefault({}),
  /** Questions in a step. */
  promptsPerStep: count.default(1),
  /** Completions of each, at least 2; advantages are within these. */
  groupSize: z.number().int().min(2).default(8),
  /**
   * Completions in one forward and backward pass; a multiple or a divisor of `groupSize`, divides all of the step's.
   * Default all.
   */
  microBatchSize: count.optional(),
  /** Most tokens of a completion. */
  maxNewTokens: count.default(1024),
  temperature: z.number().positive().default(0.9),
  topP: z.number().gt(0).max(1).default(1),
  /** 0 for all tokens. */
  topK: z.number().int().min(0).default(50),
  lossType: z.enum(lossTypes).default("bnpo"),
  /** Weight of the KL divergence from the model that training began with; 0 leaves it out. */
  beta: z.number().min(0).default(0.04),
  /** How far below and above 1 the ratio to the policy that sampled may be before it is clipped. */
  epsilonLow: z.number().gt(0).lt(1).default(0.2),
  epsilonHigh: z.number().gt(0).default(0.2),
  /** Updates from the same completions. */
  iterations: count.default(1),
  /** Whether advantages are divided by the standard deviation of their group's rewards. */
  scaleRewards: z.boolean().default(true),
  /** Whether completions that were cut off are left out of the loss. */
  maskTruncated: z.boolean().default(true),
  rewards: rewards.prefault({}),
  /** What decides about consistency: rules, or http://host:port/v1#model. */
  judge: z.string().default("rules"),
  /** What compares claims: lexical, a MiniLM folder, hf:org/name, or a server. */
  embedder: z.string().default("lexical"),
});

/** A GRPO recipe, with every default filled in and every path absolute. */
export type GrpoRecipe = z.infer<typeof grpo> & { microBatchSize: number };

/**
 * Reads a recipe.
 *
 * @param path a YAML (or JSON) file
 * @param overrides values that replace those of the file, such as `{steps: 10}`; `undefined` ones do not
 * @throws UsageError `recipe-invalid` naming each field that is wrong, `recipe-missing` if there is no file
 */
export function loadGrpoRecipe(
  path: string,
  overrides: Partial<z.input<typeof grpo>> = {},
): Promise<GrpoRecipe> {
  return loadRecipeFile(path, overrides, parseGrpoRecipe);
}

/**
 * Checks a recipe's values and fills in the defaults.
 *
 * @param value the recipe as parsed from YAML or JSON
 * @param name what errors call it
 * @throws UsageError `recipe-invalid` naming each field that is wrong
 */
export function parseGrpoRecipe(value: unknown, name = "recipe"): GrpoRecipe {
  const recipe = checkRecipe(grpo, value, name);
  const { groupSize } = recipe;
  const all = recipe.promptsPerStep * groupSize;
  const micro = recipe.microBatchSize ?? all;
  if (all % micro !== 0 || (micro % groupSize !== 0 && groupSize % micro !== 0))
    throw recipeInvalid(
      `${name}: microBatchSize must be a multiple or divisor of groupSize and divide the step's ${all} completions, got ${micro}`,
    );
  return { ...recipe, microBatchSize: micro };
}
