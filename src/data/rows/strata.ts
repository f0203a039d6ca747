/** What rows are told apart by where sets are to be alike or balanced. */

import type { QuestionRow } from "../question-row.ts";

/** Upper ends of the classes of length in seconds; what is longer than all is a class of its own. */
const ends = [10, 30, 60, 180] as const;

/** The class of a video's length: `under 10 s`, `10 to 30 s`, `30 to 60 s`, `60 to 180 s`, `180 s and more`. */
export function lengthClass(seconds: number): string {
  const at = ends.findIndex((end) => seconds < end);
  if (at < 0) return `${ends.at(-1)} s and more`;
  return at === 0 ? `under ${ends[0]} s` : `${ends[at - 1]} to ${ends[at]} s`;
}

/** By what rows are told apart. */
export const stratumFields = ["source", "answerType", "length", "category"] as const;

/** One of `stratumFields`. */
export type StratumField = (typeof stratumFields)[number];

/** What a row has there. */
export function stratumValue(row: QuestionRow, field: StratumField): string {
  if (field === "length") return lengthClass(row.durationSeconds);
  return field === "source" ? (row.source ?? "unknown") : row[field];
}

/** What a row has in several fields. */
export function stratumOf(row: QuestionRow, fields: readonly StratumField[]): string {
  return fields.map((field) => stratumValue(row, field)).join(" / ");
}
