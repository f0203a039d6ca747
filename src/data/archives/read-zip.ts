/** Reads the files of a zip archive, zip64 too, from one file or several. */

import { isUtf8 } from "node:buffer";
import { Readable } from "node:stream";
import {
  type Entry,
  fromRandomAccessReaderPromise,
  getFileNameLowLevel,
  RandomAccessReader,
  type ZipFile,
} from "yauzl";
import { messageOf } from "../../base/index.ts";
import { type ArchiveEntry, ArchiveError } from "./archive-entry.ts";
import type { JoinedFiles } from "./joined-files.ts";

/** Lets yauzl read from files that are one. */
class JoinedReader extends RandomAccessReader {
  readonly #files: JoinedFiles;

  constructor(files: JoinedFiles) {
    super();
    this.#files = files;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#files.stream(start, end), { objectMode: false });
  }
}

/** A name; where its encoding is not told, UTF-8 if it can be, as Unix has it, and not the code page of DOS. */
function nameOf({ generalPurposeBitFlag, fileNameRaw, extraFields, versionMadeBy }: Entry): string {
  const fromUnix = versionMadeBy >> 8 === 3;
  if (fromUnix && isUtf8(fileNameRaw)) return fileNameRaw.toString("utf8");
  return getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false);
}

/** Whether an entry is a symbolic link; its content is where that leads. */
function isLink({ versionMadeBy, externalFileAttributes }: Entry): boolean {
  return versionMadeBy >> 8 === 3 && ((externalFileAttributes >>> 16) & 0o170000) === 0o120000;
}

async function* contentOf(zip: ZipFile, entry: Entry, path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* (await zip.openReadStreamPromise(entry)) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new ArchiveError(`${path}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * The files of a zip archive, folders and links left out, in the order of its directory.
 *
 * @throws ArchiveError
 */
export async function* readZip(files: JoinedFiles): AsyncGenerator<ArchiveEntry> {
  // Names are decoded here: yauzl would refuse bad ones in words of its own.
  const options = { autoClose: false, decodeStrings: false };
  try {
    const zip = await fromRandomAccessReaderPromise(new JoinedReader(files), files.size, options);
    for await (const entry of zip.eachEntry()) {
      const { uncompressedSize: size } = entry;
      const path = nameOf(entry);
      if (!path.endsWith("/") && !isLink(entry))
        yield { path, size, content: () => contentOf(zip, entry, path) };
    }
  } catch (error) {
    throw error instanceof ArchiveError ? error : new ArchiveError(messageOf(error), { cause: error });
  }
}
