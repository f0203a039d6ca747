/** What must not be in training: the videos and questions of benchmarks. */

import { availableParallelism } from "node:os";
import { mapPool } from "../../base/index.ts";
import type { Rejection } from "../rows/rejection.ts";
import { DuplicateFinder } from "../videos/duplicate-finder.ts";
import { isSound, type SoundVideo, type VideoIndex } from "../videos/video-index.ts";
import { TextIndex, type TextIndexOptions } from "./text-index.ts";

/** A question of a benchmark. */
export interface HeldBackQuestion {
  /** What the finding is called, such as `mvbench/12`. */
  id: string;
  question: string;
  /** Texts without letters. */
  options: readonly string[];
  /** Absolute paths. */
  videos: readonly string[];
}

/** By what leaks are found. */
export type LeakCheck = "video" | "text";

/** How leaks are looked for. */
export interface LeakOptions extends TextIndexOptions {
  /** Default both. */
  checks?: readonly LeakCheck[] | undefined;
  /** Of videos; see `duplicateThreshold`. */
  videoThreshold?: number | undefined;
}

/** What rows are held against. */
export interface LeakSummary {
  questions: number;
  videos: number;
  /** Videos of benchmarks that are not there or do not decode: leaks of them are not found. */
  unread: number;
}

/** Videos and questions that are held back. */
export class LeakIndex {
  readonly #videos: DuplicateFinder;
  readonly #texts: TextIndex;
  readonly summary: LeakSummary;

  private constructor(videos: DuplicateFinder, texts: TextIndex, summary: LeakSummary) {
    this.#videos = videos;
    this.#texts = texts;
    this.summary = summary;
  }

  /** Looks at the videos of benchmarks and takes their questions in. @param index what is known of videos */
  static async build(
    questions: AsyncIterable<HeldBackQuestion>,
    index: VideoIndex,
    options: LeakOptions & { signal?: AbortSignal; onVideo?: (done: number, total: number) => void } = {},
  ): Promise<LeakIndex> {
    const { checks = ["video", "text"], signal, onVideo } = options;
    const finder = new DuplicateFinder(options.videoThreshold);
    const texts: { id: string; text: { question: string; options: readonly string[] } }[] = [];
    // Each video with the first question about it.
    const paths = new Map<string, string>();
    let count = 0;
    for await (const { id, question, options: choices, videos } of questions) {
      signal?.throwIfAborted();
      count++;
      if (checks.includes("text")) texts.push({ id, text: { question, options: choices } });
      if (checks.includes("video")) for (const path of videos) if (!paths.has(path)) paths.set(path, id);
    }
    let [done, unread] = [0, 0];
    const look = async ([path, id]: [string, string]) => {
      signal?.throwIfAborted();
      return { id, facts: await index.facts(path) };
    };
    for await (const { id, facts } of mapPool(paths, availableParallelism(), look)) {
      if (isSound(facts)) finder.add(id, facts);
      else unread++;
      done++;
      onVideo?.(done, paths.size);
    }
    const summary = { questions: count, videos: paths.size, unread };
    return new LeakIndex(finder, new TextIndex(texts, options), summary);
  }

  /** Why a video must not be trained on, or null. */
  checkVideo(video: SoundVideo): Rejection | null {
    const found = this.#videos.find(video);
    return found && { reason: "leak-video", detail: `${found.how} as the video of ${found.of}` };
  }

  /** Why a question must not be trained on, or null. */
  checkText(question: string, options: readonly string[]): Rejection | null {
    const found = this.#texts.find({ question, options });
    return (
      found && {
        reason: "leak-text",
        detail: `${Math.round(found.similarity * 100)} % the words of ${found.of}`,
      }
    );
  }
}
