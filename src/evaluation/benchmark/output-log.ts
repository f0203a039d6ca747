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

  /** Writes answers, all of them in one piece. */
  append(lines: readonly OutputLine[]): Promise<void> {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    const written = this.#queue.then(() => this.#file.appendFile(text));
    this.#queue = written.catch(() => {});
    for (const line of lines) this.#known.set(line.id, line);
    return written;
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
