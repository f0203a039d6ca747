/** How far apart two claims are in time. */

import type { Claim } from "../trace/index.ts";

/** The gap between two claims' intervals in seconds; 0 where they overlap or touch. */
export function secondsApart(
  first: Pick<Claim, "startSeconds" | "endSeconds">,
  second: Pick<Claim, "startSeconds" | "endSeconds">,
): number {
  return Math.max(0, first.startSeconds - second.endSeconds, second.startSeconds - first.endSeconds);
}
