/**
 * Supervised fine-tuning on reasoning with times: cross-entropy of the assistant's tokens, full or with adapters,
 * from a recipe. Metrics are lines of JSON; checkpoints let a run go on bit for bit. Leaves out: several machines
 * (that is what ms-swift is for), mixed precision.
 */

import { join } from "node:path";
import { UsageError } from "../base/index.ts";
import { Qwen25VL } from "../nn/index.ts";
import { heldoutLoss } from "./heldout-loss.ts";
import {
  noVideos,
  openTraining,
  recipeRate,
  roundSeconds,
  type TrainingOptions,
  type TrainingResult,
} from "./open-training.ts";
import type { SftRecipe } from "./recipe.ts";
import { mergedParams, writeModel } from "./run-folder.ts";
import { loadSftData, sftBatches } from "./sft-batches.ts";

/** One line of `metrics.jsonl`. */
export interface SftMetrics extends Record<string, unknown> {
  /** Steps taken, from 1. */
  step: number;
  /** Passes over the data completed. */
  epoch: number;
  /** Mean cross-entropy of the assistant's tokens before the step, in nats. */
  loss: number;
  /** Global norm of the gradient before clipping. */
  gradNorm: number;
  learningRate: number;
  /** Assistant's tokens in the step. */
  tokens: number;
  /** Wall time of the step, waiting for its data included. */
  seconds: number;
  /** Of these, waiting for data. */
  waitSeconds: number;
  /** Rows left out because their video could not be read. */
  skipped: number;
  /** Mean cross-entropy on held-out rows; at checkpoints, where the recipe names some. */
  heldoutLoss?: number;
}

/** What a run tells while it goes. */
export type SftEvent =
  | { kind: "start"; rows: number; steps: number; step: number; parameters: number; trained: number }
  | { kind: "step"; metrics: SftMetrics; steps: number }
  | { kind: "skipped"; id: string; reason: string }
  | { kind: "checkpoint"; path: string; step: number };

/** How a run is carried out; what it computes is in the recipe. */
export interface SftOptions extends TrainingOptions {
  /** Called with what happens. */
  onEvent?: (event: SftEvent) => void;
}

/**
 * Trains by a recipe.
 *
 * @throws UsageError on a run folder, data set or model that does not fit, or no row that can be trained on
 */
export async function trainSft(recipe: SftRecipe, options: SftOptions): Promise<TrainingResult> {
  const { out, device = "cpu", signal, onEvent = () => {} } = options;
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const model = await Qwen25VL.load(recipe.model, { device, ...threads });
  const data = await loadSftData(recipe.data, model, recipe);
  const training = await openTraining(recipe, model, options);
  const { folder, trainer, clips, origin } = training;
  try {
    const steps =
      recipe.steps ?? Math.max(1, Math.round((data.rows.length * recipe.epochs) / recipe.batchSize));
    const heldout = await heldoutLoss(recipe, model, clips, device);
    let step = training.done;
    let saved = training.checkpoint;
    const { parameters, trained } = training;
    onEvent({ kind: "start", rows: data.rows.length, steps, step, parameters, trained });
    const rate = recipeRate(recipe, steps);
    const save = async (): Promise<string> => {
      const path = await training.save();
      onEvent({ kind: "checkpoint", path, step });
      return path;
    };
    const batches = sftBatches(data, recipe, model, clips, step);
    while (step < steps && !signal?.aborted) {
      const began = performance.now();
      const next = await batches.next();
      if (next.done) throw tooFewRows(recipe);
      for (const { id, reason } of next.value.skipped) onEvent({ kind: "skipped", id, reason });
      if (next.value.batches.length === 0) throw noVideos(next.value.skipped);
      const waited = performance.now();
      const learningRate = rate(step);
      const { loss, gradNorm, tokens } = await trainer.step(next.value.batches, { learningRate });
      step++;
      const metrics: SftMetrics = {
        step,
        epoch: next.value.epoch,
        loss,
        gradNorm,
        tokens,
        learningRate,
        seconds: roundSeconds((performance.now() - began) / 1000),
        waitSeconds: roundSeconds((waited - began) / 1000),
        skipped: next.value.skipped.length,
      };
      if (step % recipe.saveEvery === 0 || step === steps) {
        if (heldout) metrics.heldoutLoss = await heldout(mergedParams(trainer.params(), origin));
        await folder.log(metrics);
        saved = await save();
      } else await folder.log(metrics);
      onEvent({ kind: "step", metrics, steps });
    }
    await batches.return(undefined);
    const finished = step >= steps;
    if (signal?.aborted && !finished && step % recipe.saveEvery !== 0 && step > training.done)
      saved = await save();
    if (finished) await writeModel(join(out, "model"), origin, trainer.params());
    return { step, finished, model: finished ? join(out, "model") : (saved ?? recipe.model) };
  } finally {
    await training.close();
    await model.dispose();
  }
}

function tooFewRows(recipe: SftRecipe): UsageError {
  return new UsageError(
    "training-rows",
    `${recipe.data}: must fill a batch of ${recipe.batchSize} rows with ${recipe.questionsPerVideo} questions per video and equal video length`,
    "Lower batchSize or questionsPerVideo, or generate more rows.",
  );
}
