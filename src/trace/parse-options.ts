/** Options of a multiple-choice question, and the option an answer means. */

import { canonicalWords, lastIndexOfWords } from "./canonical-words.ts";
import type { Option } from "./question.ts";

/** The letter of the option at `index`, `A` for 0. @throws RangeError for an index outside 0..25 */
export function optionLetter(index: number): string {
  if (!(Number.isInteger(index) && index >= 0 && index < 26))
    throw new RangeError(`option: at most 26 options have a letter, got index ${index}`);
  return String.fromCharCode(65 + index);
}

const lettered = /^\s*(?:option\s+)?[([]?([A-Za-z])\s*[)\].:、-]\s*(.*)$/is;

/**
 * Gives options their letters. Where every text carries its own in order (`A. red`, `(B) blue`, `c: green`),
 * that mark is taken off first.
 */
export function parseOptions(texts: readonly string[]): Option[] {
  const parts = texts.map((text) => lettered.exec(text));
  const marked =
    texts.length > 1 &&
    parts.every((part, i) => part?.[1]?.toUpperCase() === optionLetter(i) && part[2]?.trim());
  return texts.map((text, i) => ({
    letter: optionLetter(i),
    text: ((marked ? parts[i]?.[2] : undefined) ?? text).trim(),
  }));
}

/** The options whose text the words contain, without those that are part of another one found. */
export function optionsNamed(words: readonly string[], options: readonly Option[]): Option[] {
  const found = options
    .map((option) => ({ option, words: canonicalWords(option.text) }))
    .filter((entry) => lastIndexOfWords(words, entry.words) >= 0);
  return found
    .filter(
      (a) => !found.some((b) => b.words.length > a.words.length && lastIndexOfWords(b.words, a.words) >= 0),
    )
    .map((entry) => entry.option);
}

const unwrap = (text: string) =>
  text
    .replace(/\\(?:boxed|text|textbf|mathrm)\s*\{([^{}]*)\}/g, "$1")
    .replace(/[*_`$]+/g, "")
    .replace(/^["'“”‘’\s]+|["'“”‘’\s]+$/g, "");

const only = <T>(items: readonly T[]): T | null => (new Set(items).size === 1 ? (items[0] as T) : null);

/**
 * The letter that an answer means, in the shapes people and models write: `B`, `b)`, `(B) red`, `**B.**`,
 * `\boxed{B}`, `Option B`, `The answer is B`, the option's text, or text that names one option only. The
 * article in `A red ball` is no letter. Null where no option or more than one is meant.
 *
 * @param options the options there are; with none, any letter from A to Z counts
 */
export function parseLetter(answer: string, options: readonly Option[]): string | null {
  const text = unwrap(answer);
  const valid = (letter: string | undefined) => {
    const upper = letter?.toUpperCase();
    return upper && (options.length === 0 || options.some((o) => o.letter === upper)) ? upper : null;
  };
  const alone = /^[([{]*([A-Za-z])[)\]}.:,;!]*$/.exec(text);
  if (alone) return valid(alone[1]);

  const words = canonicalWords(text);
  const same = options.filter((o) => canonicalWords(o.text).join(" ") === words.join(" "));
  if (same.length === 1) return (same[0] as Option).letter;

  const marked = /^(?:[([]([A-Za-z])[)\]]|([A-Za-z])\)|([A-Z])\s*[.:,]|([A-Z])\s+[-–—]\s)/.exec(text);
  const first = valid(marked?.[1] ?? marked?.[2] ?? marked?.[3] ?? marked?.[4]);
  if (first) return first;

  const stated = [
    ...text.matchAll(/\b(?:answer|option|choice|letter)(?:\s+is)?\s*:?\s*[([]?([A-Z])\b(?![’'])/gi),
  ]
    .filter((m) => /[A-Z]/.test(m[1] as string))
    .map((m) => valid(m[1]));
  if (stated.length > 0) return only(stated);

  const standing = [...text.matchAll(/(?<![\p{L}\p{N}'’])([A-Z])(?![\p{L}\p{N}'’])/gu)]
    .filter(
      (m) =>
        !/^[AI]$/.test(m[1] as string) || /^\s*(?:$|[)\].,:;/&]|(?:or|and)\b)/.test(text.slice(m.index + 1)),
    )
    .map((m) => valid(m[1]))
    .filter((letter) => letter !== null);
  if (standing.length > 0) return only(standing);

  const named = optionsNamed(words, options);
  if (named.length > 0) return named.length === 1 ? (named[0] as Option).letter : null;
  const partOf = options.filter((o) => lastIndexOfWords(canonicalWords(o.text), words) >= 0);
  return partOf.length === 1 ? (partOf[0] as Option).letter : null;
}
