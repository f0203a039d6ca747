/**
 * Supervised fine-tuning on reasoning with times: cross-entropy of the assistant's tokens, full or with adapters,
 * from a recipe. Metrics are lines of JSON; checkpoints let a run go on bit for bit. Leaves out: several machines
 * (that is what ms-swift is for), mixed precision.
 */

import { join } from "node:path";
import { UsageError } from "../base/index.ts";
import type { Device } from "../engine/index.ts";
import {
  createTrainStep,
  type HostParams,
  initLora,
  learningRateSchedule,
  loadParams,
  loraConfig,
  Qwen25VL,
} from "../nn/index.ts";
import { ClipStore } from "./clip-store.ts";
import { heldoutLoss } from "./heldout-loss.ts";
import type { SftRecipe } from "./recipe.ts";
import { mergedParams, type Origin, RunFolder, readState, writeModel } from "./run-folder.ts";
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
export interface SftOptions {
  /** Folder of the run. */
  out: string;
  /** Go on with the run that the folder holds. Default false. */
  resume?: boolean;
  /** Default cpu. */
  device?: Device;
  /** Threads of the model's programs. Default all. */
  threads?: number;
  /** Folder that keeps drawn frames between passes and runs; default `<out>/frames`, false keeps none. */
  cache?: string | false;
  /** Stops after the present step with a checkpoint. */
  signal?: AbortSignal;
  /** Called with what happens. */
  onEvent?: (event: SftEvent) => void;
}

/** How a run ended. */
export interface SftResult {
  /** Steps taken in all. */
  step: number;
  /** Whether the recipe's steps are all done; false where it was stopped. */
  finished: boolean;
  /** Folder of the model: `<out>/model` where finished, else the last checkpoint. */
  model: string;
}

/**
 * Trains by a recipe.
 *
 * @throws UsageError on a run folder, data set or model that does not fit, or no row that can be trained on
 */
export async function trainSft(recipe: SftRecipe, options: SftOptions): Promise<SftResult> {
  const { out, device = "cpu", signal, onEvent = () => {} } = options;
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const model = await Qwen25VL.load(recipe.model, { device, ...threads });
  const data = await loadSftData(recipe.data, model, recipe);
  const { folder, checkpoint } = await RunFolder.open(out, recipe, options.resume ?? false);
  const origin = originOf(recipe, model);
  const start = checkpoint === undefined ? undefined : await readState(checkpoint, origin);
  const params = start?.params ?? freshParams(recipe, origin);
  const trainable = trainablePart(recipe);
  const { optimizer } = recipe;
  const trainer = createTrainStep({
    config: model.config,
    params,
    trainable,
    ...(origin.lora ? { lora: origin.lora } : {}),
    adamW: {
      beta1: optimizer.beta1,
      beta2: optimizer.beta2,
      epsilon: optimizer.epsilon,
      weightDecay: optimizer.weightDecay,
    },
    maxGradNorm: optimizer.maxGradNorm,
    device,
    ...threads,
  });
  if (start) trainer.restore(start.params, start.optimizer);
  const cache = options.cache === false ? {} : { cache: options.cache ?? join(out, "frames") };
  const clips = new ClipStore({ video: recipe.video, processor: model.processor, ...cache }, recipe.workers);
  try {
    const steps =
      recipe.steps ?? Math.max(1, Math.round((data.rows.length * recipe.epochs) / recipe.batchSize));
    const heldout = await heldoutLoss(recipe, model, clips, device);
    let step = start?.optimizer.step ?? 0;
    let saved = checkpoint;
    const sizes = [...params].map(([name, { data: values }]) => [
      trainable(name) ? values.length : 0,
      values.length,
    ]);
    const total = (i: 0 | 1): number => sizes.reduce((sum, pair) => sum + (pair[i] as number), 0);
    onEvent({ kind: "start", rows: data.rows.length, steps, step, parameters: total(1), trained: total(0) });
    const rate = learningRateSchedule({
      learningRate: optimizer.learningRate,
      totalSteps: steps,
      warmup: optimizer.warmupRatio,
      floor: optimizer.minLearningRateRatio,
    });
    const save = async (): Promise<string> => {
      const state = { params: trainer.params(), optimizer: trainer.optimizerState() };
      const path = await folder.save(origin, state, recipe.keep);
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
      // Schedules count from 0, where the warm-up's rate is 0; the step's end is what counts.
      const learningRate = rate(Math.min(step + 1, steps - 1));
      const result = await trainer.step(next.value.batches, { learningRate });
      step++;
      const metrics: SftMetrics = {
        step,
        epoch: next.value.epoch,
        ...result,
        learningRate,
        seconds: round((performance.now() - began) / 1000),
        waitSeconds: round((waited - began) / 1000),
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
    if (signal?.aborted && !finished && step % recipe.saveEvery !== 0 && step > (start?.optimizer.step ?? 0))
      saved = await save();
    if (finished) await writeModel(join(out, "model"), origin, trainer.params());
    return { step, finished, model: finished ? join(out, "model") : (saved ?? recipe.model) };
  } finally {
    await clips.close();
    await trainer.dispose();
    await model.dispose();
  }
}

/** What a recipe begins with. */
function originOf({ model: source, lora }: SftRecipe, { config }: Qwen25VL): Origin {
  if (!lora) return { config, source };
  return {
    config,
    source,
    lora: loraConfig({ r: lora.r, lora_alpha: lora.alpha, lora_dropout: lora.dropout }),
  };
}

/** The parameters of a run's first step. */
function freshParams({ seed }: SftRecipe, { config, source, lora }: Origin): HostParams {
  const base = loadParams(source);
  return lora ? new Map([...base, ...initLora(config, lora, seed)]) : base;
}

/** Which parameters a recipe trains. */
function trainablePart(recipe: SftRecipe): (name: string) => boolean {
  if (recipe.lora) return (name) => /\.lora_[AB]\./.test(name);
  const frozen = new Set(recipe.freeze);
  return (name) => {
    if (/(^|\.)visual\.merger\./.test(name)) return !frozen.has("merger");
    if (/(^|\.)visual\./.test(name)) return !frozen.has("vision");
    if (/embed_tokens|lm_head/.test(name)) return !frozen.has("embeddings");
    return true;
  };
}

function tooFewRows(recipe: SftRecipe): UsageError {
  return new UsageError(
    "training-rows",
    `${recipe.data}: must fill a batch of ${recipe.batchSize} rows with ${recipe.questionsPerVideo} questions per video and equal video length`,
    "Lower batchSize or questionsPerVideo, or generate more rows.",
  );
}

function noVideos(skipped: readonly { id: string; reason: string }[]): UsageError {
  return new UsageError(
    "training-videos",
    `videos: at least one of a step's must be readable, got ${skipped[0]?.reason ?? "none"}`,
    "Paths in the data set are relative to its own folder.",
  );
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
