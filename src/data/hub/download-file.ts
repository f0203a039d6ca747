/**
 * One file from the hub, whole and right or not at all: what has come lies in a `.part` file, which a later attempt or
 * run goes on with, and gets its name only when size and hash are the ones that the hub tells.
 */

import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { setTimeout as sleep } from "node:timers/promises";
import { UsageError } from "../../base/index.ts";
import { type Hub, type HubFile, isNetworkError, silenceMilliseconds } from "./hub.ts";
import { failedError, unreachableError } from "./hub-errors.ts";

/** A file to be downloaded. */
export interface Download extends HubFile {
  repository: string;
  commit: string;
  /** Where it goes. */
  target: string;
}

/** Attempts that bring nothing, one after another. */
const idleAttempts = 6;
/** Times that a file may arrive damaged. */
const damagedAttempts = 3;

/** Where what has come so far lies; the name holds the content's, so that another edition is not mixed in. */
export function partPath({ target, sha256, blob }: Download): string {
  return `${target}.${(sha256 ?? blob).slice(0, 12)}.part`;
}

/** Bytes of a file that are here already. */
export async function bytesHere(download: Download): Promise<number> {
  const whole = await stat(download.target).catch(() => null);
  if (whole?.size === download.size) return download.size;
  const part = await stat(partPath(download)).catch(() => null);
  return part !== null && part.size <= download.size ? part.size : 0;
}

/** Begins the hash that the hub knows a file by. */
function hashOf({ sha256, size }: HubFile): Hash {
  return sha256 === null ? createHash("sha1").update(`blob ${size}\0`) : createHash("sha256");
}

/** Whether a file on disk is the one that the hub has, by its size and its hash. */
export async function isSameFile(path: string, file: HubFile): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (found === null || found.size !== file.size) return false;
  const hash = hashOf(file);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest("hex") === (file.sha256 ?? file.blob);
}

/** What has come of a file, with its hash so far. */
class Part {
  readonly #download: Download;
  readonly #file: FileHandle;
  #hash: Hash;
  size = 0;

  private constructor(download: Download, file: FileHandle) {
    this.#download = download;
    this.#file = file;
    this.#hash = hashOf(download);
  }

  static async open(download: Download): Promise<Part> {
    await mkdir(dirname(download.target), { recursive: true });
    const file = await open(partPath(download), "a+");
    const part = new Part(download, file);
    const chunk = Buffer.alloc(1 << 20);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, part.size);
      if (bytesRead === 0) break;
      part.#hash.update(chunk.subarray(0, bytesRead));
      part.size += bytesRead;
    }
    if (part.size > download.size) await part.clear();
    return part;
  }

  async append(chunk: Uint8Array): Promise<void> {
    await this.#file.appendFile(chunk);
    this.#hash.update(chunk);
    this.size += chunk.length;
  }

  async clear(): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = hashOf(this.#download);
    this.size = 0;
  }

  /** Whether all has come as it should. */
  isRight(): boolean {
    const { size, sha256, blob } = this.#download;
    return this.size === size && this.#hash.copy().digest("hex") === (sha256 ?? blob);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Adds what an answer brings. @returns whether it fits what is there */
async function receive(
  part: Part,
  { status, headers, body }: Response,
  { size }: Download,
  arrived: () => void,
): Promise<boolean> {
  const from = Number(/^bytes (\d+)-/.exec(headers.get("content-range") ?? "")?.[1] ?? 0);
  if (status === 416 || (status === 206 && from !== part.size)) {
    await body?.cancel();
    return false;
  }
  // The whole file may be sent where only the rest of it was asked for.
  if (status === 200 && part.size > 0) await part.clear();
  if (body === null) return true;
  for await (const chunk of Readable.fromWeb(body as ReadableStream<Uint8Array>)) {
    await part.append(chunk as Uint8Array);
    arrived();
    if (part.size > size) return false;
  }
  return true;
}

/**
 * One attempt: asks for what is missing. A connection that stays silent is given up.
 *
 * @returns whether what came fits, or the failure after which another attempt may do better
 */
async function attempt(
  hub: Hub,
  download: Download,
  part: Part,
  stop: AbortSignal,
  arrived: () => void,
): Promise<boolean | UsageError> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new TypeError("silence")), silenceMilliseconds);
  try {
    const { repository, commit, path } = download;
    const signal = AbortSignal.any([stop, silence.signal]);
    const response = await hub.openFile(repository, commit, path, part.size, signal);
    if (response === null) return failedError(`${hub.endpoint}/${path}`, 503, null);
    return await receive(part, response, download, () => {
      timer.refresh();
      arrived();
    });
  } catch (error) {
    stop.throwIfAborted();
    if (!isNetworkError(error) && error !== silence.signal.reason) throw error;
    return unreachableError(hub.endpoint, error);
  } finally {
    clearTimeout(timer);
  }
}

/** Attempts until all has come. */
async function fill(
  hub: Hub,
  download: Download,
  part: Part,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<void> {
  let told = part.size;
  const tell = () => {
    onBytes(part.size - told);
    told = part.size;
  };
  let idle = 0;
  let damaged = 0;
  while (!part.isRight()) {
    const before = part.size;
    const result = before < download.size ? await attempt(hub, download, part, signal, tell) : false;
    if (result === false) {
      damaged++;
      if (damaged === damagedAttempts) throw damagedError(download);
      await part.clear();
    }
    tell();
    idle = part.size > before ? 0 : idle + 1;
    if (typeof result === "boolean") continue;
    if (idle === idleAttempts) throw result;
    await sleep(Math.min(30_000, hub.waitMilliseconds * 2 ** idle), undefined, { signal });
  }
}

/**
 * Downloads a file. What is there already is not asked for again; a file that is there whole is left as it is.
 *
 * @param signal stops it; what has come stays, and the next call goes on
 * @param onBytes is told how many bytes have come since it was last called, below 0 where some had to be thrown away
 * @throws UsageError `download-damaged`, or as `Hub.commit`; the signal's reason; what writing throws
 */
export async function downloadFile(
  hub: Hub,
  download: Download,
  signal: AbortSignal,
  onBytes: (bytes: number) => void = () => {},
): Promise<void> {
  const { target, size } = download;
  if ((await stat(target).catch(() => null))?.size === size) return;
  signal.throwIfAborted();
  const part = await Part.open(download);
  try {
    await fill(hub, download, part, signal, onBytes);
  } catch (error) {
    // What is wrong must not be gone on with.
    if (error instanceof UsageError && error.code === "download-damaged") await part.clear();
    throw error;
  } finally {
    await part.close();
  }
  await rename(partPath(download), target);
}

function damagedError({ repository, path, size, sha256, blob }: Download): UsageError {
  return new UsageError(
    "download-damaged",
    `${repository}: ${path} must have ${size} bytes with the hash ${sha256 ?? blob}, got others ${damagedAttempts} times`,
    "Something on the way changes the bytes. Try another network, or HF_ENDPOINT without a mirror.",
  );
}
