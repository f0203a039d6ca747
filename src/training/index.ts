/** Training: recipes, supervised fine-tuning, and models made from nothing. */

export { type BatchOptions, type PlannedRow, planEpoch, planFrom } from "./batch-plan.ts";
export { type Clip, type ClipRequest, type ClipSettings, readClip } from "./clip.ts";
export { ClipStore } from "./clip-store.ts";
export {
  type BegunReward,
  type CompletionReward,
  CompletionRewarder,
  type ConsistencyPart,
  questionOf,
  type RewardedQuestion,
  type RewardSettings,
  type TemporalPart,
} from "./completion-reward.ts";
export { type FreshModel, freshModelSchema, makeFreshModel } from "./fresh-model.ts";
export { type GrpoEvent, type GrpoMetrics, type GrpoOptions, trainGrpo } from "./grpo.ts";
export { type GroupAdvantages, groupAdvantages } from "./grpo-advantages.ts";
export { type LossType, lossTypes, policyLoss, tokenWeights } from "./grpo-loss.ts";
export { askedPrompt } from "./grpo-prompts.ts";
export { type GrpoRecipe, loadGrpoRecipe, parseGrpoRecipe } from "./grpo-recipe.ts";
export type { TrainingOptions, TrainingResult } from "./open-training.ts";
export { grpoLoss, PolicyUpdater, type RewardedCompletion, type UpdateMetrics } from "./policy-updater.ts";
export { loadRecipe, parseRecipe, type SftRecipe } from "./recipe.ts";
export type { CommonRecipe, RecipeCluster, RecipeOptimizer, RecipeVideo } from "./recipe-file.ts";
export { type SavedState, writeModel } from "./run-folder.ts";
export { type SftEvent, type SftMetrics, type SftOptions, trainSft } from "./sft.ts";
export { type PromptRow, promptRows, rowMessages, trainBatch } from "./sft-batches.ts";
