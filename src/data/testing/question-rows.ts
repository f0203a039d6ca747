/** Rows to test with. */

import { writeFile } from "node:fs/promises";
import type { QuestionRow } from "../question-row.ts";

/** A sound row. */
export function questionRow(more: Partial<QuestionRow> & Record<string, unknown> = {}): QuestionRow {
  return {
    id: "a",
    video: "videos/a.mp4",
    question: "What colour is the boat?",
    options: [],
    answer: "green",
    answerType: "text",
    category: "colour",
    durationSeconds: 20,
    source: "mine",
    sourceId: "a",
    ...more,
  };
}

/** Writes a JSONL file. @returns its path */
export async function writeRows(path: string, rows: readonly unknown[]): Promise<string> {
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}
