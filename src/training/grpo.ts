/**
 * Group Relative Policy Optimization (Shao et al., 2024) with the rewards of this project: completions are sampled in
 * groups, rewarded, compared within their group, and learnt from. Full or with adapters, from a recipe. Metrics and
 * samples are lines of JSON; checkpoints let a run go on bit for bit.
 */

import { join } from "node:path";
import { UsageError } from "../base/index.ts";
import type { DataRow } from "../data/index.ts";
import { type Embedder, type Judge, openEmbedder, openJudge } from "../judges/index.ts";
import { type Generation, LogProbs, loadParams, Qwen25VL } from "../nn/index.ts";
import { mean } from "../stats/index.ts";
import {
  agreementOf,
  type CompletionReward,
  CompletionRewarder,
  gatedTar,
  meanKnown,
} from "./completion-reward.ts";
import { groupAdvantages } from "./grpo-advantages.ts";
import { grpoPrompts } from "./grpo-prompts.ts";
import type { GrpoRecipe } from "./grpo-recipe.ts";
import { heldoutRewards } from "./heldout-rewards.ts";
import {
  noVideos,
  openTraining,
  recipeRate,
  roundSeconds,
  type Training,
  type TrainingOptions,
  type TrainingResult,
} from "./open-training.ts";
import { grpoLoss, PolicyUpdater, type RewardedCompletion, type UpdateMetrics } from "./policy-updater.ts";
import { mergedParams, writeModel } from "./run-folder.ts";
import { loadPromptData, type PromptRow } from "./sft-batches.ts";

/**
 * One line of `metrics.jsonl`. Means are over the completions of the step that could be told; null over none.
 */
export interface GrpoMetrics extends Record<string, unknown> {
  /** Steps taken, from 1; a step is one set of completions, whatever the iterations. */
  step: number;
  /** Passes over the data completed. */
  epoch: number;
  learningRate: number;
  /** The total reward, and its standard deviation within groups. */
  reward: number | null;
  rewardSpread: number;
  /** Share of right answers, by the accuracy reward; of well-formed outputs; of TAR before and after the gate. */
  accuracy: number | null;
  accuracySpread: number;
  format: number | null;
  formatSpread: number;
  temporal: number | null;
  temporalSpread: number;
  tar: number | null;
  tarSpread: number;
  /** Share of completions whose reasoning concludes what they answer. */
  agreement: number | null;
  /** The same among those that answer rightly. */
  tac: number | null;
  /** Claims that a completion makes. */
  claims: number | null;
  /** Tokens of a completion. */
  completionTokens: number;
  longest: number;
  shortest: number;
  /** Share of completions that were cut off. */
  truncated: number;
  /** Share of groups whose rewards are all the same, so that nothing is learnt from them but to stay. */
  flatGroups: number;
  /** Completions without a reward, because a judge failed. */
  unscored: number;
  /** Of the update; null where there was none, because no completion counted. */
  loss: number | null;
  gradNorm: number | null;
  kl: number | null;
  clippedLow: number | null;
  clippedHigh: number | null;
  entropy: number | null;
  samplingGap: number | null;
  /** Sampled tokens per second of rollouts. */
  tokensPerSecond: number;
  /** Wall time of the step, and of its parts. */
  seconds: number;
  waitSeconds: number;
  rolloutSeconds: number;
  rewardSeconds: number;
  updateSeconds: number;
  /** Rows left out because their video could not be read. */
  skipped: number;
  /** Greedy answers to held-out rows; at checkpoints, where the recipe names some. */
  heldoutReward?: number | null;
  heldoutAccuracy?: number | null;
  heldoutTar?: number | null;
  heldoutAgreement?: number | null;
}

/** What a run tells while it goes. */
export type GrpoEvent =
  | { kind: "start"; rows: number; steps: number; step: number; parameters: number; trained: number }
  | { kind: "step"; metrics: GrpoMetrics; steps: number }
  | { kind: "skipped"; id: string; reason: string }
  | { kind: "unscored"; id: string; reason: string }
  | { kind: "checkpoint"; path: string; step: number };

/** How a run is carried out; what it computes is in the recipe. */
export interface GrpoOptions extends TrainingOptions {
  /** Called with what happens. */
  onEvent?: (event: GrpoEvent) => void;
}

/** A completion with all that is known about it. */
interface Completion {
  asked: PromptRow;
  generation: Generation;
  reward: CompletionReward;
  advantage: number | null;
}

/**
 * Trains by a recipe.
 *
 * @throws UsageError on a run folder, data set, model, judge or embedder that does not fit
 */
export async function trainGrpo(recipe: GrpoRecipe, options: GrpoOptions): Promise<TrainingResult> {
  const { device = "cpu", signal } = options;
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const model = await Qwen25VL.load(recipe.model, { device, ...threads });
  const closing: (() => Promise<void>)[] = [() => model.dispose()];
  try {
    const judge = await openJudge(recipe.judge, { signal });
    closing.push(() => judge.close());
    const embedder = await openEmbedder(recipe.embedder, { signal });
    closing.push(() => embedder.close());
    const data = await loadPromptData(recipe.data, model, recipe);
    const training = await openTraining(recipe, model, options, grpoLoss(recipe));
    closing.push(() => training.close());
    const reference = referencePolicy(recipe, model, training, options);
    if (reference) closing.push(() => reference.dispose());
    const run = new GrpoRun(recipe, options, { model, training, judge, embedder, reference });
    return await run.train(data);
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** The model that training began with: with adapters, the one without them. */
function referencePolicy(
  recipe: GrpoRecipe,
  { config }: Qwen25VL,
  { trainer }: Training,
  { device, threads }: GrpoOptions,
): LogProbs | undefined {
  if (recipe.beta === 0) return undefined;
  const shared = trainer.frozen();
  const params = recipe.lora ? shared : { ...Object.fromEntries(loadParams(recipe.model)), ...shared };
  return new LogProbs({
    config,
    params,
    temperature: recipe.temperature,
    ...(device ? { device } : {}),
    ...(threads === undefined ? {} : { threads }),
  });
}

/** What a run works with. */
interface Parts {
  model: Qwen25VL;
  training: Training;
  judge: Judge;
  embedder: Embedder;
  reference: LogProbs | undefined;
}

class GrpoRun {
  readonly #recipe: GrpoRecipe;
  readonly #options: GrpoOptions;
  readonly #model: Qwen25VL;
  readonly #training: Training;
  readonly #rewarder: CompletionRewarder;
  readonly #updater: PolicyUpdater;
  readonly #tell: (event: GrpoEvent) => void;

  constructor(
    recipe: GrpoRecipe,
    options: GrpoOptions,
    { model, training, judge, embedder, reference }: Parts,
  ) {
    const { accuracy, format, temporal, ...settings } = recipe.rewards;
    this.#recipe = recipe;
    this.#options = options;
    this.#model = model;
    this.#training = training;
    this.#rewarder = new CompletionRewarder(judge, embedder, {
      ...settings,
      weights: { accuracy, format, temporal },
    });
    this.#updater = new PolicyUpdater(model, training.trainer, reference, recipe);
    this.#tell = options.onEvent ?? (() => {});
  }

  async train(data: Awaited<ReturnType<typeof loadPromptData>>): Promise<TrainingResult> {
    const recipe = this.#recipe;
    const { out, signal } = this.#options;
    const { folder, clips, done, checkpoint, parameters, trained } = this.#training;
    const rows = data.rows.length;
    const steps = recipe.steps ?? Math.max(1, Math.round((rows * recipe.epochs) / recipe.promptsPerStep));
    const heldout = await heldoutRewards(recipe, this.#model, clips, this.#rewarder);
    const rate = recipeRate(recipe, steps);
    let step = done;
    let saved = checkpoint;
    const save = async (): Promise<void> => {
      saved = await this.#training.save();
      this.#tell({ kind: "checkpoint", path: saved, step });
    };
    this.#tell({ kind: "start", rows, steps, step, parameters, trained });
    const prompts = grpoPrompts(data, recipe, this.#model, clips, step);
    try {
      while (step < steps && !signal?.aborted) {
        const began = performance.now();
        const next = await prompts.next();
        if (next.done) throw tooFewRows(recipe);
        const { asked, skipped, epoch } = next.value;
        for (const { id, reason } of skipped) this.#tell({ kind: "skipped", id, reason });
        if (asked.length === 0) throw noVideos(skipped);
        const waitSeconds = roundSeconds((performance.now() - began) / 1000);
        const learningRate = rate(step);
        const { completions, ...found } = await this.#step(asked, step, learningRate);
        step++;
        const metrics: GrpoMetrics = {
          step,
          epoch,
          learningRate,
          ...found,
          seconds: roundSeconds((performance.now() - began) / 1000),
          waitSeconds,
          skipped: skipped.length,
        };
        const saving = step % recipe.saveEvery === 0 || step === steps;
        if (saving && heldout) {
          this.#loadPolicy();
          Object.assign(metrics, await heldout());
        }
        await folder.log(metrics);
        await folder.logSamples({ step, ...sampleOf(completions, recipe.groupSize) });
        if (saving) await save();
        this.#tell({ kind: "step", metrics, steps });
      }
    } finally {
      await prompts.return(undefined);
    }
    const finished = step >= steps;
    if (!finished && step % recipe.saveEvery !== 0 && step > done) await save();
    const model = join(out, "model");
    if (finished) await writeModel(model, this.#training.origin, this.#training.trainer.params());
    return { step, finished, model: finished ? model : (saved ?? recipe.model) };
  }

  /** Completions, rewards, update. */
  async #step(asked: readonly PromptRow[], step: number, learningRate: number) {
    const recipe = this.#recipe;
    const begun = performance.now();
    this.#loadPolicy();
    const { generations, stats } = await this.#model.generateTokens(
      asked.map(({ row, prompt }) => ({ ...prompt, seed: `grpo/${recipe.seed}/${step}/${row.id}` })),
      {
        samples: recipe.groupSize,
        maxNewTokens: recipe.maxNewTokens,
        temperature: recipe.temperature,
        topP: recipe.topP,
        topK: recipe.topK,
        batchSize: asked.length * recipe.groupSize,
        // In training a placeholder would stand for a piece of a video.
        suppress: this.#placeholders(),
      },
    );
    const rolled = performance.now();
    const rewarded = await Promise.all(
      asked.map(async (one, i) => {
        const group = generations[i] as Generation[];
        const rewards = await Promise.all(group.map((generation) => this.#reward(one.row, generation)));
        const { advantages, deviation, flat } = groupAdvantages(
          rewards.map(({ total }) => total),
          recipe.scaleRewards,
        );
        const completions = group.map(
          (generation, k): Completion => ({
            asked: one,
            generation,
            reward: rewards[k] as CompletionReward,
            advantage: advantages[k] as number | null,
          }),
        );
        return { completions, deviation, flat };
      }),
    );
    const scored = performance.now();
    const completions = rewarded.flatMap((group) => group.completions);
    const update = await this.#updater.update(completions.map(this.#learnable), learningRate);
    const updated = performance.now();
    const seconds = (from: number, to: number): number => roundSeconds((to - from) / 1000);
    return {
      completions,
      ...rewardMetrics(completions),
      rewardSpread: mean(rewarded.map(({ deviation }) => deviation)) ?? 0,
      flatGroups: mean(rewarded.map(({ flat }) => (flat ? 1 : 0))) ?? 0,
      ...updateMetrics(update),
      tokensPerSecond: Math.round(stats.newTokens / ((rolled - begun) / 1000)),
      rolloutSeconds: seconds(begun, rolled),
      rewardSeconds: seconds(rolled, scored),
      updateSeconds: seconds(scored, updated),
    };
  }

  #placeholders(): number[] {
    const { image_token_id, video_token_id } = this.#model.config;
    return [image_token_id, video_token_id];
  }

  #loadPolicy(): void {
    this.#model.setParams(mergedParams(this.#training.trainer.params(), this.#training.origin));
  }

  async #reward(row: DataRow, { text, finishReason }: Generation): Promise<CompletionReward> {
    const reward = await this.#rewarder.reward(row, text, finishReason === "length");
    if (reward.total === null) this.#tell({ kind: "unscored", id: row.id, reason: reward.reason ?? "" });
    return reward;
  }

  #learnable = ({ asked, generation, advantage }: Completion): RewardedCompletion => ({
    prompt: asked.prompt,
    ids: generation.ids,
    sampledLogProbs: generation.logprobs,
    advantage: advantage ?? 0,
    counts: advantage !== null && !(this.#recipe.maskTruncated && generation.finishReason === "length"),
  });
}

/** Means and spreads of what completions earned. */
function rewardMetrics(completions: readonly Completion[]) {
  const rewards = completions.map(({ reward }) => reward);
  const of = (pick: (reward: CompletionReward) => number | null): { mean: number | null; spread: number } => {
    const values = rewards.map(pick).filter((value) => value !== null);
    return { mean: mean(values), spread: spreadOf(values) };
  };
  const accuracy = of((reward) => reward.accuracy);
  const format = of((reward) => reward.format);
  const temporal = of((reward) => reward.temporal);
  const tar = of(gatedTar);
  const lengths = completions.map(({ generation }) => generation.ids.length);
  const right = rewards.filter((reward) => reward.accuracy === 1);
  return {
    reward: meanKnown(rewards, ({ total }) => total),
    accuracy: accuracy.mean,
    accuracySpread: accuracy.spread,
    format: format.mean,
    formatSpread: format.spread,
    temporal: temporal.mean,
    temporalSpread: temporal.spread,
    tar: tar.mean,
    tarSpread: tar.spread,
    agreement: meanKnown(rewards, agreementOf),
    tac: meanKnown(right, agreementOf),
    claims: meanKnown(rewards, ({ claims }) => claims),
    completionTokens: mean(lengths) ?? 0,
    longest: Math.max(...lengths),
    shortest: Math.min(...lengths),
    truncated: mean(completions.map(({ generation }) => (generation.finishReason === "length" ? 1 : 0))) ?? 0,
    unscored: rewards.filter(({ total }) => total === null).length,
  };
}

function updateMetrics(update: UpdateMetrics | null) {
  const { loss = null, gradNorm = null, kl = null, clippedLow = null, clippedHigh = null } = update ?? {};
  const { entropy = null, samplingGap = null } = update ?? {};
  return { loss, gradNorm, kl, clippedLow, clippedHigh, entropy, samplingGap };
}

/** The standard deviation over all values; 0 of none. */
function spreadOf(values: readonly number[]): number {
  const middle = mean(values) ?? 0;
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)) ?? 0);
}

/** The first group of a step, for people to read. */
function sampleOf(completions: readonly Completion[], groupSize: number) {
  const group = completions.slice(0, groupSize);
  const row = group[0]?.asked.row;
  return {
    id: row?.id,
    question: row?.question,
    options: row?.options,
    gold: row?.answer,
    completions: group.map(({ generation, reward, advantage }) => ({
      text: generation.text,
      finishReason: generation.finishReason,
      advantage,
      ...reward,
    })),
  };
}

function tooFewRows({ data, promptsPerStep }: GrpoRecipe): UsageError {
  return new UsageError(
    "training-rows",
    `${data}: must have ${promptsPerStep} rows about videos of equal length, for a step`,
    "Lower promptsPerStep, or generate more rows.",
  );
}
