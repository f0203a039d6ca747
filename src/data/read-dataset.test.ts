import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readDataset, rowFiles } from "./read-dataset.ts";
import type { DataRow } from "./row.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dataset-"));
});
afterAll(() => rm(folder, { recursive: true }));

const good: DataRow = {
  id: "a",
  video: "videos/a.mp4",
  question: "What colour is the circle at 00:03?",
  options: [
    { letter: "A", text: "red" },
    { letter: "B", text: "blue" },
  ],
  answer: "B",
  answerType: "choice",
  category: "colour-at",
  momentary: true,
  reasoning: "At 00:03 a blue circle is on screen. The answer is (B) blue.",
  temporal_grounding: { "00:01": "A blue circle appears.", "00:01-00:08": "A blue circle is on screen." },
  durationSeconds: 8,
  split: "train",
  seed: 0,
};
const open: DataRow = { ...good, options: [], answerType: "text", answer: "blue" };

async function read(...lines: unknown[]): Promise<DataRow[]> {
  const path = join(folder, "rows.jsonl");
  await writeFile(
    path,
    lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"),
  );
  return readDataset(path);
}

it("reads rows in order and skips empty lines", async () => {
  expect(await read(good, "", { ...open, id: "b" }, "")).toEqual([good, { ...open, id: "b" }]);
});

it("finds files beside the data set", () => {
  const row = { ...good, subtitles: "videos/a.srt" };
  expect(rowFiles("/data/train.jsonl", row)).toEqual({
    video: "/data/videos/a.mp4",
    subtitles: "/data/videos/a.srt",
  });
  expect(rowFiles("/data/train.jsonl", good)).toEqual({ video: "/data/videos/a.mp4" });
});

it.each([
  ["what is not JSON", '{"id": ', 'rows.jsonl:3: must be one JSON value, got "{\\"id\\": "'],
  ["a missing field", { ...good, id: "b", question: undefined }, "rows.jsonl:3: question: "],
  ["a wrong type", { ...good, id: "b", momentary: "yes" }, "rows.jsonl:3: momentary: "],
  ["an unknown split", { ...good, id: "b", split: "test" }, "rows.jsonl:3: split: "],
  [
    "a letter that no option has",
    { ...good, id: "b", answer: "C" },
    'answer: must be the letter of an option, got "C"',
  ],
  [
    "a choice without options",
    { ...good, id: "b", options: [] },
    "options: must be at least 2 for a choice, got 0",
  ],
  [
    "two options of one letter",
    { ...good, id: "b", options: [good.options[1], good.options[1]] },
    "options: must have different letters",
  ],
  [
    "options of an open question",
    { ...open, id: "b", options: good.options },
    "options: must be empty for type text, got 2",
  ],
  [
    "a number that is none",
    { ...open, id: "b", answerType: "number" },
    'answer: must be a number, got "blue"',
  ],
  [
    "a time that is none",
    { ...open, id: "b", answerType: "time", answer: "3" },
    'answer: must be a time MM:SS, got "3"',
  ],
  [
    "a wrong time in the grounding",
    { ...good, id: "b", temporal_grounding: { "1:75": "A circle appears." } },
    "temporal_grounding.1:75: ",
  ],
  ["a duration of 0", { ...good, id: "b", durationSeconds: 0 }, "durationSeconds: "],
  ["an id that comes twice", good, "rows.jsonl:3: id: must be unique in the file, got a again"],
])("names line and field of %s", async (_what, line, message) => {
  await expect(read(good, "", line)).rejects.toThrow(message);
});

it("says how to make a data set where there is none", async () => {
  await expect(readDataset(join(folder, "missing.jsonl"))).rejects.toMatchObject({
    code: "dataset-missing",
    hint: expect.stringContaining("video-r2 data synth"),
  });
  await expect(readDataset(folder)).rejects.toThrow("(a folder)");
});
