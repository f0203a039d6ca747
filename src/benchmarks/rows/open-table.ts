/** A table of questions on disk: Parquet as the hub has it, JSON Lines, a JSON array; one table of several files. */

import { readFile } from "node:fs/promises";
import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { messageOf, readJsonlLines, UsageError } from "../../base/index.ts";

/** A row as plain JSON values. */
export type Row = Readonly<Record<string, unknown>>;

/** A table that is open. */
export interface Table {
  /** Its files, in order. */
  files: readonly string[];
  /** Names of its columns; of JSON, of its first row. */
  columns: readonly string[];
  rows: number;
  /** The rows, each with where it stands. */
  read(): AsyncGenerator<{ row: Row; place: string }>;
}

const isRow = (value: unknown): value is Row =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** Columns of pictures and sound are never read: logs leave them out, and they are nearly all of a file's bytes. */
const heavy = /image|audio/;

/** Values as JSON has them: 64-bit integers as numbers, dates as texts, bytes left out. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return null;
  if (Array.isArray(value)) return value.map(plain);
  return isRow(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
    : (value ?? null);
}

const unreadable = (path: string, rule: string, error: unknown) =>
  new UsageError("benchmark-file", `${path}: ${rule}, got ${messageOf(error)}`, "Download it again.", {
    cause: error,
  });

/** Names of the columns at the top of a file's schema. */
function topColumns({ schema }: FileMetaData): string[] {
  const names: string[] = [];
  const skip = (at: number): number => {
    let next = at + 1;
    for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) next = skip(next);
    return next;
  };
  for (let at = 1; at < schema.length; at = skip(at)) names.push(schema[at]?.name as string);
  return names;
}

async function openParquet(path: string): Promise<Table> {
  const rule = "must be a Parquet file";
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file).catch((error: unknown) => {
    throw unreadable(path, rule, error);
  });
  const columns = topColumns(metadata);
  const wanted = columns.filter((name) => !heavy.test(name));
  const rows = Number(metadata.num_rows);
  return {
    files: [path],
    columns,
    rows,
    async *read() {
      let start = 0;
      for (const group of metadata.row_groups) {
        const end = start + Number(group.num_rows);
        const found = await parquetReadObjects({
          file,
          metadata,
          compressors,
          columns: wanted,
          rowStart: start,
          rowEnd: end,
        }).catch((error: unknown) => {
          throw unreadable(path, rule, error);
        });
        for (const [i, row] of found.entries())
          yield { row: plain(row) as Row, place: `${path}: row ${start + i}` };
        start = end;
      }
    },
  };
}

async function jsonRows(path: string): Promise<{ row: Row; place: string }[]> {
  const rows: { row: Row; place: string }[] = [];
  const push = (row: unknown, place: string): void => {
    if (!isRow(row)) throw new UsageError("benchmark-file", `${place}: must be an object, got ${typeof row}`);
    rows.push({
      row: Object.fromEntries(Object.entries(row).filter(([name]) => !heavy.test(name))),
      place,
    });
  };
  if (path.endsWith(".jsonl")) {
    for await (const { line, value } of readJsonlLines(path, { code: "benchmark-file" }))
      push(value, `${path}:${line}`);
    return rows;
  }
  const rule = "must be a JSON array of rows";
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw unreadable(path, rule, error);
  }
  if (!Array.isArray(value)) throw unreadable(path, rule, typeof value);
  value.forEach((row, i) => {
    push(row, `${path}: row ${i}`);
  });
  return rows;
}

function refuseArrow(path: string): never {
  throw new UsageError(
    "benchmark-file",
    `${path}: must be Parquet or JSON, got an Arrow file of the datasets library`,
    `Write it anew: python -c "import datasets; datasets.load_from_disk('FOLDER')['SPLIT'].to_parquet('FOLDER/SPLIT.parquet')"`,
  );
}

async function openJson(path: string): Promise<Table> {
  if (path.endsWith(".arrow")) refuseArrow(path);
  const rows = await jsonRows(path);
  return {
    files: [path],
    columns: Object.keys(rows[0]?.row ?? {}),
    rows: rows.length,
    async *read() {
      yield* rows;
    },
  };
}

/**
 * Opens files as one table, in their order. Of Parquet only the footer is read; rows come group by group. Columns
 * whose name contains `image` or `audio` are left out.
 *
 * @param paths at least one; `.parquet`, `.jsonl` or `.json`
 * @throws UsageError `benchmark-file` for a file that is not what its ending says
 */
export async function openTable(paths: readonly string[]): Promise<Table> {
  const parts = await Promise.all(
    paths.map((path) => (path.endsWith(".parquet") ? openParquet(path) : openJson(path))),
  );
  return {
    files: paths,
    columns: parts[0]?.columns ?? [],
    rows: parts.reduce((sum, part) => sum + part.rows, 0),
    async *read() {
      for (const part of parts) yield* part.read();
    },
  };
}
