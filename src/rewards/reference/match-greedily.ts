/**
 * The released code's matching: predicted claims in the order of their midpoints, each takes the most similar
 * reference claim that is still free. Seconds are cut to whole ones, and both intervals are widened by
 * `deltaSeconds`, so that claims may be twice as far apart as the paper says.
 */

import type { MatchedPair } from "../../stats/index.ts";
import type { Claim } from "../../trace/index.ts";
import type { MatchingProblem } from "../matching-problem.ts";

function widened({ startSeconds, endSeconds }: Claim, by: number): [number, number] {
  const start = Math.trunc(startSeconds);
  const end = Math.max(start, Math.trunc(endSeconds));
  return [start - by, end + by];
}

/** Indices in the order of the midpoints; claims with the same one keep their order. */
function byMidpoint(claims: readonly Claim[]): number[] {
  const middle = (claim: Claim) => (claim.startSeconds + claim.endSeconds) / 2;
  return claims.map((_, i) => i).sort((a, b) => middle(claims[a] as Claim) - middle(claims[b] as Claim));
}

/** Matches as the released code does; pairs by ascending predicted index. */
export function matchGreedily(problem: MatchingProblem): MatchedPair[] {
  const { predicted, reference, similarity, deltaSeconds, threshold } = problem;
  const candidates = byMidpoint(reference);
  const used = new Set<number>();
  const pairs: MatchedPair[] = [];
  for (const i of byMidpoint(predicted)) {
    const [start, end] = widened(predicted[i] as Claim, deltaSeconds);
    let best = -1;
    let bestSimilarity = -1;
    for (const j of candidates) {
      const [from, to] = widened(reference[j] as Claim, deltaSeconds);
      const value = similarity[i]?.[j] as number;
      if (used.has(j) || start > to || from > end || !(value >= threshold && value > bestSimilarity))
        continue;
      best = j;
      bestSimilarity = value;
    }
    if (best < 0) continue;
    used.add(best);
    pairs.push([i, best]);
  }
  return pairs.sort(([a], [b]) => a - b);
}
