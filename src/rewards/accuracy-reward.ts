/** The accuracy reward: is the answer right? */

import {
  type AnswerKey,
  rewardAccuracy,
  rougeMean,
  type ScoreAnswerOptions,
  scoreAnswer,
} from "../metrics/index.ts";
import { parseTrace, type Trace } from "../trace/index.ts";
import { type Compat, type Reward, unscored } from "./reward.ts";

/** How the accuracy reward is computed. */
export interface AccuracyRewardOptions extends ScoreAnswerOptions {
  /** Default `paper`. */
  compat?: Compat | undefined;
}

const shown = (text: string | null) => JSON.stringify((text ?? "").slice(0, 60));

/**
 * Rewards a right answer, 0 to 1. By default 1 or 0 by the kind of answer (`scoreAnswer`), and for free text in
 * other words than the gold's the mean of ROUGE-1, 2 and L. An output without an answer earns 0; a question
 * without a gold answer has no reward. `reference` guesses the kind from the gold answer as the released code does.
 *
 * @param output the model output, raw or parsed
 */
export function accuracyReward(
  output: string | Pick<Trace, "raw" | "answer">,
  key: AnswerKey,
  options: AccuracyRewardOptions = {},
): Reward {
  if (key.gold === null) return unscored("no gold answer is known");
  if (options.compat === "reference") {
    const { score, type } = rewardAccuracy(typeof output === "string" ? output : output.raw, key.gold);
    return { score, explained: `as a question of type ${type}` };
  }
  const { answer } = typeof output === "string" ? parseTrace(output) : output;
  if (answer === null) return { score: 0, explained: "there is no answer" };
  const result = scoreAnswer(answer, key, options);
  const pair = `the answer ${shown(answer)}, the gold answer ${shown(key.gold)}`;
  if (result.score !== null) return { score: result.score, explained: pair };
  if (key.type !== "text" || key.options.length > 0) return unscored(result.reason);
  return { score: rougeMean(key.gold, answer), explained: `words in common: ${pair}` };
}
