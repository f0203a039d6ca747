import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allOf } from "../testing/all-of.ts";
import { questionSources } from "./import-questions.ts";
import type { SourceEntry } from "./source-question.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sources-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(
  from: string,
  file: string,
  content: unknown,
  more: { map?: Record<string, string>; videoMap?: unknown; beside?: [string, unknown] } = {},
): Promise<SourceEntry[]> {
  const put = async (name: string, value: unknown) => {
    const path = join(folder, name);
    await writeFile(path, typeof value === "string" ? value : JSON.stringify(value));
    return path;
  };
  if (more.beside) await put(...more.beside);
  const videoMap = more.videoMap === undefined ? null : await put("map.json", more.videoMap);
  const source = questionSources.find(({ name }) => name === from);
  if (source === undefined) throw new Error(from);
  return allOf(source.read(await put(file, content), { map: more.map ?? {}, videoMap }));
}

const questions = (entries: SourceEntry[]) =>
  entries.map((entry) => ("question" in entry ? entry.question : entry.problem));

describe("LLaVA-Video-178K", () => {
  const row = (id: string, ...turns: string[]) => ({
    id,
    data_source: "0_30_s_example",
    video: `example/${id}.mp4`,
    conversations: turns.map((value, i) => ({ from: i % 2 === 0 ? "human" : "gpt", value })),
  });

  it("reads options with letters, and leaves out what tells how to answer", async () => {
    const asked =
      "<image>\nWhat is on the table?\nA. a cup\nB. a bowl: blue\nC. a plate\nSay one letter only.";
    const [first, again] = await read("llava-video", "a.json", [
      row("k", asked, "B."),
      row("k", asked, "C. a plate"),
    ]);
    expect(first).toEqual({
      place: expect.stringMatching(/a\.json:1$/),
      question: {
        sourceId: "0_30_s_example/k/1",
        videos: ["example/k.mp4", "0_30_s_example/example/k.mp4"],
        question: "What is on the table?",
        options: [
          { letter: "A", text: "a cup" },
          { letter: "B", text: "a bowl: blue" },
          { letter: "C", text: "a plate" },
        ],
        answer: "B",
        answerType: "choice",
        category: "0_30_s_example",
        licence: expect.any(String),
      },
    });
    expect(again).toMatchObject({ question: { sourceId: "0_30_s_example/k/2", answer: "C" } });
  });

  it("takes each pair of turns as a question, open ones by the form of their answer", async () => {
    const entries = await read("llava-video", "b.json", [
      row("m", "<image>\nHow many cups?\nAnswer with one word.", "3", "And where?", "On the table."),
    ]);
    expect(questions(entries)).toMatchObject([
      { sourceId: "0_30_s_example/m/1/1", question: "How many cups?", answer: "3", answerType: "number" },
      {
        sourceId: "0_30_s_example/m/1/2",
        question: "And where?",
        answer: "On the table.",
        answerType: "text",
      },
    ]);
  });

  it("sets aside an answer that is no option, and refuses what has no conversations", async () => {
    const [entry] = await read("llava-video", "c.json", [row("n", "<image>\nWhich?\nA. x\nB. y", "neither")]);
    expect(entry).toMatchObject({ problem: 'answer: must be one of the options, got "neither"' });
    await expect(read("llava-video", "d.json", [{ id: "n", video: "x" }])).rejects.toMatchObject({
      code: "source-invalid",
      message: expect.stringMatching(/d\.json:1: conversations: must be a list/),
    });
  });
});

describe("NeXT-QA", () => {
  const head = "video,frame_count,width,height,question,answer,qid,type";

  it("reads multiple choice, the path of the video from the map", async () => {
    const csv = `${head},a0,a1,a2,a3,a4\n77,90,640,480,"why, then",3,2,CW,sit,run,eat,wave,sleep\n`;
    const [entry] = await read("nextqa", "a.csv", csv, { videoMap: { "77": "0012/77" } });
    expect(entry).toMatchObject({
      question: {
        sourceId: "77/2",
        videos: ["0012/77.mp4", "77.mp4", "77"],
        question: "why, then",
        answer: "D",
        category: "causal-why",
        options: [
          { text: "sit" },
          { text: "run" },
          { text: "eat" },
          { letter: "D", text: "wave" },
          { text: "sleep" },
        ],
      },
    });
  });

  it("reads open-ended files, and sets aside a place that no option has", async () => {
    const [open] = await read("nextqa", "b.csv", `${head}\n78,90,640,480,how many,two dogs,0,DC\n`);
    expect(open).toMatchObject({
      question: { options: [], answer: "two dogs", category: "descriptive-count" },
    });
    const [bad] = await read("nextqa", "c.csv", `${head},a0,a1,a2,a3,a4\n77,90,6,4,why,5,2,CW,a,b,c,d,e\n`);
    expect(bad).toMatchObject({ sourceId: "77/2", problem: 'answer: must be a place from 0 to 4, got "5"' });
  });

  it("names file, line and field of another table", async () => {
    await expect(read("nextqa", "d.csv", "video,question\n1,why\n")).rejects.toMatchObject({
      message: expect.stringMatching(/d\.csv:2: must have the field qid, got the fields video, question/),
      hint: expect.stringContaining("--from csv"),
    });
    await expect(read("nextqa", "e.csv", `${head}\n`, { videoMap: [1] })).rejects.toThrow(
      "must be a JSON object of video ids to paths",
    );
  });
});

describe("ActivityNet-QA", () => {
  it("joins answers to questions, numbers as numbers", async () => {
    const asked = [
      { video_name: "aBc", question: "is it raining", question_id: "v_aBc_1" },
      { video_name: "aBc", question: "how many boats", question_id: "v_aBc_2" },
      { video_name: "dEf", question: "what next", question_id: "v_dEf_1" },
    ];
    const answers = [
      { answer: "four", type: 7, question_id: "v_aBc_2" },
      { answer: "no", type: 3, question_id: "v_aBc_1" },
    ];
    const entries = await read("activitynet-qa", "x_q.json", asked, { beside: ["x_a.json", answers] });
    expect(questions(entries)).toEqual([
      expect.objectContaining({
        sourceId: "v_aBc_1",
        videos: ["aBc.mp4", "aBc.mkv", "aBc.webm", "v_aBc.mp4", "v_aBc.mkv", "v_aBc.webm"],
        answer: "no",
        answerType: "text",
        category: "yes-no",
      }),
      expect.objectContaining({ answer: "4", answerType: "number", category: "number" }),
      expect.stringMatching(/^answer: must be in .*x_a\.json, got none/),
    ]);
  });

  it("says which file to give", async () => {
    await expect(read("activitynet-qa", "y.json", [])).rejects.toThrow(
      "must be a file of questions whose name ends in _q.json",
    );
    await expect(read("activitynet-qa", "z_q.json", [])).rejects.toMatchObject({ code: "source-missing" });
  });
});

describe("Perception Test", () => {
  it("reads the questions of every video", async () => {
    const entries = await read("perception-test", "mc.json", {
      video_1: {
        metadata: { video_id: "video_1", split: "train" },
        mc_question: [
          {
            id: 0,
            question: "Where is the coin?",
            options: ["left", "right", "gone"],
            answer_id: 2,
            area: "memory",
            reasoning: "descriptive",
            tag: ["place"],
          },
          { id: 1, question: "What next?", options: ["x", "y", "z"] },
        ],
      },
      video_2: { metadata: {} },
    });
    expect(questions(entries)).toEqual([
      expect.objectContaining({
        sourceId: "video_1/0",
        videos: ["video_1.mp4"],
        answer: "C",
        category: "memory-descriptive",
        more: { tags: ["place"] },
      }),
      "answer_id: must be there, got none, as in the test split",
    ]);
  });

  it("refuses a file without questions", async () => {
    await expect(read("perception-test", "no.json", { video_1: {} })).rejects.toThrow(
      "must hold videos with mc_question",
    );
    await expect(read("perception-test", "bad.json", "[1")).rejects.toMatchObject({ code: "source-invalid" });
  });
});

describe("CLEVRER", () => {
  const choice = (id: number, text: string, right?: boolean) => ({
    choice_id: id,
    choice: text,
    ...(right === undefined ? {} : { answer: right ? "correct" : "wrong" }),
  });
  const scene = (...list: object[]) => [
    { scene_index: 7, video_filename: "video_00007.mp4", questions: list },
  ];

  it("reads words and numbers", async () => {
    const entries = await read(
      "clevrer",
      "a.json",
      scene(
        {
          question_id: 0,
          question: "Which colour is the still thing?",
          question_type: "descriptive",
          question_subtype: "query_color",
          answer: "grey",
        },
        { question_id: 1, question: "How many things move?", question_type: "descriptive", answer: "2" },
      ),
    );
    expect(questions(entries)).toMatchObject([
      {
        sourceId: "7/0",
        videos: ["video_00007.mp4"],
        answer: "grey",
        answerType: "text",
        category: "descriptive",
        more: { subtype: "query_color" },
      },
      { sourceId: "7/1", answer: "2", answerType: "number" },
    ]);
  });

  it("makes one question of each right choice, beside all wrong ones", async () => {
    const entries = await read(
      "clevrer",
      "b.json",
      scene({
        question_id: 4,
        question: "What caused the bump?",
        question_type: "explanatory",
        choices: [
          choice(0, "the cube came in", true),
          choice(1, "the ball left", false),
          choice(2, "the push", true),
        ],
      }),
    );
    expect(questions(entries)).toMatchObject([
      { sourceId: "7/4/0", answer: "A", options: [{ text: "the cube came in" }, { text: "the ball left" }] },
      { sourceId: "7/4/2", answer: "B", options: [{ text: "the ball left" }, { text: "the push" }] },
    ]);
  });

  it("keeps the name of a question with one right choice, and sets aside others", async () => {
    const asked = { question: "What then?", question_type: "predictive" };
    const entries = await read(
      "clevrer",
      "c.json",
      scene(
        { question_id: 1, ...asked, choices: [choice(0, "a", false), choice(1, "b", true)] },
        { question_id: 2, ...asked, choices: [choice(0, "a", false), choice(1, "b", false)] },
        { question_id: 3, ...asked, choices: [choice(0, "a", true), choice(1, "b", true)] },
        { question_id: 4, ...asked, choices: [choice(0, "a"), choice(1, "b")] },
        { question_id: 5, ...asked },
      ),
    );
    expect(questions(entries)).toEqual([
      expect.objectContaining({ sourceId: "7/1", answer: "B" }),
      "choices: must hold right and wrong ones, got none is right",
      "choices: must hold right and wrong ones, got all are right",
      "choices: must say what is correct, got none, as in the test split",
      "answer: must be there, got none, as in the test split",
    ]);
  });
});

describe("plain tables", () => {
  it("reads usual names, and keeps what it does not know", async () => {
    const [entry] = await read("jsonl", "a.jsonl", {
      id: 5,
      video: "k.mp4",
      question: "Which?",
      options: ["A. one", "B. two"],
      answer: "two",
      weather: "rain",
    });
    expect(entry).toEqual({
      place: expect.stringMatching(/a\.jsonl:1$/),
      question: {
        sourceId: "5",
        videos: ["k.mp4"],
        question: "Which?",
        options: [
          { letter: "A", text: "one" },
          { letter: "B", text: "two" },
        ],
        answer: "B",
        answerType: "choice",
        category: "question",
        more: { weather: "rain" },
      },
    });
  });

  it("reads CSV by --map, with options as columns and the answer by its place", async () => {
    const map = { video: "clip", question: "prompt", answerIndex: "gold" };
    const text = "clip,prompt,a0,a1,gold,passRate\nx/y,What is it?,dog,cat,1,0.25\nx/z,How many?,,,,\n";
    const entries = await read("csv", "b.csv", text, { map });
    expect(questions(entries)).toMatchObject([
      {
        sourceId: "1",
        videos: ["x/y", "x/y.mp4"],
        answer: "B",
        options: [{ text: "dog" }, { text: "cat" }],
        more: { passRate: 0.25 },
      },
      expect.stringContaining("answer: must be "),
    ]);
  });

  it("reads times, and the type that a row names", async () => {
    const rows = [
      { video: "a.mp4", question: "When?", answer: "00:12" },
      { video: "a.mp4", question: "Which year is written there?", answer: "1984", answer_type: "text" },
    ];
    expect(questions(await read("jsonl", "c.json", rows))).toMatchObject([
      { answerType: "time" },
      { answerType: "text" },
    ]);
  });

  it("names line and field of what is missing", async () => {
    await expect(read("jsonl", "d.jsonl", { video: "a.mp4", ask: "?" })).rejects.toMatchObject({
      code: "source-invalid",
      message: expect.stringMatching(
        /d\.jsonl:1: must have the field question, got the fields video, ask; name another with --map question=COLUMN/,
      ),
    });
    await expect(read("jsonl", "e.jsonl", "{")).rejects.toMatchObject({ code: "source-invalid" });
    const [none] = await read("jsonl", "f.jsonl", { video: "a.mp4", question: "?" });
    expect(none).toMatchObject({ problem: "answer: must be there, got none" });
  });
});
