/**
 * GRPO's losses (Shao et al., 2024) and their relatives, as functions over traced arrays: a clipped ratio of the
 * policy to the one that sampled, times the advantage, minus a KL penalty. How tokens are weighted is what tells the
 * losses apart, so that weights are worked out on the host, for a step of any number of micro-batches.
 */

import { lax, np } from "../engine/index.ts";
import type { Tensor } from "../nn/index.ts";

/**
 * - `grpo`: mean over completions of the mean over their tokens.
 * - `bnpo`: mean over all tokens of the step.
 * - `dr_grpo` (Liu et al., 2025): sum over tokens by completions times the most tokens a completion may have.
 * - `gspo` (Zheng et al., 2025): one ratio for a completion, the geometric mean of its tokens'; clipped as one. This is
 *   what the released code calls `gmpo`.
 * - `gmpo` (Zhao et al., 2025): the geometric mean of ratios that are clipped token by token; bounds are on the
 *   logarithm of the ratio.
 */
export const lossTypes = ["grpo", "bnpo", "dr_grpo", "gspo", "gmpo"] as const;

/** One of `lossTypes`. */
export type LossType = (typeof lossTypes)[number];

/** How the loss is computed. */
export interface PolicyLossOptions {
  readonly lossType: LossType;
  /** Weight of the KL divergence from the reference policy; without `reference` it has no part. */
  readonly beta: number;
  /** How far below and above 1 a ratio may be before it is clipped (`gmpo`: below and above 0 its logarithm). */
  readonly epsilonLow: number;
  readonly epsilonHigh: number;
}

/** What the loss is of; `[R, T]` for R completions of at most T tokens. Consumed. */
export interface PolicyLossArrays {
  /** Log-probabilities of the tokens under the policy. */
  readonly logProbs: Tensor;
  /** Under the policy that sampled; default the policy as it is, so that all ratios are 1. */
  readonly old?: Tensor;
  /** Under the reference policy; default no KL penalty. */
  readonly reference?: Tensor;
  /** `[R]`: advantages. */
  readonly advantages: Tensor;
  /** 1 where a token counts, else 0. */
  readonly mask: Tensor;
  /** From `tokenWeights`. */
  readonly weights: Tensor;
}

/** The loss, and sums over tokens that count; divide by their number for means. */
export interface PolicyLoss {
  readonly loss: Tensor;
  /** KL divergence from the reference policy by the k3 estimate (Schulman, 2020); 0 without one. */
  readonly kl: Tensor;
  /** Tokens whose ratio was clipped: too low with a negative advantage, too high with a positive one. */
  readonly clippedLow: Tensor;
  readonly clippedHigh: Tensor;
}

/**
 * What each completion's tokens count in the loss, so that the loss is the sum of weighted tokens.
 *
 * @param lossType what decides
 * @param lengths tokens that count in each completion of the whole step, 0 for those that are masked
 * @param maxNewTokens the most tokens of a completion, for `dr_grpo`
 */
export function tokenWeights(lossType: LossType, lengths: readonly number[], maxNewTokens: number): number[] {
  const total = lengths.reduce((a, b) => a + b, 0);
  const rows = lengths.length;
  return lengths.map((length) => {
    if (lossType === "bnpo") return 1 / Math.max(1, total);
    if (lossType === "dr_grpo") return 1 / (rows * maxNewTokens);
    return 1 / (rows * Math.max(1, length));
  });
}

/** The loss inside a traced function. */
export function policyLoss(arrays: PolicyLossArrays, options: PolicyLossOptions): PolicyLoss {
  const { logProbs, reference, mask, weights } = arrays;
  const { beta } = options;
  const [rows] = logProbs.shape as [number, number];
  const old = arrays.old ?? lax.stopGradient(logProbs.ref);
  const advantages = arrays.advantages.reshape([rows, 1]);
  const { gain, clippedLow, clippedHigh } = gainOf(logProbs.ref.sub(old), advantages, mask.ref, options);
  const count = (clipped: Tensor): Tensor => np.sum(clipped.mul(mask.ref));
  const counts = { clippedLow: count(clippedLow), clippedHigh: count(clippedHigh) };
  if (reference === undefined) {
    logProbs.dispose();
    mask.dispose();
    return { loss: np.sum(gain.mul(weights)).neg(), kl: np.array(0), ...counts };
  }
  const divergence = k3(logProbs, reference);
  const kl = np.sum(lax.stopGradient(divergence.ref).mul(mask));
  const perToken = divergence.mul(beta).sub(gain);
  return { loss: np.sum(perToken.mul(weights)), kl, ...counts };
}

/** `exp(d) - d - 1` with d the reference's log-probability less the policy's. */
function k3(logProbs: Tensor, reference: Tensor): Tensor {
  const difference = reference.sub(logProbs);
  return np.exp(difference.ref).sub(difference).sub(1);
}

/**
 * Clipped ratio times advantage, of each token or alike for all tokens of a completion, and where it was clipped: 0
 * or 1. Consumes its arguments.
 */
function gainOf(
  logRatio: Tensor,
  advantages: Tensor,
  mask: Tensor,
  { lossType, epsilonLow, epsilonHigh }: PolicyLossOptions,
): { gain: Tensor; clippedLow: Tensor; clippedHigh: Tensor } {
  const positive = advantages.ref.greater(0);
  const negative = advantages.ref.less(0);
  const clipped = (value: Tensor, low: number, high: number) => ({
    clippedLow: np.where(np.logicalAnd(value.ref.less(low), negative), 1, 0),
    clippedHigh: np.where(np.logicalAnd(value.greater(high), positive), 1, 0),
  });
  if (lossType === "gmpo") {
    const where = clipped(lax.stopGradient(logRatio.ref), -epsilonLow, epsilonHigh);
    const low = np.where(advantages.ref.less(0), -epsilonLow, Number.NEGATIVE_INFINITY);
    const high = np.where(advantages.ref.greater(0), epsilonHigh, Number.POSITIVE_INFINITY);
    const bounded = np.minimum(np.maximum(logRatio, low), high);
    return { gain: np.exp(sequenceMean(bounded, mask)).mul(advantages), ...where };
  }
  const ratio = np.exp(lossType === "gspo" ? sequenceMean(logRatio, mask.ref) : logRatio);
  const shape = mask.shape;
  mask.dispose();
  const where = clipped(lax.stopGradient(ratio.ref), 1 - epsilonLow, 1 + epsilonHigh);
  const bounded = np.clip(ratio.ref, 1 - epsilonLow, 1 + epsilonHigh);
  const gain = np.minimum(ratio.mul(advantages.ref), bounded.mul(advantages));
  const spread = (x: Tensor): Tensor => np.broadcastTo(x, shape);
  return {
    gain: spread(gain),
    clippedLow: spread(where.clippedLow),
    clippedHigh: spread(where.clippedHigh),
  };
}

/** The mean over the tokens that count, `[R, 1]`. */
function sequenceMean(values: Tensor, mask: Tensor): Tensor {
  const lengths = np.maximum(mask.ref.sum(1, { keepdims: true }), 1);
  return values.mul(mask).sum(1, { keepdims: true }).div(lengths);
}
