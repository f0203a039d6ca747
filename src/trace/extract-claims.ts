/**
 * Claims by rules: which times a text cites, and what it says happens there. Deterministic and offline; a
 * sentence that cites several times is cut into the clauses that belong to each.
 */

import { findTimes, type TimeMention, type TimeOptions } from "./find-times.ts";
import { splitSentences } from "./sentences.ts";

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
  /^\W*(?:(?:however|but|now|so|and)\W+)?(?:(?:the|this)\s+(?:question|options?|answer choices)\b|let(?:'|’)?s\b|let me\b|i (?:need|have|will|should)\b|to (?:answer|determine|find))/i;
const optionLine = /^\W*(?:option\s+)?[([]?[A-Z][\])]?[.):]\s/;
/** `The answer is (C)`, left of a sentence that gives a time as the answer. */
const answerOnly =
  /^(?:the\s+)?(?:\w+\s+)?(?:answer|option|choice)\b\W*(?:is\b)?\W*(?:option\b)?\W*[A-Z]?\W*$/i;
const connective =
  /^(?:[\s,;:.)\]\-–—*•>]+|\d+[.)]\s+|(?:and|then|but|so|also|therefore|thus|hence|however|next|later|finally|first(?:ly)?|second(?:ly)?|third(?:ly)?|afterwards?|after that|while|where|when|which|meanwhile|subsequently|again)\b(?!\s+(?:appears?|shape|one))[\s,]*)+/i;
const trailing = /(?:[\s,;:\-–—*([]+|\b(?:and|then|but|so|while|when|again at|at|from|in|on)\s*)+$/i;
const splitPoint =
  /[,;]\s*(?:and|then|but|while|before|after which)?\s*(?:then\s+)?|\s+(?:and|then|while|but|before)\s+(?:then\s+)?|\.\s+/gi;

function trimEnd(text: string): string {
  return text
    .replace(/[*`]+/g, "")
    .replace(/\(\s*\)|\[\s*\]/g, "")
    .replace(/\s+/g, " ")
    .replace(/\s+([,.;:!?])/g, "$1")
    .replace(/[.!\s]+$/, "")
    .replace(trailing, "")
    .trim();
}

const clean = (text: string) => trimEnd(text.replace(/^\s*\d+[.)](?:\s+|$)/, "")).replace(connective, "");

const hasWords = (text: string) => /[\p{L}\p{N}]/u.test(clean(text));

/** Where the text between two mentions passes from the first to the second. */
function cut(gap: string, timeFirst: boolean, wordsFollow: boolean): number {
  const points = [...gap.matchAll(splitPoint)].map((m) => m.index);
  if (points.length === 0) return timeFirst ? gap.length : 0;
  if (!timeFirst) return points[0] as number;
  if (wordsFollow) return points.at(-1) as number;
  return points.findLast((point) => hasWords(gap.slice(point))) ?? (points.at(-1) as number);
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

/**
 * Extracts the claims of a text by rules, in its order, without exact repetitions. Sentences about the question
 * or its options are left out, and so are times that nothing is said about.
 */
export function extractClaims(text: string, options: TimeOptions = {}): Claim[] {
  const claims: Claim[] = [];
  const seen = new Set<string>();
  let heading: TimeMention[] = [];
  for (const { text: sentence } of splitSentences(text)) {
    if (aboutTheTask.test(sentence) || optionLine.test(sentence)) continue;
    const own = findTimes(sentence, options);
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
