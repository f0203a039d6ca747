/**
 * The safetensors file format: an 8-byte little-endian header length, a JSON header, and the tensors' bytes.
 * Tensors are read one by one, at their offset, so that a file larger than the memory can be opened.
 * Floats are widened to float32 on the way in and narrowed on the way out; other types are left out.
 */

import { closeSync, fstatSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { invariant, messageOf, UsageError } from "../base/index.ts";
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "./half.ts";
import type { FloatTensor } from "./tensor.ts";

/** How floats are stored in a checkpoint file. */
export type StoredDType = "float32" | "bfloat16" | "float16";

/** A tensor's entry in a file's header; `begin` and `end` are byte offsets in the file. */
export interface StoredTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const BYTES: Record<string, number> = { F64: 8, F32: 4, BF16: 2, F16: 2, I64: 8, I32: 4, U8: 1, BOOL: 1 };
const CODES = { float32: "F32", bfloat16: "BF16", float16: "F16" } as const satisfies Record<
  StoredDType,
  string
>;

/** The file format's names of the floats that can be written. */
export type FloatCode = (typeof CODES)[StoredDType];

/** The file format's name of a float. */
export function dtypeCode(dtype: StoredDType): FloatCode {
  return CODES[dtype];
}

/** Bytes of one value of a float. */
export function dtypeBytes(code: FloatCode): number {
  return BYTES[code] as number;
}

const CHUNK = 1 << 22;
/** Bytes that are copied at once. */
const PIECE = 1 << 22;
const LARGEST_HEADER = 100_000_000;

/** An open safetensors file. Close it when done. */
export class SafetensorsFile {
  /** Where the file is. */
  readonly path: string;
  /** Its tensors by name, in the header's order. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The free-form `__metadata__` of the header. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #descriptor: number;

  /**
   * Opens a file and reads its header.
   *
   * @throws UsageError `model-file` where the file is missing, truncated or no safetensors file
   */
  constructor(path: string) {
    this.path = path;
    try {
      this.#descriptor = openSync(path, "r");
    } catch (cause) {
      throw new UsageError("model-file", `${path}: must be readable, got ${messageOf(cause)}`, undefined, {
        cause,
      });
    }
    try {
      const { tensors, metadata } = readHeader(this.#descriptor, path);
      this.tensors = tensors;
      this.metadata = metadata;
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  /**
   * Reads one tensor as float32.
   *
   * @throws UsageError `model-file` where the tensor is missing, or holds no floats
   */
  read(name: string): FloatTensor {
    const entry = this.#entry(name);
    const data = new Float32Array(entry.shape.reduce((a, b) => a * b, 1));
    this.#readFloats(name, entry, 0, data);
    return { dtype: "float32", shape: entry.shape, data };
  }

  /**
   * Reads a part of one tensor as float32: as many values as `target` holds.
   *
   * @param start index of the first value, row-major
   * @throws UsageError `model-file` as `read`
   */
  readPart(name: string, start: number, target: Float32Array<ArrayBuffer>): void {
    this.#readFloats(name, this.#entry(name), start, target);
  }

  /** Reads one tensor's bytes as they are stored. @throws UsageError `model-file` where it is missing */
  readBytes(name: string): Uint8Array {
    const entry = this.#entry(name);
    const bytes = new Uint8Array(entry.end - entry.begin);
    this.#readInto(bytes, entry.begin);
    return bytes;
  }

  /** As `readBytes`, in pieces of a few MB; each is overwritten by the next. */
  *bytesOf(name: string): Generator<Uint8Array> {
    const { begin, end } = this.#entry(name);
    const piece = new Uint8Array(Math.min(PIECE, end - begin));
    for (let at = begin; at < end; at += PIECE) {
      const bytes = piece.subarray(0, Math.min(PIECE, end - at));
      this.#readInto(bytes, at);
      yield bytes;
    }
  }

  /** Closes the file. */
  close(): void {
    closeSync(this.#descriptor);
  }

  #entry(name: string): StoredTensor {
    const entry = this.tensors.get(name);
    if (!entry) throw new UsageError("model-file", `${this.path}: must hold the tensor "${name}"`);
    return entry;
  }

  /** Reads values from `start` on, as many as `target` holds. */
  #readFloats(
    name: string,
    { dtype, begin }: StoredTensor,
    start: number,
    target: Float32Array<ArrayBuffer>,
  ): void {
    if (dtype === "F32") {
      this.#readInto(new Uint8Array(target.buffer, target.byteOffset, target.byteLength), begin + 4 * start);
    } else if (dtype === "BF16" || dtype === "F16") {
      const widen = dtype === "BF16" ? fromBfloat16 : fromFloat16;
      const chunk = new Uint16Array(Math.min(CHUNK, target.length));
      for (let done = 0; done < target.length; done += CHUNK) {
        const part = chunk.subarray(0, Math.min(CHUNK, target.length - done));
        this.#readInto(new Uint8Array(part.buffer, 0, part.byteLength), begin + 2 * (start + done));
        widen(part, target.subarray(done, done + part.length));
      }
    } else if (dtype === "F64") {
      const wide = new Float64Array(target.length);
      this.#readInto(new Uint8Array(wide.buffer), begin + 8 * start);
      target.set(wide);
    } else throw new UsageError("model-file", `${this.path}: ${name} must hold floats, got ${dtype}`);
  }

  #readInto(target: Uint8Array, position: number): void {
    readExactly(this.#descriptor, target, position, this.path);
  }
}

function readExactly(descriptor: number, target: Uint8Array, position: number, path: string): void {
  for (let done = 0; done < target.length; ) {
    // One read takes at most 2 GiB.
    const length = Math.min(target.length - done, 1 << 30);
    const got = readSync(descriptor, target, done, length, position + done);
    if (got === 0)
      throw new UsageError("model-file", `${path}: must be complete, got a file that ends early`);
    done += got;
  }
}

function readHeader(
  descriptor: number,
  path: string,
): { tensors: Map<string, StoredTensor>; metadata: Record<string, string> } {
  const bad = (what: string): UsageError =>
    new UsageError("model-file", `${path}: must be a safetensors file, got ${what}`, "download it again");
  const size = fstatSync(descriptor).size;
  if (size < 10) throw bad(`${size} bytes`);
  const prefix = new Uint8Array(8);
  readExactly(descriptor, prefix, 0, path);
  const length = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  if (length > size - 8 || length > LARGEST_HEADER)
    throw bad(`a header of ${length} bytes in a file of ${size}`);
  const text = new Uint8Array(length);
  readExactly(descriptor, text, 8, path);
  let header: Record<string, { dtype?: unknown; shape?: unknown; data_offsets?: unknown }>;
  try {
    header = JSON.parse(new TextDecoder().decode(text));
  } catch {
    throw bad("a header that is not JSON");
  }
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, data_offsets: offsets } = entry;
    const isList = (list: unknown): list is number[] =>
      Array.isArray(list) && list.every((x) => Number.isSafeInteger(x) && x >= 0);
    if (typeof dtype !== "string" || !isList(shape) || !isList(offsets) || offsets.length !== 2)
      throw bad(`a malformed entry for "${name}"`);
    const [begin, end] = offsets as [number, number];
    const bytes = BYTES[dtype];
    if (bytes !== undefined && shape.reduce((a, b) => a * b, 1) * bytes !== end - begin)
      throw bad(`${end - begin} bytes for "${name}", ${dtype}[${shape.join(", ")}]`);
    if (begin > end || 8 + length + end > size)
      throw new UsageError(
        "model-file",
        `${path}: must be complete, got a file that ends before "${name}"`,
        "download it again",
      );
    tensors.set(name, { dtype, shape, begin: 8 + length + begin, end: 8 + length + end });
  }
  return { tensors, metadata: (header.__metadata__ ?? {}) as Record<string, string> };
}

/**
 * Reads all float tensors of one file as float32.
 *
 * @throws UsageError `model-file` where the file cannot be read
 */
export function readSafetensors(path: string): Map<string, FloatTensor> {
  const file = new SafetensorsFile(path);
  try {
    const floats = [...file.tensors].filter(([, { dtype }]) => ["F32", "BF16", "F16", "F64"].includes(dtype));
    return new Map(floats.map(([name]) => [name, file.read(name)]));
  } finally {
    file.close();
  }
}

/**
 * Writes tensors to one file, which appears at `path` only when it is complete.
 *
 * @param tensors by name; the file keeps their order
 * @param options `dtype` to store them in (default float32), `metadata` (default `{format: "pt"}`, which
 *   transformers asks for)
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, FloatTensor>,
  options: { dtype?: StoredDType; metadata?: Record<string, string> } = {},
): void {
  const { dtype = "float32", metadata } = options;
  const code = dtypeCode(dtype);
  const entries = [...tensors].map(([name, { shape, data }]) => {
    invariant(
      data.length === shape.reduce((a, b) => a * b, 1),
      `writeSafetensors: ${name} has a wrong shape`,
    );
    return { name, dtype: code, shape, bytes: data.length * dtypeBytes(code) };
  });
  const writer = new SafetensorsWriter(path, entries, metadata);
  try {
    for (const { data } of tensors.values())
      for (let start = 0; start < data.length; start += CHUNK)
        writer.write(narrowed(data.subarray(start, start + CHUNK), code));
    writer.finish();
  } finally {
    writer.close();
  }
}

/** Floats as they are stored: the bytes of `values`, or of what they round to. */
export function narrowed(values: Float32Array, code: FloatCode): Uint8Array {
  const stored = code === "F32" ? values : code === "BF16" ? toBfloat16(values) : toFloat16(values);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

/** A tensor of a file that is to be written. */
export interface TensorEntry {
  readonly name: string;
  /** The format's name of its element type, such as `BF16`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Bytes of its data. */
  readonly bytes: number;
}

/** Writes one file from front to back, so that tensors need not be in memory. Close it in any case. */
export class SafetensorsWriter {
  readonly #path: string;
  readonly #partial: string;
  readonly #descriptor: number;
  #left: number;
  #open = true;

  /**
   * Begins a file with its header.
   *
   * @param tensors in the order in which their bytes will be written
   * @param metadata default `{format: "pt"}`, which transformers asks for
   */
  constructor(
    path: string,
    tensors: readonly TensorEntry[],
    metadata: Record<string, string> = { format: "pt" },
  ) {
    const header: Record<string, unknown> = { __metadata__: metadata };
    let offset = 0;
    for (const { name, dtype, shape, bytes } of tensors) {
      header[name] = { dtype, shape, data_offsets: [offset, offset + bytes] };
      offset += bytes;
    }
    this.#left = offset;
    // The header is padded with spaces so that the data begins at a multiple of 8 bytes.
    const json = JSON.stringify(header);
    const text = new TextEncoder().encode(
      json.padEnd(json.length + ((8 - (Buffer.byteLength(json) % 8)) % 8)),
    );
    const prefix = new Uint8Array(8);
    new DataView(prefix.buffer).setBigUint64(0, BigInt(text.length), true);
    this.#path = path;
    this.#partial = `${path}.partial`;
    this.#descriptor = openSync(this.#partial, "w");
    writeFully(this.#descriptor, prefix);
    writeFully(this.#descriptor, text);
  }

  /** Adds bytes of the tensors, in pieces of any size. */
  write(bytes: Uint8Array): void {
    this.#left -= bytes.length;
    invariant(this.#left >= 0, `${this.#path}: more bytes than tensors`);
    writeFully(this.#descriptor, bytes);
  }

  /** Gives the file its name; call when all bytes are written. */
  finish(): void {
    invariant(this.#left === 0, `${this.#path}: ${this.#left} bytes are missing`);
    this.close();
    renameSync(this.#partial, this.#path);
  }

  /** Closes the file, whether or not it was finished. */
  close(): void {
    if (this.#open) closeSync(this.#descriptor);
    this.#open = false;
  }
}

function writeFully(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}
