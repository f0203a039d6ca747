/** Advantages: how much better a completion was rewarded than the others of its group. */

/** Added to the standard deviation, as in TRL and the released code. */
const EPSILON = 1e-4;

/** A group's advantages. */
export interface GroupAdvantages {
  /** One for each reward; null where there is no reward. */
  advantages: (number | null)[];
  /** Mean and standard deviation (over n - 1) of the rewards; 0 deviation of a single one. */
  mean: number | null;
  deviation: number;
  /** Whether all rewards are the same, so that nothing can be learnt from the group. */
  flat: boolean;
}

/**
 * `(r - mean) / (deviation + 1e-4)`, or `r - mean` without scaling. Completions without a reward have no part in mean and
 * deviation.
 *
 * @param rewards of the completions of one prompt; null where there is none
 * @param scale whether to divide by the deviation
 */
export function groupAdvantages(rewards: readonly (number | null)[], scale: boolean): GroupAdvantages {
  const known = rewards.filter((reward) => reward !== null);
  if (known.length === 0)
    return { advantages: rewards.map(() => null), mean: null, deviation: 0, flat: true };
  const mean = known.reduce((a, b) => a + b, 0) / known.length;
  const squares = known.reduce((sum, reward) => sum + (reward - mean) ** 2, 0);
  const deviation = known.length < 2 ? 0 : Math.sqrt(squares / (known.length - 1));
  // Rounding of the mean must not become an advantage.
  const flat = known.every((reward) => Math.abs(reward - (known[0] as number)) < 1e-9);
  const divisor = scale ? deviation + EPSILON : 1;
  return {
    advantages: rewards.map((reward) => (reward === null ? null : flat ? 0 : (reward - mean) / divisor)),
    mean,
    deviation: flat ? 0 : deviation,
    flat,
  };
}
