/** Where in a reasoning its claims stand, for whoever reads it. */

import { type Claim, findTimes } from "../trace/index.ts";
import type { Mark } from "./report-data.ts";

const near = (a: number, b: number) => Math.abs(a - b) < 0.01;

/**
 * Finds the times that claims were read from, in order, each claim once, with what is said about them where it stands
 * next to the time; and the words of the conclusion, where they stand in the reasoning.
 *
 * @param words the sentence that decides, or nothing
 */
export function markClaims(think: string, claims: readonly Claim[], words?: string | null): Mark[] {
  const marks: Mark[] = [];
  const times = findTimes(think);
  const used = new Set<number>();
  claims.forEach((claim, index) => {
    const at = times.findIndex(
      (time, i) =>
        !used.has(i) &&
        near(time.startSeconds, claim.startSeconds) &&
        near(time.endSeconds, claim.endSeconds),
    );
    const time = times[at];
    if (time === undefined) return;
    used.add(at);
    marks.push({ from: time.from, to: time.to, claim: index });
    const said = nearest(think, claim.text, time.from);
    if (said !== null && (said.to <= time.from || said.from >= time.to))
      marks.push({ ...said, claim: index });
  });
  const free: Mark[] = [];
  for (const mark of marks.sort((a, b) => a.from - b.from || b.to - a.to))
    if (mark.from >= (free.at(-1)?.to ?? 0)) free.push(mark);
  const decides = words ? think.lastIndexOf(words) : -1;
  if (words && decides >= 0) free.push({ from: decides, to: decides + words.length, claim: -1 });
  return free;
}

/** The place of a text that is nearest to an offset, within a sentence or two; null where there is none. */
function nearest(think: string, text: string, offset: number): Pick<Mark, "from" | "to"> | null {
  let best: number | null = null;
  for (let at = think.indexOf(text, Math.max(0, offset - 400)); at >= 0 && at < offset + 400; ) {
    if (best === null || Math.abs(at - offset) < Math.abs(best - offset)) best = at;
    at = think.indexOf(text, at + 1);
  }
  return best === null ? null : { from: best, to: best + text.length };
}
