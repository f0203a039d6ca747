/**
 * Answers on disk, one line each, in the order in which they came. A line is written before its answer counts; a line
 * that a kill cut short is cut off, and its question asked again.
 */

import { type FileHandle, mkdir, open, readFile, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import type { Answered } from "./answerer.ts";

/** An answer, and what it is the answer to. */
export interface OutputLine extends Answered {
  id: string;
  /** What it depends on, as a hash: question, prompt, video, model and settings. */
  key: string;
}

/** The log of a run. */
export class OutputLog {
  readonly #file: FileHandle;
  readonly #known: Map<string, OutputLine>;
  /** Lines of the next piece, and when it is written; null while there is none. */
  readonly #waiting: string[] = [];
  #next: Promise<void> | null = null;
  /** All pieces so far, whether they could be written or not. */
  #queue: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, known: Map<string, OutputLine>) {
    this.#file = file;
    this.#known = known;
  }

  /** Opens a log, new or to go on with. */
  static async open(path: string): Promise<OutputLog> {
    await mkdir(dirname(path), { recursive: true });
    const known = await readOutputs(path, true);
    return new OutputLog(await open(path, "a"), known);
  }

  /** The answer to a question under this key, if there is one. */
  get(id: string, key: string): OutputLine | undefined {
    const line = this.#known.get(id);
    return line?.key === key ? line : undefined;
  }

  /** Writes answers, all of them in one piece; what comes while the last piece is written goes into the next together. */
  append(lines: readonly OutputLine[]): Promise<void> {
    for (const line of lines) {
      this.#waiting.push(`${JSON.stringify(line)}\n`);
      this.#known.set(line.id, line);
    }
    if (this.#next === null) {
      this.#next = this.#queue.then(() => {
        const piece = this.#waiting.splice(0).join("");
        this.#next = null;
        return this.#file.appendFile(piece);
      });
      this.#queue = this.#next.catch(() => {});
    }
    return this.#next;
  }

  /** Writes what is under way and closes. */
  async close(): Promise<void> {
    await this.#queue;
    await this.#file.close();
  }
}

/**
 * The answers in a log by question, the last of each.
 *
 * @param mend whether to cut off a line that is not whole
 */
export async function readOutputs(path: string, mend = false): Promise<Map<string, OutputLine>> {
  const content = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return Buffer.alloc(0);
    throw error;
  });
  const known = new Map<string, OutputLine>();
  let at = 0;
  for (let end = content.indexOf(10, at); end !== -1; end = content.indexOf(10, at)) {
    let line: OutputLine;
    try {
      line = JSON.parse(content.toString("utf8", at, end)) as OutputLine;
    } catch {
      break;
    }
    known.set(line.id, line);
    at = end + 1;
  }
  if (mend && at < content.length) await truncate(path, at);
  return known;
}
