/**
 * Times of the video mentioned in running text. Clock times count anywhere; times in units (`5 seconds`) only
 * where the words around them make them a moment rather than a length. Times of day (`12:00 PM`) do not count.
 */

import { parseTimestamp } from "./timestamp.ts";

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
  /** Length of the video: ends `from 0:10 to the end`, and tells `MM:SS:FF` from `HH:MM:SS`. */
  durationSeconds?: number | undefined;
}

interface Atom {
  from: number;
  to: number;
  seconds: number;
  /** A clock or `t=5`: a moment whatever the words around it. */
  certain: boolean;
  /** A number without unit, which takes the unit of the time it is joined to. */
  bare: number | null;
}

const number = String.raw`\d+(?:\.\d+)?`;
const secondUnit = String.raw`(?:seconds?|secs?|s)\b`;
const minuteUnit = String.raw`(?:minutes?|mins?)\b`;
const atomPattern = new RegExp(
  [
    String.raw`(?<![\d:./,])(?<clock>(?:\d{1,3}:)?\d{1,3}:[0-5]\d(?:\.\d{1,3}|,\d{3}\b)?)(?!:?\d)(?!\s*[ap]\.?m\b)`,
    String.raw`(?<![\w.:])(?<compound>(?:\d+\s*h(?:ours?|rs?)?\s*)?\d+\s*(?:minutes?|mins?|m)(?:\s*,|\s+and\b)?\s*${number}\s*${secondUnit})`,
    String.raw`\bt\s*=\s*(?<equals>${number})(?:\s*${secondUnit})?`,
    String.raw`(?<![\w.:])(?<seconds>${number})(?:th|st|nd|rd)?[\s-]*${secondUnit}`,
    String.raw`(?<![\w.:])(?<minutes>${number})(?:th|st|nd|rd)?[\s-]*${minuteUnit}`,
    String.raw`\bseconds?\s+(?<named>${number})(?![\w:]|\.\d)`,
    String.raw`(?<![\w.:$])(?<bare>${number})(?=\s*(?:-|–|—|~|to|and|until|till|through)\s*(?:about |around )?${number}(?:th|st|nd|rd)?[\s-]*(?:${secondUnit}|${minuteUnit}))`,
  ].join("|"),
  "gi",
);

function readAtoms(text: string, durationSeconds: number | undefined): Atom[] {
  const atoms: Atom[] = [];
  for (const match of text.matchAll(atomPattern)) {
    const found = match.groups as Record<string, string | undefined>;
    const written = found.clock ?? found.compound;
    const bare = found.bare === undefined ? null : Number(found.bare);
    const seconds =
      written !== undefined
        ? parseTimestamp(written)
        : (bare ?? Number(found.equals ?? found.seconds ?? found.named ?? Number(found.minutes) * 60));
    if (seconds === null) continue;
    // `1980s` is no time, nor is any other number of four digits with an s attached.
    if (found.seconds && /^\d{4,}s$/i.test(match[0])) continue;
    atoms.push({
      from: match.index,
      to: match.index + match[0].length,
      seconds: found.clock ? fitClock(found.clock, seconds, durationSeconds) : seconds,
      certain: found.clock !== undefined || found.equals !== undefined || /^\d+m\d/.test(match[0]),
      bare,
    });
  }
  return atoms;
}

/** Takes `01:30:12` as minutes, seconds, frames where hours would lie beyond the end of the video. */
function fitClock(clock: string, seconds: number, durationSeconds: number | undefined): number {
  const parts = clock.split(":");
  if (durationSeconds === undefined || parts.length < 3 || seconds <= durationSeconds + 1) return seconds;
  const shorter = Number(parts[0]) * 60 + Number(parts[1]);
  return shorter <= durationSeconds + 1 ? shorter : seconds;
}

const joiner =
  /^\s*(?:-|–|—|~|→|->|\bto\b|\buntil\b|\btill\b|\bthrough\b|\band\b)\s*(?:(?:about|around|the)\s+)?$/i;
const between = /\bbetween\s+(?:(?:about|around|the)\s+)?$/i;
const openEnd =
  /^\s*(?:onwards?\b|(?:to|until|till)\s+the\s+(?:very\s+)?end\b(?:\s+of\s+the\s+(?:video|clip))?)/i;

const wordsBefore =
  /(?:\b(?:right|just|starting|beginning|exactly|precisely|shortly)\s+)?(?:(?:\b(?:at|from|between|by|around|about|in|on|during|near|until|till|since|after|before|within)\b|@|~)\s*)?(?:\b(?:around|about|approximately|roughly|exactly|precisely|nearly|the|timestamps?|times?|timecode|moments?|marks?|second|period|interval)\s+)*[[(*"'`]*$/i;
const wordsAfter =
  /^[\])*"'`]*(?:[\s-]*(?:second\s+)?(?:mark|point|timestamp)s?\b)?(?:\s*(?:in(?:to)?|of)\s+the\s+(?:video|clip)\b|\s+in(?=\s*[,;:.]))?/i;

const lengthBefore =
  /\b(?:for|last(?:s|ed|ing)?|over|within|takes?|took|every|of|after|in|spans?|duration|than|another|only|next|first|last)\s*(?:is\s+|a\s+|the\s+)?(?:total\s+of\s+)?(?:about|around|approximately|roughly|exactly|nearly|almost|just)?\s*$/i;
const momentBefore =
  /(?:\b(?:at|from|between|during|around|near|until|till|since|second|timestamps?|times?|moment)\b|@|[[(]|^|\n|^\s*(?:[-*•]|\d+[.)])|\n\s*(?:[-*•]|\d+[.)]))\s*(?:(?:about|around|approximately|roughly|exactly|precisely|nearly|the)\s+)*\**$/i;
const momentAfter =
  /^[\s-]*(?:mark|point|timestamp|in\s*[,;:.]|into\s+the|in\s+the\s+(?:video|clip)|of\s+the\s+(?:video|clip))/i;
const lengthAfter = /^[\s-]*(?:later|long|apart|earlier|per|of\s+(?!the\s+(?:video|clip))|ago|each)/i;

function isMoment(text: string, from: number, to: number): boolean {
  const before = text.slice(Math.max(0, from - 60), from);
  const after = text.slice(to, to + 40);
  if (momentAfter.test(after)) return true;
  if (lengthAfter.test(after) || lengthBefore.test(before)) return false;
  return momentBefore.test(before);
}

/** Finds every mention of a time, in the order of the text; a pair joined by `to`, `-` or `between .. and` is one. */
export function findTimes(text: string, options: TimeOptions = {}): TimeMention[] {
  const atoms = readAtoms(text, options.durationSeconds);
  const mentions: TimeMention[] = [];
  for (let i = 0; i < atoms.length; i++) {
    const first = atoms[i] as Atom;
    const second = atoms[i + 1];
    const gap = second && text.slice(first.to, second.from);
    const joined =
      gap !== undefined &&
      joiner.test(gap) &&
      (!/\band\b/i.test(gap) || between.test(text.slice(Math.max(0, first.from - 30), first.from)));
    const last = joined ? (second as Atom) : first;
    if (joined) i++;
    else if (first.bare !== null) continue;
    if (!first.certain && !last.certain && !isMoment(text, first.from, last.to)) continue;

    const unit = /min/i.test(text.slice(last.from, last.to)) ? 60 : 1;
    let start = joined && first.bare !== null ? first.bare * unit : first.seconds;
    let end = last.seconds;
    let to = last.to;
    const open = joined ? null : openEnd.exec(text.slice(to));
    if (open) {
      end = Math.max(start, options.durationSeconds ?? start);
      to += open[0].length;
    }
    if (end < start) [start, end] = [end, start];
    const before = wordsBefore.exec(text.slice(Math.max(0, first.from - 60), first.from));
    mentions.push({
      startSeconds: start,
      endSeconds: end,
      from: first.from - (before?.[0].length ?? 0),
      to: to + (wordsAfter.exec(text.slice(to))?.[0].length ?? 0),
    });
  }
  return mentions;
}
