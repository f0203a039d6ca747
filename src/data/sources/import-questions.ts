/**
 * From annotation files and a folder of videos to questions that can be worked with. The files are read twice: once for
 * the videos, which are then looked at, and once for the rows. Rows and videos that cannot be used are set aside.
 */

import { availableParallelism } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { mapPool, sha256, UsageError } from "../../base/index.ts";
import { canonicalWords } from "../../trace/index.ts";
import { checkQuestion, type QuestionRow } from "../question-row.ts";
import { pathFrom } from "../rows/read-questions.ts";
import { type Rejection, rejectedRow, sortedCounts, tally } from "../rows/rejection.ts";
import { type RowWriter, withWriters } from "../rows/row-writer.ts";
import { DuplicateFinder } from "../videos/duplicate-finder.ts";
import { VideoFolder } from "../videos/find-video.ts";
import { duplicateThreshold } from "../videos/fingerprint.ts";
import { isSound, VideoIndex } from "../videos/video-index.ts";
import { activitynetQa } from "./activitynet-qa.ts";
import { clevrer } from "./clevrer.ts";
import { llavaVideo } from "./llava-video.ts";
import { nextqa } from "./nextqa.ts";
import { perceptionTest } from "./perception-test.ts";
import { checkSourceFile } from "./read-json.ts";
import type { QuestionSource, ReadSourceOptions, SourceQuestion } from "./source-question.ts";
import { csv, jsonl } from "./table.ts";

/** The formats that can be read. */
export const questionSources: readonly QuestionSource[] = [
  llavaVideo,
  nextqa,
  activitynetQa,
  perceptionTest,
  clevrer,
  jsonl,
  csv,
];

/** What becomes of questions about a copy of a video: they are set aside, or moved to the first copy. */
export type DuplicatePolicy = "set-aside" | "merge";

/** What is imported. */
export interface ImportOptions extends ReadSourceOptions {
  /** Annotation files. */
  files: readonly string[];
  /** A name of `questionSources`. */
  from: string;
  /** Folder of the videos. */
  videos: string;
  /** Folder that gets `questions.jsonl`, `rejected.jsonl` and `videos.jsonl`. */
  out: string;
  /** The field `source`. Default `from`, or what the row says. */
  source?: string | undefined;
  /** Shortest and longest video in seconds. Default any. */
  minSeconds?: number | undefined;
  maxSeconds?: number | undefined;
  /** Default `set-aside`. */
  duplicates?: DuplicatePolicy | undefined;
  /** See `duplicateThreshold`; 0 to compare bytes only. */
  threshold?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Told as work goes on; `total` is not known while rows are read. */
  onProgress?: ((step: "videos" | "rows", done: number, total: number | null) => void) | undefined;
}

/** What was imported. */
export interface ImportSummary {
  /** The file of questions. */
  file: string;
  /** The file of what was set aside. */
  rejectedFile: string;
  questions: number;
  rejected: number;
  /** Set aside, by reason. */
  reasons: Record<string, number>;
  /** Videos that the source names, and those that can be used. */
  videos: { named: number; usable: number; opened: number; reasons: Record<string, number> };
  /** Minutes of usable videos. */
  minutes: number;
  /** Rows by answer type. */
  answerTypes: Record<string, number>;
}

/** A video that rows may be about. */
interface Usable {
  path: string;
  seconds: number;
}

type Verdict = Usable | Rejection;
const isUsable = (verdict: Verdict): verdict is Usable => "path" in verdict;

function sourceNamed(name: string): QuestionSource {
  const found = questionSources.find((source) => source.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    "usage",
    `--from: must be one of ${questionSources.map((source) => source.name).join(", ")}, got ${JSON.stringify(name)}`,
  );
}

const videoKey = (question: SourceQuestion) => question.videos[0] as string;

/** The names of videos in the order in which they first come, each with where its file may be. */
async function namedVideos(
  source: QuestionSource,
  options: ImportOptions,
): Promise<Map<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const file of options.files)
    for await (const entry of source.read(file, options)) {
      options.signal?.throwIfAborted();
      if ("question" in entry && !found.has(videoKey(entry.question)))
        found.set(videoKey(entry.question), entry.question.videos);
    }
  return found;
}

function lengthRejection(seconds: number, options: ImportOptions): Rejection | null {
  const { minSeconds = 0, maxSeconds = Number.POSITIVE_INFINITY } = options;
  if (seconds < minSeconds)
    return { reason: "video-short", detail: `${seconds} s, shorter than ${minSeconds} s` };
  if (seconds > maxSeconds)
    return { reason: "video-long", detail: `${seconds} s, longer than ${maxSeconds} s` };
  return null;
}

/** Looks at every video and says which can be used; copies are found in the order of the names. */
async function judgeVideos(
  named: ReadonlyMap<string, readonly string[]>,
  folder: VideoFolder,
  index: VideoIndex,
  options: ImportOptions,
): Promise<Map<string, Verdict>> {
  const finder = new DuplicateFinder(options.threshold ?? duplicateThreshold);
  const verdicts = new Map<string, Verdict>();
  const byPath = new Map<string, Verdict>();
  const look = async ([name, places]: [string, readonly string[]]) => {
    options.signal?.throwIfAborted();
    const found = folder.find(places);
    return { name, found, facts: "path" in found ? await index.facts(resolve(found.path)) : null };
  };
  for await (const { name, found, facts } of mapPool(named, availableParallelism(), look)) {
    options.signal?.throwIfAborted();
    options.onProgress?.("videos", verdicts.size + 1, named.size);
    if (!("path" in found)) {
      verdicts.set(name, { reason: `video-${found.problem}`, detail: found.detail });
      continue;
    }
    const path = resolve(found.path);
    const known = byPath.get(path);
    const verdict = known ?? judge(path, facts);
    byPath.set(path, verdict);
    verdicts.set(name, verdict);
  }
  return verdicts;

  function judge(path: string, facts: Awaited<ReturnType<VideoIndex["facts"]>> | null): Verdict {
    if (facts === null || !isSound(facts))
      return { reason: `video-${facts?.problem ?? "missing"}`, detail: facts?.detail ?? "no such file" };
    const seconds = facts.durationSeconds;
    const length = lengthRejection(seconds, options);
    if (length !== null) return length;
    const copy = finder.find(facts);
    if (copy === null) {
      finder.add(path, facts);
      return { path, seconds };
    }
    if (options.duplicates === "merge") return byPath.get(copy.of) ?? { path, seconds };
    return {
      reason: "video-duplicate",
      detail: `${copy.how} as ${pathFrom(resolve(options.videos), copy.of)}`,
    };
  }
}

/** The row of a question about a video that can be used. */
function rowOf(question: SourceQuestion, video: Usable, options: ImportOptions): QuestionRow {
  const { sourceId, more = {}, licence } = question;
  const said = typeof more.source === "string" && more.source !== "" ? more.source : options.from;
  const source = options.source ?? said;
  const subtitles = typeof more.subtitles === "string" && more.subtitles !== "" ? more.subtitles : null;
  const out = resolve(options.out);
  return {
    id: `${source}/${sourceId}`,
    source,
    sourceId,
    video: pathFrom(out, video.path),
    question: question.question,
    options: question.options.map(({ letter, text }) => ({ letter, text })),
    answer: question.answer,
    answerType: question.answerType,
    category: question.category,
    durationSeconds: video.seconds,
    ...(licence === undefined ? {} : { licence }),
    ...without(more, ["source", "subtitles", "durationSeconds", "sourceId"]),
    ...(subtitles === null
      ? {}
      : {
          subtitles: pathFrom(out, isAbsolute(subtitles) ? subtitles : resolve(options.videos, subtitles)),
        }),
  };
}

function without(fields: Readonly<Record<string, unknown>>, names: readonly string[]) {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}

/** What makes two questions about one video the same: their words and their options, in any order. */
function questionKey({ video, question, options }: QuestionRow): string {
  const words = [question, ...options.map(({ text }) => text).sort()].map((text) =>
    canonicalWords(text).join(" "),
  );
  return sha256(JSON.stringify([video, ...words])).slice(0, 20);
}

/** Sees to it that rows are sound and come once. */
class RowChecks {
  readonly #ids = new Set<string>();
  readonly #questions = new Map<string, string>();

  check(row: QuestionRow): Rejection | null {
    const checked = checkQuestion(row);
    if ("problems" in checked) return { reason: "question-invalid", detail: checked.problems.join("; ") };
    if (this.#ids.has(row.id)) return { reason: "id-duplicate", detail: `the id ${row.id} was there before` };
    this.#ids.add(row.id);
    const key = questionKey(row);
    const before = this.#questions.get(key);
    if (before !== undefined)
      return { reason: "question-duplicate", detail: `the question of ${before}, about the same video` };
    this.#questions.set(key, row.id);
    return null;
  }
}

interface Counts {
  reasons: Map<string, number>;
  answerTypes: Map<string, number>;
}

async function writeRows(
  source: QuestionSource,
  verdicts: ReadonlyMap<string, Verdict>,
  writers: Readonly<Record<"questions" | "rejected", RowWriter>>,
  options: ImportOptions,
): Promise<Counts> {
  const counts: Counts = { reasons: new Map(), answerTypes: new Map() };
  const checks = new RowChecks();
  const setAside = async (row: object, rejection: Rejection) => {
    tally(counts.reasons, rejection.reason);
    await writers.rejected.write(rejectedRow(row, rejection));
  };
  for (const file of options.files)
    for await (const entry of source.read(file, options)) {
      options.signal?.throwIfAborted();
      options.onProgress?.("rows", writers.questions.rows + writers.rejected.rows + 1, null);
      const { place } = entry;
      if ("problem" in entry) {
        const { sourceId, problem: detail } = entry;
        await setAside({ source: options.from, sourceId, place }, { reason: "question-invalid", detail });
        continue;
      }
      const verdict = verdicts.get(videoKey(entry.question));
      if (verdict === undefined) throw changed(file);
      if (!isUsable(verdict)) {
        const { videos, ...question } = entry.question;
        await setAside({ source: options.from, ...question, video: videos[0], place }, verdict);
        continue;
      }
      const row = rowOf(entry.question, verdict, options);
      const rejection = checks.check(row);
      if (rejection !== null) await setAside({ ...row, place }, rejection);
      else {
        tally(counts.answerTypes, row.answerType);
        await writers.questions.write(row);
      }
    }
  return counts;
}

function changed(file: string): UsageError {
  return new UsageError("source-invalid", `${file}: must stay as it is while it is read, got new videos`);
}

/**
 * Imports questions.
 *
 * The same files and videos give the same rows, byte for byte, in the order of the files. Stopped and begun again, videos
 * that were looked at are not opened again.
 *
 * @throws UsageError `usage`, `source-missing`, `source-invalid` naming file, line and field, `source-empty`,
 * `videos-folder`; what `signal` was aborted with
 */
export async function importQuestions(options: ImportOptions): Promise<ImportSummary> {
  const source = sourceNamed(options.from);
  for (const file of options.files) await checkSourceFile(file);
  const folder = await VideoFolder.open(options.videos);
  const named = await namedVideos(source, options);
  const index = await VideoIndex.open(join(options.out, "videos.jsonl"));
  const verdicts = await judgeVideos(named, folder, index, options);
  const [file, rejectedFile] = [join(options.out, "questions.jsonl"), join(options.out, "rejected.jsonl")];
  let written = { questions: 0, rejected: 0 };
  const counts = await withWriters({ questions: file, rejected: rejectedFile }, async (writers) => {
    const found = await writeRows(source, verdicts, writers, options);
    written = { questions: writers.questions.rows, rejected: writers.rejected.rows };
    if (written.questions + written.rejected === 0)
      throw new UsageError(
        "source-empty",
        `${options.files.join(", ")}: must hold questions, got none`,
        `--from ${options.from} reads ${source.reads}.`,
      );
    return found;
  });
  await index.compact();
  const usable = new Map([...verdicts.values()].filter(isUsable).map(({ path, seconds }) => [path, seconds]));
  const videoReasons = new Map<string, number>();
  for (const verdict of verdicts.values()) if (!isUsable(verdict)) tally(videoReasons, verdict.reason);
  return {
    file,
    rejectedFile,
    ...written,
    reasons: sortedCounts(counts.reasons),
    videos: {
      named: verdicts.size,
      usable: usable.size,
      opened: index.opened,
      reasons: sortedCounts(videoReasons),
    },
    minutes: Math.round([...usable.values()].reduce((sum, seconds) => sum + seconds, 0) / 6) / 10,
    answerTypes: sortedCounts(counts.answerTypes),
  };
}
