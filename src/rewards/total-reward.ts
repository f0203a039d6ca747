/** `R = w_acc R_acc + w_fmt R_fmt + w_tar g R_tar`: the weighted sum, TAR counting where the trace is consistent. */

import { type Compat, type Reward, type UnscoredReward, unscored } from "./reward.ts";

/** Whether TAR counts: 1 for a consistent trace, 0 for an inconsistent one, none where that cannot be told. */
export function gate(consistent: boolean | null, options: { compat?: Compat | undefined } = {}): Reward {
  if (consistent === null && options.compat !== "reference")
    return unscored("it cannot be told whether reasoning and answer agree");
  return consistent
    ? { score: 1, explained: "reasoning and answer agree" }
    : { score: 0, explained: "reasoning and answer do not agree" };
}

/** The parts of a total. */
export interface RewardParts {
  accuracy: number | null;
  format: number | null;
  /** TAR before the gate; null where it could not be computed. */
  temporal: number | null;
  /** The gate's verdict; null where it could not be told. */
  consistent: boolean | null;
}

/** What each part counts; the paper's are 1, 1, 1. A part of weight 0 need not have a score. */
export interface RewardWeights {
  accuracy: number;
  format: number;
  temporal: number;
}

/** A part's share of the total. */
export interface RewardShare {
  name: keyof RewardWeights;
  /** After the gate. */
  score: number | null;
  weight: number;
}

/** The total and what it is made of. */
export type TotalReward = ({ score: number; reason?: undefined; explained: string } | UnscoredReward) & {
  parts: RewardShare[];
};

function gated(parts: RewardParts, compat: Compat): number | null {
  const { score } = gate(parts.consistent, { compat });
  // Nothing times whatever is nothing.
  if (score === 0 || parts.temporal === 0) return 0;
  return score === null ? null : parts.temporal;
}

/**
 * The weighted sum. Null where a part with a weight has no score, naming it; with `compat: "reference"` such a
 * part counts as 0, as in the released code.
 */
export function totalReward(
  parts: RewardParts,
  weights: Partial<RewardWeights> = {},
  options: { compat?: Compat | undefined } = {},
): TotalReward {
  const compat = options.compat ?? "paper";
  const shares: RewardShare[] = [
    { name: "accuracy", score: parts.accuracy, weight: weights.accuracy ?? 1 },
    { name: "format", score: parts.format, weight: weights.format ?? 1 },
    { name: "temporal", score: gated(parts, compat), weight: weights.temporal ?? 1 },
  ];
  const missing = shares.filter((share) => share.weight !== 0 && share.score === null);
  if (missing.length > 0 && compat === "paper")
    return { ...unscored(`no score for ${missing.map((share) => share.name).join(", ")}`), parts: shares };
  const score = shares.reduce((sum, share) => sum + share.weight * (share.score ?? 0), 0);
  const explained = shares
    .map((share) => `${share.weight} x ${share.name} ${Number((share.score ?? 0).toFixed(3))}`)
    .join(" + ");
  return { score, explained, parts: shares };
}
