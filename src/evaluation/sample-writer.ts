/** Writes records as lines, many at once where they come fast, each at most a second late where they do not. */

import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";

const enough = 1 << 18;

/** Appends lines to a file; what is written are whole lines. */
export class SampleWriter {
  readonly #file: FileHandle;
  #lines: string[] = [];
  #size = 0;
  #written = performance.now();

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Opens for writing anew, creating folders as needed. */
  static async open(path: string): Promise<SampleWriter> {
    await mkdir(dirname(path), { recursive: true });
    return new SampleWriter(await open(path, "w"));
  }

  /** Writes one record after all earlier ones. */
  async write(record: unknown): Promise<void> {
    const line = `${JSON.stringify(record)}\n`;
    this.#lines.push(line);
    this.#size += line.length;
    if (this.#size >= enough || performance.now() - this.#written > 1000) await this.flush();
  }

  /** Hands what is held to the system. */
  async flush(): Promise<void> {
    const text = this.#lines.join("");
    this.#lines = [];
    this.#size = 0;
    this.#written = performance.now();
    if (text !== "") await this.#file.appendFile(text);
  }

  /** Writes what is held and closes. */
  async close(): Promise<void> {
    await this.flush();
    await this.#file.close();
  }
}
