import { copyFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../base/index.ts";
import type { QuestionRow } from "../question-row.ts";
import { writePatternVideo } from "../testing/patterned-video.ts";
import { questionRow, writeRows } from "../testing/question-rows.ts";
import { VideoIndex } from "../videos/video-index.ts";
import { assignGroups } from "./assign-groups.ts";
import { type HeldBackQuestion, LeakIndex, type LeakOptions } from "./leak-index.ts";
import { type SplitOptions, splitRows } from "./split-rows.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "split-"));
  const videos = join(folder, "videos");
  await mkdir(videos);
  for (let seed = 0; seed < 6; seed++) await writePatternVideo(join(videos, `${seed}.mp4`), { seed });
  await copyFile(join(videos, "0.mp4"), join(videos, "0-copied.mp4"));
  await writePatternVideo(join(videos, "1-encoded.mp4"), { seed: 1, size: 96, crf: 33 });
});
afterAll(() => rm(folder, { recursive: true }));

const lines = async (path: string) =>
  (await readFile(path, "utf8"))
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as QuestionRow & { rejected?: { reason: string; detail: string } });

async function split(rows: readonly QuestionRow[], name: string, more: Partial<SplitOptions> = {}) {
  const out = join(folder, name);
  const index = await VideoIndex.open(join(out, "videos.jsonl"));
  const files = [await writeRows(join(folder, `${name}.jsonl`), rows)];
  const summary = await splitRows({
    ...{ files, out, names: ["sft", "grpo"], shares: [70, 30], seed: 0, index, leaks: null },
    ...more,
  });
  return {
    summary,
    sft: await lines(join(out, "sft.jsonl")),
    grpo: await lines(join(out, "grpo.jsonl")),
    rejected: await lines(join(out, "leaked.jsonl")),
  };
}

/** Made-up rows: 200 videos that are not there, 1 to 8 questions each, unevenly of three sources and types. */
function manyRows(): QuestionRow[] {
  const random = new Random(5);
  return Array.from({ length: 200 }, (_, v) => {
    const source = random.pick(["one", "one", "one", "two", "three"]);
    const durationSeconds = random.pick([5, 20, 20, 45, 100, 400]);
    return Array.from({ length: random.integer(1, 9) }, (_, q) => {
      const number = random.uniform() < 0.3;
      return questionRow({
        id: `${v}/${q}`,
        video: `videos/none-${v}.mp4`,
        source,
        durationSeconds,
        answerType: number ? "number" : "text",
        answer: number ? "3" : "green",
      });
    });
  }).flat();
}

describe("splitRows", () => {
  it("has no video in two parts, the wanted ratio, and the same mixture in each", async () => {
    const rows = manyRows();
    const { sft, grpo, summary } = await split(rows, "many");
    expect(sft.length + grpo.length).toBe(rows.length);
    const videos = (part: QuestionRow[]) => new Set(part.map(({ video }) => video));
    expect([...videos(sft)].filter((video) => videos(grpo).has(video))).toEqual([]);
    expect(sft.length / rows.length).toBeCloseTo(0.7, 2);
    const kinds: ((row: QuestionRow) => string)[] = [
      ({ source }) => source ?? "",
      ({ answerType }) => answerType,
      ({ durationSeconds }) => String(durationSeconds),
    ];
    for (const kind of kinds)
      for (const value of new Set(rows.map(kind))) {
        const all = rows.filter((row) => kind(row) === value).length;
        const share = sft.filter((row) => kind(row) === value).length / all;
        // Within 3 points: the smallest of these strata has some 60 rows.
        expect(Math.abs(share - 0.7), `${value} of ${all}`).toBeLessThan(0.03);
      }
    expect(summary).toMatchObject({
      parts: [
        { name: "sft", rows: sft.length },
        { name: "grpo", rows: grpo.length },
      ],
      unread: 200,
      leaked: 0,
      against: null,
    });
  });

  it("gives the same parts for the same seed, others for another, rows in their order with all their fields", async () => {
    const rows = manyRows().map((row, i) => ({ ...row, note: { i } }));
    const first = await split(rows, "seeded");
    expect((await split(rows, "seeded")).sft).toEqual(first.sft);
    expect((await split(rows, "seeded", { seed: 1 })).sft).not.toEqual(first.sft);
    const ids = new Set(first.sft.map(({ id }) => id));
    const given = rows.filter(({ id }) => ids.has(id));
    expect(first.sft).toEqual(given.map((row) => ({ ...row, video: `../${row.video}` })));
  });

  it("keeps copies of a video together, whatever they are called", async () => {
    const names = ["0", "0-copied", "1", "1-encoded", "2", "3", "4", "5"];
    const rows = names.map((name) => questionRow({ id: name, video: `videos/${name}.mp4` }));
    for (const seed of [0, 1, 2, 3]) {
      const { sft, summary } = await split(rows, "copies", { seed, shares: [1, 1] });
      const inSft = (id: string) => sft.some((row) => row.id === id);
      expect(inSft("0")).toBe(inSft("0-copied"));
      expect(inSft("1")).toBe(inSft("1-encoded"));
      expect(summary).toMatchObject({ videos: { files: 8, different: 6 }, unread: 0 });
    }
  });

  it("sets aside what a benchmark holds: videos by content, questions by words", async () => {
    const held: HeldBackQuestion[] = [
      { id: "bench/0", question: "What?", options: [], videos: [resolve(folder, "videos/0-copied.mp4")] },
      {
        id: "bench/1",
        question: "Which of the boats is the first to leave the harbour in the evening?",
        options: ["the red one", "the blue one"],
        videos: [resolve(folder, "videos/1-encoded.mp4"), resolve(folder, "videos/none.mp4")],
      },
    ];
    async function* all() {
      yield* held;
    }
    const build = async (options: LeakOptions = {}) =>
      LeakIndex.build(all(), await VideoIndex.open(join(folder, "held.jsonl")), options);
    const rows = [
      questionRow({ id: "video", video: "videos/0.mp4" }),
      questionRow({ id: "encoded", video: "videos/1.mp4" }),
      questionRow({
        id: "words",
        video: "videos/2.mp4",
        question: "Which of the boats is the first to leave the harbour in the evening ?",
        options: [
          { letter: "A", text: "The blue one" },
          { letter: "B", text: "The red one" },
        ],
        answer: "A",
        answerType: "choice",
      }),
      questionRow({ id: "fine", video: "videos/2.mp4" }),
      questionRow({ id: "fine-too", video: "videos/3.mp4" }),
    ];
    const { rejected, sft, grpo, summary } = await split(rows, "leaks", { leaks: await build() });
    expect(rejected.map(({ id, rejected: why }) => [id, why?.reason, why?.detail])).toEqual([
      ["video", "leak-video", "same bytes as the video of bench/0"],
      ["encoded", "leak-video", "same frames as the video of bench/1"],
      ["words", "leak-text", "100 % the words of bench/1"],
    ]);
    expect([...sft, ...grpo].map(({ id }) => id).sort()).toEqual(["fine", "fine-too"]);
    expect(summary).toMatchObject({
      leaked: 3,
      reasons: { "leak-video": 2, "leak-text": 1 },
      against: { questions: 2, videos: 3, unread: 1 },
    });
    const byVideo = await split(rows, "leaks", { leaks: await build({ checks: ["video"] }) });
    expect(byVideo.rejected.map(({ id }) => id)).toEqual(["video", "encoded"]);
  });

  it("refuses names and shares that make no parts, and rows that are wrong", async () => {
    const rows = [questionRow()];
    await expect(split(rows, "x", { names: ["one"], shares: [1] })).rejects.toMatchObject({ code: "usage" });
    await expect(split(rows, "x", { shares: [70, Number.NaN] })).rejects.toThrow(
      "--ratio: must be of numbers above 0",
    );
    await expect(split(rows, "x", { shares: [1, 2, 3] })).rejects.toThrow(
      "--ratio: must have a share for each",
    );
    await expect(split(rows, "x", { names: ["a/b", "c"] })).rejects.toThrow("--names");
    await expect(split(rows, "x", { out: folder, names: ["x", "y"] })).rejects.toThrow(
      "--out: must lead to other files",
    );
    await expect(split([...rows, ...rows], "x")).rejects.toThrow(
      /x\.jsonl:2: id: must be unique, got a again/,
    );
    await expect(split([questionRow({ answer: "" })], "x")).rejects.toThrow(/x\.jsonl:1: answer: /);
  });
});

describe("assignGroups", () => {
  it("never strays from a share by more than the largest group", () => {
    const group = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 1 });
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        (sizes, share, seed) => {
          const groups = sizes.map(([rows]) => new Map([["", rows as number]]));
          const parts = assignGroups(groups, [share, 10 - share], new Random(seed));
          const all = sizes.reduce((sum, [rows]) => sum + (rows as number), 0);
          const first = sizes.reduce((sum, [rows], i) => sum + (parts[i] === 0 ? (rows as number) : 0), 0);
          const largest = Math.max(...sizes.map(([rows]) => rows as number));
          expect(Math.abs(first - (all * share) / 10)).toBeLessThanOrEqual(largest);
        },
      ),
    );
  });
});
