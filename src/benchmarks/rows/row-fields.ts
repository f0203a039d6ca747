/** The fields of a row, checked as they are taken: a wrong one is an error that names file, row and field. */

import { UsageError } from "../../base/index.ts";
import { parseTimestamp } from "../../trace/index.ts";
import type { Row } from "./open-table.ts";

const shown = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value)?.slice(0, 60));

/** A row with where it stands. */
export class RowFields {
  /** The row as it is. */
  readonly row: Row;
  readonly #place: string;

  /** @param place how errors name the row, such as `test.jsonl:3` */
  constructor(row: Row, place: string) {
    this.row = row;
    this.#place = place;
  }

  /** @throws UsageError `benchmark-row` */
  #fail(name: string, rule: string): never {
    throw new UsageError(
      "benchmark-row",
      `${this.#place}: ${name}: must be ${rule}, got ${shown(this.row[name])}`,
      "docs/benchmarks.md lists the fields of each benchmark.",
    );
  }

  /** A text that may be empty; a number counts as its digits. @throws UsageError `benchmark-row` */
  text(name: string): string {
    const value = this.row[name];
    if (typeof value === "string") return value;
    return typeof value === "number" ? String(value) : this.#fail(name, "a text");
  }

  /** As `text`, null where the field is missing, null or empty. */
  optionalText(name: string): string | null {
    const value = this.row[name];
    return value === undefined || value === null || value === "" ? null : this.text(name);
  }

  /** One of the given texts. @throws UsageError `benchmark-row` */
  oneOf(name: string, values: readonly string[]): string {
    const value = this.text(name);
    return values.includes(value) ? value : this.#fail(name, `one of ${values.join(", ")}`);
  }

  /** A whole number of at least 0. @throws UsageError `benchmark-row` */
  index(name: string): number {
    const value = Number(this.row[name]);
    return Number.isInteger(value) && value >= 0 ? value : this.#fail(name, "a whole number from 0");
  }

  /** A length of time in seconds, given so or as a time; null where it is neither. */
  seconds(name: string): number | null {
    const value = this.row[name];
    const seconds = typeof value === "string" ? parseTimestamp(value) : value;
    return typeof seconds === "number" && Number.isFinite(seconds) && seconds > 0 ? seconds : null;
  }

  /** A list of texts. @throws UsageError `benchmark-row` */
  texts(name: string): string[] {
    const value = this.row[name];
    if (!Array.isArray(value) || !value.every((item) => typeof item === "string"))
      return this.#fail(name, "a list of texts");
    return value as string[];
  }

  /** As `texts`, empty where the field is missing or null. */
  optionalTexts(name: string): string[] {
    return this.row[name] === undefined || this.row[name] === null ? [] : this.texts(name);
  }

  /**
   * Texts by letter, `{A: .., B: ..}`, in the order of the letters, those that are null left out; a list of texts
   * also does.
   *
   * @throws UsageError `benchmark-row`
   */
  textsByLetter(name: string): string[] {
    const value = this.row[name];
    if (Array.isArray(value)) return this.texts(name);
    if (value === null || typeof value !== "object") return this.#fail(name, "texts by letter");
    const entries = Object.entries(value)
      .filter(([, text]) => text !== null && text !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    if (!entries.every(([letter, text], i) => letter === String.fromCharCode(65 + i) && isText(text)))
      return this.#fail(name, "texts by letter, A first");
    return entries.map(([, text]) => String(text));
  }
}

const isText = (value: unknown) => typeof value === "string" || typeof value === "number";
