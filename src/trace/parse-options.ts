/** Options of a multiple-choice question, and the option an answer means. */

import { canonicalWords, lastIndexOfWords } from "./canonical-words.ts";
import type { Option } from "./question.ts";

/** The letter of the option at `index`, `A` for 0. @throws RangeError for an index outside 0..25 */
export function optionLetter(index: number): string {
  if (!(Number.isInteger(index) && index >= 0 && index < 26))
    throw new RangeError(`option: at most 26 options have a letter, got index ${index}`);
  return String.fromCharCode(65 + index);
}

const lettered =
  /^\s*(?:\*\*)?(?:option\s+)?[([<【]?([A-Za-z])(?:\*\*)?\s?[)\].:、>】-](?:\*\*)?\s*(\S.*)$/is;
const numbered = /^\s*(?:option\s+)?[([]?(\d{1,2})\s?[)\].:、-]\s+(\S.*)$/is;

/** The texts without their marks, where every one carries its own, in order; else null. */
function unmarked(
  texts: readonly string[],
  form: RegExp,
  expected: (index: number) => string,
): string[] | null {
  const parts = texts.map((text) => form.exec(text.slice(0, 8).normalize("NFKC") + text.slice(8)));
  const all = parts.every((part, i) => part?.[1]?.toUpperCase() === expected(i));
  return all && texts.length > 1 ? parts.map((part) => (part as RegExpExecArray)[2] as string) : null;
}

/**
 * Gives options their letters. Where every text carries its own in order (`A. red`, `(B) blue`, `c: green`) or
 * its number (`1. red`), that mark is taken off first.
 */
export function parseOptions(texts: readonly string[]): Option[] {
  const letters = texts.map((_, i) => optionLetter(i));
  const plain =
    unmarked(texts, lettered, (i) => letters[i] as string) ??
    unmarked(texts, numbered, (i) => String(i + 1)) ??
    texts;
  return letters.map((letter, i) => ({ letter, text: (plain[i] as string).trim() }));
}

const wordsOfOptions = new WeakMap<Option, { text: string; words: string[] }>();

/** The canonical words of an option; the same options are asked for in every sentence of a trace. */
export function optionWords(option: Option): readonly string[] {
  let known = wordsOfOptions.get(option);
  if (known?.text !== option.text) {
    known = { text: option.text, words: canonicalWords(option.text) };
    wordsOfOptions.set(option, known);
  }
  return known.words;
}

/** The options whose text the words contain, without those that are part of another one found. */
export function optionsNamed(words: readonly string[], options: readonly Option[]): Option[] {
  const found = options
    .map((option) => ({ option, words: optionWords(option) }))
    .filter((entry) => lastIndexOfWords(words, entry.words) >= 0);
  return found
    .filter(
      (a) => !found.some((b) => b.words.length > a.words.length && lastIndexOfWords(b.words, a.words) >= 0),
    )
    .map((entry) => entry.option);
}

/** Markup, quotes and full-width forms off; runs of white space as one space. */
const unwrap = (text: string) =>
  text
    .normalize("NFKC")
    .replace(/\\(?:boxed|text|textbf|mathrm|mathbf)\s?\{([^{}]*)\}/g, "$1")
    .replace(/\\[()[\]]/g, " ")
    .replace(/[*_`$"“”]+/g, "")
    .replace(/\s+/g, " ")
    .trim()
    .replace(/^['‘’ ]+/, "");

const only = <T>(items: readonly T[]): T | null => (new Set(items).size === 1 ? (items[0] as T) : null);

const statedPattern =
  /\b(?:answer|ans|option|choice|letter)(?:\s(?:is|would be|must be|should be))?\s?[:=]?\s?(?:option\s)?[([<]?([A-Z])\b(?!['’])/gi;
const ordinals = [
  "first",
  "second",
  "third",
  "fourth",
  "fifth",
  "sixth",
  "seventh",
  "eighth",
  "ninth",
  "tenth",
];

/** `Option 2`, `the second option`, `choice #2`: an option told by its place. */
function placeNamed(text: string, options: readonly Option[]): string | null {
  const places = [
    ...[
      ...text.matchAll(/\b(?:option|choice|answer)\s(?:no\.?\s?|number\s|#\s?)?(\d{1,2})\b(?![.:,]\d)/gi),
    ].map((m) => Number(m[1])),
    ...[
      ...text.matchAll(/(?<!\p{L}|\b(?:or|and|nor|not the)\s)(\p{L}{5,7})\s(?:option|choice|answer)\b/giu),
    ].map((m) => ordinals.indexOf((m[1] as string).toLowerCase()) + 1),
  ].filter((place) => place > 0);
  const place = only(places);
  return place === null ? null : (options[place - 1]?.letter ?? null);
}

/**
 * The letter that an answer means, in the shapes people and models write: `B`, `b)`, `(B) red`, `**B.**`,
 * `\boxed{B}`, `Option B`, `The answer is B`, `the second option`, the option's text, or text that names one
 * option only. The
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
  const alone = /^[([{<【]{0,3}([A-Za-z])[)\]}>】.:,;!'’]{0,4}$/.exec(text);
  if (alone) return valid(alone[1]);

  const words = canonicalWords(text);
  const same = options.filter((o) => optionWords(o).join(" ") === words.join(" "));
  if (same.length === 1) return (same[0] as Option).letter;

  const marked = /^(?:[([<【]([A-Za-z])[)\]>】]|([A-Za-z])\)|([A-Z])\s?[.:,、]|([A-Z])\s[-–—]\s)/.exec(text);
  const first = valid(marked?.[1] ?? marked?.[2] ?? marked?.[3] ?? marked?.[4]);
  if (first) return first;

  const stated = [...text.matchAll(statedPattern)]
    .filter(
      (m) =>
        /[A-Z]/.test(m[1] as string) ||
        /^[)\].:,;!]{0,3}(?:$|\s[A-Z])/.test(text.slice(m.index + m[0].length)),
    )
    .map((m) => valid(m[1]));
  if (stated.length > 0) return only(stated);

  const standing = [...text.matchAll(/(?<![\p{L}\p{N}'’-])([A-Z])(?![\p{L}\p{N}'’-])/gu)]
    .filter(
      (m) =>
        !/^[AI]$/.test(m[1] as string) ||
        /^\s?(?:$|[)\].,:;/&]|(?:or|and)\b)/.test(text.slice(m.index + 1, m.index + 8)),
    )
    .map((m) => valid(m[1]))
    .filter((letter) => letter !== null);
  if (standing.length > 0) return only(standing);

  const byPlace = placeNamed(text, options);
  if (byPlace !== null) return byPlace;
  const named = optionsNamed(words, options);
  if (named.length > 0) return named.length === 1 ? (named[0] as Option).letter : null;
  const partOf = options.filter((o) => lastIndexOfWords(optionWords(o), words) >= 0);
  return partOf.length === 1 ? (partOf[0] as Option).letter : null;
}
