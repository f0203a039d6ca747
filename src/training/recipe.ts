/** Recipes of supervised fine-tuning. */

import { z } from "zod";
import {
  checkRecipe,
  commonFields,
  loadRecipeFile,
  optimizerSchema,
  recipeInvalid,
  videoSchema,
} from "./recipe-file.ts";

const count = z.number().int().positive();

const sft = z.strictObject({
  kind: z.literal("sft"),
  ...commonFields,
  /** Rows never trained on, whose loss is measured at every checkpoint. */
  heldout: z.string().optional(),
  video: videoSchema.prefault({}),
  optimizer: optimizerSchema.prefault({}),
  /** Rows in an optimiser step. */
  batchSize: count.default(32),
  /** Rows in one forward and backward pass; divides `batchSize`, gradients are accumulated. Default `batchSize`. */
  microBatchSize: count.optional(),
  /** Questions of one video that are trained together, so that the vision tower runs once for them. Default 1. */
  questionsPerVideo: count.default(1),
});

/** A supervised fine-tuning recipe, with every default filled in and every path absolute. */
export type SftRecipe = z.infer<typeof sft>;

/**
 * Reads a recipe.
 *
 * @param path a YAML (or JSON) file
 * @param overrides values that replace those of the file, such as `{steps: 10}`; `undefined` ones do not
 * @throws UsageError `recipe-invalid` naming each field that is wrong, `recipe-missing` if there is no file
 */
export function loadRecipe(path: string, overrides: Partial<z.input<typeof sft>> = {}): Promise<SftRecipe> {
  return loadRecipeFile(path, overrides, parseRecipe);
}

/**
 * Checks a recipe's values and fills in the defaults.
 *
 * @param value the recipe as parsed from YAML or JSON
 * @param name what errors call it
 * @throws UsageError `recipe-invalid` naming each field that is wrong
 */
export function parseRecipe(value: unknown, name = "recipe"): SftRecipe {
  const recipe = checkRecipe(sft, value, name);
  const micro = recipe.microBatchSize ?? recipe.batchSize;
  if (recipe.batchSize % micro !== 0)
    throw recipeInvalid(
      `${name}: batchSize must be a multiple of microBatchSize, got ${recipe.batchSize} and ${micro}`,
    );
  if (micro % recipe.questionsPerVideo !== 0)
    throw recipeInvalid(
      `${name}: microBatchSize must be a multiple of questionsPerVideo, got ${micro} and ${recipe.questionsPerVideo}`,
    );
  return { ...recipe, microBatchSize: micro };
}
