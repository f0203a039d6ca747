/** A finished question, and how its reasoning ends. */

import type { Random } from "../../base/index.ts";
import type { AnswerType, Option } from "../../trace/index.ts";

/** A finished question about one video. */
export interface SceneQuestion {
  category: string;
  momentary: boolean;
  question: string;
  answerType: AnswerType;
  options: Option[];
  /** The letter where there are options. */
  answer: string;
  /** The answer in words, also where there are options. */
  answerText: string;
  reasoning: string;
}

/**
 * The last sentence: it states the answer. Where there are options it goes through them until it comes to the answer's,
 * which a small model learns in a hundred steps; to find the letter at once it did not learn in thousands.
 */
export function conclude(random: Random, answer: string, options: readonly Option[]): string {
  const stated = `${random.uniform() < 0.7 ? "So the" : "The"} answer is ${answer}.`;
  const at = options.findIndex(({ text }) => text === answer);
  if (at === -1) return stated;
  const seen = options.slice(0, at + 1).map(({ letter, text }) => `(${letter}) ${text}`);
  return `${stated} ${seen.join(", ")}: option (${options[at]?.letter}).`;
}
