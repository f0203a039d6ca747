import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { QuestionRow } from "../question-row.ts";
import { questionRow, writeRows } from "../testing/question-rows.ts";
import { type FilterOptions, filterRows } from "./filter-rows.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "filter-"));
});
afterAll(() => rm(folder, { recursive: true }));

const lines = async (path: string) =>
  (await readFile(path, "utf8"))
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as QuestionRow & { rejected?: { reason: string; detail: string } });

async function filter(rows: readonly QuestionRow[], wishes: Partial<FilterOptions>) {
  const file = await writeRows(join(folder, "rows.jsonl"), rows);
  const summary = await filterRows({ files: [file], out: join(folder, "kept.jsonl"), ...wishes });
  return { summary, kept: await lines(summary.file), rejected: await lines(summary.rejectedFile) };
}

const choice: Partial<QuestionRow> = {
  options: [
    { letter: "A", text: "x" },
    { letter: "B", text: "y" },
  ],
  answer: "B",
  answerType: "choice",
};

it.each<[string, Partial<FilterOptions>, Partial<QuestionRow>, Partial<QuestionRow>, string, string]>([
  ["answer type", { answerTypes: ["choice"] }, choice, {}, "answer-type", "text, not choice"],
  ["source", { sources: ["mine", "ours"] }, {}, { source: "theirs" }, "source", "theirs, not mine or ours"],
  ["category", { categories: ["colour"] }, {}, { category: "count" }, "category", "count, not colour"],
  [
    "length",
    { seconds: { from: 4, to: 20 } },
    {},
    { durationSeconds: 20.5 },
    "length",
    "20.5 s, not in 4..20",
  ],
  [
    "words of the question",
    { questionWords: { from: 3, to: 99 } },
    {},
    { question: "Why?" },
    "question-words",
    "1 words, not in 3..99",
  ],
  [
    "words of the answer",
    { answerWords: { from: 1, to: 2 } },
    choice,
    { answer: "green and very blue" },
    "answer-words",
    "4 words, not in 1..2",
  ],
  [
    "pass rate",
    { passRate: { from: 0.1, to: 0.9 } },
    { passRate: 0.1 },
    { passRate: 1 },
    "pass-rate",
    "1 of the samples right, not in 0.1..0.9",
  ],
  [
    "no pass rate",
    { passRate: { from: 0.1, to: 0.9 } },
    { passRate: 0.9 },
    {},
    "pass-rate-missing",
    "the row has no passRate",
  ],
  [
    "difficulty",
    { difficulty: { from: 2, to: 4 } },
    { difficulty: 3 },
    { difficulty: 5 },
    "difficulty",
    "5 difficulty, not in 2..4",
  ],
])("keeps rows by %s", async (_what, wishes, good, bad, reason, detail) => {
  const rows = [questionRow({ id: "good", ...good }), questionRow({ id: "bad", ...bad })];
  const { kept, rejected, summary } = await filter(rows, wishes);
  expect(kept).toEqual([rows[0]]);
  expect(rejected).toEqual([{ ...rows[1], rejected: { reason, detail } }]);
  expect(summary).toMatchObject({ rows: 2, kept: 1, rejected: 1, reasons: { [reason]: 1 } });
});

it("keeps as many of each kind as wanted, the same ones whatever their order", async () => {
  const rows = Array.from({ length: 90 }, (_, i) =>
    questionRow({ id: String(i), source: i % 3 === 0 ? "few" : "many", durationSeconds: i < 45 ? 5 : 50 }),
  );
  const balance = { fields: ["source", "length"] as const, cap: 16, seed: 0 };
  const { kept, summary } = await filter(rows, { balance });
  expect(summary.strata).toEqual({
    "few / 30 to 60 s": { kept: 15, found: 15 },
    "few / under 10 s": { kept: 15, found: 15 },
    "many / 30 to 60 s": { kept: 16, found: 30 },
    "many / under 10 s": { kept: 16, found: 30 },
  });
  expect(summary.reasons).toEqual({ balance: 28 });
  const ids = (some: QuestionRow[]) => some.map(({ id }) => Number(id)).sort((a, b) => a - b);
  expect(ids((await filter(rows.toReversed(), { balance })).kept)).toEqual(ids(kept));
  expect(ids((await filter(rows, { balance: { ...balance, seed: 1 } })).kept)).not.toEqual(ids(kept));
});

it("counts only rows that are as wanted before it balances", async () => {
  const rows = Array.from({ length: 10 }, (_, i) => questionRow({ id: String(i), passRate: i / 10 }));
  const balance = { fields: ["source"] as const, cap: 3, seed: 0 };
  const { summary } = await filter(rows, { balance, passRate: { from: 0.5, to: 1 } });
  expect(summary).toMatchObject({
    kept: 3,
    reasons: { "pass-rate": 5, balance: 2 },
    strata: { mine: { kept: 3, found: 5 } },
  });
});

it("keeps all fields, and leads to the videos from the new folder", async () => {
  const row = questionRow({ subtitles: "videos/a.srt", note: [1, { two: 2 }] });
  const { kept } = await filter([row], { out: join(folder, "deep/er/kept.jsonl") });
  expect(kept).toEqual([{ ...row, video: "../../videos/a.mp4", subtitles: "../../videos/a.srt" }]);
});
