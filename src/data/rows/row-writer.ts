/** Writes rows as JSON Lines: in large pieces, to a file that gets its name when it is whole. */

import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

const piece = 1 << 18;

/** A JSONL file that is being written. */
export class RowWriter {
  readonly #path: string;
  readonly #partial: string;
  readonly #file: FileHandle;
  #lines: string[] = [];
  #length = 0;
  /** Rows so far. */
  rows = 0;

  private constructor(path: string, partial: string, file: FileHandle) {
    this.#path = path;
    this.#partial = partial;
    this.#file = file;
  }

  /** Begins a file; folders are made as needed. Nothing is at `path` before `finish`. */
  static async open(path: string): Promise<RowWriter> {
    await mkdir(dirname(path), { recursive: true });
    const partial = `${path}.partial`;
    return new RowWriter(path, partial, await open(partial, "w"));
  }

  /** Writes one row as one line. */
  async write(row: unknown): Promise<void> {
    await this.writeText(`${JSON.stringify(row)}\n`);
  }

  /** Writes text that is one row. */
  async writeText(text: string): Promise<void> {
    this.rows++;
    this.#lines.push(text);
    this.#length += text.length;
    if (this.#length >= piece) await this.#flush();
  }

  async #flush(): Promise<void> {
    const text = this.#lines.join("");
    this.#lines = [];
    this.#length = 0;
    await this.#file.writeFile(text);
  }

  /** Ends the file and gives it its name. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#file.close();
    await rename(this.#partial, this.#path);
  }

  /** Gives the file up. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#partial, { force: true });
  }
}

/**
 * Runs work with writers that are finished if it succeeds and given up if it throws.
 *
 * @param paths a file for each name
 */
export async function withWriters<Name extends string, T>(
  paths: Readonly<Record<Name, string>>,
  work: (writers: Readonly<Record<Name, RowWriter>>) => Promise<T>,
): Promise<T> {
  const writers = {} as Record<Name, RowWriter>;
  try {
    for (const name of Object.keys(paths) as Name[]) writers[name] = await RowWriter.open(paths[name]);
    const result = await work(writers);
    for (const name of Object.keys(writers) as Name[]) await writers[name].finish();
    return result;
  } catch (error) {
    for (const name of Object.keys(writers) as Name[]) await writers[name].abandon();
    throw error;
  }
}
