/**
 * Keeps the rows of a data set that are as wanted, and as many of each kind as wanted. No model is asked: pass rates
 * and difficulties are what rows already hold.
 */

import { dirname } from "node:path";
import { sha256, UsageError } from "../../base/index.ts";
import { type AnswerType, answerTypes } from "../../trace/index.ts";
import type { QuestionRow } from "../question-row.ts";
import { checkOutputs, readQuestions, rebased } from "../rows/read-questions.ts";
import { type Rejection, rejectedRow, sortedCounts, tally } from "../rows/rejection.ts";
import { withWriters } from "../rows/row-writer.ts";
import { type StratumField, stratumOf } from "../rows/strata.ts";

/** From and to, both included. */
export interface Range {
  from: number;
  to: number;
}

/** What rows must be; what is not given may be anything. */
export interface RowWishes {
  answerTypes?: readonly AnswerType[] | undefined;
  sources?: readonly string[] | undefined;
  categories?: readonly string[] | undefined;
  /** Length of the video. */
  seconds?: Range | undefined;
  /** Words of the question, without options. */
  questionWords?: Range | undefined;
  /** Words of an answer that has no options. */
  answerWords?: Range | undefined;
  /** A row without one is set aside. */
  passRate?: Range | undefined;
  /** A row without one is set aside. */
  difficulty?: Range | undefined;
}

/** How many rows of a kind are kept. */
export interface Balance {
  /** What makes a kind: all of these together. */
  fields: readonly StratumField[];
  /** At most this many rows of each. */
  cap: number;
  /** Which ones: those whose hashes with the seed are smallest, whatever the order of the rows. */
  seed: number;
}

/** What is filtered. */
export interface FilterOptions extends RowWishes {
  files: readonly string[];
  /** The file that is written, `NAME.jsonl`; what is set aside goes to `NAME.rejected.jsonl` beside it. */
  out: string;
  balance?: Balance | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((rows: number) => void) | undefined;
}

/** What was kept. */
export interface FilterSummary {
  file: string;
  rejectedFile: string;
  rows: number;
  kept: number;
  rejected: number;
  reasons: Record<string, number>;
  /** With a balance: rows kept and found, by kind. */
  strata: Record<string, { kept: number; found: number }>;
}

const wordCount = (text: string) => text.split(/\s+/).filter(Boolean).length;
const inside = (value: number, { from, to }: Range) => value >= from && value <= to;
const shown = ({ from, to }: Range) => `${from}..${to}`;

function outside(reason: string, value: number, range: Range | undefined, unit: string): Rejection | null {
  if (range === undefined || inside(value, range)) return null;
  return { reason, detail: `${value} ${unit}, not in ${shown(range)}` };
}

function notOf(
  reason: string,
  value: string | undefined,
  wanted: readonly string[] | undefined,
): Rejection | null {
  if (wanted === undefined || (value !== undefined && wanted.includes(value))) return null;
  return { reason, detail: `${value ?? "none"}, not ${wanted.join(" or ")}` };
}

function rated(
  name: "passRate" | "difficulty",
  row: QuestionRow,
  range: Range | undefined,
): Rejection | null {
  const value = row[name];
  const reason = name === "passRate" ? "pass-rate" : name;
  if (range === undefined) return null;
  if (value === undefined) return { reason: `${reason}-missing`, detail: `the row has no ${name}` };
  return outside(reason, value, range, name === "passRate" ? "of the samples right" : "difficulty");
}

/** Why a row is not as wanted, the first reason of several, or null. */
export function rejectionOf(row: QuestionRow, wishes: RowWishes): Rejection | null {
  return (
    notOf("answer-type", row.answerType, wishes.answerTypes) ??
    notOf("source", row.source, wishes.sources) ??
    notOf("category", row.category, wishes.categories) ??
    outside("length", row.durationSeconds, wishes.seconds, "s") ??
    outside("question-words", wordCount(row.question), wishes.questionWords, "words") ??
    (row.options.length > 0
      ? null
      : outside("answer-words", wordCount(row.answer), wishes.answerWords, "words")) ??
    rated("passRate", row, wishes.passRate) ??
    rated("difficulty", row, wishes.difficulty)
  );
}

/** A row's place in the lot: the first 12 hexadecimal digits of a hash, as a number. */
const lotOf = ({ id }: QuestionRow, seed: number) =>
  Number.parseInt(sha256(`${seed}/${id}`).slice(0, 12), 16);

/** The last lot that is kept of each kind, and how many rows there are. */
async function drawLots(
  options: FilterOptions,
  balance: Balance,
): Promise<Map<string, { found: number; last: number }>> {
  const lots = new Map<string, number[]>();
  for await (const { row } of readQuestions(options.files)) {
    options.signal?.throwIfAborted();
    if (rejectionOf(row, options) !== null) continue;
    const stratum = stratumOf(row, balance.fields);
    const lot = lotOf(row, balance.seed);
    const there = lots.get(stratum);
    if (there === undefined) lots.set(stratum, [lot]);
    else there.push(lot);
  }
  return new Map(
    [...lots].map(([stratum, all]) => {
      all.sort((a, b) => a - b);
      return [
        stratum,
        { found: all.length, last: all[Math.min(balance.cap, all.length) - 1] ?? Number.NEGATIVE_INFINITY },
      ];
    }),
  );
}

/** The file beside `out` that holds what is set aside. */
function rejectedFileOf(out: string): string {
  return out.endsWith(".jsonl") ? `${out.slice(0, -6)}.rejected.jsonl` : `${out}.rejected.jsonl`;
}

/**
 * Filters a data set; rows keep their order and all their fields, and their paths lead from the new folder.
 *
 * @throws UsageError `usage` where a file that is read would be written, `dataset-missing`, `dataset-invalid`; what `signal` was
 * aborted with
 */
export async function filterRows(options: FilterOptions): Promise<FilterSummary> {
  const { files, out, balance, signal, onProgress } = options;
  checkOutputs(files, [out, rejectedFileOf(out)]);
  const lots = balance === undefined ? null : await drawLots(options, balance);
  const reasons = new Map<string, number>();
  const kept = new Map<string, number>();
  const rejectedFile = rejectedFileOf(out);
  let rows = 0;
  const counts = await withWriters({ kept: out, rejected: rejectedFile }, async (writers) => {
    for await (const { row: read, file } of readQuestions(files)) {
      signal?.throwIfAborted();
      rows++;
      onProgress?.(rows);
      const row = rebased(read, file, dirname(out));
      const stratum = balance === undefined ? "" : stratumOf(row, balance.fields);
      const lot = lots?.get(stratum);
      const rejection =
        rejectionOf(row, options) ??
        (balance !== undefined && lot !== undefined && lotOf(row, balance.seed) > lot.last
          ? { reason: "balance", detail: `${lot.found} rows of ${stratum}, of which ${balance.cap} are kept` }
          : null);
      if (rejection === null) {
        tally(kept, stratum);
        await writers.kept.write(row);
      } else {
        tally(reasons, rejection.reason);
        await writers.rejected.write(rejectedRow(row, rejection));
      }
    }
    return { kept: writers.kept.rows, rejected: writers.rejected.rows };
  });
  return {
    file: out,
    rejectedFile,
    rows,
    ...counts,
    reasons: sortedCounts(reasons),
    strata: Object.fromEntries(
      [...(lots ?? [])].sort().map(([name, { found }]) => [name, { kept: kept.get(name) ?? 0, found }]),
    ),
  };
}

/** Answer types by name. @throws UsageError `usage` */
export function answerTypesOf(words: readonly string[]): AnswerType[] {
  return words.map((word) => {
    const found = answerTypes.find((type) => type === word);
    if (found !== undefined) return found;
    throw new UsageError(
      "usage",
      `--answer-types: must be of ${answerTypes.join(", ")}, got ${JSON.stringify(word)}`,
    );
  });
}
