/**
 * Records of an earlier run into the same folder. They stand in the order of the inputs, so the next run reads them
 * beside its inputs and takes over those that are as they would be again: memory does not grow with them.
 */

import { createReadStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { SampleWriter } from "./sample-writer.ts";
import type { SampleRecord } from "./score-record.ts";

/** Lines of a file that are whole JSON; a line that a kill cut short is left out. */
async function* linesOf(path: string): AsyncGenerator<SampleRecord> {
  if ((await stat(path).catch(() => null)) === null) return;
  const input = createReadStream(path, "utf8");
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      try {
        yield JSON.parse(line) as SampleRecord;
      } catch {
        return;
      }
    }
  } finally {
    input.destroy();
  }
}

/** Where the records of a folder are, and where they are kept while new ones are written. */
export const recordPaths = (folder: string) => ({
  samples: join(folder, "samples.jsonl"),
  earlier: join(folder, "samples.earlier.jsonl"),
});

/** Of a run that was stopped while it took over records: those it had written, then the rest of the older ones. */
async function* chained(samples: string, earlier: string): AsyncGenerator<SampleRecord> {
  let count = 0;
  for await (const record of linesOf(samples)) {
    count++;
    yield record;
  }
  for await (const record of linesOf(earlier)) if (count-- <= 0) yield record;
}

/** The records of earlier runs, one after the other. */
export class EarlierRecords {
  readonly #records: AsyncGenerator<SampleRecord> | null;
  readonly #path: string;
  #next: SampleRecord | null = null;
  #taken = 0;

  private constructor(path: string, records: AsyncGenerator<SampleRecord> | null) {
    this.#path = path;
    this.#records = records;
  }

  /** Moves a folder's records aside. */
  static async open(folder: string): Promise<EarlierRecords> {
    const { samples, earlier } = recordPaths(folder);
    if ((await stat(samples).catch(() => null)) === null) {
      const kept = (await stat(earlier).catch(() => null)) !== null;
      return new EarlierRecords(earlier, kept ? linesOf(earlier) : null);
    }
    if ((await stat(earlier).catch(() => null)) !== null) {
      const merged = `${earlier}.tmp`;
      const writer = await SampleWriter.open(merged);
      for await (const record of chained(samples, earlier)) await writer.write(record);
      await writer.close();
      await rename(merged, earlier);
      await rm(samples);
    } else await rename(samples, earlier);
    return new EarlierRecords(earlier, linesOf(earlier));
  }

  /** Records taken over. */
  get taken(): number {
    return this.#taken;
  }

  /** The record with this key if it is the next, and settled; call once for each row, in order. */
  async take(key: string): Promise<SampleRecord | null> {
    if (this.#records === null) return null;
    this.#next = (await this.#records.next()).value ?? null;
    const record = this.#next;
    if (record === null || record.key !== key || record.retry) return null;
    this.#taken++;
    return record;
  }

  /** Forgets the earlier records, once the new ones are whole. */
  async close(): Promise<void> {
    await this.#records?.return(undefined);
    await rm(this.#path, { force: true });
  }
}
