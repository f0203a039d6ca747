/** Numbers in text: digits with separators, number words, `once` and `twice`. */

import { numberWordValue } from "./canonical-words.ts";
import { findTimes } from "./find-times.ts";

/** A number found in a text. */
export interface NumberMention {
  /** Its value; a percentage counts as written. */
  value: number;
  /** Offset of its first character. */
  from: number;
}

const pattern =
  /(?<![\p{L}\p{N}.:])-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\p{N}:])|(?<![\p{L}\p{N}.:])-?\d+(?:\.\d+)?(?!\p{N}|:\d|\.\d|(?:st|nd|rd|th)\b)|\p{L}+(?:-\p{L}+)?/gu;
/** `the red one`, `one of them`, `this one`: pronouns, not counts. */
const pronounBefore =
  /\b(?:the|this|that|each|every|another|which|other|last|first|next|any|no)\s+(?:\p{L}+\s+){0,2}$/iu;
const pronounAfter = /^\s+(?:of|by|after|another)\b/i;

/** Finds the numbers of a text in its order; times, ordinals and `one` as a pronoun are none. */
export function findNumbers(text: string): NumberMention[] {
  const times = findTimes(text);
  const numbers: NumberMention[] = [];
  for (const match of text.matchAll(pattern)) {
    const [word] = match;
    const from = match.index;
    if (times.some((time) => from >= time.from && from < time.to)) continue;
    const value = /\d/.test(word) ? Number(word.replaceAll(",", "")) : numberWordValue(word);
    if (value === null) continue;
    const pronoun =
      word.toLowerCase() === "one" &&
      (pronounBefore.test(text.slice(Math.max(0, from - 40), from)) ||
        pronounAfter.test(text.slice(from + 3)));
    if (!pronoun) numbers.push({ value, from });
  }
  return numbers;
}

/** The number an answer gives: the only one in it (`3`, `three`, `about 3.5 m`, `1,000`), or null. */
export function parseNumber(answer: string): number | null {
  const plain = answer.replace(/\\(?:boxed|text)\s*\{([^{}]*)\}/g, "$1").replace(/[*_`$]+/g, "");
  const seconds = /^\s*(\d+(?:\.\d+)?)\s*(?:s|secs?|seconds?)\.?\s*$/i.exec(plain);
  if (seconds) return Number(seconds[1]);
  const values = new Set(findNumbers(plain).map((n) => n.value));
  return values.size === 1 ? ([...values][0] as number) : null;
}
