/** One machine's part of a benchmark. */

import { UsageError } from "../../base/index.ts";
import type { BenchmarkQuestion } from "../../benchmarks/index.ts";
import { videoKey } from "./chat-answerer.ts";

/** Part `index`, from 1, of `count`. */
export interface Shard {
  index: number;
  count: number;
}

/** Reads `i/n`. @throws UsageError `usage` */
export function parseShard(text: string): Shard {
  const [, index = 0, count = 0] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (!(index >= 1 && index <= count))
    throw new UsageError("usage", `--shard: must be i/n with i from 1 to n, got ${text}`);
  return { index, count };
}

/** The questions of a part: all about a video are in the same one, and parts are about equally large. */
export function shardOf(
  questions: readonly BenchmarkQuestion[],
  { index, count }: Shard,
): BenchmarkQuestion[] {
  const part = new Map<string, number>();
  const sizes = new Array<number>(count).fill(0);
  const perVideo = new Map<string, number>();
  for (const question of questions) {
    const key = videoKey(question);
    perVideo.set(key, (perVideo.get(key) ?? 0) + 1);
  }
  for (const [key, size] of perVideo) {
    const smallest = sizes.indexOf(Math.min(...sizes));
    part.set(key, smallest);
    sizes[smallest] = (sizes[smallest] as number) + size;
  }
  return questions.filter((question) => part.get(videoKey(question)) === index - 1);
}

/** Questions in an order in which those about one video follow each other; videos as they first come. */
export function byVideo(questions: readonly BenchmarkQuestion[]): BenchmarkQuestion[] {
  const groups = new Map<string, BenchmarkQuestion[]>();
  for (const question of questions) {
    const key = videoKey(question);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(question);
  }
  return [...groups.values()].flat();
}
