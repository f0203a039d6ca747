/** What a reproduction of the paper's ablation consists of: how large it is, and the recipes of its five rows. */

import { UsageError } from "../../base/index.ts";
import type { WorldOptions } from "../../data/index.ts";
import { type GrpoRecipe, parseGrpoRecipe, parseRecipe, type SftRecipe } from "../../training/index.ts";

/** How large a reproduction is; with the model it begins with, all that its numbers depend on. */
export interface ReproduceSettings {
  /** What worlds, orders and samples follow from; any whole number. */
  seed: number;
  /** How often training is repeated, each time with other orders and samples; at least 1. */
  seeds: number;
  /** Steps of reinforcement learning. */
  steps: number;
  /** Steps of supervised fine-tuning, and of the training that makes the model to begin with. */
  sftSteps: number;
  startSteps: number;
  /** Questions in a step of reinforcement learning, and completions of each. */
  promptsPerStep: number;
  groupSize: number;
  learningRate: number;
  /** Videos for supervised fine-tuning, for reinforcement learning, and held out. */
  sftVideos: number;
  grpoVideos: number;
  heldoutVideos: number;
  /** Share of questions whose right option comes first: the shortcut that rewards can be had by. */
  firstOption: number;
  /** Whether the last row is also trained without the shortcut: options by lot. */
  control: boolean;
}

const common = {
  seed: 0,
  sftSteps: 13,
  startSteps: 60,
  promptsPerStep: 8,
  groupSize: 8,
  learningRate: 0.0004,
  sftVideos: 200,
  firstOption: 0.8,
};

/** Less than a quarter of an hour on two cores. */
export const quickSettings: ReproduceSettings = {
  ...common,
  seeds: 3,
  steps: 16,
  grpoVideos: 200,
  heldoutVideos: 16,
  control: false,
};

/** About forty minutes on two cores. */
export const fullSettings: ReproduceSettings = {
  ...common,
  seeds: 6,
  steps: 16,
  grpoVideos: 200,
  heldoutVideos: 40,
  control: true,
};

/** @throws UsageError `reproduce-settings` naming the setting that is out of range */
export function checkSettings(settings: ReproduceSettings): void {
  for (const [name, value] of Object.entries(settings)) {
    if (name === "control") continue;
    const good =
      name === "seed"
        ? Number.isSafeInteger(value)
        : name === "firstOption"
          ? value >= 0 && value <= 1
          : name === "learningRate"
            ? value > 0
            : Number.isSafeInteger(value) && value >= (name === "groupSize" ? 2 : 1);
    if (!good)
      throw new UsageError(
        "reproduce-settings",
        `${name}: must be ${name === "firstOption" ? "a share from 0 to 1" : name === "learningRate" ? "above 0" : "a whole number of at least 1 (seed: any, groupSize: 2)"}, got ${value}`,
      );
  }
}

/** The rows of the ablation, in the paper's order; the last one, with the shortcut taken away, is ours. */
export const variants = ["start", "sft", "grpo", "tar", "gate", "lot"] as const;

/** A row of the ablation. */
export type Variant = (typeof variants)[number];

/** What a row is called. */
export const variantNames: Record<Variant, string> = {
  start: "start",
  sft: "+ SFT",
  grpo: "+ SFT + GRPO",
  tar: "+ SFT + GRPO + TAR",
  gate: "+ SFT + GRPO + TAR + gate",
  lot: "the same, options by lot",
};

/** The rows that settings ask for. */
export function variantsOf({ control }: ReproduceSettings): readonly Variant[] {
  return control ? variants : variants.filter((variant) => variant !== "lot");
}

/** The worlds, by folder name. */
export type WorldName = "loose" | "sft" | "grpo" | "lot";

/** The options of a world, its number of videos, and the index of its first one. */
export interface World extends WorldOptions {
  count: number;
  start: number;
}

/**
 * The worlds to generate. All questions have options; but for `lot`, the right one mostly comes first. No video is in
 * two of the worlds that are trained on one after the other: `loose` and `sft` have the same, `grpo` and `lot` others.
 */
export function worldsOf(settings: ReproduceSettings): { name: WorldName; world: World }[] {
  const { seed, sftVideos, grpoVideos, heldoutVideos, firstOption, control } = settings;
  const shared = {
    seed,
    open: 0,
    questionsPerVideo: 8,
    lengths: [8, 10, 12, 14, 16],
    levels: [1, 1, 2],
    start: 0,
  };
  const train = { ...shared, split: "train" as const };
  const heldout = { ...shared, split: "heldout" as const, count: heldoutVideos };
  return [
    { name: "loose", world: { ...train, count: sftVideos, firstOption, reasoning: "loose" } },
    { name: "sft", world: { ...train, count: sftVideos, firstOption } },
    { name: "grpo", world: { ...train, count: grpoVideos, start: sftVideos, firstOption } },
    { name: "grpo", world: { ...heldout, firstOption } },
    ...(control ? [{ name: "lot" as const, world: { ...train, count: grpoVideos, start: sftVideos } }] : []),
    { name: "lot", world: heldout },
  ];
}

/** Frames as the model of the package takes them. */
export const video = {
  fps: 2,
  minFrames: 4,
  maxFrames: 32,
  minPixels: 12_544,
  maxPixels: 12_544,
  timestamps: true,
  subtitles: true,
};

/** Most tokens of an answer; the longest of the world's have about 110. */
export const maxNewTokens = 128;

/** The recipe that makes the start, or a seed's supervised fine-tuning. */
export function sftRecipe(
  settings: ReproduceSettings,
  { model, data, steps, seed }: { model: string; data: string; steps: number; seed: number },
): SftRecipe {
  return parseRecipe({
    kind: "sft",
    model,
    data,
    video,
    optimizer: { learningRate: 0.0004, weightDecay: 0, minLearningRateRatio: 0.1 },
    steps,
    batchSize: 32,
    microBatchSize: 16,
    questionsPerVideo: 2,
    saveEvery: 20,
    keep: 1,
    seed: settings.seed + seed,
  });
}

/** What each row of reinforcement learning is rewarded for. */
const rewards: Partial<Record<Variant, { temporal: number; gate: boolean }>> = {
  grpo: { temporal: 0, gate: true },
  tar: { temporal: 1, gate: false },
  gate: { temporal: 1, gate: true },
  lot: { temporal: 1, gate: true },
};

/** The recipe of a row of reinforcement learning; none for the others. */
export function grpoRecipe(
  settings: ReproduceSettings,
  variant: Variant,
  { model, data, seed }: { model: string; data: string; seed: number },
): GrpoRecipe | undefined {
  const rewarded = rewards[variant];
  if (rewarded === undefined) return undefined;
  const { promptsPerStep, groupSize, learningRate, steps } = settings;
  return parseGrpoRecipe({
    kind: "grpo",
    model,
    data,
    video,
    optimizer: { learningRate, weightDecay: 0 },
    promptsPerStep,
    groupSize,
    microBatchSize: groupSize,
    maxNewTokens,
    temperature: 1,
    topK: 0,
    beta: 0,
    steps,
    saveEvery: 10,
    keep: 1,
    seed: settings.seed + seed,
    rewards: rewarded,
  });
}
