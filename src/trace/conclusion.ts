/**
 * What a reasoning concludes, by rules: the last sentence that states a conclusion counts. A conclusion is
 * `explicit` where the words say that it is one (`so`, `therefore`, `the answer is`), and else only what the
 * last sentences happen to name.
 */

import { canonicalWords } from "./canonical-words.ts";
import { findTimes, type TimeMention, type TimeOptions } from "./find-times.ts";
import { findNumbers } from "./parse-number.ts";
import { optionsNamed, optionWords } from "./parse-options.ts";
import type { Option } from "./question.ts";
import { type Sentence, splitSentences } from "./sentences.ts";

/** What a reasoning concludes, and the words that say so. */
export interface Conclusion<T> {
  /** The option's letter, the number, the time or the text. */
  value: T;
  /** The sentence it rests on, as written. */
  words: string;
  /** Offset of that sentence in the reasoning. */
  from: number;
  /** Whether the sentence says that it concludes. */
  explicit: boolean;
}

const marker =
  /\b(?:therefore|thus|hence|consequently|in conclusion|in summary|in total|altogether|overall|conclud(?:e|es|ing)|confirm(?:s|ing)?|confidently say|the (?:correct |right |final |best )?(?:answer|option|choice|count|total|result)\b|(?:correct|right|final|best) (?:answer|option|choice)|which (?:means|makes|gives)|that (?:means|makes|gives)|making)\b|(?:^|[,;:.—–]\s*|\band\s+)so\b(?!\s+(?:far|that|on)\b)|^answer\s*:/gi;
const negation =
  /\b(?:not|never|neither|nor|cannot|incorrect|wrong|instead of|rather than|rules? out|ruled out|eliminated?|unlike)\b|n['’]t\b/i;

/** The part of a sentence after its last conclusion marker, or null where it has none. */
function afterMarker(sentence: string): string | null {
  const last = [...sentence.matchAll(marker)].at(-1);
  return last ? sentence.slice(last.index + last[0].length) : null;
}

const backwards = (think: string) => splitSentences(think).toReversed();

const conclusion = <T>(value: T, sentence: Sentence, explicit: boolean): Conclusion<T> => ({
  value,
  words: sentence.text,
  from: sentence.from,
  explicit,
});

const letter = String.raw`[(\[*"'“]{0,4}(?<letter>[A-Z])(?![\p{L}\p{N}'’])(?!\s+(?!(?:is|as|because|since|which|and|with|for|in|but|or|based|due|given|according|where|from)\b)\p{Ll})`;
const noun = "(?:answer|option|choice|letter)";
const letterPatterns = [
  String.raw`\b${noun}\b[^;!?\n]{0,80}?\b(?:is|be|as)\s*:?\s*(?:that\s+|most\s+likely\s+|likely\s+|probably\s+|therefore\s+|thus\s+|indeed\s+|clearly\s+)*(?:${noun}\s+)?${letter}`,
  String.raw`\b${noun}s?\s*(?::|=|→|->)\s*(?:${noun}\s+)?${letter}`,
  String.raw`\b(?:therefore|thus|hence|so|consequently)\b\s*[,:]?\s*(?:it(?:['’]s|\s+is)\s+)?(?:${noun}\s+)?${letter}(?=[)\]*"'”]{0,4}\s*(?:[.,;:!]|$|is\b|because\b|as\b|since\b))`,
  String.raw`\b${noun}\s+${letter}[)\]*"'”]{0,4}\s+(?:is|seems|must\s+be|would\s+be|fits|matches)\s+(?:indeed\s+|clearly\s+|likely\s+|most\s+likely\s+)?(?:the\s+)?(?:only\s+)?(?:correct|right|best|answer|true|most|one|closest)\b`,
  String.raw`(?<![\p{L}\p{N}])${letter}\s+is\s+(?:indeed\s+|clearly\s+)?(?:the\s+)?(?:correct|right|best|answer)\b`,
  String.raw`\b(?:choose|pick|select|go(?:ing)?\s+with|settle\s+on)\s+(?:${noun}\s+)?${letter}`,
  String.raw`\b(?:corresponds?\s+to|match(?:es|ing)?|which\s+is|this\s+is|points?\s+to|leads?\s+to|supports?|consistent\s+with|aligns?\s+with)\s+(?:the\s+)?${noun}\s+${letter}`,
  String.raw`\\boxed\s*\{\s*(?:\\text\s*\{)?\s*\(?(?<letter>[A-Z])\)?\s*\}`,
  String.raw`\((?<letter>[A-Z])\)\s*[.!]?$`,
].map((source) => new RegExp(source, "gu"));

function statedLetter(sentence: string, options: readonly Option[]): string | null {
  // Leading words may be capitalised; letters must be capitals, so only the words are lowered.
  const text = sentence
    .replace(/\s+/g, " ")
    .replace(/\b[A-Z][a-z]+\b|\b(?:ANSWER|OPTION|CHOICE)\b/g, (word) => word.toLowerCase());
  let best: { letter: string; at: number } | null = null;
  for (const pattern of letterPatterns) {
    for (const match of text.matchAll(pattern)) {
      const found = match.groups?.letter as string;
      const at = match.index + match[0].length;
      const denied = negation.test(match[0]) && !/\b(?:not|n['’]t)\b.*\b(?:but|it\s+is)\b/i.test(match[0]);
      const known = options.length === 0 || options.some((option) => option.letter === found);
      if (known && !denied && (best === null || at > best.at)) best = { letter: found, at };
    }
  }
  return best?.letter ?? null;
}

const beforeLetter = new RegExp(
  String.raw`(?:^|\b(?:is|be)\s|:\s*)(?<text>(?:(?!\b(?:is|be)\s|:\s).)+?)[,;]?\s+(?:which\s+is\s+|that\s+is\s+|so\s+|is\s+)?(?:the\s+)?${noun}\s+[(\[*"'“]{0,4}(?<letter>[A-Z])\b`,
  "gu",
);
const afterLetter = /(?<![\p{L}\p{N}'’])(?<letter>[A-Z])[)\]*"'”]{0,4}[.:,]?\s+(?<text>[^;]+?)[.!]?$/gu;

/**
 * Whether the words beside the letter, right before or after it, are those of another option:
 * `the answer is circle, option (B)` where B is a square.
 */
function wordsOfAnother(sentence: string, stated: string, options: readonly Option[]): boolean {
  const own = options.find((option) => option.letter === stated);
  if (own === undefined) return false;
  const text = sentence.replace(/\s+/g, " ");
  return [beforeLetter, afterLetter].some((pattern) =>
    [...text.matchAll(pattern)].some(({ groups }) => {
      if (groups?.letter !== stated) return false;
      const words = canonicalWords(groups.text ?? "").join(" ");
      const named = options.filter((option) => optionWords(option).join(" ") === words);
      return named.length > 0 && !named.includes(own);
    }),
  );
}

const only = (options: readonly Option[]) => (options.length === 1 ? (options[0] as Option).letter : null);

/** The option that one sentence concludes by its text, looking at its last clause first. */
function optionInClause(sentence: string, options: readonly Option[]): string | null {
  const rest = afterMarker(sentence);
  if (rest === null) return null;
  const clauses = negation.test(rest) ? rest.split(/[,;]|\bbut\b/).filter((c) => !negation.test(c)) : [rest];
  const named = clauses.flatMap((clause) => optionsNamed(canonicalWords(clause), options));
  if (named.length > 0) return only(named);
  return negation.test(sentence) ? null : only(optionsNamed(canonicalWords(sentence), options));
}

/** What a reasoning concludes of the options. */
export interface OptionReading {
  /** The one option that it concludes, or null. */
  conclusion: Conclusion<string> | null;
  /** The sentence, as written, that concludes one option by its letter and another by its words, or null. */
  split: string | null;
}

/** Reads which option a reasoning concludes, as `concludedOption`, and whether the conclusion contradicts itself. */
export function readOption(think: string, options: readonly Option[]): OptionReading {
  const read = (found: Conclusion<string> | null): OptionReading => ({ conclusion: found, split: null });
  const sentences = backwards(think);
  for (const sentence of sentences) {
    const letter = statedLetter(sentence.text, options);
    if (letter !== null && wordsOfAnother(sentence.text, letter, options))
      return { conclusion: null, split: sentence.text };
    const stated = letter ?? optionInClause(sentence.text, options);
    if (stated) return read(conclusion(stated, sentence, true));
  }
  for (const sentence of sentences) {
    const named = optionsNamed(canonicalWords(sentence.text), options);
    if (named.length === 0) continue;
    const one = negation.test(sentence.text) ? null : only(named);
    return read(one ? conclusion(one, sentence, false) : null);
  }
  return read(null);
}

/**
 * The letter of the option that the reasoning concludes, said by letter or by the option's text; null where it
 * concludes none, or its last conclusion names several: also one by its letter and another by its words.
 */
export function concludedOption(think: string, options: readonly Option[]): Conclusion<string> | null {
  return readOption(think, options).conclusion;
}

const none = /\bthere (?:is|are|was|were) (?:no|none|zero)\b(?!\s+(?:other|more|further|additional|others))/i;
const statedTotal =
  /\b(?:the|my|a|an|final|in)\s+(?:\w+\s+)?(?:answer|total|count|number|sum|result|difference)\b[^.;]{0,40}?(?:\b(?:is|of|equals)\b|[:=])\s*$/i;

/** The one number of a piece of text; several only where the last follows `=` or `the total is`. */
function oneNumber(text: string): number | null | "several" {
  const numbers = findNumbers(text);
  const last = numbers.at(-1);
  if (last === undefined) return none.test(text) ? 0 : null;
  if (numbers.length === 1) return last.value;
  const before = text.slice(0, last.from);
  if (/=\s*$/.test(before) || statedTotal.test(before)) return last.value;
  const stated = numbers.findLast((n) => statedTotal.test(text.slice(0, n.from)));
  return stated?.value ?? "several";
}

/** The number that the reasoning concludes, null where it concludes none or several. */
export function concludedNumber(think: string): Conclusion<number> | null {
  const sentences = backwards(think);
  for (const sentence of sentences) {
    const rest = afterMarker(sentence.text);
    if (rest === null) continue;
    const inRest = oneNumber(rest);
    const value = inRest ?? oneNumber(sentence.text);
    if (value === "several") return null;
    if (value !== null) return conclusion(value, sentence, true);
  }
  for (const sentence of sentences) {
    const value = oneNumber(sentence.text);
    if (value === "several") return null;
    if (value !== null) return conclusion(value, sentence, false);
  }
  return null;
}

/** A time in seconds, or an interval. */
export type TimeSpan = Pick<TimeMention, "startSeconds" | "endSeconds">;

const lengthInSeconds = /(?<!\d)(\d{1,6}(?:\.\d+)?)[\s-]*(?:seconds?|secs?|s)\b/gi;

function oneTime(text: string, options: TimeOptions): TimeSpan | null | "several" {
  const found: TimeSpan[] = findTimes(text, options);
  if (found.length === 0)
    for (const match of text.matchAll(lengthInSeconds))
      found.push({ startSeconds: Number(match[1]), endSeconds: Number(match[1]) });
  const [first] = found;
  if (first === undefined) return null;
  const same = found.every((t) => t.startSeconds === first.startSeconds && t.endSeconds === first.endSeconds);
  return same ? { startSeconds: first.startSeconds, endSeconds: first.endSeconds } : "several";
}

/** The time that the reasoning concludes, null where it concludes none or several. */
export function concludedTime(think: string, options: TimeOptions = {}): Conclusion<TimeSpan> | null {
  const sentences = backwards(think);
  for (const explicit of [true, false]) {
    for (const sentence of sentences) {
      const rest = explicit ? afterMarker(sentence.text) : sentence.text;
      if (rest === null) continue;
      const value = oneTime(rest, options) ?? oneTime(sentence.text, options);
      if (value === "several") return null;
      if (value !== null) return conclusion(value, sentence, explicit);
    }
  }
  return null;
}

const statedText =
  /\banswer\b(?:\s+to\s+the\s+question)?\s*(?:is|:|would\s+be|must\s+be)\s*(?:that\s+)?(?<text>.+?)[.!]?$/i;

/**
 * The text that the reasoning concludes: what follows `the answer is` (explicit), else the last sentence with a
 * conclusion marker, else the last sentence. Null for an empty reasoning.
 */
export function concludedText(think: string): Conclusion<string> | null {
  const sentences = backwards(think);
  for (const sentence of sentences) {
    const stated = statedText.exec(sentence.text)?.groups?.text;
    if (stated) return conclusion(stated.replace(/^["'“]|["'”]$/g, ""), sentence, true);
  }
  const marked = sentences.find((sentence) => afterMarker(sentence.text) !== null);
  const last = marked ?? sentences[0];
  return last ? conclusion(last.text, last, false) : null;
}
