/**
 * Rows as Parquet, with the columns that the hub's viewer shows. Fields without a column of their own are in `extra`, as
 * JSON; so is a grounding, whose keys are times. Files are written and read one group of rows at a time.
 */

import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { fileWriter, parquetWriteRows } from "hyparquet-writer";
import { messageOf, UsageError } from "../../base/index.ts";
import { optionLetter } from "../../trace/index.ts";
import type { Fields } from "../traces/fields.ts";
import type { ConvertibleRow } from "./convertible-row.ts";

type Schema = NonNullable<Parameters<typeof parquetWriteRows>[0]["schema"]>;

const texts = [
  "id",
  "video",
  "subtitles",
  "question",
  "answer",
  "answerType",
  "category",
  "source",
  "sourceId",
  "licence",
  "reasoning",
] as const;
const numbers = ["durationSeconds", "startSeconds", "passRate", "difficulty"] as const;

/** The columns, in order, with what each holds. */
export const parquetColumns: Readonly<Record<string, "string" | "list of strings" | "float64" | "JSON">> = {
  ...Object.fromEntries(texts.map((name) => [name, "string"] as const)),
  options: "list of strings",
  ...Object.fromEntries(numbers.map((name) => [name, "float64"] as const)),
  temporal_grounding: "JSON",
  extra: "JSON",
};

const textColumn = (name: string): Schema[number] => ({
  name,
  type: "BYTE_ARRAY",
  converted_type: "UTF8",
  repetition_type: "OPTIONAL",
});

function schemaOf(name: string, kind: string): Schema {
  if (kind === "float64") return [{ name, type: "DOUBLE", repetition_type: "OPTIONAL" }];
  if (kind !== "list of strings") return [textColumn(name)];
  return [
    { name, repetition_type: "OPTIONAL", converted_type: "LIST", num_children: 1 },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    textColumn("element"),
  ];
}

const names = Object.keys(parquetColumns);
const schema: Schema = [
  { name: "schema", num_children: names.length },
  ...Object.entries(parquetColumns).flatMap(([name, kind]) => schemaOf(name, kind)),
];

const groupRows = 2000;

/** A row as columns; what does not fit its column goes into `extra`. */
function toColumns(row: ConvertibleRow): Fields {
  const columns: Fields = Object.fromEntries(names.map((name) => [name, null]));
  const extra: Fields = {};
  for (const [name, value] of Object.entries(row)) {
    const kind = parquetColumns[name];
    if (kind === "string" && typeof value === "string") columns[name] = value;
    else if (kind === "float64" && typeof value === "number") columns[name] = value;
    else if (name === "options" && row.options.every(({ letter }, i) => i < 26 && letter === optionLetter(i)))
      columns[name] = row.options.map(({ text }) => text);
    else if (name === "temporal_grounding") columns[name] = JSON.stringify(value);
    else extra[name] = value;
  }
  if (Object.keys(extra).length > 0) columns.extra = JSON.stringify(extra);
  return columns;
}

function fromColumns(columns: Fields): Fields {
  const row: Fields = {};
  for (const [name, value] of Object.entries(columns)) {
    if (value === null || value === undefined || name === "extra") continue;
    if (name === "options")
      row.options = (value as string[]).map((text, i) => ({ letter: optionLetter(i), text }));
    else row[name] = name === "temporal_grounding" ? JSON.parse(value as string) : value;
  }
  return { ...row, ...(typeof columns.extra === "string" ? (JSON.parse(columns.extra) as Fields) : {}) };
}

/** Writes a file that gets its name when it is whole. @returns how many rows it has */
export async function writeParquetRows(path: string, rows: AsyncIterable<ConvertibleRow>): Promise<number> {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.partial`;
  let count = 0;
  async function* columns() {
    for await (const row of rows) {
      count++;
      yield toColumns(row);
    }
  }
  try {
    await parquetWriteRows({
      writer: fileWriter(partial),
      rows: columns(),
      columns: names.map((name) => ({ name })),
      schema,
      rowGroupSize: groupRows,
    });
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return count;
}

/** Reads a file of rows. @throws UsageError `dataset-invalid` where it is no Parquet file */
export async function* readParquetRows(path: string): AsyncGenerator<{ place: string; value: Fields }> {
  const fail = (error: unknown): never => {
    throw new UsageError(
      "dataset-invalid",
      `${path}: must be a Parquet file, got ${messageOf(error)}`,
      undefined,
      { cause: error },
    );
  };
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file).catch(fail);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const options = { file, metadata, compressors, rowStart, rowEnd };
    const found = (await parquetReadObjects(options).catch(fail)) as Fields[];
    for (const [i, columns] of found.entries())
      yield { place: `${path}: row ${rowStart + i}`, value: fromColumns(columns) };
    rowStart = rowEnd;
  }
}
