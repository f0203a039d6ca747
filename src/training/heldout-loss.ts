/** The loss on rows that are never trained on. */

import { UsageError } from "../base/index.ts";
import { compile, type Device, tensor } from "../engine/index.ts";
import { crossEntropy, type HostParams, type Qwen25VL, type TrainBatch } from "../nn/index.ts";
import type { ClipStore } from "./clip-store.ts";
import type { SftRecipe } from "./recipe.ts";
import { loadSftData, sftBatches } from "./sft-batches.ts";

/** Rows that the loss is measured on; always the same ones. */
const ROWS = 128;

/**
 * Prepares the measurement.
 *
 * @returns a function from parameters to the mean cross-entropy of the assistant's tokens on up to 128 held-out
 *   rows, in nats; undefined if the recipe names none
 * @throws UsageError `training-rows` if they do not fill a batch
 */
export async function heldoutLoss(
  recipe: SftRecipe,
  model: Qwen25VL,
  clips: ClipStore,
  device: Device,
): Promise<((params: HostParams) => Promise<number>) | undefined> {
  if (recipe.heldout === undefined) return undefined;
  const size = recipe.microBatchSize ?? recipe.batchSize;
  const whole = { ...recipe, batchSize: size };
  const source = sftBatches(await loadSftData(recipe.heldout, model, whole), whole, model, clips, 0);
  const batches: TrainBatch[] = [];
  while (batches.length * size < ROWS) {
    const next = await source.next();
    if (next.done) break;
    batches.push(...next.value.batches);
  }
  await source.return(undefined);
  if (batches.length === 0)
    throw new UsageError(
      "training-rows",
      `${recipe.heldout}: must fill a batch of ${size} readable rows with ${recipe.questionsPerVideo} questions per video and equal video length, got none`,
      "Give more held-out rows, or none at all, or lower microBatchSize.",
    );
  return async (params) => {
    let sum = 0;
    let count = 0;
    for (const batch of batches) {
      const tokens = batch.targets.weights.data.reduce((a, b) => a + b, 0);
      sum += (await batchLoss(model, batch, params, tokens, device)) * tokens;
      count += tokens;
    }
    return sum / count;
  };
}

/** Compiled anew each time: kept programs would hold memory that training needs, and checkpoints are rare. */
async function batchLoss(
  model: Qwen25VL,
  { layout, inputs, targets }: TrainBatch,
  params: HostParams,
  tokens: number,
  device: Device,
): Promise<number> {
  const args = [Object.fromEntries(params), inputs, targets, tensor([1 / tokens], [])] as const;
  const program = await compile(
    (weights, arrays, wanted, scale) => crossEntropy(model.config, layout, weights, arrays, wanted, scale),
    args,
    { device, name: "heldout-loss" },
  );
  try {
    const loss = await program.run(...args);
    return loss.data[0] as number;
  } finally {
    await program.dispose();
  }
}
