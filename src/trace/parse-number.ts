/** Numbers in text: digits with separators, fractions, powers of ten, words. */

import { numberWordValue } from "./canonical-words.ts";
import { findTimes } from "./find-times.ts";

/** A number found in a text. */
export interface NumberMention {
  /** Its value; a percentage counts as written. */
  value: number;
  /** Offset of its first character. */
  from: number;
}

const scales = new Map([
  ["hundred", 100],
  ["thousand", 1000],
  ["million", 1e6],
  ["billion", 1e9],
]);
const scale = "hundred|thousand|million|billion";
const magnitude = String.raw`(?:e[+-]?\d{1,3}\b)?(?:\s?(?:[×x*]|\\times)\s?10\s?(?:\^\s?\{?[-−]?\d{1,3}\}?|[⁻⁰¹²³⁴-⁹]{1,4}))?(?:\s(?:${scale})\b)?`;
const pattern = new RegExp(
  [
    String.raw`(?<![\p{L}\p{N}.:/])(?<fraction>[-−]?(?:\d{1,6}\s)?\d{1,9}\s?\/\s?\d{1,9})(?![\p{N}/]|\.\d)`,
    String.raw`(?<![\p{L}\p{N}.:])(?<digits>[-−]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\p{N}:])|\d+(?:\.\d+)?(?!\p{N}|:\d|\.\d|(?:st|nd|rd|th|D)\b))${magnitude})`,
    String.raw`(?<word>\p{L}+(?:-\p{L}+)?)`,
  ].join("|"),
  "gu",
);
/** `the red one`, `one of them`, `this one`: pronouns, not counts. */
const pronounBefore =
  /\b(?:the|this|that|each|every|another|which|other|last|first|next|any|no)\s+(?:\p{L}+\s+){0,2}$/iu;
const pronounAfter = /^\s+(?:of|by|after|another)\b/i;

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function digitsValue(text: string): number {
  const plain = text
    .replaceAll(",", "")
    .replaceAll("−", "-")
    .replace(/[⁻⁰¹²³⁴-⁹]+/g, (s) => [...s].map((c) => (c === "⁻" ? "-" : superscripts.indexOf(c))).join(""));
  const [, mantissa, power, word] =
    /^(-?[\d.]+(?:e[+-]?\d+)?)(?:\s?(?:[×x*]|\\times)\s?10\s?\^?\s?\{?(-?\d+)\}?)?(?:\s(\p{L}+))?$/u.exec(
      plain,
    ) ?? [];
  return (
    Number(`${mantissa}${power && !mantissa?.includes("e") ? `e${power}` : ""}`) *
    (scales.get(word ?? "") ?? 1)
  );
}

function fractionValue(text: string): number | null {
  const [, whole, over, under] = /^[-−]?(?:(\d+)\s)?(\d+)\s?\/\s?(\d+)$/.exec(text) ?? [];
  const value = Number(whole ?? 0) + Number(over) / Number(under);
  return Number.isFinite(value) ? (/^[-−]/.test(text) ? -value : value) : null;
}

/** A number in words under way: `two hundred` and what may follow. */
interface Words {
  from: number;
  to: number;
  /** Thousands and above. */
  total: number;
  /** Below a thousand. */
  current: number;
  /** The last word's value. */
  last: number;
}

/** Goes on with a number in words, or says that the word begins another one: `two hundred | and five`. */
function extend(words: Words, word: string, gap: string): boolean {
  const joined = /^[\s-]{1,2}$/.test(gap);
  const factor = scales.get(word.toLowerCase());
  if (factor !== undefined) {
    if (!joined || words.last >= factor) return false;
    if (factor === 100) words.current *= 100;
    else {
      words.total += words.current * factor;
      words.current = 0;
    }
    words.last = factor;
    return true;
  }
  const value = numberWordValue(word) as number;
  const afterScale = words.last >= 100 && value < 100 && (joined || /^\s+and\s+$/i.test(gap));
  const afterTen = words.last >= 20 && words.last < 100 && value > 0 && value < 10 && joined;
  if (!afterScale && !(afterTen && words.last % 10 === 0)) return false;
  words.current += value;
  words.last = value;
  return true;
}

function isPronoun(text: string, word: string, from: number): boolean {
  return (
    word.toLowerCase() === "one" &&
    (pronounBefore.test(text.slice(Math.max(0, from - 40), from)) ||
      pronounAfter.test(text.slice(from + 3, from + 20)))
  );
}

function findOutside(text: string, times: readonly { from: number; to: number }[]): NumberMention[] {
  const numbers: NumberMention[] = [];
  let words: Words | null = null;
  let time = 0;
  const flush = () => {
    if (words !== null) numbers.push({ value: words.total + words.current, from: words.from });
    words = null;
  };
  for (const match of text.matchAll(pattern)) {
    const from = match.index;
    const { digits, fraction, word } = match.groups as Record<string, string | undefined>;
    while (time < times.length && (times[time]?.to as number) <= from) time++;
    if (from >= (times[time]?.from ?? Number.POSITIVE_INFINITY)) continue;
    if (word === undefined) {
      flush();
      const value = fraction === undefined ? digitsValue(digits as string) : fractionValue(fraction);
      if (value !== null) numbers.push({ value, from });
      continue;
    }
    const value = numberWordValue(word);
    const open = words as Words | null;
    if (value === null && !scales.has(word.toLowerCase())) continue;
    if (open !== null && extend(open, word, text.slice(open.to, from))) {
      open.to = from + word.length;
      continue;
    }
    flush();
    if (value === null || isPronoun(text, word, from)) continue;
    words = { from, to: from + word.length, total: 0, current: value, last: value };
  }
  flush();
  return numbers;
}

/** Finds the numbers of a text in its order; times, ordinals and `one` as a pronoun are none. */
export function findNumbers(text: string): NumberMention[] {
  return findOutside(text, findTimes(text));
}

const denominators = new Map(
  ["half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"].flatMap(
    (word, i) =>
      [
        [word, i + 2],
        [`${word}s`, i + 2],
      ] as const,
  ),
);
denominators.set("halves", 2).set("fourth", 4).set("fourths", 4);

/** `half`, `two thirds`, `three and a half`, `one and a quarter hours`, from the beginning of a text. */
function fractionInWords(text: string): number | null {
  const match =
    /^\s*(?:about|around|approximately|roughly|exactly|nearly|almost)?\s*(?:([\p{L}\d.-]{1,20})\s+and\s+)?(?:(an?|[\p{L}]{1,12})[\s-])?(hal(?:f|ves)|\p{L}{5,9})\b/iu.exec(
      text.slice(0, 80),
    );
  const under = denominators.get(match?.[3]?.toLowerCase() ?? "");
  if (match === null || under === undefined) return null;
  const value = (word: string) => (/^an?$/i.test(word) ? 1 : (numberWordValue(word) ?? Number(word)));
  const over = match[2] === undefined ? (under === 2 ? 1 : Number.NaN) : value(match[2]);
  const result = (match[1] === undefined ? 0 : value(match[1])) + over / under;
  return Number.isFinite(result) ? result : null;
}

const vulgarFractions = /[¼-¾⅐-⅞]/g;

/** Markup off, `½` and `\frac{1}{2}` as `1/2`. */
const plainNumber = (answer: string) =>
  answer
    .replace(/\\[dt]?frac\s?\{(\d{1,9})\}\s?\{(\d{1,9})\}/g, " $1/$2")
    .replace(/\\(?:boxed|text|textbf|mathrm)\s?\{([^{}]*)\}/g, "$1")
    .replace(vulgarFractions, (c) => ` ${c.normalize("NFKC").replace("⁄", "/")}`)
    .replace(/\\[,;! %]/g, " ")
    .replace(/[*_`$]+/g, "")
    .trimStart();

/**
 * The number an answer gives, the only one in it: `3`, `three`, `about 3.5 m`, `1,000`, `1/2`, `two thirds`,
 * `3 × 10^4`, `two hundred and five`, `15 %` (15), `12 seconds`; null where there is none or more than one.
 */
export function parseNumber(answer: string): number | null {
  const plain = plainNumber(answer);
  const fraction = fractionInWords(plain);
  if (fraction !== null) return fraction;
  const clocks = findTimes(plain).filter((time) => plain.slice(time.from, time.to).includes(":"));
  const values = new Set(findOutside(plain, clocks).map((n) => n.value));
  return values.size === 1 ? ([...values][0] as number) : null;
}
