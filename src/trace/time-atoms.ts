/**
 * The times written in a text, each by itself: clocks (`1:45`), amounts with a unit (`12.5 s`, `two minutes`),
 * `t = 5 s`, places (`at the end`) and stretches (`the first ten seconds`). Whether one is a time of the video
 * is not decided here. Every quantifier is bounded, so that reading is linear in the length of the text.
 */

import { numberWordValue } from "./canonical-words.ts";
import { parseTimestamp } from "./timestamp.ts";

/** A time written in a text. */
export interface TimeAtom {
  /** Offset of the first character. */
  from: number;
  /** Offset after the last one. */
  to: number;
  startSeconds: number;
  /** Equal to `startSeconds` but for a stretch. */
  endSeconds: number;
  /**
   * `clock`: 1:45; `amount`: with a unit, a moment or a length; `ordinal`: the 5th second, second 5; `bare`: a number that
   * takes the unit of the next; `unitless`: t = 5, a time only as the first of a pair; `certain`: a time of the video whatever the words around it.
   */
  kind: "clock" | "amount" | "ordinal" | "bare" | "unitless" | "certain";
  /** Seconds in its unit, 1 or 60; for a bare number to take. */
  unit: number;
}

const digits = String.raw`\d{1,6}(?:\.\d{1,6})?`;
const ones = "one|two|three|four|five|six|seven|eight|nine";
const words = String.raw`(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[\s-](?:${ones}))?|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|${ones}|half\s(?:a|an|one))`;
const amount = `(?:${digits}|${words})`;
const gap = String.raw`[\s-]{0,3}`;
const second = String.raw`(?:seconds?|secs?|s)\b`;
const minute = String.raw`(?:minutes?|mins?)\b`;
const start = String.raw`(?<![\w.:$/]|\d,)`;
const ofVideo = String.raw`(?:\s{1,3}of\s(?:the|this)\s(?:whole\s|entire\s)?(?:video|clip|footage|recording|film|movie|sequence)\b)`;
const joiners = String.raw`\s{0,3}(?:-|–|—|~|to|and|until|till|through)\s{0,3}(?:(?:about|around)\s)?`;

const pattern = new RegExp(
  [
    String.raw`(?<![\d:./,])(?<clock>(?:\d{1,3}:)?\d{1,3}:[0-5]\d(?:\.\d{1,3}|,\d{3}\b)?)(?!:?\d)(?:s\b|\s{0,3}${minute})?`,
    String.raw`(?<![\d'’])(?<primes>\d{1,3}['’′]\s?[0-5]\d(?:["”″]|''))`,
    String.raw`${start}(?<compound>(?:${amount}${gap}(?:hours?|hrs?|h)[\s,]{0,3}(?:and\s)?)?${amount}${gap}(?:minutes?|mins?|m)(?:\s{0,3},|\s{1,3}and\b)?\s{0,3}${amount}${gap}${second})`,
    String.raw`(?<equalsOpen>[([]\s?)?\bt\s{0,3}=\s{0,3}(?<equals>${digits})(?![.\w]*\d)(?<equalsUnit>\s{0,3}${second})?`,
    String.raw`<t(?:ime(?:stamp|step)?)?>\s{0,3}(?<tagStart>${digits})\s{0,3}(?:s|seconds?)?(?:\s{0,3}(?:-|–|to|,)\s{0,3}(?<tagEnd>${digits})\s{0,3}(?:s|seconds?)?)?\s{0,3}<\/t(?:ime(?:stamp|step)?)?>(?:\s{0,1}s\b)?`,
    String.raw`[([]\s{0,3}(?<pairStart>${digits})\s{0,3},\s{0,3}(?<pairEnd>${digits})\s{0,3}[\])]\s{0,3}${second}`,
    String.raw`(?:\b(?:in|within|during|over|for|throughout|across)\s)?\bthe\s(?:very\s)?(?<edge>first|opening|initial|last|final|closing)\s(?:(?<edgeAmount>${amount}|half)${gap}(?<edgeUnit>${second}|${minute})|(?<edgeMinute>minute)\b)(?:${ofVideo}|(?!\s{1,3}of\b))`,
    String.raw`\b(?<placeWord>at|in|by|near|towards?|until|till|from)\sthe\s(?:very\s)?(?<place>end|beginning|start|outset)\b(?<placeOf>${ofVideo})?(?!\s{1,3}(?:of|line|zone|position|point|goal|result|user|product)\b)`,
    `${start}(?<seconds>${amount})(?<ordinal>th|st|nd|rd)?${gap}(?<secondUnit>${second})`,
    String.raw`${start}(?<minutes>${amount}|an?(?=\sminute\b)|half(?=[\s-]minute\b))(?:th|st|nd|rd)?${gap}${minute}`,
    String.raw`\bseconds?\s(?<named>${digits})(?![\w:]|\.\d)(?:\s{0,3}(?:-|–|to|and)\s{0,3}(?<namedEnd>${digits})(?![\w:]|\.\d))?`,
    String.raw`${start}(?<bare>${amount})(?=(?:,\s|,?\s(?:and|or)\s|${joiners})${amount}(?:th|st|nd|rd)?${gap}(?:${second}|${minute}))`,
  ].join("|"),
  "gi",
);

/** Whether a text may hold a time at all; cheap, and never wrong when it says no. */
export const mayHoldTime = (text: string): boolean =>
  /\d|\b(?:seconds?|minutes?|the (?:very )?(?:end|beginning|start|outset))\b/i.test(text);

function amountValue(text: string): number {
  if (/^half/i.test(text)) return 0.5;
  if (/^an?$/i.test(text)) return 1;
  return numberWordValue(text.replace(/\s/, "-")) ?? Number(text);
}

function compoundSeconds(text: string): number {
  const part = new RegExp(String.raw`(${amount}|\d+)${gap}([hms])`, "gi");
  let total = 0;
  for (const [, value, unit] of text.matchAll(part))
    total += amountValue(value as string) * ({ h: 3600, m: 60, s: 1 }[(unit as string).toLowerCase()] ?? 0);
  return total;
}

/** Takes `01:30:12` as minutes, seconds, frames where hours would lie beyond the end of the video. */
function fitClock(clock: string, seconds: number, durationSeconds: number | undefined): number {
  const parts = clock.split(":");
  if (durationSeconds === undefined || parts.length < 3 || seconds <= durationSeconds + 1) return seconds;
  const shorter = Number(parts[0]) * 60 + Number(parts[1]);
  return shorter <= durationSeconds + 1 ? shorter : seconds;
}

type Read = Pick<TimeAtom, "startSeconds" | "endSeconds" | "kind" | "unit">;
type Groups = Record<string, string | undefined>;

const moment = (seconds: number, kind: TimeAtom["kind"], unit = 1): Read => ({
  startSeconds: seconds,
  endSeconds: seconds,
  kind,
  unit,
});

const stretch = (start: string, end: string | undefined, kind: TimeAtom["kind"]): Read => ({
  startSeconds: Number(start),
  endSeconds: Number(end ?? start),
  kind,
  unit: 1,
});

/** A stretch at the beginning or the end; null where it needs the length of the video and that is not known. */
function readEdge(found: Groups, durationSeconds: number | undefined): Read | null {
  const minutes = found.edgeMinute !== undefined || /^m/i.test(found.edgeUnit as string);
  const length = amountValue(found.edgeAmount ?? "1") * (minutes ? 60 : 1);
  if (/^(?:first|opening|initial)/i.test(found.edge as string))
    return { startSeconds: 0, endSeconds: length, kind: "certain", unit: 1 };
  if (durationSeconds === undefined) return null;
  return {
    startSeconds: Math.max(0, durationSeconds - length),
    endSeconds: durationSeconds,
    kind: "certain",
    unit: 1,
  };
}

function readPlace(found: Groups, durationSeconds: number | undefined): Read | null {
  // `In the end` and `in the beginning` tell of the telling.
  if (/^in$/i.test(found.placeWord as string) && found.placeOf === undefined) return null;
  if (!/^end$/i.test(found.place as string)) return moment(0, "certain");
  return durationSeconds === undefined ? null : moment(durationSeconds, "certain");
}

function readEquals(match: RegExpExecArray, found: Groups): Read | null {
  const bracketed = found.equalsOpen !== undefined && /^\s?[)\]]/.test(after(match, 2));
  // Without a unit it is mathematics, unless the second of a pair has one: `t=2 to t=5 s`.
  const certain = found.equalsUnit !== undefined || bracketed;
  return moment(Number(found.equals), certain ? "certain" : "unitless");
}

const after = (match: RegExpExecArray, length: number) => {
  const to = match.index + match[0].length;
  return match.input.slice(to, to + length);
};

function readAmount(match: RegExpExecArray, found: Groups): Read | null {
  const text = match[0];
  if (found.minutes !== undefined) return moment(amountValue(found.minutes) * 60, "amount", 60);
  // `1980s` and `12 Second Street` are no times.
  if (/^\d{4,}s$/i.test(text) || (/^S/.test(found.secondUnit as string) && /^\s[A-Z]/.test(after(match, 2))))
    return null;
  return moment(amountValue(found.seconds as string), found.ordinal ? "ordinal" : "amount");
}

function read(match: RegExpExecArray, durationSeconds: number | undefined): Read | null {
  const found = match.groups as Groups;
  if (found.clock !== undefined) {
    const seconds = parseTimestamp(found.clock);
    return seconds === null ? null : moment(fitClock(found.clock, seconds, durationSeconds), "clock");
  }
  if (found.primes !== undefined) {
    const [minutes, seconds] = found.primes.split(/\D+/);
    return moment(Number(minutes) * 60 + Number(seconds), "amount");
  }
  if (found.compound !== undefined)
    return moment(compoundSeconds(found.compound), /^\d+m\d/.test(found.compound) ? "certain" : "amount");
  if (found.equals !== undefined) return readEquals(match, found);
  if (found.pairStart !== undefined) return stretch(found.pairStart, found.pairEnd, "certain");
  if (found.tagStart !== undefined) return stretch(found.tagStart, found.tagEnd, "certain");
  if (found.edge !== undefined) return readEdge(found, durationSeconds);
  if (found.place !== undefined) return readPlace(found, durationSeconds);
  if (found.named !== undefined) return stretch(found.named, found.namedEnd, "ordinal");
  if (found.bare !== undefined) return moment(amountValue(found.bare), "bare");
  return readAmount(match, found);
}

/** Reads every time written in a text, in order. */
export function readTimeAtoms(text: string, durationSeconds: number | undefined): TimeAtom[] {
  const atoms: TimeAtom[] = [];
  if (!mayHoldTime(text)) return atoms;
  for (const match of text.matchAll(pattern)) {
    const value = read(match, durationSeconds);
    if (value !== null) atoms.push({ ...value, from: match.index, to: match.index + match[0].length });
  }
  return atoms;
}
