/** Writes small archives, also such as no program would write. */

import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import { Header } from "tar";

/** A file for an archive. */
export interface ArchiveFile {
  path: string;
  content: Uint8Array;
}

/** How a zip archive is written. */
export interface ZipOptions {
  /** Sizes and offsets in 64 bits, as archives of more than 4 GB have them. */
  zip64?: boolean;
  /** Compressed; default stored, as videos are. */
  deflate?: boolean;
}

const small = (...values: [number, 2 | 4][]) =>
  Buffer.concat(
    values.map(([value, bytes]) => {
      const buffer = Buffer.alloc(bytes);
      buffer.writeUIntLE(value, 0, bytes);
      return buffer;
    }),
  );
const big = (...values: number[]) => {
  const buffer = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => {
    buffer.writeBigUInt64LE(BigInt(value), 8 * i);
  });
  return buffer;
};
const elsewhere = 0xffffffff;

/** A zip archive (APPNOTE.TXT, sections 4.3.7 to 4.3.16). */
export function writeZip(
  files: readonly ArchiveFile[],
  { zip64 = false, deflate = false }: ZipOptions = {},
): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { path, content } of files) {
    const name = Buffer.from(path);
    const data = deflate ? deflateRawSync(content) : Buffer.from(content);
    const method = deflate ? 8 : 0;
    const sum = crc32(Buffer.from(content));
    const common = small([zip64 ? 45 : 20, 2], [0x800, 2], [method, 2], [0, 4], [sum, 4]);
    const local = Buffer.concat([
      small([0x04034b50, 4]),
      common,
      small([data.length, 4], [content.length, 4], [name.length, 2], [0, 2]),
      name,
    ]);
    const extra = zip64
      ? Buffer.concat([small([1, 2], [24, 2]), big(content.length, data.length, offset)])
      : Buffer.alloc(0);
    directory.push(
      small([0x02014b50, 4], [45, 2]),
      common,
      small([zip64 ? elsewhere : data.length, 4], [zip64 ? elsewhere : content.length, 4], [name.length, 2]),
      small([extra.length, 2], [0, 2], [0, 2], [0, 2], [0, 4], [zip64 ? elsewhere : offset, 4]),
      name,
      extra,
    );
    parts.push(local, data);
    offset += local.length + data.length;
  }
  const listed = Buffer.concat(directory);
  const end64 = zip64
    ? Buffer.concat([
        small([0x06064b50, 4]),
        big(44),
        small([45, 2], [45, 2], [0, 4], [0, 4]),
        big(files.length, files.length, listed.length, offset),
        small([0x07064b50, 4], [0, 4]),
        big(offset + listed.length),
        small([1, 4]),
      ])
    : Buffer.alloc(0);
  const count = zip64 ? 0xffff : files.length;
  const end = small([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2]);
  const where = small([zip64 ? elsewhere : listed.length, 4], [zip64 ? elsewhere : offset, 4], [0, 2]);
  return Buffer.concat([...parts, listed, end64, end, where]);
}

function tarBlocks(
  type: "File" | "NextFileHasLongPath" | "SymbolicLink",
  path: string,
  content: Uint8Array,
): Buffer {
  const header = Buffer.alloc(512);
  new Header({
    path,
    size: content.length,
    type,
    mode: 0o644,
    linkpath: type === "SymbolicLink" ? "/etc" : "",
  }).encode(header);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** A tar archive; names over 99 bytes as GNU tar has them. With a symbolic link `link` in it, which leads away. */
export function writeTar(files: readonly ArchiveFile[], gzip = false): Buffer {
  const blocks = files.flatMap(({ path, content }) => {
    const name = Buffer.from(`${path}\0`);
    const long = name.length > 100 ? [tarBlocks("NextFileHasLongPath", "././@LongLink", name)] : [];
    return [...long, tarBlocks("File", path.slice(0, 99), content)];
  });
  const whole = Buffer.concat([
    tarBlocks("SymbolicLink", "link", Buffer.alloc(0)),
    ...blocks,
    Buffer.alloc(1024),
  ]);
  return gzip ? gzipSync(whole) : whole;
}

/** A file in pieces of so many bytes. */
export function split(content: Uint8Array, bytes: number): Buffer[] {
  return Array.from({ length: Math.ceil(content.length / bytes) }, (_, i) =>
    Buffer.from(content.subarray(i * bytes, (i + 1) * bytes)),
  );
}
