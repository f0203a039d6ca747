/**
 * Splits a data set by video: no video is in two parts, also not under another name, and the parts are alike in sources,
 * answer types and lengths. Rows are read twice; between, there is one entry for each video.
 */

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { mapPool, Random, UsageError } from "../../base/index.ts";
import type { QuestionRow } from "../question-row.ts";
import { checkOutputs, type PlacedQuestion, readQuestions, rebased } from "../rows/read-questions.ts";
import { type Rejection, rejectedRow, sortedCounts, tally } from "../rows/rejection.ts";
import { type RowWriter, withWriters } from "../rows/row-writer.ts";
import { stratumFields, stratumOf, stratumValue } from "../rows/strata.ts";
import { DuplicateFinder } from "../videos/duplicate-finder.ts";
import { isSound, type VideoIndex } from "../videos/video-index.ts";
import { assignGroups } from "./assign-groups.ts";
import type { LeakIndex, LeakSummary } from "./leak-index.ts";

/** How a data set is split. */
export interface SplitOptions {
  /** Data sets, JSONL. */
  files: readonly string[];
  /** Folder that gets a file for each part, and `leaked.jsonl`. */
  out: string;
  /** Names of the parts: `NAME.jsonl`. */
  names: readonly string[];
  /** Their shares; only the ratio counts. */
  shares: readonly number[];
  seed: number;
  /** What is known of videos. */
  index: VideoIndex;
  /** What rows are held against; null for nothing. */
  leaks: LeakIndex | null;
  /** Of videos; see `duplicateThreshold`. */
  threshold?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((step: "videos" | "rows", done: number, total: number | null) => void) | undefined;
}

/** A part. */
export interface SplitPart {
  name: string;
  file: string;
  rows: number;
  videos: number;
  /** Rows by source, answer type and length. */
  strata: Record<string, Record<string, number>>;
}

/** What came of a split. */
export interface SplitSummary {
  parts: SplitPart[];
  /** Rows that benchmarks hold, and where they are. */
  leaked: number;
  leakedFile: string;
  reasons: Record<string, number>;
  /** Files, and different videos among them. */
  videos: { files: number; different: number };
  /** Files that could not be looked at, which are told apart by their path alone. */
  unread: number;
  /** What rows were held against, or null. */
  against: LeakSummary | null;
}

interface VideoRows {
  strata: Map<string, number>;
  /** The number of its video, which copies share. */
  group: number;
  leak: Rejection | null;
}

/** The name of the file that rows go to which benchmarks hold. */
const leaked = "leaked";

const margins = stratumFields.filter((field) => field !== "category");

/** The strata that a row counts in: all rows, each of its values, and all of them together. */
function strataOf(row: QuestionRow): string[] {
  return ["", ...margins.map((field) => `${field}: ${stratumValue(row, field)}`), stratumOf(row, margins)];
}

async function readVideos(options: SplitOptions): Promise<Map<string, VideoRows>> {
  const videos = new Map<string, VideoRows>();
  let rows = 0;
  for await (const { row, videoPath } of readQuestions(options.files)) {
    options.signal?.throwIfAborted();
    options.onProgress?.("rows", ++rows, null);
    let video = videos.get(videoPath);
    if (video === undefined) {
      video = { strata: new Map(), group: -1, leak: null };
      videos.set(videoPath, video);
    }
    for (const stratum of strataOf(row)) tally(video.strata, stratum);
  }
  return videos;
}

/** Gives each video its group, by content where it can be looked at. @returns how many cannot */
async function groupVideos(videos: ReadonlyMap<string, VideoRows>, options: SplitOptions): Promise<number> {
  const finder = new DuplicateFinder(options.threshold);
  let [unread, done, groups] = [0, 0, 0];
  const look = async ([path, video]: [string, VideoRows]) => {
    options.signal?.throwIfAborted();
    return { path, video, facts: await options.index.facts(path) };
  };
  for await (const { path, video, facts } of mapPool(videos, availableParallelism(), look)) {
    options.onProgress?.("videos", ++done, videos.size);
    const copy = isSound(facts) ? finder.find(facts) : null;
    video.group = copy === null ? groups++ : (videos.get(copy.of)?.group ?? groups++);
    if (!isSound(facts)) {
      unread++;
      continue;
    }
    video.leak = options.leaks?.checkVideo(facts) ?? null;
    // A copy too: a chain of copies, each like the one before, is one video.
    finder.add(path, facts);
  }
  return unread;
}

/** The part of each group, leaked ones left out. */
function assign(videos: ReadonlyMap<string, VideoRows>, { shares, seed }: SplitOptions): Map<number, number> {
  const groups = new Map<number, Map<string, number>>();
  for (const { group, strata, leak } of videos.values()) {
    if (leak !== null) continue;
    let all = groups.get(group);
    if (all === undefined) {
      all = new Map();
      groups.set(group, all);
    }
    for (const [stratum, rows] of strata) tally(all, stratum, rows);
  }
  const parts = assignGroups([...groups.values()], shares, new Random(seed).fork("split"));
  return new Map([...groups.keys()].map((group, i) => [group, parts[i] as number]));
}

class PartCounts {
  readonly videos = new Set<number>();
  readonly #strata = new Map<string, Map<string, number>>(margins.map((field) => [field, new Map()]));

  add(row: QuestionRow, group: number): void {
    this.videos.add(group);
    for (const field of margins)
      tally(this.#strata.get(field) as Map<string, number>, stratumValue(row, field));
  }

  get strata(): Record<string, Record<string, number>> {
    return Object.fromEntries([...this.#strata].map(([field, counts]) => [field, sortedCounts(counts)]));
  }
}

function leakOf({ row }: PlacedQuestion, video: VideoRows, leaks: LeakIndex | null): Rejection | null {
  return (
    video.leak ??
    leaks?.checkText(
      row.question,
      row.options.map(({ text }) => text),
    ) ??
    null
  );
}

/**
 * Splits a data set. The same rows, videos and seed give the same parts; rows keep their order and all their fields, and
 * their paths lead from the new folder.
 *
 * @throws UsageError `usage` for names and shares, `dataset-missing`, `dataset-invalid`; what `signal` was aborted with
 */
export async function splitRows(options: SplitOptions): Promise<SplitSummary> {
  checkParts(options);
  const { files, out, names, leaks, signal } = options;
  checkOutputs(
    files,
    [...names, leaked].map((name) => join(out, `${name}.jsonl`)),
  );
  const videos = await readVideos(options);
  const unread = await groupVideos(videos, options);
  const parts = assign(videos, options);
  const counts = names.map(() => new PartCounts());
  const reasons = new Map<string, number>();
  const paths = Object.fromEntries(
    [...names, leaked].map((name) => [name, join(out, `${name}.jsonl`)]),
  ) as Record<string, string>;
  const rows = await withWriters(paths, async (writers) => {
    for await (const placed of readQuestions(files)) {
      signal?.throwIfAborted();
      const video = videos.get(placed.videoPath) as VideoRows;
      const row = rebased(placed.row, placed.file, out);
      const leak = leakOf(placed, video, leaks);
      if (leak !== null) {
        tally(reasons, leak.reason);
        await (writers[leaked] as RowWriter).write(rejectedRow(row, leak));
        continue;
      }
      const part = parts.get(video.group) as number;
      counts[part]?.add(row, video.group);
      await (writers[names[part] as string] as RowWriter).write(row);
    }
    return Object.fromEntries(Object.entries(writers).map(([name, writer]) => [name, writer.rows]));
  });
  return {
    parts: names.map((name, i) => ({
      name,
      file: paths[name] as string,
      rows: rows[name] as number,
      videos: (counts[i] as PartCounts).videos.size,
      strata: (counts[i] as PartCounts).strata,
    })),
    leaked: rows[leaked] as number,
    leakedFile: paths[leaked] as string,
    reasons: sortedCounts(reasons),
    videos: {
      files: videos.size,
      different: new Set([...videos.values()].map(({ group }) => group)).size,
    },
    unread,
    against: leaks?.summary ?? null,
  };
}

function checkParts({ names, shares }: SplitOptions): void {
  const refuse = (what: string) => {
    throw new UsageError("usage", what, "For example --ratio 70:30 --names sft,grpo.");
  };
  if (names.length < 2) refuse(`--names: must be two or more, got ${names.join(",") || "none"}`);
  if (new Set(names).size < names.length || names.includes(leaked))
    refuse(`--names: must be different, and not ${leaked}, got ${names.join(",")}`);
  const bad = names.find((name) => !/^[\w.-]+$/.test(name) || name.startsWith("."));
  if (bad !== undefined) refuse(`--names: must be of letters, digits, - and _, got ${JSON.stringify(bad)}`);
  if (shares.length !== names.length)
    refuse(`--ratio: must have a share for each of ${names.join(",")}, got ${shares.join(":")}`);
  const wrong = shares.find((share) => !(share > 0 && Number.isFinite(share)));
  if (wrong !== undefined) refuse(`--ratio: must be of numbers above 0, got ${shares.join(":")}`);
}
