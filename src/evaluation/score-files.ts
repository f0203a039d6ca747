/**
 * Scores logs of outputs as a stream: rows are read, judged with many in flight, counted and written in their order,
 * so that a million of them take no more memory than a thousand.
 */

import { stat } from "node:fs/promises";
import { join as joinPath } from "node:path";
import { mapPool, Random, sha256, writeFileAtomic } from "../base/index.ts";
import { type Join, readTraceFile, type TraceRow } from "../data/index.ts";
import { EarlierRecords, recordPaths } from "./earlier-records.ts";
import { reportHtml } from "./report-html.ts";
import { SampleWriter } from "./sample-writer.ts";
import type { SampleRecord } from "./score-record.ts";
import { type SampleScorer, scoreSample } from "./score-sample.ts";
import { type ScoreSettings, type ScoreSummary, SummaryBuilder } from "./score-summary.ts";

/** What to score, and how. */
export interface ScoreFilesOptions extends SampleScorer {
  /** Logs, in order; see `readTraceFile`. */
  files: readonly string[];
  /** Fills in what the logs lack. */
  join?: Join | undefined;
  /** Folder for `samples.jsonl`, `summary.json` and `report.html`; default none is written. */
  outDir?: string | undefined;
  /** Rows judged at once, default 64. */
  inFlight?: number | undefined;
  /** Seed of the intervals and of what a report shows of many outputs; default 0. */
  seed?: number | undefined;
  /** Most outputs that the report shows, default 5000. */
  reportLimit?: number | undefined;
  /** Ends the work; what was scored stays in `outDir`. */
  signal?: AbortSignal | undefined;
  /** Told after each row how many are done, and which share of the input is read, null where that is not known. */
  onProgress?: ((outputs: number, share: number | null) => void) | undefined;
  /** Given each record, in order. */
  onRecord?: ((record: SampleRecord) => void) | undefined;
}

/** What a run gives. */
export interface ScoreRun {
  summary: ScoreSummary;
  /** Records taken over from an earlier run into the same folder. */
  taken: number;
}

/** A fair choice of at most `limit` records of a stream, in its order. */
class Reservoir {
  readonly #limit: number;
  readonly #random: Random;
  #seen = 0;
  #kept: { at: number; record: SampleRecord }[] = [];

  constructor(limit: number, seed: number) {
    this.#limit = limit;
    this.#random = new Random(seed);
  }

  add(record: SampleRecord): void {
    const at = this.#seen++;
    if (this.#kept.length < this.#limit) {
      this.#kept.push({ at, record });
      return;
    }
    const slot = this.#random.integer(0, this.#seen);
    if (slot < this.#limit) this.#kept[slot] = { at, record };
  }

  records(): SampleRecord[] {
    return this.#kept.sort((a, b) => a.at - b.at).map(({ record }) => record);
  }
}

/** Size of all files in bytes, or null where one has none, as the standard input. */
async function sizeOf(files: readonly string[]): Promise<number | null> {
  let size = 0;
  for (const file of files) {
    const found = file === "-" ? null : await stat(file).catch(() => null);
    if (found === null) return null;
    size += found.size;
  }
  return size;
}

interface Task {
  row: TraceRow;
  key: string;
  earlier: SampleRecord | null;
}

/**
 * Scores files.
 *
 * @throws UsageError for a file that cannot be read; what `signal` was aborted with
 */
export async function scoreFiles(options: ScoreFilesOptions): Promise<ScoreRun> {
  const { files, judge, embedder, compat, threshold, deltaSeconds, join, outDir, signal } = options;
  const { inFlight = 64, seed = 0, reportLimit = 5000 } = options;
  const settings: ScoreSettings = {
    judge: judge.name,
    embedder: embedder.name,
    threshold,
    deltaSeconds,
    compat,
  };
  const begun = performance.now();
  const size = await sizeOf(files);
  let read = 0;
  const earlier = outDir === undefined ? null : await EarlierRecords.open(outDir);
  const writer = outDir === undefined ? null : await SampleWriter.open(recordPaths(outDir).samples);
  const builder = new SummaryBuilder();
  const shown = new Reservoir(reportLimit, seed);

  async function* tasks(): AsyncGenerator<Task> {
    const scored = JSON.stringify(settings);
    for (const file of files) {
      for await (const found of readTraceFile(file, (bytes) => {
        read += bytes;
      })) {
        signal?.throwIfAborted();
        const row = join ? join(found) : found;
        const key = earlier === null ? "" : sha256(`${scored}\n${JSON.stringify(row)}`).slice(0, 32);
        yield { row, key, earlier: (await earlier?.take(key)) ?? null };
      }
    }
  }

  try {
    const work = async (task: Task): Promise<SampleRecord> =>
      task.earlier ?? { ...(await scoreSample(task.row, options)), key: task.key };
    for await (const record of mapPool(tasks(), inFlight, work, 16)) {
      signal?.throwIfAborted();
      builder.add(record);
      options.onRecord?.(record);
      if (writer !== null) {
        shown.add(record);
        await writer.write(record);
      }
      options.onProgress?.(builder.outputs, size === null ? null : Math.min(1, read / size));
    }
  } finally {
    await writer?.close();
  }
  const seconds = (performance.now() - begun) / 1000;
  const summary = builder.summary(settings, { usage: judge.usage(), seconds }, { seed });
  if (outDir !== undefined) {
    await writeFileAtomic(joinPath(outDir, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
    await writeFileAtomic(joinPath(outDir, "report.html"), reportHtml(shown.records(), summary));
  }
  await earlier?.close();
  return { summary, taken: earlier?.taken ?? 0 };
}
