/** A row that passes between formats: a question, its reasoning and grounding where it has them, and anything else. */

import type { QuestionRow } from "../question-row.ts";

/** A row of any stage. */
export type ConvertibleRow = QuestionRow & {
  reasoning?: string;
  temporal_grounding?: Readonly<Record<string, string>>;
} & Record<string, unknown>;

/** A row with the folder that its paths lead from, and where it stands. */
export interface PlacedRow {
  row: ConvertibleRow;
  folder: string;
  place: string;
}

/** A row that could not be read. */
export interface UnreadRow {
  place: string;
  problem: string;
}
