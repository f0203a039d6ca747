/**
 * Writes a generated data set: videos, subtitles and one JSONL file of rows. Rows are written in order and only after
 * their video is complete, so a run that was stopped at any point goes on where it was.
 */

import { appendFile, mkdir, open, readdir, readFile, rm, stat, truncate } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { mapPool, messageOf, UsageError, WorkerPool, writeFileAtomic } from "../../base/index.ts";
import type { DataRow } from "../row.ts";
import { type DrawJob, drawVideo } from "./draw-video.ts";
import { checkWorldOptions, planVideo, type WorldOptions } from "./plan-video.ts";

/** What is written, and where. */
export interface SynthesizeOptions extends WorldOptions {
  /** The folder; it gets `<split>.jsonl`, `<split>.world.json` and `videos/`. */
  out: string;
  /** Videos in all, at least 1. */
  count: number;
  /** Index of the first video, to generate a part alone. Default 0. */
  start?: number;
  /** Threads that draw; 0 draws in this thread. Default: one for each processor, at most 8. */
  workers?: number;
  /** Stops after the videos in work. */
  signal?: AbortSignal;
}

/** One video that is in the data set now. */
export interface SynthesizedVideo {
  index: number;
  /** Path of the MP4 file. */
  path: string;
  rows: DataRow[];
  /** Whether it was there already, from an earlier run. */
  kept: boolean;
}

/** Changes whenever the same options give other bytes than before. */
const worldVersion = 3;

/**
 * Generates a data set and yields its videos in order as they are complete. The same options give the same bytes,
 * whatever the number of threads and however often the run was stopped. Videos and rows that an earlier run with the
 * same options left are kept; a larger `count` continues a smaller one.
 *
 * @throws UsageError `synth-options`; `synth-mismatch` if the folder holds data of other options
 */
export async function* synthesize(options: SynthesizeOptions): AsyncGenerator<SynthesizedVideo> {
  const world = checkWorldOptions(options);
  const { out, count, start = 0, workers = Math.min(8, availableParallelism()), signal } = options;
  const whole = (name: string, value: number, low: number): void => {
    if (!Number.isInteger(value) || value < low)
      throw new UsageError(
        "synth-options",
        `${name}: must be a whole number of at least ${low}, got ${value}`,
      );
  };
  whole("count", count, 1);
  whole("start", start, 0);
  whole("workers", workers, 0);
  const file = join(out, `${world.split}.jsonl`);
  await makeFolder(join(out, "videos"));
  await checkCard(join(out, `${world.split}.world.json`), { ...world, start, worldVersion });
  await removeLeftovers(join(out, "videos"), world.split);
  const known = await keepWholeVideos(file, world, start);
  const pool =
    workers > 0 ? new WorkerPool<DrawJob, void>(new URL("./draw-worker.ts", import.meta.url), workers) : null;
  const indices = function* (): Generator<number> {
    for (let index = start; index < start + count && signal?.aborted !== true; index++) yield index;
  };
  try {
    const drawn = mapPool(indices(), Math.max(1, workers * 2), async (index) => {
      const { rows, video, subtitles } = planVideo(world, index);
      const files = [video, ...(subtitles === undefined ? [] : [subtitles])].map((name) => join(out, name));
      const there = (await Promise.all(files.map(isFile))).every(Boolean);
      if (!there) {
        const job = { options: world, index, out };
        await (pool === null ? drawVideo(job) : pool.run(job));
      }
      return { index, rows, path: join(out, video), kept: there && index < known };
    });
    for await (const result of drawn) {
      if (result.index >= known) await appendFile(file, result.rows.map(lineOf).join(""));
      yield result;
    }
  } finally {
    await pool?.close();
  }
}

function lineOf(row: DataRow): string {
  return `${JSON.stringify(row)}\n`;
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() === true && found.size > 0;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await makeFolders(resolve(path));
  } catch (cause) {
    throw new UsageError(
      "synth-options",
      `out: must be a folder that can be written to, got ${messageOf(cause)}`,
      undefined,
      { cause },
    );
  }
}

/** As `mkdir` with `recursive`, which in Node 20 never returns where a parent says that it does not exist (`/proc/x`). */
async function makeFolders(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) return;
  if (found === null && dirname(path) !== path) await makeFolders(dirname(path));
  await mkdir(path).catch(async (error: NodeJS.ErrnoException) => {
    // Another process may have been first.
    if (error.code !== "EEXIST" || found !== null) throw error;
  });
}

/** Removes what a killed run had not finished: files that never got their final name. */
async function removeLeftovers(folder: string, split: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(`${split}-`) && !/^[^.]+\.(mp4|srt)$/.test(name))
      await rm(join(folder, name), { force: true });
}

/** Writes what the data set is made of, or checks that what is there was made of the same. */
async function checkCard(path: string, card: Record<string, unknown>): Promise<void> {
  const wanted = `${JSON.stringify(card, null, 2)}\n`;
  const text = await readFile(path, "utf8").catch(() => null);
  if (text === null) return writeFileAtomic(path, wanted);
  if (text === wanted) return;
  let there: Record<string, unknown>;
  try {
    there = JSON.parse(text) as Record<string, unknown>;
  } catch {
    there = {};
  }
  const different = Object.keys(card).filter(
    (key) => JSON.stringify(card[key]) !== JSON.stringify(there[key]),
  );
  throw new UsageError(
    "synth-mismatch",
    `${path}: must describe the same world, got ${different
      .map((key) => `${key} ${JSON.stringify(there[key])} there and ${JSON.stringify(card[key])} here`)
      .join(", ")}`,
    "Use another folder, or the options that this one was begun with.",
  );
}

/**
 * Finds the videos whose rows are all in the file and cuts off what a stopped run left of the next one.
 *
 * @returns the index after the last whole video
 */
async function keepWholeVideos(file: string, world: Required<WorldOptions>, start: number): Promise<number> {
  const content = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return null;
    throw new UsageError("synth-mismatch", `${file}: must be a readable file, got ${cause.message}`);
  });
  if (content === null) {
    await (await open(file, "a")).close();
    return start;
  }
  let index = start;
  let at = 0;
  while (at < content.length) {
    const wanted = Buffer.from(planVideo(world, index).rows.map(lineOf).join(""));
    const found = content.subarray(at, at + wanted.length);
    if (found.equals(wanted)) {
      at += wanted.length;
      index++;
    } else if (found.length < wanted.length && found.equals(wanted.subarray(0, found.length))) break;
    else {
      const line = content.subarray(0, at).toString().split("\n").length;
      throw new UsageError(
        "synth-mismatch",
        `${file}:${line}: must continue with video ${index} of this world, got other rows`,
        "Rows were changed or come from another version; use another folder.",
      );
    }
  }
  if (at < content.length) await truncate(file, at);
  return index;
}
