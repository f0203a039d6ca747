/** Data sets from one format to another and back, with all their fields. */

import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { UsageError, writeFileAtomic } from "../../base/index.ts";
import { checkOutputs, rebased } from "../rows/read-questions.ts";
import { withWriters } from "../rows/row-writer.ts";
import { VideoIndex } from "../videos/video-index.ts";
import { toReference, toSwift } from "./conversation.ts";
import type { ConvertibleRow, UnreadRow } from "./convertible-row.ts";
import { cardMark, hubCard, SplitCounts } from "./hub-card.ts";
import { writeParquetRows } from "./parquet-rows.ts";
import { type RowFile, readRows, rowFilesOf } from "./read-rows.ts";

/** The formats that can be written; all of them can be read. */
export const rowFormats = ["video-r2", "reference", "swift", "parquet"] as const;

/** One of `rowFormats`. */
export type RowFormat = (typeof rowFormats)[number];

/** What is converted. */
export interface ConvertOptions {
  /** Files, or folders of Parquet files; of several, the rows of one after those of the other. */
  inputs: readonly string[];
  to: RowFormat;
  /** A file; for Parquet a folder, which gets `data/NAME.parquet` for each input and a card, `README.md`. */
  out: string;
  /** Of the card. Default the name of the folder. */
  title?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((rows: number) => void) | undefined;
}

/** What was converted. */
export interface ConvertSummary {
  files: string[];
  rows: number;
  /** Rows of others' conversations that could not be read. */
  unread: UnreadRow[];
}

/** Fields that the formats write; a row may not bring its own. */
const taken: Readonly<Record<RowFormat, readonly string[]>> = {
  "video-r2": ["conversations", "messages"],
  reference: ["conversations", "messages"],
  swift: ["conversations", "messages"],
  parquet: ["extra", "conversations", "messages"],
};

class Conversion {
  readonly #options: ConvertOptions;
  readonly #index: VideoIndex;
  readonly unread: UnreadRow[] = [];
  rows = 0;

  constructor(options: ConvertOptions, index: VideoIndex) {
    this.#options = options;
    this.#index = index;
  }

  /** The rows of files, their paths leading from another folder. */
  async *read(files: readonly RowFile[], folder: string): AsyncGenerator<ConvertibleRow> {
    const { to, signal, onProgress } = this.#options;
    for await (const found of readRows(files, this.#index)) {
      signal?.throwIfAborted();
      if ("problem" in found) {
        this.unread.push(found);
        continue;
      }
      const own = taken[to].find((name) => name in found.row);
      if (own !== undefined)
        throw new UsageError(
          "dataset-invalid",
          `${found.place}: ${own}: must not be a field of a row, which the format ${to} writes`,
          "Give the field another name.",
        );
      this.rows++;
      onProgress?.(this.rows);
      yield rebased(found.row, join(found.folder, "rows"), folder) as ConvertibleRow;
    }
  }
}

async function writeText(rows: AsyncIterable<ConvertibleRow>, { to, out }: ConvertOptions): Promise<void> {
  await withWriters({ rows: out }, async ({ rows: writer }) => {
    if (to !== "reference") {
      for await (const row of rows)
        await writer.write(to === "swift" ? toSwift(row, dirname(resolve(out))) : row);
      return;
    }
    let before = "[\n";
    for await (const row of rows) {
      await writer.writeText(`${before}${JSON.stringify(toReference(row))}`);
      before = ",\n";
    }
    await writer.writeText(before === "[\n" ? "[]\n" : "\n]\n");
  });
}

/** A name of a split as the hub allows it. */
const splitName = (path: string) =>
  basename(path)
    .replace(/\.\w+$/, "")
    .replace(/\W+/g, "_");

async function writeHub(conversion: Conversion, { inputs, out, title }: ConvertOptions): Promise<string[]> {
  const splits: SplitCounts[] = [];
  const files: string[] = [];
  for (const input of inputs)
    for (const file of await rowFilesOf(input)) {
      const counts = new SplitCounts(splitName(file.path));
      if (splits.some(({ name }) => name === counts.name))
        throw new UsageError(
          "usage",
          `data set: files must have different names, which become those of the splits, got ${counts.name} twice`,
        );
      splits.push(counts);
      const path = join(out, "data", `${counts.name}.parquet`);
      async function* counted() {
        for await (const row of conversion.read([file], out)) {
          counts.add(row);
          yield row;
        }
      }
      await writeParquetRows(path, counted());
      files.push(path);
    }
  const card = join(out, "README.md");
  const there = await readFile(card, "utf8").catch(() => null);
  if (there === null || there.includes(cardMark)) {
    await writeFileAtomic(card, hubCard(title ?? basename(resolve(out)), splits));
    files.push(card);
  }
  return files;
}

/**
 * Converts a data set. Reading back what is written gives the same rows; paths lead from the new folder.
 *
 * @throws UsageError `usage`, `dataset-missing`, `dataset-invalid` naming file, line and field; what `signal` was aborted
 * with
 */
export async function convertRows(options: ConvertOptions): Promise<ConvertSummary> {
  const { inputs, to, out } = options;
  const sources = (await Promise.all(inputs.map(rowFilesOf))).flat();
  checkOutputs(
    sources.map(({ path }) => path),
    [out],
  );
  const folder = to === "parquet" ? out : dirname(out);
  const conversion = new Conversion(options, await VideoIndex.open(join(folder, "videos.jsonl")));
  let files = [out];
  if (to === "parquet") files = await writeHub(conversion, options);
  else await writeText(conversion.read(sources, folder), options);
  return { files, rows: conversion.rows, unread: conversion.unread };
}
