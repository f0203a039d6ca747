/** JSON Lines: one JSON value a line, read as a stream and written so that a kill leaves whole lines behind. */

import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { UsageError } from "./usage-error.ts";

/** How errors about a file name themselves. */
export interface JsonlErrors {
  /** Default `jsonl-invalid`. */
  code?: string;
  /** What to do about it. */
  hint?: string;
}

/**
 * Reads a JSONL file line by line, with the lines' numbers from 1; empty lines are skipped, memory stays flat.
 *
 * @throws UsageError naming file and line of the first line that is not JSON
 */
export async function* readJsonlLines<T = unknown>(
  path: string,
  errors: JsonlErrors = {},
): AsyncGenerator<{ line: number; value: T }> {
  const lines = createInterface({
    input: createReadStream(path, "utf8"),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  let line = 0;
  for await (const text of lines) {
    line++;
    if (text.trim() === "") continue;
    let value: T;
    try {
      value = JSON.parse(text) as T;
    } catch (error) {
      throw new UsageError(
        errors.code ?? "jsonl-invalid",
        `${path}:${line}: must be one JSON value, got ${JSON.stringify(text.slice(0, 60))}`,
        errors.hint ??
          "Every line of a .jsonl file holds one complete JSON value; a file that was cut short ends inside one.",
        { cause: error },
      );
    }
    yield { line, value };
  }
}

/** The values of a JSONL file; see `readJsonlLines`. */
export async function* readJsonl<T = unknown>(path: string): AsyncGenerator<T> {
  for await (const { value } of readJsonlLines<T>(path)) yield value;
}

/** Appends values to a JSONL file; each `append` resolves once its line has been handed to the system whole. */
export class JsonlWriter {
  readonly #path: string;
  #queue: Promise<void> = Promise.resolve();

  private constructor(path: string) {
    this.#path = path;
  }

  /** Opens for appending, creating folders and file as needed. */
  static async open(path: string): Promise<JsonlWriter> {
    await mkdir(dirname(path), { recursive: true });
    return new JsonlWriter(path);
  }

  /** Writes one value as one line, after all earlier ones. */
  append(value: unknown): Promise<void> {
    const line = `${JSON.stringify(value)}\n`;
    const written = this.#queue.then(async () => {
      const file = await open(this.#path, "a");
      try {
        await file.writeFile(line);
      } finally {
        await file.close();
      }
    });
    this.#queue = written.catch(() => {});
    return written;
  }
}

/** As `writeFileAtomic`, piece by piece, so that the whole need not be in memory. */
export async function writeLinesAtomic(path: string, lines: Iterable<string>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await pipeline(Readable.from(lines), createWriteStream(temporary));
  await rename(temporary, path);
}

/** Writes a file so that readers see either the old content or all of the new, also after a kill. */
export async function writeFileAtomic(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}
