/** What every training run is set up with: the run's folder, the parameters it begins or goes on with, the optimiser. */

import { join } from "node:path";
import { UsageError } from "../base/index.ts";
import type { Device } from "../engine/index.ts";
import {
  createTrainStep,
  type HostParams,
  initLora,
  type LossFunction,
  learningRateSchedule,
  loadParams,
  loraConfig,
  type Qwen25VL,
  type TrainStep,
} from "../nn/index.ts";
import { ClipStore } from "./clip-store.ts";
import type { CommonRecipe } from "./recipe-file.ts";
import { type Origin, RunFolder, readState } from "./run-folder.ts";

/** How a run is carried out; what it computes is in the recipe. */
export interface TrainingOptions {
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
}

/** How a run ended. */
export interface TrainingResult {
  /** Steps taken in all. */
  step: number;
  /** Whether the recipe's steps are all done; false where it was stopped. */
  finished: boolean;
  /** Folder of the model: `<out>/model` where finished, else the last checkpoint. */
  model: string;
}

/** A run that is set up. */
export interface Training {
  folder: RunFolder;
  origin: Origin;
  trainer: TrainStep;
  clips: ClipStore;
  /** Steps that were taken before, in an earlier run. */
  done: number;
  /** The checkpoint that it goes on from. */
  checkpoint: string | undefined;
  /** Values of all parameters, and of those that are trained. */
  parameters: number;
  trained: number;
  /** Saves a checkpoint and returns its folder. */
  save(): Promise<string>;
  /** Ends threads and frees programs; not the model's. */
  close(): Promise<void>;
}

/**
 * Sets up a run.
 *
 * @param model the recipe's model
 * @param loss default cross-entropy
 * @throws UsageError on a run folder that does not fit
 */
export async function openTraining(
  recipe: CommonRecipe,
  model: Qwen25VL,
  options: TrainingOptions,
  loss?: LossFunction,
): Promise<Training> {
  const { out, device = "cpu", threads } = options;
  const { folder, checkpoint } = await RunFolder.open(out, recipe, options.resume ?? false);
  const origin = originOf(recipe, model);
  const start = checkpoint === undefined ? undefined : await readState(checkpoint, origin);
  const params = start?.params ?? freshParams(recipe, origin);
  const trainable = trainablePart(recipe);
  const { beta1, beta2, epsilon, weightDecay, maxGradNorm } = recipe.optimizer;
  const trainer = createTrainStep({
    config: model.config,
    params,
    trainable,
    ...(origin.lora ? { lora: origin.lora } : {}),
    adamW: { beta1, beta2, epsilon, weightDecay },
    maxGradNorm,
    device,
    ...(threads === undefined ? {} : { threads }),
    ...(loss === undefined ? {} : { loss }),
  });
  if (start) trainer.restore(start.params, start.optimizer);
  const cache = options.cache === false ? {} : { cache: options.cache ?? join(out, "frames") };
  const clips = new ClipStore({ video: recipe.video, processor: model.processor, ...cache }, recipe.workers);
  const values = (names: (name: string) => boolean): number =>
    [...params].reduce((sum, [name, { data }]) => sum + (names(name) ? data.length : 0), 0);
  return {
    folder,
    origin,
    trainer,
    clips,
    done: start?.optimizer.step ?? 0,
    checkpoint,
    parameters: values(() => true),
    trained: values(trainable),
    save: () =>
      folder.save(origin, { params: trainer.params(), optimizer: trainer.optimizerState() }, recipe.keep),
    async close() {
      await clips.close();
      await trainer.dispose();
    },
  };
}

/**
 * The learning rate of each step by a recipe, steps counted from 0. Schedules begin at 0 where they warm up; here the
 * step's end is what counts.
 */
export function recipeRate({ optimizer }: CommonRecipe, steps: number): (step: number) => number {
  const rate = learningRateSchedule({
    learningRate: optimizer.learningRate,
    totalSteps: steps,
    warmup: optimizer.warmupRatio,
    floor: optimizer.minLearningRateRatio,
  });
  return (step) => rate(Math.min(step + 1, steps - 1));
}

/** What a recipe begins with. */
function originOf({ model: source, lora }: CommonRecipe, { config }: Qwen25VL): Origin {
  if (!lora) return { config, source };
  return {
    config,
    source,
    lora: loraConfig({ r: lora.r, lora_alpha: lora.alpha, lora_dropout: lora.dropout }),
  };
}

/** The parameters of a run's first step. */
function freshParams({ seed }: CommonRecipe, { config, source, lora }: Origin): HostParams {
  const base = loadParams(source);
  return lora ? new Map([...base, ...initLora(config, lora, seed)]) : base;
}

/** Which parameters a recipe trains. */
function trainablePart(recipe: CommonRecipe): (name: string) => boolean {
  if (recipe.lora) return (name) => /\.lora_[AB]\./.test(name);
  const frozen = new Set(recipe.freeze);
  return (name) => {
    if (/(^|\.)visual\.merger\./.test(name)) return !frozen.has("merger");
    if (/(^|\.)visual\./.test(name)) return !frozen.has("vision");
    if (/embed_tokens|lm_head/.test(name)) return !frozen.has("embeddings");
    return true;
  };
}

/** Of a step without any readable video. */
export function noVideos(skipped: readonly { id: string; reason: string }[]): UsageError {
  return new UsageError(
    "training-videos",
    `videos: at least one of a step's must be readable, got ${skipped[0]?.reason ?? "none"}`,
    "Paths in the data set are relative to its own folder.",
  );
}

/** Seconds to milliseconds' precision, for metrics. */
export function roundSeconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
