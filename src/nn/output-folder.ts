/** Folders that appear whole or not at all: written beside their place under another name, then renamed. */

import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, statfsSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import { UsageError } from "../base/index.ts";

/** Where a folder may be written. */
export interface OutputFolderOptions {
  /** Replace a folder that holds `marker`; default no. */
  readonly force?: boolean;
  /** The file that every folder of this kind holds, so that no other folder is replaced. */
  readonly marker: string;
  /** Folders that are read meanwhile: none of them may be the new one, or in it. */
  readonly sources: readonly string[];
  /** Bytes that will be written, about. */
  readonly bytes: number;
}

/**
 * Writes a folder.
 *
 * @param write given the folder to write into; what it throws leaves nothing behind
 * @throws UsageError `out-exists` where the place is taken, `out-source` where it is or holds a source, `out-space`
 *   where the disk is too small
 */
export async function writeFolder<T>(
  path: string,
  options: OutputFolderOptions,
  write: (temporary: string) => Promise<T>,
): Promise<T> {
  const place = resolve(path);
  checkPlace(place, options);
  mkdirSync(dirname(place), { recursive: true });
  checkSpace(place, options.bytes);
  // Of a run that was killed, too: it has the same name.
  const temporary = `${place}.partial`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary);
  try {
    const result = await write(temporary);
    moveInto(temporary, place);
    return result;
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}

function checkPlace(place: string, { force, marker, sources }: OutputFolderOptions): void {
  if (!existsSync(place)) return;
  const real = realpathSync(place);
  for (const source of sources)
    if (`${realpathSync(source)}${sep}`.startsWith(`${real}${sep}`))
      throw new UsageError(
        "out-source",
        `out: must be another folder than those that are read, got ${place}`,
        "Choose another --out.",
      );
  const names = readdirSync(place);
  if (names.length === 0) return;
  if (!force)
    throw new UsageError(
      "out-exists",
      `out: must not exist, got ${place}`,
      "Choose another --out, or give --force.",
    );
  if (!names.includes(marker))
    throw new UsageError(
      "out-exists",
      `out: must hold ${marker} to be replaced, got ${place}`,
      "It looks like something else; delete it yourself, or choose another --out.",
    );
}

function checkSpace(place: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(place));
  const free = bavail * bsize;
  const gigabytes = (n: number): string => `${(n / 1e9).toFixed(1)} GB`;
  if (free < bytes)
    throw new UsageError(
      "out-space",
      `out: must have ${gigabytes(bytes)} of free disk, got ${gigabytes(free)} at ${place}`,
    );
}

function moveInto(temporary: string, place: string): void {
  const aside = `${place}.replaced`;
  rmSync(aside, { recursive: true, force: true });
  if (existsSync(place)) renameSync(place, aside);
  renameSync(temporary, place);
  rmSync(aside, { recursive: true, force: true });
}
