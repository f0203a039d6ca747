/** How reasoning ends. */

import type { Random } from "../../base/index.ts";
import type { Option } from "../../trace/index.ts";

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
