/**
 * How well extracted claims agree with claims labelled by hand. Two claims agree in time where both ends lie
 * within half a second, and in text where the Dice coefficient of their content words is at least 0.6.
 */

import { canonicalWords } from "../canonical-words.ts";
import type { Claim } from "../extract-claims.ts";

/** A labelled text: one line of `test/fixtures/claims/*.jsonl`. */
export interface LabelledText {
  text: string;
  /** Length of the video in seconds, where the reader is told. */
  durationSeconds?: number;
  /** What a reader takes from it; `start` and `end` in seconds, equal for a moment. */
  claims: { start: number; end: number; text: string }[];
}

/** Claims found, claims labelled, and how many of them agree. */
export interface Agreement {
  found: number;
  labelled: number;
  agreed: number;
}

const functionWords = new Set(
  "a an the is are was were be been being am and or but then of to in on at by for from with as it its this that which who he she they we i so also there here".split(
    " ",
  ),
);

function contentWords(text: string): Set<string> {
  const words = canonicalWords(text);
  const content = words.filter((word) => !functionWords.has(word));
  return new Set(content.length > 0 ? content : words);
}

/** The Dice coefficient of two texts' content words (words without function words), 0 to 1. */
export function wordOverlap(a: string, b: string): number {
  const [left, right] = [contentWords(a), contentWords(b)];
  const shared = [...left].filter((word) => right.has(word)).length;
  return left.size + right.size === 0 ? 1 : (2 * shared) / (left.size + right.size);
}

/** The size of the largest one-to-one matching of `rows` to `columns` along the pairs allowed. */
function matchingSize(rows: number, columns: number, allowed: (row: number, column: number) => boolean) {
  const takenBy = new Array<number>(columns).fill(-1);
  const place = (row: number, tried: Set<number>): boolean => {
    for (let column = 0; column < columns; column++) {
      if (tried.has(column) || !allowed(row, column)) continue;
      tried.add(column);
      const owner = takenBy[column] as number;
      if (owner >= 0 && !place(owner, tried)) continue;
      takenBy[column] = row;
      return true;
    }
    return false;
  };
  return Array.from({ length: rows }, (_, row) => place(row, new Set())).filter(Boolean).length;
}

/** Compares the claims found in one text with those labelled, by time alone or by time and text. */
export function compareClaims(
  found: readonly Claim[],
  labelled: LabelledText["claims"],
  by: "time" | "time and text",
): Agreement {
  const agreed = matchingSize(found.length, labelled.length, (i, j) => {
    const [claim, label] = [found[i] as Claim, labelled[j] as LabelledText["claims"][number]];
    return (
      Math.abs(claim.startSeconds - label.start) <= 0.5 &&
      Math.abs(claim.endSeconds - label.end) <= 0.5 &&
      (by === "time" || wordOverlap(claim.text, label.text) >= 0.6)
    );
  });
  return { found: found.length, labelled: labelled.length, agreed };
}

/** Sums agreements over texts (micro-average): precision = agreed / found, recall = agreed / labelled. */
export function sumAgreements(
  parts: readonly Agreement[],
): Agreement & { precision: number; recall: number } {
  const sum = (field: keyof Agreement) => parts.reduce((total, part) => total + part[field], 0);
  const [found, labelled, agreed] = [sum("found"), sum("labelled"), sum("agreed")];
  return { found, labelled, agreed, precision: agreed / found, recall: agreed / labelled };
}
