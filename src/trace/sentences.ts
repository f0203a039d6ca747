/** Running text cut into sentences, with their places. */

/** A sentence, or a line of a list. */
export interface Sentence {
  /** The text, trimmed. */
  text: string;
  /** Offset of the first character in the whole text. */
  from: number;
}

const boundary = /\n+|(?<=[.!?]["')\]*]*)\s+(?=["'([*]*[\p{Lu}\d])/gu;

/** `A. red`, `the answer is A. Red`, `1. Dogs`, `vs. Dogs`: a stop that ends no sentence. */
const mark =
  /^(?:[-*•]\s*)?(?:option\s+)?[([]?(?:[A-Z]|\d{1,2})\.$|\b(?:is|option|answer):?\s*["'([*]*[A-Z]\.$|\b(?:vs|e\.g|i\.e|approx)\.$/i;
const beginning =
  /^(?:it|this|that|the|there|these|those|they|so|therefore|thus|however|but|and|in|at|no|yes|we|other|all|since|because|next|then|also)\b/i;

/** Cuts text at line ends, and after `.`, `!`, `?` where a capital, a digit or a quote follows. */
export function splitSentences(text: string): Sentence[] {
  const sentences: Sentence[] = [];
  let from = 0;
  const add = (to: number) => {
    const piece = text.slice(from, to);
    const trimmed = piece.trim();
    if (trimmed !== "") sentences.push({ text: trimmed, from: from + piece.indexOf(trimmed) });
  };
  for (const match of text.matchAll(boundary)) {
    const before = text.slice(from, match.index);
    const after = text.slice(match.index + match[0].length);
    if (!match[0].includes("\n") && mark.test(before) && !beginning.test(after)) continue;
    add(match.index);
    from = match.index + match[0].length;
  }
  add(text.length);
  return sentences;
}
