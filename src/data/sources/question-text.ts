/** A question as conversations write it: marks of the video, the question, options with letters, an instruction. */

import { type Option, parseOptions } from "../../trace/index.ts";

/** What was asked. */
export interface AskedText {
  question: string;
  /** Empty for an open question. */
  options: Option[];
}

const optionLine = /^\(?([A-Z])[.):]\s+(\S.*)$/;
const instruction =
  /^(?:please\b|answer (?:the|this|with|using|directly)\b|respond\b|select\b|choose\b|give (?:the|your)\b|provide\b|only (?:give|answer)\b)/i;

/** The last block of lines that are options with letters in order, `A` first; null where there are none. */
function optionBlock(lines: readonly string[]): { from: number; to: number } | null {
  for (let from = lines.length - 2; from >= 0; from--) {
    if (optionLine.exec(lines[from] as string)?.[1] !== "A") continue;
    let to = from;
    while (
      to < lines.length &&
      optionLine.exec(lines[to] as string)?.[1] === String.fromCharCode(65 + to - from)
    )
      to++;
    if (to - from >= 2) return { from, to };
  }
  return null;
}

/** Reads the text of a human turn: what tells how to answer, after the options or as a last line, is left out. */
export function readAsked(text: string): AskedText {
  const lines = text
    .replace(/<(?:image|video)>/g, "")
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const block = optionBlock(lines);
  const before = block === null ? lines : lines.slice(0, block.from);
  if (before.length > 1 && instruction.test(before.at(-1) as string)) before.pop();
  return {
    question: before.join("\n"),
    options: block === null ? [] : parseOptions(lines.slice(block.from, block.to)),
  };
}
