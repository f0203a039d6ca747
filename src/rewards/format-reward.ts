/** The format reward: reasoning in `<think>`, then an answer in `<answer>`, and nothing else. */

import { pythonSpace } from "../metrics/index.ts";
import { parseTrace, type Trace } from "../trace/index.ts";
import type { Compat, Reward } from "./reward.ts";

const passage = new RegExp(`</think>[${pythonSpace}]*<answer>`, "g");

/** Full match of `<think>..</think>\s*<answer>..</answer>`, in linear time. */
function fullMatch(output: string): boolean {
  if (!(output.startsWith("<think>") && output.endsWith("</answer>"))) return false;
  passage.lastIndex = "<think>".length;
  const found = passage.exec(output);
  return found !== null && found.index + found[0].length <= output.length - "</answer>".length;
}

/**
 * Rewards the format, 1 or 0. By default: one reasoning and one answer, neither empty, in that order, tags in
 * any case, blank lines around them allowed. `reference` asks for the exact pattern: a line end after
 * `</answer>` fails, several or empty blocks pass.
 */
export function formatReward(
  output: string | Pick<Trace, "raw" | "think" | "answer" | "problems">,
  options: { compat?: Compat | undefined } = {},
): Reward & { score: number } {
  if (options.compat === "reference") {
    const matches = fullMatch(typeof output === "string" ? output : output.raw);
    return {
      score: matches ? 1 : 0,
      explained: matches ? "matches the pattern" : "does not match the pattern",
    };
  }
  const { think, answer, problems } = typeof output === "string" ? parseTrace(output) : output;
  if (problems.length > 0) return { score: 0, explained: problems.join(", ") };
  if (!think || !answer)
    return { score: 0, explained: think ? "the answer is empty" : "the reasoning is empty" };
  return { score: 1, explained: "well-formed" };
}
