/** Word error rate: edits to turn one text's words into another's, per word of the first. Case counts. */

import { words } from "./python.ts";

/** Levenshtein distance over words divided by the number of words of `reference` (at least 1); 0 or more. */
export function wordErrorRate(reference: string, hypothesis: string): number {
  const [wanted, given] = [words(reference), words(hypothesis)];
  let previous = Array.from({ length: given.length + 1 }, (_, j) => j);
  wanted.forEach((token, i) => {
    const row = [i + 1];
    given.forEach((other, j) => {
      const [across, down, left] = [previous[j] as number, previous[j + 1] as number, row[j] as number];
      row.push(token === other ? across : 1 + Math.min(across, down, left));
    });
    previous = row;
  });
  return (previous.at(-1) as number) / Math.max(1, wanted.length);
}
