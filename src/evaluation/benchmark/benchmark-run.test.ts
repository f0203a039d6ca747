import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BenchmarkQuestion } from "../../benchmarks/index.ts";
import { failed } from "./answerer.ts";
import { OutputLog, readOutputs } from "./output-log.ts";
import { byVideo, parseShard, shardOf } from "./shard.ts";
import { VideoCache } from "./video-cache.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "benchmark-run-"));
});
afterAll(() => rm(folder, { recursive: true }));

const question = (id: string, video: string) =>
  ({ id, videos: [video], subtitles: null, startSeconds: 0 }) as unknown as BenchmarkQuestion;

describe("the log of answers", () => {
  const line = (id: string, key: string, text: string) => ({ ...failed(""), id, key, text });

  it("has what was written, the last of each question, under the key it was written with", async () => {
    const path = join(folder, "a/outputs.jsonl");
    const log = await OutputLog.open(path);
    await Promise.all([
      log.append([line("q1", "k", "one"), line("q2", "k", "two\nlines")]),
      log.append([line("q1", "k", "again")]),
    ]);
    await log.close();
    const reopened = await OutputLog.open(path);
    expect(reopened.get("q1", "k")?.text).toBe("again");
    expect(reopened.get("q2", "k")?.text).toBe("two\nlines");
    expect(reopened.get("q2", "another prompt")).toBeUndefined();
    await reopened.close();
  });

  it("loses of a line that a kill cut short that line alone, wherever it was cut, also inside a character", async () => {
    const whole = Buffer.from(`${JSON.stringify(line("q3", "k", "dé"))}\n`);
    for (const cut of [1, whole.indexOf(0xc3) + 1, whole.length - 1]) {
      const path = join(folder, `cut-${cut}.jsonl`);
      await writeFile(path, `${JSON.stringify(line("q1", "k", "one"))}\n`);
      await appendFile(path, whole.subarray(0, cut));
      const log = await OutputLog.open(path);
      expect(log.get("q3", "k")).toBeUndefined();
      await log.append([line("q4", "k", "four")]);
      await log.close();
      expect([...(await readOutputs(path)).keys()]).toEqual(["q1", "q4"]);
      expect((await readFile(path, "utf8")).trim().split("\n")).toHaveLength(2);
    }
  });
});

describe("parts", () => {
  const questions = Array.from({ length: 97 }, (_, i) => question(`q${i}`, `v${(i * 7) % 20}.mp4`));

  it("have every question once, all of a video in one part, about as many in each", () => {
    const parts = [1, 2, 3].map((index) => shardOf(questions, { index, count: 3 }));
    expect(
      parts
        .flat()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(questions.map(({ id }) => id).sort());
    const homes = new Map<string, Set<number>>();
    parts.forEach((part, i) => {
      for (const { videos } of part)
        homes.set(videos[0] as string, (homes.get(videos[0] as string) ?? new Set()).add(i));
    });
    expect([...homes.values()].every(({ size }) => size === 1)).toBe(true);
    for (const part of parts) expect(Math.abs(part.length - 97 / 3)).toBeLessThan(6);
  });

  it("are named i/n", () => {
    expect(parseShard("2/4")).toEqual({ index: 2, count: 4 });
    for (const wrong of ["0/4", "5/4", "1", "1/0", "a/b", "1/2/3"])
      expect(() => parseShard(wrong)).toThrow("--shard: must be i/n");
  });

  it("are asked video by video", () => {
    const order = byVideo(questions).map(({ videos }) => videos[0]);
    expect(order.filter((video, i) => video !== order[i - 1])).toHaveLength(20);
    expect(order[0]).toBe("v0.mp4");
  });
});

it("decodes a video once for its questions, and holds it no longer than they take", async () => {
  const opened: string[] = [];
  const cache = new VideoCache(["a", "a", "b", "a", "bad"], async (key) => {
    opened.push(key);
    if (key === "bad") throw new Error("no such file");
    return key.toUpperCase();
  });
  const [first, second] = await Promise.all([cache.use("a", async (v) => v), cache.use("a", async (v) => v)]);
  expect([first, second]).toEqual(["A", "A"]);
  expect(cache.size).toBe(1);
  await cache.use("a", async () => expect(cache.size).toBe(1));
  expect(cache.size).toBe(0);
  await cache.use("b", async () => expect(cache.size).toBe(1));
  await cache.use("bad", async (value) => expect((value as Error).message).toBe("no such file"));
  expect(opened).toEqual(["a", "b", "bad"]);
  expect(cache.size).toBe(0);
});
