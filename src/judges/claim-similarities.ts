/** How alike the claims of a trace and of its reference are. */

import type { Claim } from "../trace/index.ts";
import { type Embedder, similarity } from "./embedder.ts";

/**
 * Similarities of the pairs of claims that may match; 0 for all others, whose texts are not embedded.
 *
 * @param mayMatch whether two claims are near enough in time
 * @returns a row for each predicted claim, a column for each reference claim
 */
export async function claimSimilarities(
  predicted: readonly Claim[],
  reference: readonly Claim[],
  embedder: Embedder,
  mayMatch: (predicted: Claim, reference: Claim) => boolean,
): Promise<number[][]> {
  const near = predicted.map((a) => reference.map((b) => mayMatch(a, b)));
  const texts = [
    ...predicted.filter((_, i) => near[i]?.includes(true)),
    ...reference.filter((_, j) => near.some((row) => row[j])),
  ].map(({ text }) => text);
  const wanted = [...new Set(texts)];
  const made = wanted.length === 0 ? [] : await embedder.embed(wanted);
  const vectors = new Map(wanted.map((text, i) => [text, made[i] as Float32Array]));
  const vector = ({ text }: Claim): Float32Array => vectors.get(text) as Float32Array;
  return predicted.map((a, i) =>
    reference.map((b, j) => (near[i]?.[j] ? similarity(vector(a), vector(b)) : 0)),
  );
}
