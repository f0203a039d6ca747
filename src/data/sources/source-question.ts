/** What readers of annotation formats give: questions without reasoning, their videos not looked at yet. */

import { UsageError } from "../../base/index.ts";
import { type AnswerType, type Option, optionLetter } from "../../trace/index.ts";
import { type Fields, fieldNames, isFields } from "../traces/fields.ts";

/** A question as its data set has it. */
export interface SourceQuestion {
  /** Unique in the source. */
  sourceId: string;
  /** Where the video may be below the folder of videos, the likeliest first; see `findVideo`. */
  videos: readonly string[];
  question: string;
  options: readonly Option[];
  /** The letter where there are options. */
  answer: string;
  answerType: AnswerType;
  category: string;
  licence?: string;
  /** Fields that stay with the row. */
  more?: Readonly<Record<string, unknown>>;
}

/** A question, or why there is none, with where it stands as `file:line`. */
export type SourceEntry =
  | { place: string; question: SourceQuestion }
  | { place: string; sourceId: string; problem: string };

/** What readers are given. */
export interface ReadSourceOptions {
  /** Of generic formats: our field to the source's. */
  map: Readonly<Record<string, string>>;
  /** Of NeXT-QA: a JSON file of video ids to paths. */
  videoMap: string | null;
}

/** A reader of one annotation format. */
export interface QuestionSource {
  /** As in `--from` and in the field `source`. */
  readonly name: string;
  /** What it reads, for help texts. */
  readonly reads: string;
  /**
   * The questions of a file, in its order.
   *
   * @throws UsageError `source-invalid` naming file, line, field where the file is not of this format
   */
  read(path: string, options: ReadSourceOptions): AsyncGenerator<SourceEntry>;
}

/** The error for a file that is not of the format. */
export function sourceError(place: string, what: string, format: string): UsageError {
  return new UsageError(
    "source-invalid",
    `${place}: ${what}`,
    `Is it ${format}? docs/data-set.md describes what each --from reads; --from jsonl and --from csv read others with --map.`,
  );
}

/** A value as an object. @throws UsageError `source-invalid` */
export function objectAt(value: unknown, place: string, format: string): Fields {
  if (isFields(value)) return value;
  throw sourceError(place, `must be an object, got ${fieldNames(value)}`, format);
}

/** A field that has to be there, as a trimmed text, which may be empty. @throws UsageError `source-invalid` */
export function neededText(fields: Fields, name: string, place: string, format: string): string {
  const value = fields[name];
  if (typeof value === "string") return value.trim();
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw sourceError(
    place,
    value === undefined
      ? `must have the field ${name}, got ${fieldNames(fields)}`
      : `${name}: must be a text, got ${fieldNames(value)}`,
    format,
  );
}

/** How an answer without options is written. */
export function openAnswerType(answer: string): AnswerType {
  if (/^-?\d+(?:\.\d+)?$/.test(answer)) return "number";
  return /^\d{2,}:[0-5]\d$/.test(answer) ? "time" : "text";
}

/** The letter of an option given by its place from 0, or null where there is none there. */
export function letterAt(place: string | number, options: readonly Option[]): string | null {
  const index = typeof place === "number" ? place : /^\d+$/.test(place) ? Number(place) : Number.NaN;
  return Number.isInteger(index) && index >= 0 && index < options.length ? optionLetter(index) : null;
}
