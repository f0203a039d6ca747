/** What the reference's consistency scripts read out of a judge's reply, and how they compare it with the gold. */

import { float, letters, lines, pattern, round, strip } from "./python.ts";

/** Benchmarks whose script accepts `(` before a leading letter. */
export const bracketBenchmarks: readonly string[] = [
  "mvbench",
  "videomme",
  "mlvu",
  "longvideobench",
  "minerva",
];

const bracketed = pattern(String.raw`^\s*\(?\s*([A-Z])\s*[.)|:,-]`);
const leading = pattern(String.raw`^\s*([A-Z])\s*[.)|:,-]`);
const standing = pattern(String.raw`\b([A-Z])\b`, "g");

/**
 * The letter a judge's reply gives: the leading one with a mark after it if valid, else the last capital that
 * stands alone, valid ones first; null where there is none.
 *
 * @param options number of options, or null where unknown
 * @param brackets whether `(` may stand before a leading letter
 */
export function judgedLetter(reply: string, options: number | null, brackets: boolean): string | null {
  const valid = options === null ? null : letters(options);
  const first = (brackets ? bracketed : leading).exec(reply)?.[1];
  if (first && (valid === null || valid.includes(first))) return first;
  const found = [...reply.matchAll(standing)].map((match) => match[1] as string);
  const known = valid && valid.length > 0 ? found.filter((letter) => valid.includes(letter)) : [];
  return (known.length > 0 ? known : found).at(-1) ?? null;
}

const optionLead = pattern(String.raw`^\s*([A-Da-d])(?:\b|[.):\-\s])`);
const optionBody = pattern(String.raw`^\s*([A-Da-d])\s*[.):-]\s*([^\n]*)$`);
const wordless = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

/**
 * VSI-Bench: the leading letter a to d in any case ("a chair" is A), else the first option whose text occurs,
 * else the same without punctuation.
 *
 * @param strict whether an option without any letter or digit is passed over in the last step, as in the
 *   post-processing script; the consistency script takes it
 */
export function vsiLetter(reply: string, options: readonly string[], strict = false): string | null {
  if (reply === "") return null;
  const text = strip(reply);
  const first = optionLead.exec(text)?.[1];
  if (first) return first.toUpperCase();
  const bodies = new Map<string, string>();
  for (const option of options) {
    const found = optionBody.exec(strip(option));
    if (found) bodies.set((found[1] as string).toUpperCase(), strip(found[2] as string));
  }
  const lower = text.toLowerCase();
  for (const [letter, body] of bodies) if (body && lower.includes(body.toLowerCase())) return letter;
  const plain = wordless(lower);
  for (const [letter, body] of bodies) {
    const wanted = wordless(body);
    if (body && (wanted || !strict) && plain.includes(wanted)) return letter;
  }
  return null;
}

const amount = pattern(String.raw`[-+]?\$?\s*\d{1,3}(?:,\d{3})*(?:\.\d+)?|[-+]?\$?\s*\d+(?:\.\d+)?`);
const vsiAmount = pattern(
  String.raw`[-+]?[\$€£]?\s*(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?\s*%?`,
);

/** The first number of a reply, of 1000 without separator only the first three digits; null where there is none. */
export function judgedNumber(reply: string): number | null {
  const found = amount.exec(reply)?.[0];
  return found === undefined ? null : float(found.replaceAll("$", "").replaceAll(",", ""));
}

/** VSI-Bench: the first number of a reply, signs of currency and percent taken off. */
export function vsiNumber(reply: string): number | null {
  const found = vsiAmount.exec(reply)?.[0];
  return found === undefined ? null : float(strip(found.replace(/[,$€£]/g, "")).replace(/%$/, ""));
}

const normalized = (text: string) =>
  strip(text)
    .toLowerCase()
    .replace(/[,$%€£₹]/g, "")
    .replace(pattern(String.raw`\s+`, "g"), " ");

/** Whether one text, cleaned, is or contains the other. */
export function textsMatch(first: string, second: string): boolean {
  const [a, b] = [normalized(first), normalized(second)];
  return a !== "" && b !== "" && (a.includes(b) || b.includes(a));
}

/** Video-MMMU and MMVU without options: the same number to two decimals, or texts that match. */
export function openAnswersMatch(predicted: string, gold: string): boolean {
  const [a, b] = [float(predicted) ?? judgedNumber(predicted), float(gold) ?? judgedNumber(gold)];
  return (a !== null && b !== null && round(a, 2) === round(b, 2)) || textsMatch(predicted, gold);
}

/** TRUE or FALSE as the reward's judge gives it: first line, at its start, else anywhere in it; null if neither. */
export function judgedConsistency(reply: string): boolean | null {
  const first = lines(reply)
    .map(strip)
    .find((line) => line !== "")
    ?.toUpperCase();
  if (first === undefined) return null;
  if (first.startsWith("TRUE")) return true;
  if (first.startsWith("FALSE")) return false;
  const [yes, no] = [first.includes("TRUE"), first.includes("FALSE")];
  return yes === no ? null : yes;
}
