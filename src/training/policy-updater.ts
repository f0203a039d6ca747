/** From completions and their advantages to updates of the policy. */

import { lax, np } from "../engine/index.ts";
import {
  floatTensor,
  type LossFunction,
  type Prompt,
  type Qwen25VL,
  type TrainBatch,
  type TrainStep,
  targetDistribution,
  withTarget,
} from "../nn/index.ts";
import { policyLoss, tokenWeights } from "./grpo-loss.ts";
import type { GrpoRecipe } from "./grpo-recipe.ts";
import { trainBatch } from "./sft-batches.ts";

/** A completion to learn from. */
export interface RewardedCompletion {
  prompt: Prompt;
  /** Its tokens, the one that ends it too. */
  ids: readonly number[];
  /** Their log-probabilities when they were sampled. */
  sampledLogProbs: readonly number[];
  advantage: number;
  /** Whether it counts in the loss; one that was cut off or has no reward may not. */
  counts: boolean;
}

/** What updates report: means over the tokens that count, and over iterations. */
export interface UpdateMetrics {
  loss: number;
  gradNorm: number;
  /** Tokens that counted in an iteration. */
  tokens: number;
  /** KL divergence from the reference policy, in nats; 0 without one. */
  kl: number;
  /** Shares of tokens whose ratio was clipped. */
  clippedLow: number;
  clippedHigh: number;
  /** Entropy of the distribution that tokens are from, in nats. */
  entropy: number;
  /**
   * Mean distance of the tokens' log-probabilities in training from those in sampling: rounding alone, unless sampling
   * and training are not the same policy.
   */
  samplingGap: number;
}

/** GRPO's loss as a training step takes it. */
export function grpoLoss(recipe: GrpoRecipe): LossFunction {
  const { lossType, beta, epsilonLow, epsilonHigh, temperature } = recipe;
  return ({ config, layout, params, inputs, targets, extra, options, scale }) => {
    scale.dispose();
    const { logProbs, entropy } = targetDistribution(config, layout, params, inputs, targets, {
      ...options,
      temperature,
    });
    const { old, reference, advantages, weights } = extra;
    const arrays = {
      logProbs: logProbs.ref,
      ...(old ? { old: old.ref } : {}),
      ...(reference ? { reference: reference.ref } : {}),
      advantages: (advantages as typeof logProbs).ref,
      weights: (weights as typeof logProbs).ref,
      mask: targets.weights.ref,
    };
    const { loss, ...sums } = policyLoss(arrays, { lossType, beta, epsilonLow, epsilonHigh });
    const outputs = {
      ...sums,
      entropy: np.sum(entropy.mul(targets.weights.ref)),
      logProbs: lax.stopGradient(logProbs),
    };
    return { loss, outputs };
  };
}

/** What says how likely completions are under the policy to stay near to; `LogProbs` is one. */
export interface ReferencePolicy {
  /** The log-probability of each target: `[R, T]`. */
  of(batch: TrainBatch): Promise<Float32Array>;
}

/** Updates a policy that is in training. */
export class PolicyUpdater {
  readonly #model: Qwen25VL;
  readonly #trainer: TrainStep;
  readonly #reference: ReferencePolicy | undefined;
  readonly #recipe: GrpoRecipe;

  /** @param reference the policy to stay near to; none where the recipe's `beta` is 0 */
  constructor(
    model: Qwen25VL,
    trainer: TrainStep,
    reference: ReferencePolicy | undefined,
    recipe: GrpoRecipe,
  ) {
    this.#model = model;
    this.#trainer = trainer;
    this.#reference = reference;
    this.#recipe = recipe;
  }

  /**
   * Takes one step for each of the recipe's iterations.
   *
   * @param completions groups one after the other
   * @returns null, and no step, where no completion counts
   */
  async update(
    completions: readonly RewardedCompletion[],
    learningRate: number,
  ): Promise<UpdateMetrics | null> {
    if (!completions.some(({ counts }) => counts)) return null;
    const { iterations, groupSize, microBatchSize, lossType, maxNewTokens, padTo } = this.#recipe;
    const lengths = completions.map(({ ids, counts }) => (counts ? ids.length : 0));
    const weights = tokenWeights(lossType, lengths, maxNewTokens);
    const batches: TrainBatch[] = [];
    for (let at = 0; at < completions.length; at += microBatchSize) {
      const rows = completions.slice(at, at + microBatchSize);
      const share = Math.min(groupSize, microBatchSize, rows.length);
      const batch = trainBatch(
        this.#model,
        rows.map(({ prompt, ids }) => withTarget(prompt, ids)),
        padTo,
        share,
      );
      batches.push(await this.#withExtra(batch, rows, weights.slice(at, at + microBatchSize)));
    }
    const tokens = lengths.reduce((a, b) => a + b, 0);
    const sums = { loss: 0, gradNorm: 0, kl: 0, clippedLow: 0, clippedHigh: 0, entropy: 0 };
    let samplingGap = 0;
    let old: Float32Array[] | undefined;
    for (let i = 0; i < iterations; i++) {
      const result = await this.#trainer.step(old ? withOld(batches, old) : batches, { learningRate });
      sums.loss += result.loss;
      sums.gradNorm += result.gradNorm;
      for (const output of result.outputs)
        for (const name of ["kl", "clippedLow", "clippedHigh", "entropy"] as const)
          sums[name] += (output[name]?.data[0] as number) / tokens;
      if (old) continue;
      old = result.outputs.map(({ logProbs }) => logProbs?.data as Float32Array);
      samplingGap = gapOf(completions, batches, old) / tokens;
    }
    const mean = (name: keyof typeof sums): number => sums[name] / iterations;
    return {
      loss: mean("loss"),
      gradNorm: mean("gradNorm"),
      tokens,
      kl: mean("kl"),
      clippedLow: mean("clippedLow"),
      clippedHigh: mean("clippedHigh"),
      entropy: mean("entropy"),
      samplingGap,
    };
  }

  /** Advantages, weights, and the reference policy's log-probabilities; rows that do not count lose their targets. */
  async #withExtra(
    batch: TrainBatch,
    rows: readonly RewardedCompletion[],
    perToken: readonly number[],
  ): Promise<TrainBatch> {
    const { targets } = batch;
    const [count, width] = targets.ids.shape as [number, number];
    const mask = targets.weights.data;
    const weights = new Float32Array(count * width);
    rows.forEach(({ counts }, row) => {
      if (!counts) mask.fill(0, row * width, (row + 1) * width);
      for (let i = row * width; i < (row + 1) * width; i++)
        weights[i] = (mask[i] as number) * (perToken[row] as number);
    });
    const reference = await this.#reference?.of(batch);
    return {
      ...batch,
      extra: {
        advantages: floatTensor(
          Float32Array.from(rows, ({ advantage }) => advantage),
          [count],
        ),
        weights: floatTensor(weights, [count, width]),
        ...(reference ? { reference: floatTensor(reference, [count, width]) } : {}),
      },
    };
  }
}

function withOld(batches: readonly TrainBatch[], old: readonly Float32Array[]): TrainBatch[] {
  return batches.map((batch, i) => ({
    ...batch,
    extra: { ...batch.extra, old: floatTensor(old[i] as Float32Array, batch.targets.ids.shape) },
  }));
}

/** Sum over the tokens that count of how far training's log-probabilities are from sampling's. */
function gapOf(
  completions: readonly RewardedCompletion[],
  batches: readonly TrainBatch[],
  logProbs: readonly Float32Array[],
): number {
  let sum = 0;
  let next = 0;
  batches.forEach(({ targets }, i) => {
    const [count, width] = targets.ids.shape as [number, number];
    for (let row = 0; row < count; row++) {
      const { counts, sampledLogProbs } = completions[next++] as RewardedCompletion;
      if (!counts) continue;
      sampledLogProbs.forEach((sampled, t) => {
        sum += Math.abs(sampled - (logProbs[i]?.[row * width + t] as number));
      });
    }
  });
  return sum;
}
