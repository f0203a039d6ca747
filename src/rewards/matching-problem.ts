/** Claims to be matched, and what decides whether two of them may be. */

import type { Claim } from "../trace/index.ts";

/** Everything matching needs, worked out once. */
export interface MatchingProblem {
  predicted: readonly Claim[];
  reference: readonly Claim[];
  similarity: number[][];
  deltaSeconds: number;
  threshold: number;
}
