/** Whether an output was cut off before its answer: then it has no score, whatever letters stand in it. */

import type { Trace } from "./parse-trace.ts";

const limits = /^(?:length|max_tokens|max_length|max_output_tokens|MAX_TOKENS)$/;
const closedAnswer = /<\s*\/\s*answer\s*>/i;
/** A stop sequence takes the closing tag with it; an answer that is a letter or a number is whole all the same. */
const wholeAnswer = /^\W*(?:[A-Z]|[-+]?\d+(?:[.,:]\d+)*)\W*$/i;

/**
 * Why an output counts as cut off, or null: it ran into a token limit, or stops inside the reasoning or the answer,
 * without an answer that was closed.
 *
 * @param finishReason why the model stopped, where the log says
 */
export function truncationOf(
  { raw, answer, problems }: Pick<Trace, "raw" | "answer" | "problems">,
  finishReason: string | null,
): string | null {
  if (closedAnswer.test(raw)) return null;
  if (finishReason !== null && limits.test(finishReason))
    return "cut off at the token limit before an answer";
  if (finishReason !== null) return null;
  if (problems.includes("answer-unclosed"))
    return wholeAnswer.test(answer ?? "") ? null : "cut off inside the answer";
  if (problems.includes("think-unclosed")) return "cut off inside the reasoning";
  return null;
}
