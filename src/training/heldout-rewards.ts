/** What greedy answers to rows that are never trained on earn. */

import { readDataset, spreadRows } from "../data/index.ts";
import type { Qwen25VL } from "../nn/index.ts";
import type { ClipStore } from "./clip-store.ts";
import {
  agreementOf,
  type CompletionReward,
  type CompletionRewarder,
  gatedTar,
  meanKnown,
} from "./completion-reward.ts";
import { askedPrompt } from "./grpo-prompts.ts";
import type { GrpoRecipe } from "./grpo-recipe.ts";
import { promptRows } from "./sft-batches.ts";

/** Rows answered at once. */
const BATCH = 32;

/** Means over the rows that could be told; null over none. */
export interface HeldoutRewards {
  heldoutReward: number | null;
  heldoutAccuracy: number | null;
  /** After the gate. */
  heldoutTar: number | null;
  heldoutAgreement: number | null;
}

/**
 * Prepares the measurement.
 *
 * @returns a function that asks the model as it then is; undefined if the recipe names no held-out rows
 */
export async function heldoutRewards(
  recipe: GrpoRecipe,
  model: Qwen25VL,
  clips: ClipStore,
  rewarder: CompletionRewarder,
): Promise<(() => Promise<HeldoutRewards>) | undefined> {
  const { heldout, heldoutRows, maxNewTokens } = recipe;
  if (heldout === undefined) return undefined;
  const rows = spreadRows(await readDataset(heldout), heldoutRows);
  return async () => {
    const rewards: CompletionReward[] = [];
    for (let at = 0; at < rows.length; at += BATCH) {
      const { prompts: asked } = await promptRows(
        heldout,
        rows.slice(at, at + BATCH),
        clips,
        askedPrompt(model),
      );
      if (asked.length === 0) continue;
      const { generations } = await model.generateTokens(
        asked.map(({ prompt }) => prompt),
        { temperature: 0, maxNewTokens, batchSize: asked.length },
      );
      for (const [i, { row }] of asked.entries()) {
        const generation = generations[i]?.[0];
        if (generation)
          rewards.push(await rewarder.reward(row, generation.text, generation.finishReason === "length"));
      }
    }
    return {
      heldoutReward: meanKnown(rewards, ({ total }) => total),
      heldoutAccuracy: meanKnown(rewards, ({ accuracy }) => accuracy),
      heldoutTar: meanKnown(rewards, gatedTar),
      heldoutAgreement: meanKnown(rewards, agreementOf),
    };
  };
}
