/** What greedy answers to rows that are never trained on earn. */

import { readDataset } from "../data/index.ts";
import type { Qwen25VL } from "../nn/index.ts";
import { mean } from "../stats/index.ts";
import type { ClipStore } from "./clip-store.ts";
import type { CompletionReward, CompletionRewarder } from "./completion-reward.ts";
import { askRows } from "./grpo-prompts.ts";
import type { GrpoRecipe } from "./grpo-recipe.ts";

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
  const all = await readDataset(heldout);
  const count = Math.min(heldoutRows, all.length);
  const rows = Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]).filter(
    (row) => row !== undefined,
  );
  return async () => {
    const rewards: CompletionReward[] = [];
    for (let at = 0; at < rows.length; at += BATCH) {
      const { asked } = await askRows(heldout, rows.slice(at, at + BATCH), model, clips);
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
    const of = (pick: (reward: CompletionReward) => number | null): number | null =>
      mean(rewards.map(pick).filter((value) => value !== null));
    return {
      heldoutReward: of(({ total }) => total),
      heldoutAccuracy: of(({ accuracy }) => accuracy),
      heldoutTar: of(({ temporal, consistent }) =>
        temporal === null || consistent === null ? null : consistent ? temporal : 0,
      ),
      heldoutAgreement: of(({ consistent }) => (consistent === null ? null : consistent ? 1 : 0)),
    };
  };
}
