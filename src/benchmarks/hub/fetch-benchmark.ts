/**
 * Brings a benchmark's data from the hub into a folder, from which it is then read as from any other: first the
 * questions, then the videos; archives are unpacked as they arrive, and removed. What is there is not fetched again.
 */

import { existsSync } from "node:fs";
import { rm, stat, writeFile } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import {
  type ArchiveSet,
  bytesHere,
  checkSpace,
  type Download,
  diskError,
  downloadFile,
  freeBytes,
  type Hub,
  insideFolder,
  isSameFile,
  isUnpacked,
  privateFolder,
  recordUnpacked,
  unpackArchive,
  withLock,
} from "../../data/index.ts";
import type { Benchmark, ReadOptions } from "../benchmark.ts";
import { missingFiles } from "../rows/video-places.ts";
import { chooseFiles, type NeededFile } from "./choose-files.ts";

/** What is fetched, and where to. */
export interface FetchOptions {
  /** The benchmark's folder; made where it is not there. */
  folder: string;
  /** Leaves the videos out. Default false. */
  questionsOnly?: boolean;
  /** Keeps archives when they are unpacked. Default false: they take as much room as the videos. */
  keepArchives?: boolean;
}

/** An archive that is not unpacked yet. */
interface PendingArchive {
  set: ArchiveSet<NeededFile>;
  downloads: Download[];
}

/** What would have to be fetched. */
export interface FetchPlan {
  benchmark: Benchmark;
  folder: string;
  repository: string;
  /** The commit that the data set's branch stands at. */
  commit: string;
  /** Files that are not here, or not whole. */
  files: number;
  /** What is still to come of them. */
  bytes: number;
  /** What they take on the disk while they are unpacked, at most. */
  neededBytes: number;
  /** What is free there. */
  freeBytes: number;
  /** Archives to be unpacked. */
  archives: number;
  /** What may hold videos and is of no use here. */
  useless: readonly string[];
  /** The work, in order. */
  work: { tables: Download[]; videos: Download[]; archives: PendingArchive[] };
}

/** What of a fetch is done. */
export interface FetchProgress {
  /** Bytes that have come. */
  bytes: number;
  /** Files that are whole. */
  files: number;
  /** The archive that is being unpacked, or null. */
  unpacking: string | null;
}

/** What came of it. */
export interface FetchResult {
  folder: string;
  /** Questions that the folder holds. */
  questions: number;
  /** Their videos. */
  videos: number;
  /** Those that are not there. */
  missing: readonly string[];
}

/** Tells one edition of an archive from another. */
const contentOf = ({ parts }: ArchiveSet<NeededFile>) =>
  parts.map(({ size, sha256, blob }) => `${sha256 ?? blob}:${size}`).join(" ");

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const bytesLeft = async (download: Download) => download.size - (await bytesHere(download));

/** A part of an archive: where the data set has it if it is there or is to be kept, else where it can be removed. */
async function partDownload(part: NeededFile, folder: string, keep: boolean): Promise<Download> {
  const given = { ...part, target: insideFolder(folder, part.place, part.repository) };
  const found = await stat(given.target).catch(() => null);
  if (keep || found?.size === part.size) return given;
  return {
    ...part,
    target: insideFolder(join(folder, privateFolder, "archives"), part.place, part.repository),
  };
}

async function pendingArchives(
  sets: readonly ArchiveSet<NeededFile>[],
  folder: string,
  keep: boolean,
): Promise<PendingArchive[]> {
  const pending: PendingArchive[] = [];
  for (const set of sets) {
    if (await isUnpacked(folder, set.name, contentOf(set))) continue;
    pending.push({
      set,
      downloads: await Promise.all(set.parts.map((part) => partDownload(part, folder, keep))),
    });
  }
  return pending;
}

/**
 * Asks the hub what a benchmark needs, whether it may be read, and looks at what of it is here. Nothing is written.
 *
 * @throws UsageError as `Hub.commit`, `hub-layout`, `hub-none`, `path-unsafe`
 */
export async function planFetch(hub: Hub, benchmark: Benchmark, options: FetchOptions): Promise<FetchPlan> {
  const { questionsOnly = false, keepArchives = false } = options;
  const folder = resolve(options.folder);
  const chosen = await chooseFiles(hub, benchmark, questionsOnly);
  const [first] = chosen.tables as [NeededFile];
  // Lists can be seen by all, also those of data sets that not everybody may read.
  await hub.checkAccess(first.repository, first.commit, first.path);
  const toDownload = (file: NeededFile): Download => ({
    ...file,
    target: insideFolder(folder, file.place, file.repository),
  });
  const tables: Download[] = [];
  // They decide about every score, and are small: their content counts, not only their size.
  for (const table of chosen.tables.map(toDownload))
    if (!(await isSameFile(table.target, table))) tables.push(table);
  const videos: Download[] = [];
  for (const video of chosen.videos.map(toDownload)) if ((await bytesLeft(video)) > 0) videos.push(video);
  const archives = await pendingArchives(chosen.archives, folder, keepArchives);
  const sizes = archives.map(({ downloads }) => sum(downloads.map(({ size }) => size)));
  const left = await Promise.all(
    [...videos, ...archives.flatMap(({ downloads }) => downloads)].map(bytesLeft),
  );
  const bytes = sum(tables.map(({ size }) => size)) + sum(left);
  return {
    benchmark,
    folder,
    repository: first.repository,
    commit: first.commit,
    files: tables.length + left.filter((count) => count > 0).length,
    bytes,
    neededBytes: bytes + (keepArchives ? sum(sizes) : Math.max(0, ...sizes)),
    freeBytes: await freeBytes(folder),
    archives: archives.length,
    useless: chosen.useless,
    work: { tables, videos, archives },
  };
}

/** How a fetch is carried out. */
export interface RunFetchOptions {
  signal: AbortSignal;
  /** Files at once. Default 4. */
  connections?: number;
  onProgress?: (progress: FetchProgress) => void;
}

/** A download, with the archive that it is a part of. */
interface Task {
  download: Download;
  archive: PendingArchive | null;
}

/** Carries out tasks, so many at once; the first failure stops the others. */
async function runTasks<T>(
  tasks: readonly T[],
  atOnce: number,
  stop: AbortSignal,
  work: (task: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failure = new AbortController();
  const signal = AbortSignal.any([stop, failure.signal]);
  const queue = tasks.values();
  const hand = async () => {
    for (const task of queue) await work(task, signal);
  };
  const hands = Array.from({ length: atOnce }, () => hand().catch((error: unknown) => failure.abort(error)));
  await Promise.all(hands);
  stop.throwIfAborted();
  if (failure.signal.aborted) throw failure.signal.reason;
}

/** The videos that a folder's questions are about. */
async function videosOf(
  benchmark: Benchmark,
  folder: string,
  options: ReadOptions,
): Promise<{ questions: number; videos: string[] }> {
  const videos = new Set<string>();
  let questions = 0;
  for await (const question of benchmark.read(folder, options)) {
    questions++;
    for (const path of question.videos) videos.add(path);
  }
  return { questions, videos: [...videos] };
}

/**
 * What a folder holds of a benchmark: how many questions, about how many videos, and which of those are not there.
 *
 * @throws UsageError as `Benchmark.read`
 */
export async function checkFolder(
  benchmark: Benchmark,
  folder: string,
  options: ReadOptions = {},
): Promise<FetchResult> {
  const { questions, videos } = await videosOf(benchmark, folder, options);
  return { folder, questions, videos: videos.length, missing: await missingFiles({ videos }) };
}

const unfinishedPath = (folder: string) => join(folder, privateFolder, "unfinished");

/** Whether a fetch to a folder was begun and not ended: a folder of pictures may then lack some. */
export function isUnfinished(folder: string): boolean {
  return existsSync(unfinishedPath(folder));
}

/** Fetches what a plan says. */
class Fetch {
  readonly #hub: Hub;
  readonly #plan: FetchPlan;
  readonly #options: RunFetchOptions;
  readonly #progress: FetchProgress = { bytes: 0, files: 0, unpacking: null };
  readonly #partsLeft = new Map<PendingArchive, number>();
  /** One archive at a time: the disk would not be faster with more. */
  #unpacking: Promise<void> = Promise.resolve();
  #wanted: string[] = [];

  constructor(hub: Hub, plan: FetchPlan, options: RunFetchOptions) {
    this.#hub = hub;
    this.#plan = plan;
    this.#options = options;
  }

  async run(): Promise<FetchResult> {
    const { folder, benchmark, files, archives, neededBytes } = this.#plan;
    if (files > 0 || archives > 0 || isUnfinished(folder)) {
      await checkSpace(folder, neededBytes);
      try {
        await withLock(join(folder, privateFolder, "fetching"), () => this.#fetchAll());
      } catch (error) {
        throw diskError(error, folder);
      }
    }
    return checkFolder(benchmark, folder);
  }

  async #fetchAll(): Promise<void> {
    const { folder, benchmark, work } = this.#plan;
    await writeFile(unfinishedPath(folder), "");
    // What has their place and is something else would be taken for them.
    for (const { target } of work.tables) await rm(target, { force: true });
    await this.#fetch(work.tables.map((download) => ({ download, archive: null })));
    await benchmark.inspect(folder);
    if (work.archives.length > 0) {
      const { videos } = await videosOf(benchmark, folder, {});
      this.#wanted = videos.map((path) => relative(folder, path).split(sep).join("/"));
    }
    for (const archive of work.archives) this.#partsLeft.set(archive, archive.downloads.length);
    await this.#fetch([
      ...work.videos.map((download) => ({ download, archive: null })),
      ...work.archives.flatMap((archive) => archive.downloads.map((download) => ({ download, archive }))),
    ]);
    await rm(join(folder, privateFolder, "archives"), { recursive: true, force: true });
    await rm(unfinishedPath(folder));
  }

  async #fetch(tasks: readonly Task[]): Promise<void> {
    const { signal, connections = 4 } = this.#options;
    await runTasks(tasks, connections, signal, async ({ download, archive }, stop) => {
      const pending = (await bytesLeft(download)) > 0;
      await downloadFile(this.#hub, download, stop, (bytes) =>
        this.#report({ bytes: this.#progress.bytes + bytes }),
      );
      if (pending) this.#report({ files: this.#progress.files + 1 });
      if (archive === null) return;
      const left = (this.#partsLeft.get(archive) as number) - 1;
      this.#partsLeft.set(archive, left);
      if (left > 0) return;
      this.#unpacking = this.#unpacking.then(() => this.#unpack(archive, stop));
      await this.#unpacking;
    });
  }

  async #unpack({ set, downloads }: PendingArchive, signal: AbortSignal): Promise<void> {
    const { folder } = this.#plan;
    signal.throwIfAborted();
    this.#report({ unpacking: set.name });
    const paths = downloads.map(({ target }) => target);
    const files = await unpackArchive({ ...set, paths }, { folder, wanted: this.#wanted, signal });
    await recordUnpacked(folder, set.name, contentOf(set), files);
    const ours = join(folder, privateFolder, sep);
    for (const path of paths) if (path.startsWith(ours)) await rm(path);
    this.#report({ unpacking: null });
  }

  #report(change: Partial<FetchProgress>): void {
    Object.assign(this.#progress, change);
    this.#options.onProgress?.(this.#progress);
  }
}

/**
 * Fetches what a plan says. What has come stays when it is stopped or fails, and the next plan goes on with it.
 *
 * @throws UsageError `fetch-running`, `folder-unwritable`; `disk-full` before anything is fetched or later, `download-damaged`, `archive-unreadable`,
 *   `path-unsafe`, as `Hub.commit` and as `Benchmark.inspect`; the signal's reason
 */
export function runFetch(hub: Hub, plan: FetchPlan, options: RunFetchOptions): Promise<FetchResult> {
  return new Fetch(hub, plan, options).run();
}
