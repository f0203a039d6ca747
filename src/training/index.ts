/** Training: recipes, supervised fine-tuning, and models made from nothing. */

export { type BatchOptions, type PlannedRow, planEpoch, planFrom } from "./batch-plan.ts";
export { type Clip, type ClipRequest, type ClipSettings, readClip } from "./clip.ts";
export { ClipStore } from "./clip-store.ts";
export { type FreshModel, freshModelSchema, makeFreshModel } from "./fresh-model.ts";
export { loadRecipe, parseRecipe, type RecipeOptimizer, type RecipeVideo, type SftRecipe } from "./recipe.ts";
export { type SavedState, writeModel } from "./run-folder.ts";
export { type SftEvent, type SftMetrics, type SftOptions, type SftResult, trainSft } from "./sft.ts";
export { rowMessages } from "./sft-batches.ts";
