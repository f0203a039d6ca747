/** Options as they stand in a prompt, for logs that keep the prompt and not the question it was made from. */

import { type Option, optionLetter } from "../../trace/index.ts";

const optionLine = /^[ \t]*(?:\(([A-Z])\)|([A-Z])[.):])[ \t]*(\S.*?)[ \t]*$/gm;

/** A prompt taken apart. */
export interface PromptParts {
  /** What stands before the options; the whole prompt where there are none. */
  question: string;
  options: Option[];
}

/**
 * Finds the last list of lines `A. text`, `(B) text`, ... that begins with A and is in order; a line alone is no
 * list.
 */
export function promptOptions(prompt: string): PromptParts {
  let best: { options: Option[]; from: number } | null = null;
  let open: { options: Option[]; from: number; end: number } | null = null;
  for (const match of prompt.matchAll(optionLine)) {
    const letter = (match[1] ?? match[2]) as string;
    const option = { letter, text: match[3] as string };
    const follows =
      open !== null &&
      letter === optionLetter(open.options.length % 26) &&
      prompt.slice(open.end, match.index).trim() === "";
    const end = match.index + match[0].length;
    if (follows && open !== null) {
      open.options.push(option);
      open.end = end;
    } else open = letter === "A" ? { options: [option], from: match.index, end } : null;
    if (open !== null && open.options.length > 1) best = open;
  }
  if (best === null) return { question: prompt.trim(), options: [] };
  const question = prompt
    .slice(0, best.from)
    .replace(/\n?\s*options?:?\s*$/i, "")
    .replace(/^\s*question:\s*/i, "")
    .trim();
  return { question, options: best.options };
}
