/** The reference's reading of a video attention judge's reply, and its summary of the scores. */

import { round } from "./python.ts";
import { parsePythonJson } from "./python-json.ts";

/** `summary.json` of the reference's script, scores 0 to 10. */
export interface VasReferenceSummary {
  per_benchmark: Record<
    string,
    { n: number; avg: number; min: number; max: number; distribution: Record<string, number> }
  >;
  /** Over all rows; empty without any. */
  overall: { n: number; avg: number; min: number; max: number } | Record<string, never>;
}

/**
 * The score of a reply, an integer from 0 to 10, or null where the reference finds none. It reads from the
 * first `{` to the first `}`, so a brace in the rationale is the end of it; halves go to even.
 */
export function vasReplyScore(reply: string): { score: number | null; rationale: string } {
  const object = /\{[\s\S]*?\}/.exec(reply)?.[0];
  const data = object === undefined ? undefined : parsePythonJson(object);
  if (!(data instanceof Map)) return { score: null, rationale: "" };
  const [score, rationale] = [data.get("score"), data.get("rationale")];
  const text = typeof rationale === "string" ? rationale : "";
  if (typeof score !== "number" && typeof score !== "boolean") return { score: null, rationale: text };
  if (!Number.isFinite(Number(score))) return { score: null, rationale: "" };
  return { score: Math.max(0, Math.min(10, round(Number(score)))), rationale: text };
}

/** The buckets in which scores are counted, both ends included. */
export const vasBuckets: readonly (readonly [name: string, low: number, high: number])[] = [
  ["0-2", 0, 2],
  ["3-5", 3, 5],
  ["6-8", 6, 8],
  ["9-10", 9, 10],
];

function figures(scores: readonly number[]) {
  const sum = scores.reduce((a, b) => a + b, 0);
  return {
    n: scores.length,
    avg: round(sum / scores.length, 3),
    min: scores.reduce((a, b) => Math.min(a, b)),
    max: scores.reduce((a, b) => Math.max(a, b)),
  };
}

/** The summary of whole scores by benchmark; what could not be read counts as 0 in the reference. */
export function vasReferenceSummary(byBenchmark: Record<string, readonly number[]>): VasReferenceSummary {
  const entries = Object.entries(byBenchmark).filter(([, scores]) => scores.length > 0);
  const all = entries.flatMap(([, scores]) => scores);
  return {
    per_benchmark: Object.fromEntries(
      entries.map(([name, scores]) => [
        name,
        {
          ...figures(scores),
          distribution: Object.fromEntries(
            vasBuckets.map(([bucket, low, high]) => [
              bucket,
              scores.filter((s) => s >= low && s <= high).length,
            ]),
          ),
        },
      ]),
    ),
    overall: all.length > 0 ? figures(all) : {},
  };
}
