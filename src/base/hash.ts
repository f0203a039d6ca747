/** Content hashes, for cache keys and run records. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

/** The SHA-256 of text or bytes, in hexadecimal. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The SHA-256 of a file, in hexadecimal, with flat memory. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

/**
 * What stands for a file's content in a cache's key without reading it: its path, and where it is there, size in bytes
 * and time of change in milliseconds; null for no path.
 */
export async function fileStamp(path: string | undefined): Promise<(string | number)[] | null> {
  if (path === undefined) return null;
  const found = await stat(path).catch(() => undefined);
  return found ? [path, found.size, found.mtimeMs] : [path];
}

/** The SHA-256 of a JSON value in which the order of an object's keys does not matter. */
export function hashJson(value: unknown): string {
  return sha256(
    JSON.stringify(value, (_key, item: unknown) =>
      item !== null && typeof item === "object" && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
        : item,
    ),
  );
}
