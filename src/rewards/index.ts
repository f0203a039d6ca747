/** The rewards: accuracy, format, temporal alignment, gate, sum. Pure: no file, no network, runs in a browser. */

export { type AccuracyRewardOptions, accuracyReward } from "./accuracy-reward.ts";
export { formatReward } from "./format-reward.ts";
export {
  claimsFromGrounding,
  claimsFromReply,
  type ReplyClaims,
  sanitizeKey,
} from "./reference/reply-claims.ts";
export type { Compat, Reward, UnscoredReward } from "./reward.ts";
export {
  type ClaimMatch,
  type Similarity,
  type TemporalAlignment,
  type TemporalAlignmentOptions,
  temporalAlignmentReward,
} from "./temporal-alignment-reward.ts";
export { secondsApart } from "./time-distance.ts";
export {
  gate,
  type RewardParts,
  type RewardShare,
  type RewardWeights,
  type TotalReward,
  totalReward,
} from "./total-reward.ts";
