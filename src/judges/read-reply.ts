/**
 * Replies of a judge model to findings, tolerantly: JSON in whatever wrapping, else the bare word that was meant.
 * Each reader gives null for a reply that says nothing it knows; `NONE` is a model saying that there is nothing.
 */

import {
  type Claim,
  findTimes,
  formatInterval,
  type Option,
  parseLetter,
  parseNumber,
  parseTimestamp,
} from "../trace/index.ts";
import type { Attention, JudgeInput } from "./judge.ts";
import { findJson } from "./lenient-json.ts";

/** What a reader gives where the model says that nothing is there to be found. */
export const NONE = Symbol("none");

const noneWords =
  /^\W*(?:none|null|unknown|unclear|n\/?a|no (?:answer|conclusion|option)|not (?:stated|given))\W*$/i;

/** A reply without the reasoning that some models put before it. */
export function withoutReasoning(reply: string): string {
  const end = reply.toLowerCase().lastIndexOf("</think>");
  return (end < 0 ? reply : reply.slice(end + "</think>".length)).trim();
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value of the first of `keys` in the last JSON object that has one of them; undefined if none has. */
function field(reply: string, keys: readonly string[]): unknown {
  for (const item of findJson(reply).reverse()) {
    if (!isObject(item)) continue;
    const byName = new Map(Object.entries(item).map(([key, value]) => [key.trim().toLowerCase(), value]));
    const key = keys.find((name) => byName.has(name));
    if (key !== undefined) return byName.get(key);
  }
  return undefined;
}

const conclusionKeys = [
  "conclusion",
  "concluded",
  "answer",
  "answered",
  "final_answer",
  "letter",
  "option",
  "choice",
  "value",
];

/** What stands in for JSON: a reply of a few words, without fences, quotes and a label before it. */
function bare(reply: string): string {
  const inner = /^```[a-z]*\s*([\s\S]*?)```$/i.exec(reply)?.[1] ?? reply;
  return inner
    .trim()
    .replace(/^(?:final\s+)?(?:answer|conclusion|option|choice)\s*(?:is\b|:|=)\s*/i, "")
    .replace(/^["'`*_([{]+|["'`*_)\]}]+$/g, "")
    .trim();
}

const longestBare = 200;

/** The conclusion in a reply: an option's letter, a number, a time or a text, as the question asks. */
export function readConclusion(
  reply: string,
  { options, type }: Pick<JudgeInput, "options" | "type">,
): string | typeof NONE | null {
  const text = withoutReasoning(reply);
  const given = field(text, conclusionKeys);
  if (given === null) return NONE;
  if (isObject(given) || Array.isArray(given)) return null;
  const said = given === undefined ? bare(text) : String(given).trim();
  if (said === "" || (given === undefined && said.length > longestBare)) return null;
  if (noneWords.test(said)) return NONE;
  return inFormOf(said, options, type);
}

function inFormOf(said: string, options: readonly Option[], type: JudgeInput["type"]): string | null {
  if (options.length > 0 || type === "choice") return parseLetter(said, options);
  if (type === "number") {
    const value = parseNumber(said);
    return value === null ? null : String(value);
  }
  if (type === "time") return readTime(said);
  return said;
}

function readTime(said: string): string | null {
  const point = parseTimestamp(said.replace(/[.\s]+$/, ""));
  if (point !== null) return formatInterval(point, point);
  const [mention] = findTimes(said);
  return mention === undefined ? null : formatInterval(mention.startSeconds, mention.endSeconds);
}

const verdicts = new Map<string, boolean | typeof NONE>([
  ["consistent", true],
  ["inconsistent", false],
  ["true", true],
  ["false", false],
  ["yes", true],
  ["no", false],
  ["same", true],
  ["equal", true],
  ["equivalent", true],
  ["different", false],
  ["unclear", NONE],
  ["unknown", NONE],
  ["null", NONE],
]);

/** A yes or no in a reply, under one of `keys` or as its first word. */
export function readVerdict(reply: string, keys: readonly string[]): boolean | typeof NONE | null {
  const text = withoutReasoning(reply);
  const given = field(text, keys);
  if (typeof given === "boolean") return given;
  if (given === null) return NONE;
  const said = given === undefined ? text : String(given);
  const negated = /\bnot\s+(?:consistent|equal|equivalent|the\s+same)\b/i.test(said.split("\n")[0] ?? "");
  if (negated) return false;
  const first = /[\p{L}]+/u.exec(said)?.[0].toLowerCase() ?? "";
  return verdicts.get(first) ?? null;
}

/** The number in a reply, as JSON or bare. */
export function readNumber(reply: string): number | typeof NONE | null {
  const found = readConclusion(reply, { options: [], type: "number" });
  return typeof found === "string" ? Number(found) : found;
}

/** The words a reply quotes, or null. */
export function readWords(reply: string): string | null {
  const given = field(withoutReasoning(reply), ["words", "quote", "evidence"]);
  return typeof given === "string" && given.trim() !== "" ? given.trim() : null;
}

function seconds(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) && value >= 0 ? value : null;
  if (typeof value !== "string") return null;
  return parseTimestamp(value) ?? findTimes(value)[0]?.startSeconds ?? null;
}

function claim(start: unknown, end: unknown, text: unknown): Claim | null {
  const from = seconds(start);
  const said = typeof text === "string" ? text.trim().replace(/\s+/g, " ") : "";
  if (from === null || said === "") return null;
  const to = seconds(end) ?? from;
  return { startSeconds: Math.min(from, to), endSeconds: Math.max(from, to), text: said };
}

/** A claim of `{start, end, text}` under the names that models use for these. */
function claimOfObject(item: Record<string, unknown>): Claim | null {
  const get = (...names: string[]) => names.map((name) => item[name]).find((value) => value !== undefined);
  const range = get("time", "timestamp", "interval");
  if (typeof range === "string") return claimOfEntry(range, get("text", "event", "claim", "description"));
  const start = get("start", "startSeconds", "start_seconds", "start_time") ?? range;
  const end = get("end", "endSeconds", "end_seconds", "end_time");
  return claim(start, end, get("text", "event", "claim", "description"));
}

/** A claim of a key such as `00:42-00:45` and its text. */
function claimOfEntry(key: string, text: unknown): Claim | null {
  const [start, end] = key.split(/\s*(?:-|–|—|\bto\b)\s*/);
  return claim(start, end, text);
}

/**
 * The claims in a reply, by start: a list of `{start, end, text}`, bare or as `claims`, or an object from times to
 * texts. Entries that are no claim are left out; null where a reply has entries and none is a claim.
 */
export function readClaims(reply: string): Claim[] | null {
  const found = findJson(withoutReasoning(reply));
  const last = found.findLast((item) => isObject(item) || Array.isArray(item));
  if (last === undefined) return null;
  const listed = isObject(last) ? (last.claims ?? last.events) : last;
  const entries = Array.isArray(listed)
    ? listed.map((item) => (isObject(item) ? claimOfObject(item) : null))
    : Object.entries(isObject(listed) ? listed : (last as Record<string, unknown>)).map(([key, text]) =>
        claimOfEntry(key, text),
      );
  const claims = entries.filter((item) => item !== null);
  if (entries.length > 0 && claims.length === 0) return null;
  return claims.sort((a, b) => a.startSeconds - b.startSeconds || a.endSeconds - b.endSeconds);
}

/** The attention score in a reply, rounded to an integer (halves up) that must be in 0..10, with its rationale. */
export function readAttention(reply: string): Attention | null {
  const text = withoutReasoning(reply);
  const given = field(text, ["score", "rating"]);
  const score =
    typeof given === "string"
      ? Number(/^\s*(\d+(?:\.\d+)?)\s*(?:\/\s*10)?\s*$/.exec(given)?.[1] ?? Number.NaN)
      : given;
  const bareScore = /^\W*(?:score\W*)?(\d+(?:\.\d+)?)\s*(?:\/\s*10)?\W*$/i.exec(text)?.[1];
  const value = given === undefined ? Number(bareScore ?? Number.NaN) : score;
  if (typeof value !== "number" || !(value >= 0 && value <= 10)) return null;
  const rationale = field(text, ["rationale", "reason", "explanation"]);
  return { score: Math.round(value), rationale: typeof rationale === "string" ? rationale.trim() : "" };
}
