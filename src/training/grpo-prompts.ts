/** The questions of each GRPO step, their videos decoded and drawn ahead of their use. */

import { mapPool } from "../base/index.ts";
import type { DataRow } from "../data/index.ts";
import type { Prompt, Qwen25VL } from "../nn/index.ts";
import { planFrom } from "./batch-plan.ts";
import type { Clip } from "./clip.ts";
import type { ClipStore } from "./clip-store.ts";
import type { GrpoRecipe } from "./grpo-recipe.ts";
import { type PromptRow, promptRows, rowMessages, type SftData } from "./sft-batches.ts";

/** The questions of one step. */
export interface GrpoStepPrompts {
  /** Passes over the data completed before it. */
  epoch: number;
  /** Without answers. */
  asked: PromptRow[];
  /** Rows left out, with the reason. */
  skipped: { id: string; reason: string }[];
}

/** Questions from a step on, without end, a few steps ahead of their use. */
export function grpoPrompts(
  data: SftData,
  recipe: GrpoRecipe,
  model: Qwen25VL,
  clips: ClipStore,
  fromStep: number,
  ahead = 2,
): AsyncGenerator<GrpoStepPrompts> {
  const plan = { batchSize: recipe.promptsPerStep, questionsPerVideo: 1, seed: recipe.seed };
  return mapPool(planFrom(data.planned, plan, fromStep), ahead + 1, async ({ batch, epoch }) => {
    const rows = batch.map((i) => data.rows[i] as DataRow);
    const { prompts, skipped } = await promptRows(data.path, rows, clips, askedPrompt(model));
    return { epoch, asked: prompts, skipped };
  });
}

/** Makes prompts that ask a row's question and leave the answer open. */
export function askedPrompt(model: Qwen25VL): (row: DataRow, clip: Clip) => Prompt {
  return (row, clip) => model.prepare(rowMessages(row, clip));
}
