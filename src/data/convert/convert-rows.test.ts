import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkRow } from "../row.ts";
import { allOf } from "../testing/all-of.ts";
import { writePatternVideo } from "../testing/patterned-video.ts";
import { questionRow, writeRows } from "../testing/question-rows.ts";
import { convertRows, type RowFormat, rowFormats } from "./convert-rows.ts";
import { readParquetRows } from "./parquet-rows.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "convert-"));
  await mkdir(join(folder, "videos"));
  await writePatternVideo(join(folder, "videos/a.mp4"), { seed: 1, seconds: 3 });
});
afterAll(() => rm(folder, { recursive: true }));

const lines = async (path: string): Promise<unknown[]> =>
  (await readFile(path, "utf8"))
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

const outOf: Record<RowFormat, string> = {
  "video-r2": "out.jsonl",
  reference: "out.json",
  swift: "out-swift.jsonl",
  parquet: "hub",
};

/** Rows written in a format, and read back. */
async function roundTrip(rows: readonly unknown[], to: RowFormat): Promise<unknown[]> {
  const input = await writeRows(join(folder, "rows.jsonl"), rows);
  const out = join(folder, outOf[to]);
  await convertRows({ inputs: [input], to, out });
  const back = join(folder, "back.jsonl");
  const { unread } = await convertRows({ inputs: [out], to: "video-r2", out: back });
  expect(unread).toEqual([]);
  return lines(back);
}

const text = fc.string({ minLength: 1, unit: "grapheme" });
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const time = fc
  .tuple(fc.integer({ min: 0, max: 150 }), fc.integer({ min: 0, max: 59 }))
  .map((parts) => parts.map((n) => String(n).padStart(2, "0")).join(":"));
const reserved = new Set([
  "conversations",
  "messages",
  "extra",
  "row",
  "passRate",
  "difficulty",
  "licence",
  "__proto__",
]);
const choice = fc.tuple(fc.array(text, { minLength: 2, maxLength: 5 }), fc.nat()).map(([texts, n]) => {
  const options = texts.map((one, i) => ({ letter: String.fromCharCode(65 + i), text: one }));
  return { options, answer: options[n % options.length]?.letter as string, answerType: "choice" as const };
});
const open = fc.record({ options: fc.constant([]), answer: text, answerType: fc.constant("text" as const) });
const anyRow = fc
  .tuple(
    fc.oneof(choice, open),
    fc.record(
      {
        question: text,
        category: text,
        source: text,
        durationSeconds: fc.double({ min: 0.001, max: 1e5, noNaN: true }),
        startSeconds: fc.double({ min: 0, max: 1e5, noNaN: true }).map((n) => n + 0),
        passRate: fc.double({ min: 0.01, max: 1, noNaN: true }),
        reasoning: text,
        temporal_grounding: fc.dictionary(time, text, { maxKeys: 4 }),
        level: fc.integer({ min: 0, max: 3 }),
      },
      { requiredKeys: ["question", "category", "durationSeconds"] },
    ),
    fc.dictionary(
      fc.stringMatching(/^[a-z_]{1,9}$/).filter((name) => !reserved.has(name) && !(name in questionRow())),
      json,
      { maxKeys: 3 },
    ),
  )
  .map(([answer, fields, more]) => ({ ...more, ...questionRow(), ...fields, ...answer }));

describe.each(rowFormats)("%s", (to) => {
  it("reads back to the same rows, whatever they hold", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 4 }), async (given) => {
        const rows = given.map((row, i) => ({ ...row, id: `row ${i}` }));
        expect(await roundTrip(rows, to)).toEqual(
          rows.map((row) => JSON.parse(JSON.stringify(row)) as unknown),
        );
      }),
      { numRuns: 40 },
    );
  });

  it("leads to the videos from another folder", async () => {
    const input = await writeRows(join(folder, "rows.jsonl"), [questionRow({ subtitles: "videos/a.srt" })]);
    const out = join(folder, `deep-${to}`, "er", outOf[to]);
    await convertRows({ inputs: [input], to, out });
    const back = join(folder, "back.jsonl");
    await convertRows({ inputs: [out], to: "video-r2", out: back });
    expect(await lines(back)).toEqual([questionRow({ subtitles: "videos/a.srt" })]);
  });
});

const reasoned = {
  ...questionRow({ id: "r", question: "Which boat is first?" }),
  options: [
    { letter: "A", text: "the red one" },
    { letter: "B", text: "the blue one" },
  ],
  answer: "B",
  answerType: "choice",
  reasoning: "At 00:02 a blue boat comes in.",
  temporal_grounding: { "00:02": "A blue boat comes in.", "00:02-00:09": "It is in the harbour." },
};

describe("the reference's JSON", () => {
  it("has the turns and the grounding that its trainer reads", async () => {
    const input = await writeRows(join(folder, "rows.jsonl"), [reasoned, questionRow({ id: "q" })]);
    const out = join(folder, "out.json");
    await convertRows({ inputs: [input], to: "reference", out });
    expect(JSON.parse(await readFile(out, "utf8"))).toMatchObject([
      {
        video: "videos/a.mp4",
        conversations: [
          { from: "human", value: "<video>\nWhich boat is first?\nA. the red one\nB. the blue one" },
          { from: "gpt", value: "<think>At 00:02 a blue boat comes in.</think><answer>B</answer>" },
        ],
        temporal_grounding: reasoned.temporal_grounding,
      },
      { conversations: [{ from: "human" }, { from: "gpt", value: "<answer>green</answer>" }] },
    ]);
  });

  it("is read without our fields, the length from the video", async () => {
    const foreign = [
      {
        video: "videos/a.mp4",
        conversations: [
          {
            from: "human",
            value: "<video>\nWhich boat is first?\nA. the red one\nB. the blue one\nAnswer with a letter.",
          },
          { from: "assistant", value: "<think>At 00:02 it comes.</think>\n<answer>B. the blue one</answer>" },
        ],
        temporal_grounding: { "0:02 - 0:09": "It is there.", "1:01:05": "It leaves." },
        key_frame: "00:02",
      },
      {
        video: "videos/gone.mp4",
        conversations: [
          { from: "human", value: "<video>\nWhy?" },
          { from: "gpt", value: "<answer>so</answer>" },
        ],
      },
      { video: "videos/a.mp4", conversations: [{ from: "human", value: "<video>\nHow many?" }] },
    ];
    const input = join(folder, "theirs.json");
    await writeFile(input, JSON.stringify(foreign, null, 1));
    const out = join(folder, "ours.jsonl");
    const { rows, unread } = await convertRows({ inputs: [input], to: "video-r2", out });
    const [row] = (await lines(out)) as [object];
    expect(row).toEqual({
      id: "theirs/1",
      video: "videos/a.mp4",
      question: "Which boat is first?",
      options: reasoned.options,
      answer: "B",
      answerType: "choice",
      category: "question",
      durationSeconds: 3,
      reasoning: "At 00:02 it comes.",
      temporal_grounding: { "00:02-00:09": "It is there.", "61:05": "It leaves." },
      key_frame: "00:02",
    });
    expect(checkRow(row)).toHaveProperty("row");
    expect(rows).toBe(1);
    expect(unread.map(({ problem }) => problem)).toEqual([
      expect.stringMatching(/^video: must be there to know its length, got videos\/gone\.mp4/),
      "conversations: must hold a question and an answer, got 1 turns",
    ]);
  });
});

describe("ms-swift's JSON Lines", () => {
  it("has messages, absolute videos and columns of one type each", async () => {
    const input = await writeRows(join(folder, "rows.jsonl"), [
      reasoned,
      questionRow({ id: "q", startSeconds: 5 }),
    ]);
    const out = join(folder, "swift.jsonl");
    await convertRows({ inputs: [input], to: "swift", out });
    const [first, second] = (await lines(out)) as Record<string, unknown>[];
    expect(first).toMatchObject({
      messages: [
        { role: "system" },
        {
          role: "user",
          content: expect.stringMatching(
            /^<video>Which boat is first\?\n\(A\) the red one\n\(B\) the blue one\n/,
          ),
        },
        { role: "assistant", content: "<think>At 00:02 a blue boat comes in.</think><answer>B</answer>" },
      ],
      videos: [resolve(folder, "videos/a.mp4")],
      solution: "B",
      options: '["the red one","the blue one"]',
      temporal_grounding: JSON.stringify(reasoned.temporal_grounding),
      duration: 20,
    });
    expect(second).toMatchObject({ duration: 25, solution: "green" });
    const types = (row: Record<string, unknown> = {}) =>
      Object.entries(row).map(([name, value]) => [name, typeof value]);
    expect(types(first)).toEqual(types(second));
  });

  it("is read without our row", async () => {
    const input = join(folder, "theirs.jsonl");
    const messages = [
      { role: "system", content: "Be good." },
      { role: "user", content: "<video>How many boats?" },
      { role: "assistant", content: "<think>Two come, two go.</think><answer>4</answer>" },
    ];
    await writeRows(input, [{ messages, videos: [join(folder, "videos/a.mp4")] }]);
    const out = join(folder, "ours.jsonl");
    await convertRows({ inputs: [input], to: "video-r2", out });
    expect(await lines(out)).toMatchObject([
      {
        id: "theirs/1",
        question: "How many boats?",
        answer: "4",
        answerType: "number",
        reasoning: "Two come, two go.",
        durationSeconds: 3,
      },
    ]);
  });
});

describe("Parquet", () => {
  it("has columns for what the hub shows, and a card that names the splits", async () => {
    const sft = await writeRows(join(folder, "sft.jsonl"), [{ ...reasoned, licence: "CC0" }]);
    const grpo = await writeRows(join(folder, "grpo-1.jsonl"), [questionRow({ id: "q", note: 1 })]);
    const out = join(folder, "two-splits");
    const { files } = await convertRows({ inputs: [sft, grpo], to: "parquet", out, title: "Boats" });
    expect(files).toEqual(
      ["data/sft.parquet", "data/grpo_1.parquet", "README.md"].map((path) => join(out, path)),
    );
    const card = await readFile(join(out, "README.md"), "utf8");
    expect(card).toContain("  - split: sft\n    path: data/sft.parquet\n  - split: grpo_1\n");
    expect(card).toContain("# Boats\n");
    expect(card).toContain("| sft | 1 | 1 | 0.0 | 1 | choice 1 | mine 1 |");
    expect(card).toContain("- CC0");
    const [row] = await allOf(readParquetRows(join(out, "data/sft.parquet")));
    expect(row?.value).toMatchObject({
      video: "../videos/a.mp4",
      temporal_grounding: reasoned.temporal_grounding,
    });
    const back = join(folder, "back.jsonl");
    expect(await convertRows({ inputs: [out], to: "video-r2", out: back })).toMatchObject({ rows: 2 });
  });

  it("leaves another card alone, and goes over several groups of rows", async () => {
    const out = join(folder, "kept-card");
    await mkdir(out);
    await writeFile(join(out, "README.md"), "Mine.");
    const rows = Array.from({ length: 4500 }, (_, i) => questionRow({ id: String(i) }));
    const input = await writeRows(join(folder, "many.jsonl"), rows);
    const { files } = await convertRows({ inputs: [input], to: "parquet", out });
    expect(files).toEqual([join(out, "data/many.parquet")]);
    expect(await readFile(join(out, "README.md"), "utf8")).toBe("Mine.");
    const read = await allOf(readParquetRows(join(out, "data/many.parquet")));
    expect(read.map(({ value }) => value.id)).toEqual(rows.map(({ id }) => id));
    expect(read[4000]?.place).toMatch(/many\.parquet: row 4000$/);
  });
});

it("says what is wrong: file, line, field", async () => {
  const out = join(folder, "x.jsonl");
  const bad = await writeRows(join(folder, "bad.jsonl"), [
    questionRow(),
    questionRow({ id: "b", answer: "" }),
  ]);
  await expect(convertRows({ inputs: [bad], to: "swift", out })).rejects.toThrow(/bad\.jsonl:2: answer: /);
  const twice = await writeRows(join(folder, "twice.jsonl"), [questionRow(), questionRow()]);
  await expect(convertRows({ inputs: [twice], to: "swift", out })).rejects.toThrow(
    /twice\.jsonl:2: id: must be unique/,
  );
  await expect(convertRows({ inputs: [twice], to: "video-r2", out: twice })).rejects.toThrow(
    "--out: must lead to other files",
  );
  await expect(convertRows({ inputs: [folder], to: "swift", out })).rejects.toMatchObject({
    code: "dataset-missing",
  });
  const named = await writeRows(join(folder, "named.jsonl"), [questionRow({ extra: 1 })]);
  await expect(convertRows({ inputs: [named], to: "parquet", out: join(folder, "p") })).rejects.toThrow(
    /named\.jsonl:1: extra: must not be a field of a row/,
  );
  await writeFile(join(folder, "no.parquet"), "words");
  await expect(convertRows({ inputs: [join(folder, "no.parquet")], to: "swift", out })).rejects.toThrow(
    /no\.parquet: must be a Parquet file/,
  );
});
