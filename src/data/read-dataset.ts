/** Reading data sets: JSONL files of rows, checked line by line. */

import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { readJsonlLines, UsageError } from "../base/index.ts";
import { checkRow, type DataRow } from "./row.ts";

/**
 * Reads a data set row by row, with flat memory. Videos need not exist yet; `rowVideo` gives their paths.
 *
 * @param path a JSONL file
 * @throws UsageError `dataset-missing`; `dataset-invalid` naming file, line and field of the first wrong row, also where an id comes twice
 */
export async function* streamDataset(path: string): AsyncGenerator<DataRow> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile()) {
    throw new UsageError(
      "dataset-missing",
      `data set: must be a readable JSONL file, got ${path}${found === null ? "" : " (a folder)"}`,
      "Make one with: video-r2 data synth --out DIR --count N, which writes DIR/train.jsonl",
    );
  }
  const ids = new Set<string>();
  const errors = { code: "dataset-invalid", hint: "docs/data.md describes every field." };
  for await (const { line, value } of readJsonlLines(path, errors)) {
    const fail = (what: string): never => {
      throw new UsageError(errors.code, `${path}:${line}: ${what}`, errors.hint);
    };
    const checked = checkRow(value);
    if ("problems" in checked) return fail(checked.problems.join("; "));
    if (ids.has(checked.row.id)) fail(`id: must be unique in the file, got ${checked.row.id} again`);
    ids.add(checked.row.id);
    yield checked.row;
  }
}

/** Reads a whole data set; see `streamDataset`. */
export async function readDataset(path: string): Promise<DataRow[]> {
  const rows: DataRow[] = [];
  for await (const row of streamDataset(path)) rows.push(row);
  return rows;
}

/** Up to `count` rows, evenly spread over all, in their order. */
export function spreadRows<T>(rows: readonly T[], count: number): T[] {
  const length = Math.min(count, rows.length);
  return Array.from({ length }, (_, i) => rows[Math.floor((i * rows.length) / length)] as T);
}

/** What the clock shows at the end of a row's video, in seconds. */
export function clockEnd({ startSeconds = 0, durationSeconds }: DataRow): number {
  return startSeconds + durationSeconds;
}

/** The absolute paths of a row's video and subtitles, given the JSONL file it came from, and where its clock starts. */
export function rowFiles(
  datasetPath: string,
  row: DataRow,
): { video: string; subtitles?: string; startSeconds?: number } {
  const folder = dirname(datasetPath);
  return {
    video: resolve(folder, row.video),
    ...(row.subtitles === undefined ? {} : { subtitles: resolve(folder, row.subtitles) }),
    ...(row.startSeconds === undefined ? {} : { startSeconds: row.startSeconds }),
  };
}
