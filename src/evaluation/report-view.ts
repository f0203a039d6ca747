/**
 * What the report's page computes, without touching the page: which outputs are listed, where things stand on the
 * time line. These functions also run as the page's script, from their source, so they use nothing but each other.
 */

import type { Mark, ReportSample } from "./report-data.ts";

/** What is chosen in the page's tool bar. */
export interface Choice {
  /** Words that all must occur in question, reasoning, answer or id. */
  text: string;
  /** One of `filters`. */
  filter: string;
  /** A benchmark, or empty for all. */
  benchmark: string;
  /** One of `order`, `tar`, `claims`, `length`. */
  sort: string;
}

/** Which outputs a filter lets through, by its name. */
export function passes(sample: ReportSample, filter: string): boolean {
  const { accuracy, consistent, tar, truncated } = sample;
  switch (filter) {
    case "right":
      return accuracy.score === 1;
    case "wrong":
      return accuracy.score !== null && accuracy.score < 1;
    case "inconsistent":
      return consistent.value === false;
    case "untold":
      return consistent.value === null && truncated === null;
    case "lucky":
      return accuracy.score === 1 && consistent.value === false;
    case "ungrounded":
      return tar.score !== null && tar.score < 1;
    case "truncated":
      return truncated !== null;
    case "unscored":
      return accuracy.score === null;
    case "differs":
      return (
        sample.logged?.score != null && accuracy.score !== null && sample.logged.score !== accuracy.score
      );
    default:
      return true;
  }
}

/** Everything of a sample that a search looks at, in lower case. */
export function searchText(sample: ReportSample): string {
  const { id, benchmark, category, video, question, think, output, answer } = sample;
  const options = sample.options.map(({ text }) => text);
  return [id, benchmark, category, video, question, ...options, think ?? output, answer]
    .join("\n")
    .toLowerCase();
}

/** Indices of the samples that are listed, in their order. */
export function chooseSamples(
  samples: readonly ReportSample[],
  choice: Choice,
  texts: readonly string[],
): number[] {
  const words = choice.text.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen: number[] = [];
  samples.forEach((sample, i) => {
    if (choice.benchmark && sample.benchmark !== choice.benchmark) return;
    if (!passes(sample, choice.filter)) return;
    const text = texts[i] ?? "";
    if (words.every((word) => text.includes(word))) chosen.push(i);
  });
  const by = (value: (sample: ReportSample) => number) =>
    chosen.sort((a, b) => value(samples[a] as ReportSample) - value(samples[b] as ReportSample) || a - b);
  if (choice.sort === "tar") return by(({ tar }) => tar.score ?? 2);
  if (choice.sort === "claims") return by(({ claims }) => -claims.length);
  if (choice.sort === "length") return by(({ think }) => -(think?.length ?? 0));
  return chosen;
}

/** A piece of text with what it stands for. */
export interface Segment {
  text: string;
  /** Index of a claim, or null. */
  claim: number | null;
  /** Whether it belongs to the words that decide. */
  decides: boolean;
}

/** Cuts a text at the edges of its marks. */
export function segmentsOf(text: string, marks: readonly Mark[]): Segment[] {
  const edges = new Set([0, text.length]);
  for (const { from, to } of marks) {
    if (from < text.length) edges.add(from);
    if (to < text.length) edges.add(to);
  }
  const cuts = [...edges].sort((a, b) => a - b);
  return cuts.slice(0, -1).map((from, i) => {
    const here = marks.filter((mark) => mark.from <= from && from < mark.to);
    const claim = here.find((mark) => mark.claim >= 0);
    return {
      text: text.slice(from, cuts[i + 1]),
      claim: claim ? claim.claim : null,
      decides: here.some((mark) => mark.claim < 0),
    };
  });
}

/** Seconds as `M:SS`, with an hour where there is one, and a tenth where there is a fraction. */
export function clockOf(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  const whole = Math.floor(tenths / 10);
  const pad = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const fraction = tenths % 10 === 0 ? "" : `.${tenths % 10}`;
  const head = hours > 0 ? `${hours}:${pad(minutes)}` : pad(minutes);
  return `${head}:${pad(whole % 60)}${fraction}`;
}

/** A moment or an interval as text. */
export function spanOf(claim: { startSeconds: number; endSeconds: number }): string {
  const { startSeconds, endSeconds } = claim;
  const start = clockOf(startSeconds);
  return startSeconds === endSeconds ? start : `${start}–${clockOf(endSeconds)}`;
}

/** A share as a percentage with one decimal, or a dash. */
export function percentOf(value: number | null): string {
  return value === null ? "–" : `${(value * 100).toFixed(1)} %`;
}

/** A claim on the time line. */
export interface Bar {
  index: number;
  /** Left edge and width, 0 to 1 of the time line. */
  left: number;
  width: number;
  /** Row within its side, from 0, so that bars do not cover each other. */
  lane: number;
  matched: boolean;
}

/** Everything on the time line; numbers are shares of its width. */
export interface Timeline {
  /** What the time line ends with, in seconds. */
  end: number;
  ticks: { at: number; label: string }[];
  said: Bar[];
  reference: Bar[];
  lanes: { said: number; reference: number };
  matches: { predicted: number; reference: number; similarity: number }[];
}

/** Bars in as few lanes as they need, `gap` of the width apart. */
export function lanesOf(
  claims: readonly { startSeconds: number; endSeconds: number }[],
  end: number,
  matched: (index: number) => boolean,
): { bars: Bar[]; lanes: number } {
  const least = 0.012;
  const free: number[] = [];
  const order = claims.map((claim, index) => ({ claim, index }));
  order.sort((a, b) => a.claim.startSeconds - b.claim.startSeconds);
  const bars = order.map(({ claim, index }) => {
    const width = Math.max(least, (claim.endSeconds - claim.startSeconds) / end);
    const left = Math.max(0, Math.min(1 - width, claim.startSeconds / end));
    let lane = free.findIndex((until) => until <= left);
    if (lane < 0) lane = free.length;
    free[lane] = left + width + 0.004;
    return { index, left, width, lane, matched: matched(index) };
  });
  return { bars, lanes: free.length };
}

/** Lays a sample's claims and the reference's on one time line; null where there are neither. */
export function timelineOf(
  sample: Pick<ReportSample, "claims" | "references" | "alignment" | "durationSeconds">,
): Timeline | null {
  const { claims, durationSeconds } = sample;
  const references = sample.references ?? [];
  if (claims.length === 0 && references.length === 0) return null;
  let end = durationSeconds ?? 0;
  for (const claim of [...claims, ...references]) end = Math.max(end, claim.endSeconds);
  end = Math.max(end, 1);
  const steps = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
  const step = steps.find((seconds) => end / seconds <= 9) ?? Math.ceil(end / 9);
  const ticks: Timeline["ticks"] = [];
  for (let at = 0; at <= end; at += step) ticks.push({ at: at / end, label: clockOf(at) });
  const matches = sample.alignment?.matches ?? [];
  const said = lanesOf(claims, end, (i) => matches.some(({ predicted }) => predicted === i));
  const reference = lanesOf(references, end, (i) => matches.some((match) => match.reference === i));
  return {
    end,
    ticks,
    said: said.bars,
    reference: reference.bars,
    lanes: { said: said.lanes, reference: reference.lanes },
    matches: matches.map(({ predicted, reference: other, similarity }) => ({
      predicted,
      reference: other,
      similarity,
    })),
  };
}
