/** Running text cut into sentences, with their places. */

/** A sentence, or a line of a list. */
export interface Sentence {
  /** The text, trimmed. */
  text: string;
  /** Offset of the first character in the whole text. */
  from: number;
}

/** Nobody writes longer sentences; models that repeat themselves do, and what reads a sentence may be quadratic. */
const longest = 1500;
const tailLength = 24;

const stopBefore = /[.!?]["'”)\]*]{0,4}$/;
const beginningAfter = /^["'“([*]{0,4}[\p{Lu}\d]/u;

/** `A. red`, `1. Dogs`: a stop that ends no sentence, at the beginning of one. */
const leadingMark = /^(?:[-*•]\s*)?(?:option\s+)?[*([]{0,3}(?:[A-Z]|\d{1,2})\.\*{0,2}$/i;
/** `the answer is A. Red`, `vs. Dogs`: a stop that ends no sentence. */
const mark =
  /\b(?:is|option|answer):?\s{0,4}["'([*]{0,4}[A-Z]\.$|\b(?:vs|e\.g|i\.e|approx|dr|mr|mrs|ms|prof|st|fig|eq)\.$/i;
const beginning =
  /^(?:it|this|that|the|there|these|those|they|so|therefore|thus|however|but|and|in|at|no|yes|we|other|all|since|because|next|then|also)\b/i;

/** Whether the white space between `from` and `to` ends the sentence that began at `start`. */
function ends(text: string, start: number, from: number, to: number): boolean {
  const tailFrom = Math.max(start, from - tailLength);
  const tail = text.slice(tailFrom, from);
  const after = text.slice(to, to + tailLength);
  if (!stopBefore.test(tail) || !beginningAfter.test(after)) return false;
  if (tailFrom === start && leadingMark.test(tail.trimStart())) return false;
  return !mark.test(tail) || beginning.test(after);
}

let last: { text: string; sentences: readonly Sentence[] } = { text: "", sentences: [] };

/** Cuts text at line ends, and after `.`, `!`, `?` where a capital, a digit or a quote follows. */
export function splitSentences(text: string): readonly Sentence[] {
  // A reasoning is cut once for its claims and once for its conclusion.
  if (last.text !== text) last = { text, sentences: cutSentences(text) };
  return last.sentences;
}

function cutSentences(text: string): Sentence[] {
  const sentences: Sentence[] = [];
  let from = 0;
  const add = (to: number) => {
    while (from < to) {
      const end = to - from > longest ? cutLong(text, from, from + longest) : to;
      const piece = text.slice(from, end);
      const trimmed = piece.trim();
      if (trimmed !== "")
        sentences.push({ text: trimmed, from: from + piece.length - piece.trimStart().length });
      from = end;
    }
  };
  for (const match of text.matchAll(/\s+/g)) {
    const after = match.index + match[0].length;
    if (!match[0].includes("\n") && !ends(text, from, match.index, after)) continue;
    add(match.index);
    from = after;
  }
  add(text.length);
  return sentences;
}

/** The last white space before `to`, or `to` where there is none. */
function cutLong(text: string, from: number, to: number): number {
  for (let i = to; i > from; i--) if (/\s/.test(text[i] as string)) return i;
  return /[\uDC00-\uDFFF]/.test(text[to] as string) ? to - 1 : to;
}
