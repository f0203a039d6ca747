/** Folders as they come: other editions, parts, caches, wrong fields; and our own world. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type BenchmarkQuestion, findBenchmark } from "./index.ts";
import { tinyBenchmarks, writeBenchmark } from "./testing/write-benchmark.ts";
import { writeParquet } from "./testing/write-parquet.ts";

const root = mkdtempSync(join(tmpdir(), "benchmark-folders-"));
afterAll(() => rmSync(root, { recursive: true }));

const make = () => mkdtempSync(join(root, "data-"));
function put(folder: string, path: string, content: unknown): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), typeof content === "string" ? content : JSON.stringify(content));
}
async function read(name: string, folder: string, options = {}): Promise<BenchmarkQuestion[]> {
  const questions: BenchmarkQuestion[] = [];
  for await (const question of findBenchmark(name).read(folder, options)) questions.push(question);
  return questions;
}
const first = async (name: string, folder: string) => (await read(name, folder))[0] as BenchmarkQuestion;

describe("other editions", () => {
  it("LongVideoBench's own JSON, with candidates", async () => {
    const folder = make();
    put(folder, "lvb_val.json", [
      {
        ...{ id: "x_0", video_id: "x", video_path: "x.mp4", question: "Which?", correct_choice: 2 },
        ...{
          candidates: ["red", "green", "blue"],
          duration_group: 15,
          question_category: "TOS",
          duration: 9.5,
        },
      },
    ]);
    const question = await first("longvideobench", folder);
    expect(question).toMatchObject({ gold: "C", target: "2", durationSeconds: 9.5 });
    expect(question.doc).toMatchObject({ option2: "blue", option3: "N/A", option4: "N/A" });
    expect(question.doc.candidates).toBeUndefined();
  });

  it("MLVU's official files, seven in order", async () => {
    const folder = make();
    const tasks = [
      "1_plotQA",
      "2_needle",
      "3_ego",
      "4_count",
      "5_order",
      "6_anomaly_reco",
      "7_topic_reasoning",
    ];
    for (const task of tasks)
      put(folder, `json/${task}.json`, [
        {
          ...{ video: `${task}.mp4`, duration: 60, question: "Which?", candidates: ["red", "blue"] },
          ...{ answer: "blue", question_type: task === "2_needle" ? "findNeedle" : task.slice(2) },
        },
      ]);
    put(folder, "video/3_ego/3_ego.mp4", "");
    const questions = await read("mlvu", folder);
    expect(questions.map(({ categories }) => categories.task_type)).toEqual(
      tasks.map((task) => task.slice(2)),
    );
    expect(questions[1]).toMatchObject({ id: "mlvu/1", gold: "B", question: "Which?", target: "B" });
    expect(questions[1]?.doc).toMatchObject({ question: "Which?\n(A) red\n(B) blue\n", question_id: "Q1" });
    expect(questions[2]?.videos).toEqual([join(folder, "video/3_ego/3_ego.mp4")]);
  });

  it("MMVU's official file, of which the open questions are left out", async () => {
    const folder = make();
    const row = (i: number, type: string) => ({
      ...{
        id: `v_${i}`,
        question_type: type,
        question: "Which?",
        answer: type === "open-ended" ? "red" : "A",
      },
      video: `https://huggingface.co/datasets/yale-nlp/MMVU/resolve/main/videos/Law/${i}.mp4`,
      choices: { A: "red", B: "blue", C: "a", D: "b", E: "c" },
    });
    put(folder, "validation.json", [
      row(0, "open-ended"),
      row(1, "multiple-choice"),
      row(2, "multiple-choice"),
    ]);
    const questions = await read("mmvu", folder, { limit: 1 });
    expect(questions).toHaveLength(1);
    expect(questions[0]).toMatchObject({
      id: "mmvu/0",
      categories: { subject: "Law", discipline: "Humanities_and_Social_Science" },
      videos: [join(folder, "videos/Law/1.mp4")],
    });
  });

  it("MINERVA's official file", async () => {
    const folder = make();
    put(folder, "minerva.json", [
      {
        ...{
          key: "k",
          video_id: "v",
          question: "Which?",
          answer: "blue",
          answer_id: 1,
          reasoning: "00:01",
          category: "Chess",
        },
        ...Object.fromEntries(["red", "blue", "a", "b", "c"].map((text, i) => [`answer_choice_${i}`, text])),
      },
    ]);
    expect(await first("minerva", folder)).toMatchObject({
      gold: "B",
      optionTexts: expect.arrayContaining(["B. blue"]),
    });
  });
});

describe("places", () => {
  it("a hub cache is entered by the branch", async () => {
    const cache = make();
    writeBenchmark("mvbench", join(cache, "snapshots/abc"));
    put(cache, "snapshots/def/README.md", "");
    put(cache, "refs/video", "abc\n");
    put(cache, "refs/main", "def");
    expect((await first("mvbench", cache)).videos[0]).toBe(
      join(cache, "snapshots/abc", tinyBenchmarks.mvbench?.videos[0] as string),
    );
  });

  it("a video is found under another ending, and a folder of pictures is one", async () => {
    const folder = make();
    writeBenchmark("mvbench", folder);
    const frames = "tvqa/video_fps3_hq_segment/scene";
    put(folder, "json/action_antonym.json", [
      { video: "1.webm", question: "?", candidates: ["a", "b"], answer: "a" },
    ]);
    put(folder, "json/episodic_reasoning.json", [
      { video: "scene", question: "?", candidates: ["a", "b"], answer: "a" },
    ]);
    put(folder, "ssv2_video_mp4/1.mp4", "");
    for (const name of ["10.jpg", "9.jpg", "note.txt"]) put(folder, `${frames}/${name}`, "");
    const questions = await read("mvbench", folder);
    expect(questions[0]?.videos).toEqual([join(folder, "ssv2_video_mp4/1.mp4")]);
    expect(questions.find(({ subset }) => subset === "episodic_reasoning")).toMatchObject({
      videos: [join(folder, frames)],
      picturesPerSecond: 3,
    });
  });

  it("tables of several parts are one; a part that is missing is named", async () => {
    const columns = {
      uuid: "text",
      video_id: "text",
      question: "text",
      options: "texts",
      answer: "text",
    } as const;
    const row = (i: number) => ({
      uuid: `u${i}`,
      video_id: "1",
      question: "?",
      options: ["A. x", "B. y"],
      answer: "A",
    });
    const folder = make();
    const part = (i: number) => join(folder, `mcq/test-0000${i}-of-00002.parquet`);
    writeParquet(part(0), columns, [row(0), row(1), row(2)]);
    await expect(read("tempcompass", folder)).rejects.toThrow(
      `tempcompass: must hold every part of a table, got ${folder} without ${part(1)}`,
    );
    writeParquet(part(1), columns, [row(3)]);
    expect((await read("tempcompass", folder)).map(({ docId, together }) => [docId, together])).toEqual([
      ...[
        [0, "u0"],
        [1, "u1"],
        [2, "u2"],
        [3, "u3"],
      ],
    ]);
    expect(await findBenchmark("tempcompass").inspect(folder)).toEqual([
      { subset: null, files: [part(0), part(1)], rows: 4 },
    ]);
  });
});

describe("what is wrong is said", () => {
  it("a subset that is missing", async () => {
    const folder = make();
    writeBenchmark("video_mmmu", folder);
    rmSync(join(folder, "Adaptation"), { recursive: true });
    await expect(read("video_mmmu", folder)).rejects.toMatchObject({
      code: "benchmark-folder",
      message: expect.stringMatching(
        /must hold a table of each of 3 subsets, of Adaptation Adaptation\/test-\*\.parquet or .*; 1 are missing \(Adaptation\), got .* with Art, Business, Comprehension, Perception, Science/,
      ),
    });
  });

  it("a table without the fields, before any question", async () => {
    const folder = make();
    put(folder, "test.jsonl", '{"question": "?", "options": ["A. x"]}\n');
    await expect(read("videomathqa", folder)).rejects.toMatchObject({
      code: "benchmark-folder",
      message: expect.stringMatching(
        /must have the fields videoID, .*, got question, options, without videoID, /,
      ),
    });
  });

  it("a row with a wrong field", async () => {
    const folder = make();
    const good = { uuid: "u", video_id: "1", question: "?", options: ["A. x", "B. y"], answer: "A" };
    put(folder, "test.jsonl", `${JSON.stringify(good)}\n${JSON.stringify({ ...good, options: "A. x" })}\n`);
    await expect(read("tempcompass", folder)).rejects.toMatchObject({
      code: "benchmark-row",
      message: expect.stringContaining('test.jsonl:2: options: must be a list of texts, got "A. x"'),
    });
  });

  it.each([
    ["data/test-00000-of-00001.parquet", "no parquet", "must be a Parquet file"],
    ["test.json", "{}", "must be a JSON array of rows"],
    ["test.json", "[", "must be a JSON array of rows"],
    ["test.jsonl", "{", "must be one JSON value"],
    ["test.jsonl", "3\n", "must be an object"],
    ["test.json", "[]", "must hold questions"],
    ["test/data-00000-of-00001.arrow", "x", "must be Parquet or JSON, got an Arrow file"],
  ])("%s with %j", async (path, content, message) => {
    const folder = make();
    put(folder, path, content);
    await expect(read("scivideobench", folder)).rejects.toThrow(message);
  });
});

describe("our own world", () => {
  const row = {
    ...{ id: "q1", video: "videos/1.mp4", question: "Which colour?", answer: "B", answerType: "choice" },
    options: [
      { letter: "A", text: "red" },
      { letter: "B", text: "blue" },
    ],
    ...{ category: "colour-at", momentary: true, reasoning: "At 00:02 it is blue.", split: "heldout" },
    ...{ temporal_grounding: { "00:02": "It is blue." }, durationSeconds: 8, seed: 1, level: 2 },
  };

  it("is read, asked as the models of this world are trained, and scored", async () => {
    const folder = make();
    put(folder, "heldout.jsonl", `${JSON.stringify(row)}\n`);
    const world = findBenchmark("synthetic");
    const question = await first("synthetic", folder);
    expect(question).toMatchObject({
      id: "synthetic/q1",
      gold: "B",
      videos: [join(folder, "videos/1.mp4")],
      categories: { category: "colour-at", moment: "one moment", level: "2" },
      durationSeconds: 8,
    });
    expect(await read("synthetic", join(folder, "heldout.jsonl"))).toEqual([question]);
    expect(world.prompt(question)).toBe(
      "Which colour?\n(A) red\n(B) blue\nThink in <think></think>, citing times as MM:SS, then give the letter in <answer></answer>.",
    );
    const scored = { question, score: world.score(question, { text: "<think>x</think><answer>B</answer>" }) };
    expect(world.aggregate([scored])).toMatchObject({
      robust: { value: 100, n: 1 },
      reference: { value: null, unscored: 1 },
    });
  });

  it("says what is missing", async () => {
    const folder = make();
    put(folder, "train.jsonl", "");
    await expect(read("synthetic", folder)).rejects.toMatchObject({
      code: "benchmark-folder",
      message: `synthetic: must be a JSONL file or a folder with heldout.jsonl, got ${folder} with train.jsonl`,
    });
  });
});
