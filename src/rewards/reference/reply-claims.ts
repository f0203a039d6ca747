/**
 * Claims as the released code reads them: a judge's reply with a JSON object of times to sentences, its keys
 * cleaned (`sanitizeKey`), what cannot be read dropped. Where the released code raises, the result says so; it
 * scores such an output 0.
 */

import {
  type PythonJson,
  parsePythonJson,
  pythonFloat,
  pythonInt,
  pythonRound,
  pythonSpace,
  pythonStrip,
} from "../../metrics/index.ts";
import type { Claim } from "../../trace/index.ts";

/** The claims of a reply, or why the released code fails on it. */
export type ReplyClaims = { claims: Claim[]; fails?: undefined } | { claims: null; fails: string };

/** What the released code does not catch where it stands. */
class Raised extends Error {}

const separator = new RegExp(`[${pythonSpace}]*(?:-|–|—|to)[${pythonSpace}]*`, "i");
const edges = /^[+.,]+|[+.,]+$/g;

function wholeSeconds(value: number | null): number | null {
  if (value === null || Number.isNaN(value)) return null;
  if (!Number.isFinite(value)) throw new Raised("an infinite time");
  return pythonRound(value);
}

/** One time of a key in whole seconds, halves to even; null where it is none. */
function seconds(token: string): number | null {
  const text = pythonStrip(token).replace(edges, "").toLowerCase();
  if (text === "end" || text === "eof") return null;
  if (!text.includes(":")) return pythonInt(text) ?? wholeSeconds(pythonFloat(text));
  const parts = text.split(":");
  if (parts.length > 3) return null;
  const [h, m] =
    parts.length === 3
      ? [pythonInt(parts[0] as string), pythonInt(parts[1] as string)]
      : [0, pythonInt(parts[0] as string)];
  const s = h === null || m === null ? null : pythonFloat(parts.at(-1) as string);
  return h === null || m === null || s === null ? null : wholeSeconds(h * 3600 + m * 60 + s);
}

const pad = (n: number) => String(n).padStart(2, "0");

function clock(total: number): string {
  const [m, s] = [Math.floor(total / 60), total % 60];
  return total >= 3600 ? `${pad(Math.floor(m / 60))}:${pad(m % 60)}:${pad(s)}` : `${pad(m)}:${pad(s)}`;
}

/** A key as `MM:SS`, `HH:MM:SS` or a range of them, smaller time first; null where it is dropped. */
export function sanitizeKey(key: string): string | null {
  const parts = pythonStrip(key).split(separator);
  if (parts.length > 2) return null;
  const start = seconds(parts[0] as string);
  const end = parts.length === 2 ? seconds(parts[1] as string) : start;
  if (start === null || end === null) return null;
  const [from, to] = end < start ? [end, start] : [start, end];
  return from === to ? clock(from) : `${clock(from)}-${clock(to)}`;
}

/** Keys cleaned, unreadable ones dropped; of keys that become equal the first place and the last text stay. */
function sanitize(object: ReadonlyMap<string, PythonJson>): Map<string, PythonJson> {
  const clean = new Map<string, PythonJson>();
  for (const [key, value] of object) {
    const name = sanitizeKey(key);
    if (name !== null) clean.set(name, value);
  }
  return clean;
}

function strictSeconds(text: string): number {
  const parts = pythonStrip(text).split(":").map(pythonInt);
  if (parts.some((part) => part === null) || parts.length < 2 || parts.length > 3)
    throw new Raised(`a time that cannot be read: ${text}`);
  return (parts as number[]).reduce((sum, part) => sum * 60 + part, 0);
}

const isFalse = (value: PythonJson) =>
  value === null ||
  value === false ||
  value === 0 ||
  (Array.isArray(value) && value.length === 0) ||
  (value instanceof Map && value.size === 0);

function sentence(value: PythonJson): string {
  if (isFalse(value)) return "";
  if (typeof value !== "string") throw new Raised("a claim that is not a text");
  return pythonStrip(value);
}

function claimsOf(object: ReadonlyMap<string, PythonJson>): Claim[] {
  const claims: Claim[] = [];
  for (const [name, value] of object) {
    const key = pythonStrip(name);
    const text = sentence(value);
    if (text === "") continue;
    const dash = key.indexOf("-");
    const startSeconds = strictSeconds(dash < 0 ? key : key.slice(0, dash));
    const endSeconds = dash < 0 ? startSeconds : strictSeconds(key.slice(dash + 1));
    claims.push({ startSeconds, endSeconds, text });
  }
  const middle = (claim: Claim) => claim.startSeconds + claim.endSeconds;
  return claims.sort((a, b) => middle(a) - middle(b));
}

/** The object of a reply: the whole reply, else from its first `{` to its last `}`, else none. */
function objectOf(reply: string): PythonJson {
  const whole = parsePythonJson(reply);
  if (whole !== undefined) return whole;
  const [from, to] = [reply.indexOf("{"), reply.lastIndexOf("}")];
  return (from >= 0 && to > from ? parsePythonJson(reply.slice(from, to + 1)) : undefined) ?? new Map();
}

function read(value: PythonJson): Claim[] {
  if (value instanceof Map) return claimsOf(sanitize(value));
  if (typeof value !== "string") throw new Raised("a reply that is no object");
  // A JSON text that holds JSON again is read without cleaning its keys.
  const inner = parsePythonJson(pythonStrip(value));
  if (inner === undefined) return [];
  if (!(inner instanceof Map)) throw new Raised("a reply that is no object");
  return claimsOf(inner);
}

function caught(compute: () => Claim[]): ReplyClaims {
  try {
    return { claims: compute() };
  } catch (error) {
    if (error instanceof Raised) return { claims: null, fails: error.message };
    throw error;
  }
}

/**
 * The claims in a judge's reply as the released code takes them, by midpoint. (It also reads a JSON text that
 * holds a Python literal; that is no claims here.)
 */
export const claimsFromReply = (reply: string): ReplyClaims =>
  caught(() => read(objectOf(pythonStrip(reply))));

/** The claims of a row's `temporal_grounding` as the released code takes them, by midpoint. */
export const claimsFromGrounding = (
  grounding: Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown> | string,
): ReplyClaims =>
  caught(() => {
    if (typeof grounding === "string") return read(grounding);
    const entries = grounding instanceof Map ? [...grounding] : Object.entries(grounding);
    return claimsOf(sanitize(new Map(entries as [string, PythonJson][])));
  });
