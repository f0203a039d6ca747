/**
 * Claims by rules: which times a text cites, and what it says happens there. Deterministic and offline; a
 * sentence that cites several times is cut into the clauses that belong to each.
 */

import { findTimes, type TimeMention, type TimeOptions } from "./find-times.ts";
import { splitSentences } from "./sentences.ts";
import { mayHoldTime } from "./time-atoms.ts";

/** Something said to happen at a time of the video. */
export interface Claim {
  /** In seconds from the start of the video. */
  startSeconds: number;
  /** In seconds; equal to `startSeconds` for a moment, never less. */
  endSeconds: number;
  /** What is said to happen, without the words that tell the time; never empty. */
  text: string;
}

/** Sentences about the task, not about the video. */
const aboutTheTask =
  /^\W*(?:(?:however|but|now|so|and|first|firstly|next|then|therefore|hmm|wait|okay|ok)\W+)*(?:(?:the|this)\s+(?:question|options?|answer choices)\b|let(?:'|’)?s\b|let me\b|i (?:need|have to|will|should|must|want|am going|'ll)\b|i['’]ll\b|we (?:need|have to|should|must|want|are asked)\b|i(?: am|['’]m| was) asked\b|to (?:answer|determine|find)|options?\s+[([]?[A-Z][)\]]?\s*(?:[,:(]|(?:claims|says|states|suggests|mentions|describes|refers)\b))/i;
const optionLine = /^\W*(?:option\s+)?[([]?[A-Z][\])]?[.):]\s/;
/** `The answer is (C)`, left of a sentence that gives a time as the answer. */
const answerOnly =
  /^(?:\w+\s+){0,3}(?:answer|option|choice)\b\W*(?:(?:is|must\s+be|would\s+be|should\s+be|has\s+to\s+be)\b)?\W*(?:option\b)?\W*[A-Z]?\W*$/i;
/** `Timestamp: 0:52`, which says nothing of what happens. */
const labelOnly =
  /^(?:timestamps?|times?|timecodes?|frames?|scenes?|clips?|segments?|intervals?|moments?|video|seconds?)\W*$/i;
const connective =
  /^(?:[\s,;:.)\]>\-–—*•]|\d{1,3}[.)]\s+|(?:and|then|but|so|also|therefore|thus|hence|however|next|later|finally|first(?:ly)?|second(?:ly)?|third(?:ly)?|afterwards?|after that|while|where|when|which|meanwhile|subsequently|again)\b(?!\s+(?:appears?|shape|one))[\s,]*)+/i;
const trailingMarks = new Set(" \t\n,;:-–—*([<");
const trailingWord = /(?<![\p{L}\p{N}])(?:and|then|but|so|while|when|again at)$/iu;
const splitPoint =
  /[,;]\s*(?:and|then|but|while|before|after which)?\s*(?:then\s+)?|\s+(?:and|then|while|but|before)\s+(?:then\s+)?|\.\s+/gi;
const quoted = /["“][^"“”\n]{0,300}["”]/g;

/** Cuts words that join and marks off the end, one after the other. */
function cutTrailing(text: string): string {
  let end = text.length;
  for (;;) {
    while (end > 0 && trailingMarks.has(text[end - 1] as string)) end--;
    const word = trailingWord.exec(text.slice(Math.max(0, end - 12), end));
    if (word === null) return text.slice(0, end);
    end -= word[0].length;
  }
}

function cutStops(text: string): string {
  let end = text.length;
  while (end > 0 && /[.!\s]/.test(text[end - 1] as string)) end--;
  return text.slice(0, end);
}

function trimEnd(text: string): string {
  const plain = text
    .replace(/[*`]+/g, "")
    .replace(/\(\s?\)|\[\s?\]/g, "")
    .replace(/\s+/g, " ")
    .replace(/ ([,.;:!?])/g, "$1");
  return cutTrailing(cutStops(plain)).trim();
}

function clean(text: string): string {
  const said = trimEnd(text.replace(/^\s*\d{1,3}[.)](?:\s+|$)/, "")).replace(connective, "");
  return labelOnly.test(said) ? "" : said;
}

const hasWords = (text: string) => /[\p{L}\p{N}]/u.test(clean(text));

/** Where the text between two mentions passes from the first to the second. */
function cut(gap: string, timeFirst: boolean, wordsFollow: boolean): number {
  const points = [...gap.matchAll(splitPoint)].map((m) => m.index);
  if (points.length === 0) return timeFirst ? gap.length : 0;
  if (!timeFirst) return points[0] as number;
  if (wordsFollow) return points.at(-1) as number;
  return points.slice(-8).findLast((point) => hasWords(gap.slice(point))) ?? (points.at(-1) as number);
}

/** Whether two mentions share what is said: `at 0:05 and 0:10 it rings`, not `it rings at 0:05, at 0:10 it stops`. */
function inOneList(sentence: string, first: TimeMention, second: TimeMention): boolean {
  const gap = sentence.slice(first.to, second.from);
  if (hasWords(gap)) return false;
  const ownPreposition = /^\s*(?:at|from|between|by|around|in|on)\b/i.test(sentence.slice(second.from));
  const clauseFollows = /^\s*[\p{L}'"]+\s+[\p{L}]+/u.test(sentence.slice(second.to));
  return !(ownPreposition && clauseFollows && !/again/i.test(gap) && hasWords(sentence.slice(0, first.from)));
}

/** The text that goes with each mention of one sentence; mentions in a list share theirs. */
function attribute(sentence: string, mentions: readonly TimeMention[]): string[] {
  const groups: TimeMention[][] = [];
  for (const mention of mentions) {
    const previous = groups.at(-1)?.at(-1);
    if (previous && inOneList(sentence, previous, mention)) groups.at(-1)?.push(mention);
    else groups.push([mention]);
  }
  const bounds = groups.map((group) => ({
    from: (group[0] as TimeMention).from,
    to: (group.at(-1) as TimeMention).to,
  }));
  const timeFirst = !hasWords(sentence.slice(0, bounds[0]?.from));
  const before: string[] = [sentence.slice(0, bounds[0]?.from)];
  const after: string[] = [];
  bounds.forEach(({ to }, i) => {
    const next = bounds[i + 1];
    if (!next) {
      after.push(sentence.slice(to));
      return;
    }
    const gap = sentence.slice(to, next.from);
    const beyond = bounds[i + 2]?.from ?? sentence.length;
    const at = cut(gap, timeFirst, hasWords(sentence.slice(next.to, beyond)));
    after.push(gap.slice(0, at));
    before.push(gap.slice(at));
  });
  return groups.flatMap((group, i) => {
    const [left, right] = [clean(before[i] as string), after[i] as string];
    const rest = hasWords(right) ? trimEnd(right).replace(/^[\s;:\-–—)\]]+/, "") : "";
    const said = !left ? clean(right) : rest.startsWith(",") ? left + rest : rest ? `${left} ${rest}` : left;
    return group.map(() => said);
  });
}

const ownPreposition =
  /^[\s([<@*]*(?:at|from|between|by|in|on|during|near|until|till|since|after|before|within)\b|^\s*[([<@]/i;
const valueBefore =
  /\b(?:is|was|are|were|be|being|of|equals)\s+(?:(?:therefore|thus|then|likely|probably|simply)\s+)?$/i;
const momentNoun = /\b(?:moments?|frames?|scenes?|segments?|timestamps?)\b/i;
const deniedBefore = /\b(?:not|unlike|rather\s+than|instead\s+of|than)\s*$/i;

/** Whether the sentence puts something at the time: not `the exposure is 1:30`, `not at 4:50`. */
function placesSomething(sentence: string, mention: TimeMention): boolean {
  const before = sentence.slice(Math.max(0, mention.from - 80), mention.from);
  if (deniedBefore.test(before)) return false;
  if (ownPreposition.test(sentence.slice(mention.from, mention.to))) return true;
  return !valueBefore.test(before) || momentNoun.test(before);
}

interface Stretch {
  from: number;
  to: number;
}

/** Quotations inside a sentence; a sentence quoted whole is none. */
function quotations(sentence: string): Stretch[] {
  if (!/["“]/.test(sentence)) return [];
  return [...sentence.matchAll(quoted)]
    .map((match) => ({ from: match.index, to: match.index + match[0].length }))
    .filter(({ from, to }) => to - from < sentence.length - 2);
}

/** Whether a time is part of what is quoted: `a sign reads "open until 9:30"`, not `"0:30"`. */
const isQuoted = (sentence: string, mention: TimeMention, { from, to }: Stretch) =>
  mention.from > from &&
  mention.from < to &&
  /\p{L}/u.test(sentence.slice(from, mention.from) + sentence.slice(mention.to, to));

/** The times that a sentence says something of, without those inside what it quotes. */
function citedTimes(sentence: string, options: TimeOptions): TimeMention[] {
  if (sentence.endsWith("?")) return [];
  const quotes = quotations(sentence);
  return findTimes(sentence, options).filter(
    (mention) =>
      placesSomething(sentence, mention) && !quotes.some((quote) => isQuoted(sentence, mention, quote)),
  );
}

/**
 * Extracts the claims of a text by rules, in its order, without exact repetitions. Sentences about the question
 * or its options are left out, and so are times that nothing is said about.
 */
export function extractClaims(text: string, options: TimeOptions = {}): Claim[] {
  const claims: Claim[] = [];
  const seen = new Set<string>();
  let heading: TimeMention[] = [];
  for (const { text: sentence } of splitSentences(text)) {
    if (heading.length === 0 && !mayHoldTime(sentence)) continue;
    if (aboutTheTask.test(sentence) || optionLine.test(sentence)) continue;
    const own = citedTimes(sentence, options);
    // A time alone on its line is the heading of the line that follows.
    const mentions = own.length > 0 ? own : heading;
    const texts = own.length > 0 ? attribute(sentence, own) : heading.map(() => clean(sentence));
    heading = own.length > 0 && texts.every((t) => t === "") ? own : [];
    mentions.forEach(({ startSeconds, endSeconds }, i) => {
      const said = texts[i] as string;
      const key = `${startSeconds}/${endSeconds}/${said.toLowerCase()}`;
      if (said === "" || answerOnly.test(said) || seen.has(key)) return;
      seen.add(key);
      claims.push({ startSeconds, endSeconds, text: said });
    });
  }
  return claims;
}
