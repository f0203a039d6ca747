/**
 * Times of the video mentioned in running text. Clock times count unless the words around them make them
 * something else; times in units (`5 seconds`) only where the words make them a moment rather than a length.
 */

import { readTimeAtoms, type TimeAtom } from "./time-atoms.ts";
import { isLengthBy, isVideoTime } from "./time-context.ts";

/** A moment or an interval of the video mentioned in a text. */
export interface TimeMention {
  /** In seconds from the start of the video. */
  startSeconds: number;
  /** In seconds; equal to `startSeconds` for a moment, never less. */
  endSeconds: number;
  /** Offset in the text of the whole phrase, with words such as `at around the`. */
  from: number;
  /** Offset after the phrase, with words such as `mark`. */
  to: number;
}

/** What is known of the video when its times are read. */
export interface TimeOptions {
  /**
   * Length of the video: ends `from 0:10 to the end`, gives `at the end` and `the last ten seconds` a time, and
   * tells `MM:SS:FF` from `HH:MM:SS`.
   */
  durationSeconds?: number | undefined;
}

const joiner =
  /^\s*(?:-->|-|–|—|~|→|->|\bto\b|\buntil\b|\btill\b|\bthrough\b|\band\b)\s*(?:(?:about|around|approximately|roughly|the)\s+)*$/i;
const listJoiner = /^\s*(?:,|\/|&|,?\s*\b(?:and|or)\b)\s*(?:(?:about|around)\s+)?$/i;
const between = /\bbetween\s+(?:(?:about|around|approximately|roughly|the)\s+)*$/i;
const openEnd =
  /^\s{0,3}(?:onwards?\b|(?:(?:up\s)?to|until|till|through)\s+the\s+(?:very\s+)?end\b(?:\s+of\s+the\s+(?:video|clip|footage))?)/i;

const wordsBefore =
  /(?:\b(?:right|just|starting|beginning|exactly|precisely|shortly)\s+(?=(?:at|from|between|by|around|about|in|on|near|after|before|with)\b|@))?(?:(?:\b(?:at|from|between|by|around|about|in|on|during|near|until|till|since|after|before|within)\b|@|~)\s*)?(?:\b(?:around|about|approximately|roughly|exactly|precisely|nearly|almost|the|timestamps?|times?|timecode|moments?|marks?|second|period|interval)(?:\s*:)?\s+)*[[(<*"'`]*$/i;
const wordsAfter =
  /^[\])>*"'`]*(?:\s{0,2}\((?:approximately|approx\.?|roughly|about|around)\))?(?:[\s-]{0,3}(?:second\s+)?(?:mark|point|timestamp)s?\b)?(?:\s*(?:in(?:to)?|of)\s+(?:the|this)\s+(?:video|clip|footage|recording)\b|\s+in(?=\s*[,;:.]))?/i;

/** Whether two times are one interval: joined by `to`, `-`, or by `and` after `between`. */
function areJoined(text: string, first: TimeAtom, second: TimeAtom): boolean {
  const gap = text.slice(first.to, second.from);
  if (gap.length > 40 || !joiner.test(gap)) return false;
  return !/\band\b/i.test(gap) || between.test(text.slice(Math.max(0, first.from - 40), first.from));
}

/** A time looked at: where it ended, how it was written, and whether it is of the video. */
interface Judged {
  to: number;
  kind: TimeAtom["kind"];
  counts: boolean;
}

/** Whether a time goes on a list, and so is of the video where the one before it is: `at 3 s, 7 s and 11 s`. */
function isNextOfList(text: string, previous: Judged, atom: TimeAtom, to: number): boolean {
  const gap = text.slice(previous.to, atom.from);
  if (previous.kind !== atom.kind || gap.length > 20 || !listJoiner.test(gap)) return false;
  return atom.kind !== "amount" || !isLengthBy(text.slice(to, to + 40));
}

/** The unit that a bare number takes from the times that follow it. */
function unitAfter(atoms: readonly TimeAtom[], index: number): number {
  let i = index;
  while (atoms[i]?.kind === "bare") i++;
  return atoms[i]?.unit ?? 1;
}

/** Finds every mention of a time, in the order of the text; a pair joined by `to`, `-` or `between .. and` is one. */
export function findTimes(text: string, options: TimeOptions = {}): TimeMention[] {
  const { durationSeconds } = options;
  const atoms = readTimeAtoms(text, durationSeconds);
  const mentions: TimeMention[] = [];
  let previous: Judged | null = null;
  for (let i = 0; i < atoms.length; i++) {
    const first = atoms[i] as TimeAtom;
    if (previous !== null && first.from < previous.to) continue;
    const second = atoms[i + 1];
    const last = second && areJoined(text, first, second) ? second : first;
    const unit = first.kind === "bare" ? unitAfter(atoms, i) : 1;
    if (last !== first) i++;
    else if (first.kind === "unitless") continue;

    const judged: TimeAtom = first.kind === "bare" ? { ...first, kind: "amount" } : first;
    const counts: boolean =
      previous !== null && isNextOfList(text, previous, judged, last.to)
        ? previous.counts
        : (last.kind === "certain" && first.kind !== "clock") ||
          isVideoTime(text, judged, last.to, durationSeconds);
    previous = { to: last.to, kind: judged.kind, counts };
    if (!counts) continue;

    let start = first.startSeconds * unit;
    let end = last === first && first.kind === "bare" ? start : last.endSeconds;
    let to = last.to;
    const open = last === first ? openEnd.exec(text.slice(to, to + 60)) : null;
    if (open) {
      end = Math.max(start, durationSeconds ?? start);
      to += open[0].length;
      previous.to = to;
    }
    if (end < start) [start, end] = [end, start];
    const before = wordsBefore.exec(text.slice(Math.max(0, first.from - 60), first.from));
    mentions.push({
      startSeconds: start,
      endSeconds: end,
      from: first.from - (before?.[0].length ?? 0),
      to: to + (wordsAfter.exec(text.slice(to, to + 80))?.[0].length ?? 0),
    });
  }
  return mentions;
}
