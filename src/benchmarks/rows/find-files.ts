/** Files of a folder by patterns such as `data/test-*.parquet`, and the folder that a hub cache means. */

import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const escaped = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, "\\$&");

/** What a pattern with stars matches: a star stands for anything but a slash. */
const formOf = (pattern: string) => new RegExp(`^${pattern.split("*").map(escaped).join("[^/]*")}$`);

/** Paths below `folder` that a pattern names, sorted; `*` stands for anything but a slash. */
async function matching(folder: string, pattern: string): Promise<string[]> {
  const [first = "", ...rest] = pattern.split("/");
  let names: string[];
  if (first.includes("*")) {
    const form = formOf(first);
    names = (await readdir(folder).catch(() => [])).filter((name) => form.test(name)).sort();
  } else names = existsSync(join(folder, first)) ? [first] : [];
  if (rest.length === 0) return names.map((name) => join(folder, name));
  const found: string[] = [];
  for (const name of names) found.push(...(await matching(join(folder, name), rest.join("/"))));
  return found;
}

/** A pattern of paths in a folder, or several that belong together: each has to name a file. */
export type FilePattern = string | readonly string[];

/** The files of the first pattern that names any; empty where none does. */
export async function findFiles(folder: string, patterns: readonly FilePattern[]): Promise<string[]> {
  for (const pattern of patterns) {
    const parts = typeof pattern === "string" ? [pattern] : pattern;
    const found = await Promise.all(parts.map((part) => matching(folder, part)));
    if (found.every((files) => files.length > 0)) return found.flat();
  }
  return [];
}

/** As `findFiles`, among paths of a list. */
export function choosePaths(paths: readonly string[], patterns: readonly FilePattern[]): string[] {
  const sorted = [...paths].sort();
  for (const pattern of patterns) {
    const forms = (typeof pattern === "string" ? [pattern] : pattern).map(formOf);
    const found = forms.map((form) => sorted.filter((path) => form.test(path)));
    if (found.every((some) => some.length > 0)) return found.flat();
  }
  return [];
}

/** Of files named `x-00000-of-00003.parquet`, those that are not there. */
export function missingShards(files: readonly string[]): string[] {
  const [, start, count, end] = /^(.*-)\d{5}-of-(\d{5})(\.\w+)$/.exec(files[0] ?? "") ?? [];
  if (count === undefined) return [];
  return Array.from(
    { length: Number(count) },
    (_, i) => `${start}${String(i).padStart(5, "0")}-of-${count}${end}`,
  ).filter((file) => !files.includes(file));
}

/**
 * The folder itself, or where it is the hub's cache of a data set (`datasets--org--name`), the snapshot of the
 * revision in it, `main` by default.
 */
export async function snapshotFolder(folder: string, revision: string | null): Promise<string> {
  if (!existsSync(join(folder, "snapshots"))) return folder;
  const ref = await readFile(join(folder, "refs", revision ?? "main"), "utf8").catch(() => null);
  if (ref !== null && existsSync(join(folder, "snapshots", ref.trim())))
    return join(folder, "snapshots", ref.trim());
  const snapshots = await readdir(join(folder, "snapshots"));
  return snapshots.length === 1 ? join(folder, "snapshots", snapshots[0] as string) : folder;
}

const tables = (stem: string) => [`${stem}-*.parquet`, `${stem}.parquet`];
const texts = (stem: string) => [`${stem}.jsonl`, `${stem}.json`];

/** Where the hub and its tools put a split of one configuration of several. */
export function configPlaces(config: string, split: string): string[] {
  return [
    ...tables(`${config}/${split}`),
    `${config}/${split}/*.parquet`,
    ...tables(`data/${config}/${split}`),
    ...texts(`${config}/${split}`),
    ...texts(config),
  ];
}

/** Where they put a split of a data set that has one configuration. */
export function splitPlaces(split: string): string[] {
  return [
    ...tables(`data/${split}`),
    ...tables(split),
    `default/${split}/*.parquet`,
    ...texts(split),
    ...texts(`data/${split}`),
  ];
}
