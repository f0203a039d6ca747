import { appendFileSync, existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkQuestion, type QuestionRow } from "../question-row.ts";
import { writePatternVideo } from "../testing/patterned-video.ts";
import { type ImportOptions, importQuestions } from "./import-questions.ts";

let folder = "";
let videos = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "import-"));
  videos = join(folder, "videos");
  await mkdir(join(videos, "deep"), { recursive: true });
  await writePatternVideo(join(videos, "one.mp4"), { seed: 1 });
  await writePatternVideo(join(videos, "deep/two.mp4"), { seed: 2 });
  await copyFile(join(videos, "one.mp4"), join(videos, "copy-of-one.mp4"));
  await writePatternVideo(join(videos, "two-again.mp4"), { seed: 2, size: 128, fps: 12, crf: 34 });
  await writePatternVideo(join(videos, "brief.mp4"), { seed: 3, seconds: 1 });
  await writePatternVideo(join(videos, "long.mp4"), { seed: 4, seconds: 6 });
  const whole = await readFile(join(videos, "long.mp4"));
  await writeFile(join(videos, "cut.mp4"), whole.subarray(0, whole.length / 3));
  await writeFile(join(videos, "no-video.mp4"), "these are words");
});
afterAll(() => rm(folder, { recursive: true }));

async function run(rows: readonly object[], name: string, more: Partial<ImportOptions> = {}) {
  const source = join(folder, `${name}.jsonl`);
  await writeFile(source, rows.map((row) => JSON.stringify(row)).join("\n"));
  const out = join(folder, name);
  const given = { files: [source], from: "jsonl", videos, out, map: {}, videoMap: null, ...more };
  const summary = await importQuestions(given);
  const lines = async (file: string) =>
    (await readFile(join(out, file), "utf8"))
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  return {
    summary,
    out,
    rows: (await lines("questions.jsonl")) as QuestionRow[],
    rejected: (await lines("rejected.jsonl")) as {
      sourceId: string;
      rejected: { reason: string; detail: string };
    }[],
  };
}

const ask = (id: string, video: string, more: object = {}) => ({
  id,
  video,
  question: `What is in ${id}?`,
  answer: "a tile",
  ...more,
});

it("writes questions in order with the length of their videos, found wherever they lie", async () => {
  const { rows, summary, out } = await run(
    [ask("b", "two.mp4", { note: "kept" }), ask("a", "one"), ask("c", "deep/two.mp4")],
    "good",
  );
  expect(rows).toEqual([
    {
      id: "jsonl/b",
      source: "jsonl",
      sourceId: "b",
      video: "../videos/deep/two.mp4",
      question: "What is in b?",
      options: [],
      answer: "a tile",
      answerType: "text",
      category: "question",
      durationSeconds: 2,
      note: "kept",
    },
    expect.objectContaining({ id: "jsonl/a", video: "../videos/one.mp4" }),
    expect.objectContaining({ id: "jsonl/c", video: "../videos/deep/two.mp4" }),
  ]);
  for (const row of rows) {
    expect(checkQuestion(row)).toEqual({ row });
    expect(existsSync(resolve(out, row.video))).toBe(true);
  }
  expect(summary).toMatchObject({
    questions: 3,
    rejected: 0,
    reasons: {},
    videos: { named: 3, usable: 2, opened: 2 },
    minutes: 0.1,
    answerTypes: { text: 3 },
  });
});

it("sets aside what cannot be used, each with its reason", async () => {
  const given = [
    ask("fine", "one.mp4"),
    ask("gone", "nowhere.mp4"),
    ask("words", "no-video.mp4"),
    ask("cut", "cut.mp4"),
    ask("brief", "brief.mp4"),
    ask("long", "long.mp4"),
    ask("copy", "copy-of-one.mp4"),
    ask("two", "two.mp4"),
    ask("encoded", "two-again.mp4"),
    ask("fine", "one.mp4", { question: "Another one?" }),
    ask("twice", "one.mp4", { question: "what IS in fine" }),
    ask("wrong", "one.mp4", { options: ["a", "b"], answer: "z" }),
    ask("empty", "one.mp4", { question: " " }),
  ];
  const { rejected, rows, summary } = await run(given, "bad", { minSeconds: 1.5, maxSeconds: 5 });
  expect(rows.map(({ sourceId }) => sourceId)).toEqual(["fine", "two"]);
  expect(rejected.map(({ sourceId, rejected: { reason } }) => [sourceId, reason])).toEqual([
    ["gone", "video-missing"],
    ["words", "video-broken"],
    ["cut", "video-broken"],
    ["brief", "video-short"],
    ["long", "video-long"],
    ["copy", "video-duplicate"],
    ["encoded", "video-duplicate"],
    ["fine", "id-duplicate"],
    ["twice", "question-duplicate"],
    ["wrong", "question-invalid"],
    ["empty", "question-invalid"],
  ]);
  const detail = Object.fromEntries(rejected.map((row) => [row.sourceId, row.rejected.detail]));
  expect(detail).toMatchObject({
    brief: "1 s, shorter than 1.5 s",
    copy: "same bytes as one.mp4",
    encoded: "same frames as deep/two.mp4",
    twice: "the question of jsonl/fine, about the same video",
    wrong: 'answer: must be the letter or the text of an option, got "z"',
  });
  expect(summary.reasons).toMatchObject({ "video-broken": 2, "video-duplicate": 2 });
  expect(summary.videos).toMatchObject({
    named: 9,
    usable: 2,
    reasons: { "video-broken": 2, "video-duplicate": 2 },
  });
});

it("moves questions about copies to the first copy if asked", async () => {
  const given = [
    ask("a", "one.mp4"),
    ask("b", "copy-of-one.mp4"),
    ask("c", "two.mp4"),
    ask("d", "two-again.mp4"),
  ];
  const merged = await run(given, "merged", { duplicates: "merge" });
  expect(merged.rows.map(({ video }) => video)).toEqual(
    ["one.mp4", "one.mp4", "deep/two.mp4", "deep/two.mp4"].map((path) => `../videos/${path}`),
  );
  const bytes = await run(given, "bytes", { threshold: 0 });
  expect(bytes.rejected.map(({ sourceId }) => sourceId)).toEqual(["b"]);
});

it("opens no video again that it knows, unless it has changed; the same input gives the same bytes", async () => {
  const given = [ask("a", "one.mp4"), ask("b", "two.mp4")];
  const first = await run(given, "again");
  const bytes = async () =>
    Promise.all(["questions.jsonl", "videos.jsonl"].map((file) => readFile(join(first.out, file), "utf8")));
  const before = await bytes();
  // As a kill may leave it.
  appendFileSync(join(first.out, "videos.jsonl"), '{"path":"../videos/lo');
  const second = await run(given, "again");
  expect(second.summary.videos.opened).toBe(0);
  expect(await bytes()).toEqual(before);
  await utimes(join(videos, "one.mp4"), 1_000_000, 1_000_000);
  expect((await run(given, "again")).summary.videos.opened).toBe(1);
});

it("leaves nothing half-written when it is stopped, and goes on with what it knows", async () => {
  const given = [ask("a", "one.mp4"), ask("b", "two.mp4"), ask("c", "brief.mp4"), ask("d", "long.mp4")];
  const stop = new AbortController();
  const stopped = run(given, "stopped", {
    signal: stop.signal,
    onProgress: (step, done) => step === "videos" && done === 2 && stop.abort(new Error("enough")),
  });
  await expect(stopped).rejects.toThrow("enough");
  expect(existsSync(join(folder, "stopped/questions.jsonl"))).toBe(false);
  const { summary } = await run(given, "stopped");
  expect(summary.questions).toBe(4);
  expect(summary.videos.opened).toBeLessThan(4);
});

it("says what is wrong with files and folders", async () => {
  await expect(run([ask("a", "one.mp4")], "x", { videos: join(folder, "none") })).rejects.toMatchObject({
    code: "videos-folder",
  });
  await expect(run([ask("a", "one.mp4")], "x", { files: [dirname(videos)] })).rejects.toMatchObject({
    code: "source-missing",
  });
  await expect(run([], "x")).rejects.toMatchObject({ code: "source-empty" });
  await expect(run([], "x", { from: "other" })).rejects.toMatchObject({ code: "usage" });
});

it("does not choose between two files of one name", async () => {
  await writePatternVideo(join(videos, "deep/brief.mp4"), { seed: 9 });
  const { rejected } = await run([ask("a", "other/brief.mp4")], "ambiguous");
  expect(rejected[0]?.rejected).toEqual({
    reason: "video-ambiguous",
    detail: "2 files are called brief.mp4: brief.mp4, deep/brief.mp4",
  });
  await rm(join(videos, "deep/brief.mp4"));
});
