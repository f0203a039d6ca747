/**
 * Replies read as the reference reads them (`train/src/train/reward_utils.py`, `eval/scripts/tac`, `eval/scripts/vas`),
 * oddities included, for people who compare numbers.
 */

import type { Option } from "../trace/index.ts";
import type { Attention } from "./judge.ts";

/** Benchmarks whose reader takes an opening bracket before a leading letter. */
const bracketed = /mvbench|video-?mme\b|videomme|mlvu|longvideobench|minerva/i;
const letterCode = "A".charCodeAt(0);
const isWord = "[\\p{L}\\p{N}_]";
const leading = /^\s*([A-Z])\s*[.)|:,-]/;
const leadingBracketed = /^\s*\(?\s*([A-Z])\s*[.)|:,-]/;
const standalone = new RegExp(`(?<!${isWord})([A-Z])(?!${isWord})`, "gu");

/**
 * The letter in a model's reply: a leading one with a mark behind it if it is valid, else the last that stands
 * alone, valid ones preferred.
 *
 * @param optionCount letters from A that are valid
 * @param benchmark its name decides whether `(B) ...` counts as leading
 */
export function referenceLetter(reply: string, optionCount: number, benchmark = ""): string | null {
  const isValid = (letter: string) => letter.charCodeAt(0) - letterCode < optionCount;
  const first = (bracketed.test(benchmark) ? leadingBracketed : leading).exec(reply)?.[1];
  if (first !== undefined && isValid(first)) return first;
  const letters = [...reply.matchAll(standalone)].map((match) => match[1] as string);
  return letters.findLast(isValid) ?? letters.at(-1) ?? null;
}

/** VSI-Bench's: a leading a-d in any case, else the first option whose text occurs, else the same without signs. */
export function referenceVsiLetter(reply: string, options: readonly Option[]): string | null {
  const text = reply.trim();
  const first = new RegExp(`^([A-Da-d])(?:(?!${isWord})|[.):\\-\\s])`, "u").exec(text)?.[1];
  if (first !== undefined) return first.toUpperCase();
  const known = options.filter(({ letter, text: said }) => "ABCD".includes(letter) && said !== "");
  const occurs = known.find((option) => text.toLowerCase().includes(option.text.toLowerCase()));
  const plain = (said: string) => said.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");
  return (occurs ?? known.find((option) => plain(text).includes(plain(option.text))))?.letter ?? null;
}

/** VSI-Bench's number: the first one in the reply, without currency, thousands and percent signs. */
export function referenceVsiNumber(reply: string): number | null {
  const pattern = /[-+]?[$€£]?\s*(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?\s*%?/i;
  const token = pattern
    .exec(reply)?.[0]
    .replace(/[,$€£]/g, "")
    .trim()
    .replace(/%$/, "")
    .trim();
  if (token === undefined || !/^[-+]?\d/.test(token)) return null;
  return Number(token);
}

/**
 * VSI-Bench's number in post-processing: `value` of a JSON object, without the fence around it.
 *
 * @returns undefined where the model says that there is none, null where the reply cannot be read
 */
export function referencePostNumber(reply: string): number | undefined | null {
  const inner = /^```(?:json)?\s*([\s\S]*?)\s*```$/.exec(reply.trim())?.[1] ?? reply.trim();
  try {
    const { value } = JSON.parse(inner) as { value?: unknown };
    if (value === null || value === undefined) return undefined;
    const number = Number(value);
    return Number.isFinite(number) ? number : undefined;
  } catch {
    return null;
  }
}

/** The gate's decision: TRUE or FALSE at the head of the first line, else the only one of them in it; else null. */
export function referenceDecision(reply: string): boolean | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Python's line ends
  const lines = reply.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/).map((line) => line.trim());
  const first = (lines.find((line) => line !== "") ?? "").toUpperCase();
  if (first.startsWith("TRUE")) return true;
  if (first.startsWith("FALSE")) return false;
  const [says, denies] = [first.includes("TRUE"), first.includes("FALSE")];
  return says === denies ? null : says;
}

/** Rounds as Python: a half goes to the even neighbour. */
export function roundHalfEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

/**
 * The attention score: strict JSON from the first `{` to the next `}`; `score` must be a number (Python's booleans
 * are), rounded half to even and clamped to 0..10. Null where the reference tries once more.
 */
export function referenceAttention(reply: string): Attention | null {
  const object = /\{[\s\S]*?\}/.exec(reply)?.[0];
  if (object === undefined) return null;
  let data: unknown;
  try {
    data = JSON.parse(object);
  } catch {
    return null;
  }
  const { score: given, rationale } = data as { score?: unknown; rationale?: unknown };
  const score = typeof given === "boolean" ? Number(given) : given;
  if (typeof score !== "number" || !Number.isFinite(score)) return null;
  return {
    score: Math.max(0, Math.min(10, roundHalfEven(score))),
    rationale: typeof rationale === "string" ? rationale : "",
  };
}
