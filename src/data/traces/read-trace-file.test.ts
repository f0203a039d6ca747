import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { sha256 } from "../../base/index.ts";
import { openJoin } from "./join.ts";
import { readTraceFile } from "./read-trace-file.ts";
import type { TraceRow } from "./trace-row.ts";

const folder = mkdtempSync(join(tmpdir(), "traces-"));
afterAll(() => rmSync(folder, { recursive: true }));

function put(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function read(path: string): Promise<TraceRow[]> {
  const rows: TraceRow[] = [];
  for await (const row of readTraceFile(path)) rows.push(row);
  return rows;
}

const jsonl = (...rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const one = async (row: unknown, name = "rows.jsonl") => (await read(put(name, jsonl(row))))[0] as TraceRow;

const prompt =
  "What does the cook do last?\nA. salts the soup\nB. closes the lid\nC. leaves\nAnswer with the option's letter.\n";

describe("lmms-eval", () => {
  const name = "20260102_030405_samples_longvideobench_val_v_think.jsonl";
  const options = [
    { letter: "A", text: "salts the soup" },
    { letter: "B", text: "closes the lid" },
    { letter: "C", text: "leaves" },
  ];

  it("with the data set's row", async () => {
    const row = await one(
      {
        doc_id: 7,
        doc: {
          question_id: "q7",
          videoID: "v7",
          question: "Last?",
          options: ["A. red", "B. blue"],
          answer: "B",
          duration: "short",
          task_type: "Counting",
        },
        target: "B",
        arguments: { "0": "until" },
        resps: [["<think>x</think><answer>A</answer>"]],
        filtered_resps: ["<think>x</think><answer>A</answer>"],
        prompt_hash: "ab",
        videomme_perception_score: { question_id: "q7", pred_answer: "A", answer: "B" },
        input: "Last?\nA. red\nB. blue",
      },
      "20260102_samples_videomme_think.jsonl",
    );
    expect(row).toMatchObject({
      id: "7",
      docId: "7",
      benchmark: "videomme",
      category: "Counting",
      video: "v7",
      question: "Last?",
      options: [
        { letter: "A", text: "red" },
        { letter: "B", text: "blue" },
      ],
      type: "choice",
      gold: "B",
      output: "<think>x</think><answer>A</answer>",
      logged: { answer: "A", score: 0 },
      durationSeconds: null,
    });
  });

  it("without it: options and question from the prompt, the letter from the scorer's record", async () => {
    const row = await one(
      {
        doc_id: 0,
        target: "1",
        filtered_resps: ["B."],
        doc_hash: sha256("null"),
        prompt_hash: sha256(prompt),
        lvb_acc: { id: "vid", duration_group: 600, question_category: "TOS", answer: "B", parsed_pred: "B" },
        submission: { vid: "B." },
        input: prompt,
      },
      name,
    );
    expect(row).toMatchObject({
      benchmark: "longvideobench",
      video: "vid",
      question: "What does the cook do last?",
      options,
      gold: "B",
      output: "B.",
      logged: { answer: "B", score: 1 },
    });
  });

  it("of today: a bare text, and the answer as an index", async () => {
    const row = await one(
      { doc_id: 3, target: "2", filtered_resps: "C", input: prompt, token_counts: [{ output: 1 }] },
      name,
    );
    expect(row).toMatchObject({ id: "3", options, gold: "C", output: "C", logged: null });
  });

  it("knows MVBench's sub-task and turns its answer text into a letter", async () => {
    const row = await one(
      {
        doc_id: 1,
        doc: {
          video: "1.mp4",
          question: "Which?",
          candidates: ["a red ball", "a blue box"],
          answer: "a blue box",
        },
        target: "a blue box",
        filtered_resps: ["(B) a blue box"],
        mvbench_accuracy: { pred_answer: "(B) a blue box", gt_answer: "B", score: 1 },
        input: "Question:Which?\nOption:\n(A) a red ball\n(B) a blue box\n",
      },
      "m_20251128_samples_mvbench_action_antonym_think.jsonl",
    );
    expect(row).toMatchObject({
      benchmark: "mvbench",
      category: "action_antonym",
      gold: "B",
      logged: { score: 1 },
    });
  });
});

describe("other logs", () => {
  it("Video-R1's results, in an object that also holds figures", async () => {
    const row = {
      problem_id: 4,
      problem: "How many chairs?",
      problem_type: "numerical",
      options: null,
      solution: "<answer>4</answer>",
      output: "<think>Two.</think>\n<answer>2</answer>",
      prediction: "2",
      reward: 0,
      correct: false,
      path: "./a/b.mp4",
    };
    const path = put(
      "eval_vsibench_output.json",
      JSON.stringify({ results: [row, row], final_acc: [{ mean_acc: 0 }] }, null, 1),
    );
    const rows = await read(path);
    expect(rows).toHaveLength(2);
    expect(rows[1]).toMatchObject({
      id: "4",
      line: 15,
      benchmark: "vsibench",
      type: "number",
      gold: "4",
      video: "./a/b.mp4",
      logged: { answer: "2", score: 0 },
    });
    expect(await read(put("minified.json", JSON.stringify({ results: [row] })))).toHaveLength(1);
  });

  it("does not take the answers of an annotation file for outputs", async () => {
    const path = put(
      "annotations.jsonl",
      jsonl({ question: "Which?", options: ["A. x", "B. y"], answer: "y", solution: "<answer>B</answer>" }),
    );
    await expect(read(path)).rejects.toThrow(
      /annotations\.jsonl:1: must hold the model's output .* found the fields question, options, answer, solution/,
    );
  });

  it.each([
    [
      { q: 1, gold: "A", answer: "<think>x</think>", choices: { A: "x", B: "y" } },
      { output: "<think>x</think>", gold: "A" },
    ],
    [
      { output: "3", question: "?", answer: "3,000" },
      { type: "number", gold: "3,000" },
    ],
    [{ output: "3", question: "?", answer: "00:41" }, { type: "time" }],
    [{ output: "3", question: "?", answer: "a dog" }, { type: "text" }],
    [{ output: null, question: "?", answer: "a dog" }, { output: null }],
    [
      {
        response: {
          choices: [{ message: { content: "B", reasoning_content: "So B." }, finish_reason: "length" }],
        },
        answer: "B",
      },
      { output: "<think>So B.</think>\nB", finishReason: "length" },
    ],
    [
      {
        messages: [
          { role: "user", content: prompt },
          { role: "assistant", content: "A" },
        ],
      },
      { output: "A", gold: null, type: "choice" },
    ],
    [
      { output: "x", temporal_grounding: '{"00:04-00:06": "a dog jumps", "soon": "x"}' },
      { references: [{ startSeconds: 4, endSeconds: 6, text: "a dog jumps" }] },
    ],
    [
      {
        output: "x",
        references: [
          { start: "0:09", end: 10.5, text: "b" },
          { time: 3, text: "a" },
        ],
      },
      {
        references: [
          { startSeconds: 3, endSeconds: 3, text: "a" },
          { startSeconds: 9, endSeconds: 10.5, text: "b" },
        ],
      },
    ],
    [
      { output: "x", question: "Which?\n(A) red\n(B) blue\n", answer: "b" },
      { question: "Which?", gold: "B" },
    ],
    [{ output: "x", option0: "red", option1: "blue", option2: "N/A", correct_choice: 1 }, { gold: "B" }],
    [{ output: "x", duration: "01:30" }, { durationSeconds: 90 }],
  ])("%j", async (given, expected) => {
    expect(await one(given)).toMatchObject(expected);
  });

  it("gives every sampled output a row", async () => {
    const rows = await read(put("sampled.jsonl", jsonl({ id: "a", outputs: ["A", "B"] })));
    expect(rows.map(({ id, output }) => [id, output])).toEqual([
      ["a#1", "A"],
      ["a#2", "B"],
    ]);
  });

  it("reads gzip, a byte order mark, NaN, and blank lines", async () => {
    expect(await read(put("a.jsonl.gz", gzipSync(jsonl({ id: "a", output: "x" }))))).toHaveLength(1);
    expect(
      await read(put("bom.jsonl", `\uFEFF{"output": "NaN", "score": NaN}\n\n{"output": "y"}`)),
    ).toHaveLength(2);
  });
});

describe("what cannot be read", () => {
  it.each([
    ["cut.jsonl", `${jsonl({ output: "x" })}{"output": "y`, /cut\.jsonl:2: must be one JSON value/],
    ["cut.json", `[{"output": "x"},\n {"output": "y`, /ended inside a value/],
    ["groups.json", `{"a": [1],\n "b": [2]}`, /only the fields a, b/],
    ["numbers.jsonl", "3\n", /numbers\.jsonl:1: a row: must be an object, found the number 3/],
    ["broken.gz", "no gzip", /must be a readable file of gzip/],
  ])("%s", async (name, content, message) => {
    await expect(read(put(name, content))).rejects.toThrow(message);
  });

  it("is nothing in an empty file", async () => {
    expect(await read(put("empty.jsonl", ""))).toEqual([]);
  });
});

it("finds every element whatever the text in it, and its line", async () => {
  const value = fc.dictionary(fc.string(), fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(fc.array(value), async (values) => {
      const rows = values.map((item) => ({ item, output: JSON.stringify(item) }));
      const found = await read(put("property.json", JSON.stringify(rows, null, 2)));
      expect(found.map(({ output }) => output)).toEqual(rows.map(({ output }) => output));
    }),
    { numRuns: 50 },
  );
});

describe("joins", () => {
  it("annotations by position and by id, references by video", async () => {
    const annotations = put(
      "split.json",
      JSON.stringify([
        { question: "What does the cook do first?", candidates: ["x", "y"], correct_choice: 0 },
        { question: "What does the cook do last?", candidates: ["x", "y"], correct_choice: 1 },
      ]),
    );
    const references = put(
      "refs.jsonl",
      jsonl({ video: "clips/v.mp4", temporal_grounding: { "00:01": "a pan" } }),
    );
    const join = await openJoin({ annotations, references });
    const row = await one({
      doc_id: 1,
      filtered_resps: "y",
      video: "v.webm",
      input: prompt,
      target: "z",
      doc: { video: "v.webm" },
    });
    expect(join(row)).toMatchObject({
      gold: "B",
      options: [
        { letter: "A", text: "x" },
        { letter: "B", text: "y" },
      ],
      references: [{ startSeconds: 1, endSeconds: 1, text: "a pan" }],
    });
    expect(join.used).toEqual({ annotations: 1, references: 1 });
    expect(() => join({ ...row, docId: "0" })).toThrow(
      /split\.json:1: must be the question of .*rows\.jsonl:1/,
    );
  });
});

describe.skipIf(!existsSync("../shared/real"))("real logs", () => {
  it.each([
    ["lmms_eval_samples/20260110_223334_samples_longvideobench_val_v.head.jsonl", 4],
    ["traces/videorft_videommmu_greedy.jsonl", 39],
    ["traces/vsibench_4d_llm_think.json", 19],
    ["traces/video_toc_sft_locate.jsonl", 20],
    ["videomme/predictions_official_output_format.json", 21],
  ])("%s", async (name, count) => {
    const rows = await read(join("../shared/real", name));
    expect(rows).toHaveLength(count);
    for (const row of rows) expect(row.promptHash).toBe(row.promptHash && sha256(row.prompt ?? ""));
  });
});
