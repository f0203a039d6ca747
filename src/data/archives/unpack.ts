/** Unpacks archives into a folder: as a stream, each file whole or not at all, and nothing outside of the folder. */

import { createWriteStream } from "node:fs";
import { mkdir, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { UsageError } from "../../base/index.ts";
import { type ArchiveEntry, ArchiveError } from "./archive-entry.ts";
import { choosePlacement, placed } from "./choose-placement.ts";
import { insideFolder } from "./inside-folder.ts";
import { JoinedFiles } from "./joined-files.ts";
import { readTar } from "./read-tar.ts";
import { readZip } from "./read-zip.ts";

/** An archive on disk. */
export interface Archive {
  /** Names it in errors. */
  name: string;
  kind: "zip" | "tar";
  /** Its parts in order. */
  paths: readonly string[];
}

/** How an archive is unpacked. */
export interface UnpackOptions {
  /** Gets the files, below the folders that the archive names. */
  folder: string;
  /** Paths in the folder that are looked for; the archive's own folders give way to them. Default none. */
  wanted?: Iterable<string>;
  /** Stops it; what is there whole is not written again the next time. */
  signal?: AbortSignal;
}

/** What other systems put into archives about themselves. */
const junk = /(?:^|\/)(?:__MACOSX\/|\.DS_Store$|\._[^/]*$|Thumbs\.db$)/;
const looked = 200;

async function* entriesOf(kind: "zip" | "tar", files: JoinedFiles): AsyncGenerator<ArchiveEntry> {
  for await (const entry of kind === "zip" ? readZip(files) : readTar(files)) {
    // Names that only say where they begin are no danger.
    const path = entry.path.replace(/^(?:\.\/+)+/, "");
    if (!junk.test(path)) yield { ...entry, path };
  }
}

async function firstNames(kind: "zip" | "tar", files: JoinedFiles): Promise<string[]> {
  const names: string[] = [];
  for await (const { path } of entriesOf(kind, files)) {
    names.push(path);
    if (names.length === looked) break;
  }
  return names;
}

async function writeEntry(
  entry: ArchiveEntry,
  target: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  if ((await stat(target).catch(() => null))?.size === entry.size) return;
  await mkdir(dirname(target), { recursive: true });
  const part = `${target}.part`;
  await pipeline(Readable.from(entry.content(), { objectMode: false }), createWriteStream(part), {
    ...(signal === undefined ? {} : { signal }),
  });
  const { size } = await stat(part);
  if (size !== entry.size) throw new ArchiveError(`${entry.path} has ${size} bytes instead of ${entry.size}`);
  await rename(part, target);
}

async function unpackInto(
  archive: Archive,
  files: JoinedFiles,
  options: UnpackOptions,
): Promise<Map<string, number>> {
  const { folder, wanted = [], signal } = options;
  const placement = choosePlacement(await firstNames(archive.kind, files), wanted);
  const written = new Map<string, number>();
  for await (const entry of entriesOf(archive.kind, files)) {
    signal?.throwIfAborted();
    insideFolder(folder, entry.path, archive.name);
    const path = placed(entry.path, placement);
    await writeEntry(entry, insideFolder(folder, path, archive.name), signal);
    written.set(path, entry.size);
  }
  if (written.size === 0) throw new ArchiveError("it holds no files");
  return written;
}

/**
 * Unpacks an archive. Files that are there with the right size are left as they are; links and other things that are
 * no files are left out.
 *
 * @returns the files' paths in the folder, with their sizes
 * @throws UsageError `archive-unreadable`, `path-unsafe`; the signal's reason
 */
export async function unpackArchive(archive: Archive, options: UnpackOptions): Promise<Map<string, number>> {
  const files = await JoinedFiles.open(archive.paths);
  try {
    return await unpackInto(archive, files, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof ArchiveError)) throw error;
    throw new UsageError(
      "archive-unreadable",
      `${archive.name}: must be a ${archive.kind} archive, got one that cannot be read (${error.message})`,
      `Where other programs can read it, unpack it by hand in ${options.folder}; what is there is used.`,
      { cause: error },
    );
  } finally {
    await files.close();
  }
}
