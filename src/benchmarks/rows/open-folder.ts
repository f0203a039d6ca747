/** A benchmark's folder: every table it must hold, found and checked before any question is read. */

import { readdir, stat } from "node:fs/promises";
import { UsageError } from "../../base/index.ts";
import { type FilePattern, findFiles, missingShards, snapshotFolder } from "./find-files.ts";
import { openTable, type Table } from "./open-table.ts";

/** A table that a folder must hold. */
export interface TablePlace {
  subset: string | null;
  /** The first one that names files counts. */
  patterns: readonly FilePattern[];
}

/** What a folder must hold. */
export interface FolderLayout {
  /** Names the benchmark in errors. */
  benchmark: string;
  revision: string | null;
  tables: readonly TablePlace[];
  /** Columns that a table must have; of `a|b` one is enough. */
  columns: readonly string[];
  /** What to do where something is missing. */
  hint: string;
}

/** What a folder holds, for messages. */
async function listing(folder: string): Promise<string> {
  const names = (await readdir(folder)).sort();
  if (names.length === 0) return "an empty folder";
  return `${names.slice(0, 12).join(", ")}${names.length > 12 ? `, ... (${names.length})` : ""}`;
}

/**
 * Opens a folder's tables. A hub cache (`datasets--org--name`) is entered by itself.
 *
 * @returns the folder in which the data lies, and its tables in the order of the layout
 * @throws UsageError `benchmark-folder` saying what was expected and what was found
 */
export async function openFolder(
  given: string,
  { benchmark, revision, tables, columns, hint }: FolderLayout,
): Promise<{ folder: string; tables: { subset: string | null; table: Table }[] }> {
  const fail = (rule: string, found: string): never => {
    throw new UsageError("benchmark-folder", `${benchmark}: ${rule}, got ${found}`, hint);
  };
  const entry = await stat(given).catch(() => null);
  if (!entry?.isDirectory())
    return fail(
      "must be a folder with the data set",
      entry === null ? `${given}, which is not there` : `the file ${given}`,
    );
  const folder = await snapshotFolder(given, revision);
  const found = await Promise.all(
    tables.map(async ({ subset, patterns }) => ({
      subset,
      patterns,
      files: await findFiles(folder, patterns),
    })),
  );
  const absent = found.filter(({ files }) => files.length === 0);
  if (absent.length > 0) {
    const places = absent[0]?.patterns
      .slice(0, 6)
      .map((pattern) => (typeof pattern === "string" ? pattern : pattern.join(" and ")))
      .join(" or ");
    const which = absent.flatMap(({ subset }) => (subset === null ? [] : [subset]));
    const rule =
      which.length === 0
        ? `must hold ${places}`
        : `must hold a table of each of ${tables.length} subsets, of ${which[0]} ${places}; ${which.length} are missing (${which.join(", ")})`;
    return fail(rule, `${folder} with ${await listing(folder)}`);
  }
  const shards = found.flatMap(({ files }) => missingShards(files));
  if (shards.length > 0)
    return fail("must hold every part of a table", `${folder} without ${shards.join(", ")}`);
  const opened = await Promise.all(
    found.map(async ({ subset, files }) => ({ subset, table: await openTable(files) })),
  );
  for (const { table } of opened) {
    if (table.rows === 0) return fail("must hold questions", `${table.files[0]} with none`);
    const lacking = columns.filter((name) => !name.split("|").some((one) => table.columns.includes(one)));
    if (lacking.length > 0)
      return fail(
        `${table.files[0]} must have the fields ${columns.map((name) => name.replaceAll("|", " or ")).join(", ")}`,
        `${table.columns.join(", ")}, without ${lacking.map((name) => name.replaceAll("|", " or ")).join(", ")}`,
      );
  }
  return { folder, tables: opened };
}
