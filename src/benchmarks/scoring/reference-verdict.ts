/**
 * The released code's way of scoring, oddities included: the first `<answer>`, else the whole output, read by the
 * benchmark's own parser (`src/metrics/reference`). Where it would draw a letter at random, the score is what it
 * expects from that: one divided by the number of letters.
 */

import { type ReferenceScore, scoreAsReference } from "../../metrics/index.ts";
import type { BenchmarkOutput, BenchmarkQuestion, Verdict } from "../benchmark.ts";

/** A verdict without score. */
export const unscored = (reason: string): Verdict => ({ parsed: null, score: null, reason });

const verdict = ({ parsed, score, reason }: ReferenceScore): Verdict => ({
  parsed,
  score,
  reason: reason ?? null,
});

/** Options that the reference's parser looks at, where they are not those of the data set. */
export interface ReferenceOptions {
  /** Texts of the options; default as the data set writes them. */
  options?: readonly string[];
  /** The letters that it draws from; default none. */
  letters?: readonly string[];
}

/**
 * Scores one output as the released code does. Null without a text, or where no gold answer is known: the released
 * code stops there.
 */
export function referenceVerdict(
  { benchmark, gold, optionTexts }: Pick<BenchmarkQuestion, "benchmark" | "gold" | "optionTexts">,
  output: BenchmarkOutput,
  { options = optionTexts, letters = [] }: ReferenceOptions = {},
): Verdict {
  if (output.text === null) return unscored(output.failure ?? "there is no output");
  if (gold === null) return unscored("no gold answer is known");
  let drew = false;
  const found = scoreAsReference(benchmark, {
    output: output.text,
    gold,
    options,
    random:
      letters.length === 0
        ? undefined
        : () => {
            drew = true;
            return 0;
          },
  });
  if (!drew) return verdict(found);
  return {
    parsed: null,
    score: letters.includes(gold) ? 1 / letters.length : 0,
    random: true,
    reason: `no letter was found, and the released code draws one of ${letters.length}`,
  };
}
