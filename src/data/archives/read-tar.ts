/** Reads the files of a tar archive, plain or compressed by gzip; of a plain one, what is not wanted is jumped over. */

import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Header, Pax } from "tar";
import { messageOf } from "../../base/index.ts";
import { type ArchiveEntry, ArchiveError } from "./archive-entry.ts";
import type { JoinedFiles } from "./joined-files.ts";

const block = 512;
/** Names longer than this are no names. */
const longestName = 1 << 20;
const files = new Set(["File", "OldFile", "ContiguousFile"]);
const endless = new Set(["SparseFile", "ContinuationFile", "Unsupported"]);

/** Bytes in order. */
interface Bytes {
  /** So many of them, null where none are left. @throws ArchiveError where some are left, but too few */
  take(count: number): Promise<Buffer | null>;
  /** So many of them, in chunks. @throws ArchiveError where too few are left */
  chunks(count: number): AsyncGenerator<Buffer>;
  /** Leaves so many out. */
  skip(count: number): Promise<void>;
}

const cutShort = () => new ArchiveError("it ends inside a file");

async function takeAll(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

function bytesOfFiles(joined: JoinedFiles): Bytes {
  let at = 0;
  async function* chunks(count: number): AsyncGenerator<Buffer> {
    const end = at + count;
    if (end > joined.size) throw cutShort();
    for await (const chunk of joined.stream(at, end)) {
      at += chunk.length;
      yield chunk;
    }
  }
  return {
    chunks,
    take: async (count) => (at >= joined.size ? null : takeAll(chunks(count))),
    skip: async (count) => {
      at += count;
      // The last block may be short, no more.
      if (at >= joined.size + block) throw cutShort();
    },
  };
}

function bytesOfStream(stream: AsyncIterable<Buffer>): Bytes {
  const iterator = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  async function* chunks(count: number): AsyncGenerator<Buffer> {
    let left = count;
    while (left > 0) {
      if (rest.length === 0) {
        const next = await iterator.next();
        if (next.done) throw cutShort();
        rest = next.value;
      }
      const chunk = rest.subarray(0, left);
      rest = rest.subarray(chunk.length);
      left -= chunk.length;
      yield chunk;
    }
  }
  return {
    chunks,
    async take(count) {
      if (rest.length === 0) {
        const next = await iterator.next();
        if (next.done) return null;
        rest = next.value;
      }
      return takeAll(chunks(count));
    },
    async skip(count) {
      for await (const _ of chunks(count));
    },
  };
}

const padding = (size: number) => (block - (size % block)) % block;

/** The text that a header of a header carries. */
async function metaText(bytes: Bytes, size: number): Promise<string> {
  if (size > longestName) throw new ArchiveError(`a name of ${size} bytes`);
  const text = (await takeAll(bytes.chunks(size))).toString("utf8");
  await bytes.skip(padding(size));
  return text;
}

async function* entriesOf(bytes: Bytes): AsyncGenerator<ArchiveEntry> {
  let global: Pax | undefined;
  let next: Pax | undefined;
  for (;;) {
    const data = await bytes.take(block);
    if (data === null) return;
    const header = new Header(data, 0, next, global);
    // Two empty blocks are the end; what follows is padding, or another archive.
    if (header.nullBlock) continue;
    if (!header.cksumValid) throw new ArchiveError("a header has the wrong checksum");
    const { type, size = 0, path = "" } = header;
    if (type === "GlobalExtendedHeader") global = Pax.parse(await metaText(bytes, size), global, true);
    else if (type === "ExtendedHeader" || type === "OldExtendedHeader")
      next = Pax.parse(await metaText(bytes, size), next);
    else if (type === "NextFileHasLongPath" || type === "OldGnuLongPath")
      next = new Pax({ ...next, path: (await metaText(bytes, size)).replace(/\0.*/s, "") });
    else if (endless.has(type))
      throw new ArchiveError(`${path} is stored in a way that is not read here (${type})`);
    else {
      next = undefined;
      yield* oneFile(bytes, path, size, files.has(type));
    }
  }
}

/** Hands out a file, if it is one, and stands behind it afterwards, however much of it was read. */
async function* oneFile(
  bytes: Bytes,
  path: string,
  size: number,
  wanted: boolean,
): AsyncGenerator<ArchiveEntry> {
  let left = size;
  async function* content(): AsyncGenerator<Buffer> {
    for await (const chunk of bytes.chunks(size)) {
      left -= chunk.length;
      yield chunk;
    }
  }
  if (wanted) yield { path, size, content };
  await bytes.skip(left + padding(size));
}

/** Whether a file begins as gzip does. */
async function isGzip(joined: JoinedFiles): Promise<boolean> {
  const start = await takeAll(joined.stream(0, 2));
  return start[0] === 0x1f && start[1] === 0x8b;
}

/** The bytes that gzip has made smaller. */
async function* unzipped(joined: JoinedFiles): AsyncGenerator<Buffer> {
  const source = Readable.from(joined.stream(), { objectMode: false });
  const gunzip = createGunzip();
  source.on("error", (error) => gunzip.destroy(error));
  try {
    yield* source.pipe(gunzip) as AsyncIterable<Buffer>;
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

/**
 * The files of a tar archive, folders and links left out, in its order.
 *
 * @throws ArchiveError
 */
export async function* readTar(joined: JoinedFiles): AsyncGenerator<ArchiveEntry> {
  try {
    const stream = (await isGzip(joined)) ? unzipped(joined) : null;
    try {
      yield* entriesOf(stream === null ? bytesOfFiles(joined) : bytesOfStream(stream));
    } finally {
      await stream?.return(undefined);
    }
  } catch (error) {
    throw error instanceof ArchiveError ? error : new ArchiveError(messageOf(error), { cause: error });
  }
}
