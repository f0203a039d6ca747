/** Reads rows of any format that we write, and conversations that others wrote. */

import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { UsageError } from "../../base/index.ts";
import { checkQuestion } from "../question-row.ts";
import { readSourceValues } from "../sources/read-json.ts";
import { type Fields, fieldNames, isFields } from "../traces/fields.ts";
import { isSound, type VideoIndex } from "../videos/video-index.ts";
import { fromTurns, hasTurns, heldRow } from "./conversation.ts";
import type { ConvertibleRow, PlacedRow, UnreadRow } from "./convertible-row.ts";
import { readParquetRows } from "./parquet-rows.ts";

/** A file of rows with the folder that its paths lead from. */
export interface RowFile {
  path: string;
  folder: string;
}

/**
 * The files that a path means: itself, or the Parquet files of a folder as the hub has it, in `data/`.
 *
 * @throws UsageError `dataset-missing`
 */
export async function rowFilesOf(path: string): Promise<RowFile[]> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile()) {
    const inData = path.endsWith(".parquet") && basename(dirname(resolve(path))) === "data";
    return [{ path, folder: inData ? dirname(dirname(resolve(path))) : dirname(resolve(path)) }];
  }
  const folders = found?.isDirectory() ? [join(path, "data"), path] : [];
  for (const folder of folders) {
    const files = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".parquet")).sort();
    if (files.length > 0) return files.map((name) => ({ path: join(folder, name), folder: resolve(path) }));
  }
  throw new UsageError(
    "dataset-missing",
    `data set: must be a file, or a folder with Parquet files, got ${path}${found === null ? ", which is not there" : ""}`,
    "docs/data-set.md lists the formats that can be read.",
  );
}

async function* valuesOf(path: string): AsyncGenerator<{ place: string; value: unknown }> {
  if (path.endsWith(".parquet")) yield* readParquetRows(path);
  else for await (const { line, value } of readSourceValues(path)) yield { place: `${path}:${line}`, value };
}

/** A row out of turns, with the length of its video where the row does not say. */
async function completed(
  fields: Fields,
  file: RowFile,
  ordinal: number,
  index: VideoIndex,
): Promise<unknown> {
  const row = fromTurns(fields, `${basename(file.path).replace(/\.\w+$/, "")}/${ordinal}`);
  if (typeof row === "string" || typeof row.durationSeconds === "number") return row;
  const facts = await index.facts(resolve(file.folder, row.video));
  if (!isSound(facts))
    return `video: must be there to know its length, got ${row.video} in ${file.folder}: ${facts.detail}`;
  return { ...row, durationSeconds: facts.durationSeconds };
}

/**
 * The rows of files. Rows are recognised one by one: ours, the reference's by `conversations`, ms-swift's by
 * `messages`.
 *
 * @param index of videos, looked at for the length of those whose rows do not say it
 * @throws UsageError `dataset-missing`; `dataset-invalid` naming file, line and field of a wrong row of ours
 */
export async function* readRows(
  files: readonly RowFile[],
  index: VideoIndex,
): AsyncGenerator<PlacedRow | UnreadRow> {
  const ids = new Set<string>();
  for (const file of files) {
    let ordinal = 0;
    for await (const { place, value } of valuesOf(file.path)) {
      ordinal++;
      const fail = (what: string): never => {
        throw new UsageError(
          "dataset-invalid",
          `${place}: ${what}`,
          "docs/data-set.md describes the formats.",
        );
      };
      if (!isFields(value)) return fail(`must be an object, got ${fieldNames(value)}`);
      const ours = hasTurns(value) ? heldRow(value) : value;
      const row = ours ?? (await completed(value, file, ordinal, index));
      if (typeof row === "string") {
        yield { place, problem: row };
        continue;
      }
      const checked = checkQuestion(row);
      if ("problems" in checked) {
        const problem = checked.problems.join("; ");
        if (ours !== null) return fail(problem);
        yield { place, problem };
        continue;
      }
      if (ids.has(checked.row.id)) fail(`id: must be unique, got ${checked.row.id} again`);
      ids.add(checked.row.id);
      yield { row: checked.row as ConvertibleRow, folder: file.folder, place };
    }
  }
}
