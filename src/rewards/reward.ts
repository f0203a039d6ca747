/** What every reward returns. */

/** A reward with its explanation. */
export type Reward = { score: number; reason?: undefined; explained: string } | UnscoredReward;

/** A reward that could not be given; it is not 0. */
export interface UnscoredReward {
  score: null;
  reason: string;
  explained: string;
}

/** Whether to compute as the paper says, or exactly as the released code does, oddities included. */
export type Compat = "paper" | "reference";

/** A reward that could not be given. */
export const unscored = (reason: string): UnscoredReward => ({ score: null, reason, explained: reason });
