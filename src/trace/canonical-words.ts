/** Words in one form each, so that `Three circles` and `3 circles.` compare as equal. */

import { parseTimestamp } from "./timestamp.ts";

const small =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const tens = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const wordValues = new Map<string, number>([
  ...small.map((word, i) => [word, i] as const),
  ...tens.map((word, i) => [word, 20 + 10 * i] as const),
  ["once", 1],
  ["twice", 2],
  ["thrice", 3],
]);

/** The value of an English number word from `zero` to `ninety-nine`, of `once`, `twice`, `thrice`, or null. */
export function numberWordValue(word: string): number | null {
  const lower = word.toLowerCase();
  const whole = wordValues.get(lower);
  if (whole !== undefined || !lower.includes("-")) return whole ?? null;
  const [ten, unit] = lower.split("-");
  const [high, low] = [wordValues.get(ten ?? ""), wordValues.get(unit ?? "")];
  return high !== undefined && high >= 20 && low !== undefined && low > 0 && low < 10 ? high + low : null;
}

const tokenPattern = /\d+(?::\d{2})+(?:\.\d+)?|-?\d+(?:[.,]\d+)*%?|\p{L}+(?:['’-]\p{L}+)*|[^\s\p{L}\p{N}]+/gu;

/**
 * Splits text into words in one form: lower case, no articles, no punctuation, number words as digits, clock
 * times as `t` and their seconds. Symbols are kept only where the text has nothing else.
 */
export function canonicalWords(text: string): string[] {
  const tokens = text.normalize("NFKC").match(tokenPattern) ?? [];
  const words: string[] = [];
  for (const token of tokens) {
    if (/^\p{L}/u.test(token)) {
      const word = token.toLowerCase();
      if (word === "a" || word === "an" || word === "the") continue;
      words.push(String(numberWordValue(word) ?? word));
    } else if (/^\d+(?::\d{2})+/.test(token)) words.push(`t${parseTimestamp(token) ?? token}`);
    else if (/^-?\d/.test(token)) words.push(token.replace(/,(?=\d{3}\b)/g, "").replace(/\.0+$/, ""));
  }
  return words.length > 0 ? words : tokens.map((token) => token.toLowerCase());
}

/** Where `part` last occurs in `whole` as consecutive words, or -1; an empty `part` occurs nowhere. */
export function lastIndexOfWords(whole: readonly string[], part: readonly string[]): number {
  if (part.length === 0) return -1;
  for (let i = whole.length - part.length; i >= 0; i--)
    if (part.every((word, j) => whole[i + j] === word)) return i;
  return -1;
}
