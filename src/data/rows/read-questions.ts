/** Reads questions, with reasoning or without, from one file or several, whatever else their rows hold. */

import { stat } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { readJsonlLines, UsageError } from "../../base/index.ts";
import { checkQuestion, type QuestionRow } from "../question-row.ts";

/** A row with where it stands, as `file:line`, and the absolute path of its video. */
export interface PlacedQuestion {
  row: QuestionRow;
  place: string;
  videoPath: string;
  file: string;
}

const hint = "docs/data-set.md describes a row; video-r2 data import makes them.";

/**
 * The rows of files, in order. Memory grows by the ids, which must be unique.
 *
 * @throws UsageError `dataset-missing`, `dataset-invalid` naming file, line and field
 */
export async function* readQuestions(files: readonly string[]): AsyncGenerator<PlacedQuestion> {
  const ids = new Set<string>();
  for (const file of files) {
    const found = await stat(file).catch(() => null);
    if (!found?.isFile())
      throw new UsageError(
        "dataset-missing",
        `data set: must be a JSONL file, got ${file}${found === null ? ", which is not there" : ", a folder"}`,
        hint,
      );
    for await (const { line, value } of readJsonlLines(file, { code: "dataset-invalid", hint })) {
      const place = `${file}:${line}`;
      const checked = checkQuestion(value);
      if ("problems" in checked)
        throw new UsageError("dataset-invalid", `${place}: ${checked.problems.join("; ")}`, hint);
      const { row } = checked;
      if (ids.has(row.id))
        throw new UsageError(
          "dataset-invalid",
          `${place}: id: must be unique, got ${row.id} again`,
          files.length > 1 ? "Was a file given twice?" : hint,
        );
      ids.add(row.id);
      yield { row, place, file, videoPath: resolve(dirname(file), row.video) };
    }
  }
}

/** Sees to it that no file is written that is read. @throws UsageError `usage` */
export function checkOutputs(inputs: readonly string[], outputs: readonly string[]): void {
  const read = new Set(inputs.map((path) => resolve(path)));
  const both = outputs.find((path) => read.has(resolve(path)));
  if (both !== undefined)
    throw new UsageError("usage", `--out: must lead to other files than those that are read, got ${both}`);
}

/** A path as rows have it: relative to the folder of their file, with slashes. */
export function pathFrom(folder: string, path: string): string {
  return relative(folder, path).split(sep).join("/");
}

/** The row as a file in another folder has it: its paths lead from there. */
export function rebased(row: QuestionRow, from: string, to: string): QuestionRow {
  const [source, target] = [resolve(dirname(from)), resolve(to)];
  if (source === target) return row;
  const move = (path: string) => (isAbsolute(path) ? path : pathFrom(target, resolve(source, path)));
  return {
    ...row,
    video: move(row.video),
    ...(row.subtitles === undefined ? {} : { subtitles: move(row.subtitles) }),
  };
}
