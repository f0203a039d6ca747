/** What is to be seen when, as data sets write it. */

import { type Claim, parseTimestamp } from "../../trace/index.ts";

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

function seconds(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) && value >= 0 ? value : null;
  return typeof value === "string" ? parseTimestamp(value) : null;
}

function claim(start: unknown, end: unknown, text: unknown): Claim | null {
  const from = seconds(start);
  const to = end === undefined ? from : seconds(end);
  if (from === null || to === null || typeof text !== "string" || text.trim() === "") return null;
  return { startSeconds: Math.min(from, to), endSeconds: Math.max(from, to), text: text.trim() };
}

function entry(value: unknown): Claim | null {
  if (!isObject(value)) return null;
  const { startSeconds, start, endSeconds, end, time, timestamp, text, event, description, caption } = value;
  const at = startSeconds ?? start ?? time ?? timestamp;
  const said = text ?? event ?? description ?? caption;
  if (Array.isArray(at)) return claim(at[0], at[1], said);
  if (typeof at === "string" && end === undefined && endSeconds === undefined) return keyed(at, said);
  return claim(at, endSeconds ?? end, said);
}

/** `MM:SS`, `HH:MM:SS`, or two of them joined by a dash or `to`. */
function keyed(key: string, text: unknown): Claim | null {
  const ends = key.split(/\s*(?:-|–|—|\bto\b)\s*/i);
  return ends.length > 2 ? null : claim(ends[0], ends[1], text);
}

/**
 * Reads a temporal grounding: `{"MM:SS": text, "MM:SS-MM:SS": text}`, such an object as a JSON string, or a list
 * of `{start, end, text}` in seconds or as times. Entries that name no time are left out.
 *
 * @returns claims by time, or null where the value is no grounding at all
 */
export function readGrounding(value: unknown): Claim[] | null {
  if (typeof value === "string") {
    try {
      return readGrounding(JSON.parse(value) as unknown);
    } catch {
      return null;
    }
  }
  const claims = Array.isArray(value)
    ? value.map(entry)
    : isObject(value)
      ? Object.entries(value).map(([key, text]) => keyed(key, text))
      : null;
  return (
    claims
      ?.filter((c) => c !== null)
      .sort((a, b) => a.startSeconds - b.startSeconds || a.endSeconds - b.endSeconds) ?? null
  );
}
