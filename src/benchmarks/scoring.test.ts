/** What outputs are worth, both ways: the released code's test vectors, its oddities, and what we do instead. */

import { describe, expect, it } from "vitest";
import { type BenchmarkQuestion, type BenchmarkScore, findBenchmark, type ScoredQuestion } from "./index.ts";
import { letterOptions } from "./options.ts";

const colours = ["red", "green", "blue", "white"];

const question = (benchmark: string, given: Partial<BenchmarkQuestion> = {}): BenchmarkQuestion => ({
  id: `${benchmark}/0`,
  docId: 0,
  benchmark,
  subset: null,
  categories: {},
  question: "What colour is it?",
  options: letterOptions(colours),
  optionTexts: colours,
  gold: "B",
  type: "choice",
  videos: [],
  picturesPerSecond: 1,
  subtitles: null,
  startSeconds: 0,
  durationSeconds: null,
  together: null,
  target: "B",
  doc: {},
  ...given,
});

const score = (asked: BenchmarkQuestion, text: string | null, more: object = {}): BenchmarkScore =>
  findBenchmark(asked.benchmark).score(asked, { text, ...more });
const answered = (asked: BenchmarkQuestion, answer: string) => score(asked, `<answer>${answer}</answer>`);

const number = (gold: string) =>
  question("vsibench", { options: [], optionTexts: [], type: "number", gold, target: gold });

describe("mean relative accuracy, as lmms-eval, the post-processing and the consistency scripts have it", () => {
  it.each([
    ["4", "4", 1, 1, 1],
    ["3", "4", 0.6, 5 / 9, 0.5],
    ["2", "4", 0.1, 1 / 9, 0.1],
    ["5", "4", 0.6, 5 / 9, 0.5],
    ["3", "5", 0.3, 2 / 9, 0.2],
    ["4", "5", 0.6, 6 / 9, 0.6],
    ["2", "3", 0.4, 3 / 9, 0.4],
    ["95", "100", 1, 1, 0.9],
    ["90", "100", 0.9, 8 / 9, 0.8],
    ["80", "100", 0.6, 6 / 9, 0.6],
    ["65", "100", 0.4, 3 / 9, 0.3],
    ["50", "100", 0.1, 1 / 9, 0.1],
    ["2.5", "2.9", 0.8, 7 / 9, 0.8],
    ["190", "228", 0.7, 6 / 9, 0.7],
  ])("%s for %s", (given, gold, lmms, post, tac) => {
    const { robust, reference, others } = answered(number(gold), given);
    // Means of ten or nine thresholds: equal but for the last digits of doubles.
    expect(robust.score).toBeCloseTo(lmms, 12);
    expect(reference.score).toBeCloseTo(lmms, 12);
    expect(others.mra_post?.score).toBeCloseTo(post, 12);
    expect(others.mra_tac?.score).toBeCloseTo(tac, 12);
    expect(others.post_processing?.score).toBeCloseTo(post, 12);
    expect(others.post_processing_judged).toBeUndefined();
  });

  it.each([
    ["190 cm", 0.7, 0.7],
    ["About 190", 0.7, 0],
    ["two hundred and twenty-eight", 1, 0],
    ["no idea", 0, 0],
  ])("reads %j", (answer, robust, reference) => {
    const found = answered(number("228"), answer);
    expect(found.robust.score).toBeCloseTo(robust, 12);
    expect(found.reference.score).toBeCloseTo(reference, 12);
  });

  it("takes the number that a judge read, in the post-processing only", () => {
    const amount = number("10");
    const judged = (text: string, value: number | null) =>
      score(amount, `<answer>${text}</answer>`, { number: value });
    const found = judged("in 2 rooms, 5 each", 10);
    expect(found.others.post_processing).toMatchObject({ parsed: "2", score: 0 });
    expect(found.others.post_processing_judged).toMatchObject({ parsed: "10", score: 1 });
    expect(found.robust.score).toBe(0);
    // Where the judge finds none, the first number counts, as in the released code.
    expect(judged("10, or so I think", null).others.post_processing_judged).toMatchObject({ score: 1 });
    const scored = (type: string, { others, robust, reference }: BenchmarkScore): ScoredQuestion => ({
      question: { id: type, subset: null, categories: { question_type: type }, together: null },
      score: { robust, reference, others },
    });
    const choice = score(question("vsibench"), "<answer>B</answer>");
    const { others } = findBenchmark("vsibench").aggregate([
      scored("object_counting", found),
      scored("route_planning", choice),
    ]).robust;
    expect(others.post_processing?.value).toBe(50);
    expect(others.post_processing_judged?.value).toBe(100);
  });

  it("has none for a gold number of 0, where lmms-eval fails", () => {
    expect(answered(number("0"), "1").robust).toMatchObject({ score: null, reason: "the gold number is 0" });
    expect(answered(number("0"), "1").reference.score).toBeNull();
  });
});

describe("answers, ours and the released code's", () => {
  it.each([
    ["videomme", "Dogs", 0, "D"],
    ["videomme", "the cat", 0, ""],
    ["videomme", "Best option: C", 0, "B"],
    ["videomathqa", "(B) green", 1, "B"],
    ["minerva", "It is green.", 1, ""],
    ["tempcompass", "Dog", 0, "D"],
    ["mlvu", "the answer (C)", 0, "C"],
    ["mlvu", "because it is red", 0, "because it is red"],
    ["mvbench", "a green ball", 1, "A"],
    ["mvbench", "(C) a green ball", 0, "C"],
    ["scivideobench", "I think B", 1, "I"],
    ["video_mmmu", "C) blue", 0, "No Answer Found."],
    ["vsibench", "(B)", 1, "(B)"],
    ["vsibench", "B. green", 1, "B"],
    ["mmvu", "green", 1, "green"],
    ["longvideobench", "the second option", 1, null],
  ])("%s reads %j", (name, answer, robust, parsed) => {
    const given = {
      target: name === "mvbench" ? "green" : "B",
      categories: { discipline: "Science" },
      doc: { question_type: "multiple-choice" },
    };
    const found = answered(question(name, given), answer);
    expect([answer, found.robust.score]).toEqual([answer, robust]);
    // MVBench's log holds the answer as it is; what the parser makes of it only the verdict has.
    expect(found.reference.parsed).toBe(parsed);
  });

  it("the last answer is ours, the first is theirs", () => {
    const found = score(question("mlvu"), "<answer>A</answer> no: <answer>B</answer>");
    expect([found.robust.score, found.reference.score]).toEqual([1, 0]);
  });

  it("a cut-off output is a miss to us, and a guess to them", () => {
    const found = score(question("videomme"), "<think>Both Boxes are red, Because");
    expect(found.robust).toEqual({ parsed: null, score: 0, reason: "cut off inside the reasoning" });
    expect(found.reference).toMatchObject({ parsed: "B", score: 1 });
  });

  it("tags in any case and left open are read by us only", () => {
    const found = score(question("tempcompass"), "<THINK>x</THINK><Answer>b");
    expect(found.robust.score).toBe(1);
    expect(found.reference.score).toBe(0);
  });

  it("what says nothing is wrong, with the reason", () => {
    expect(answered(question("mlvu"), "").robust).toEqual({
      parsed: null,
      score: 0,
      reason: "the answer is empty",
    });
    expect(answered(question("mlvu"), "A or B").robust.reason).toBe("the answer names no single option");
    expect(answered(number("3"), "many").robust.reason).toBe("the answer holds no number");
  });

  it("empty answers leave the released denominator in MVBench and Video-MMMU only", () => {
    const empty = (name: string) =>
      answered(question(name, { target: "green", doc: { question_type: "multiple-choice" } }), "").reference
        .score;
    expect([empty("mvbench"), empty("video_mmmu"), empty("videomme"), empty("mlvu")]).toEqual([
      null,
      null,
      0,
      0,
    ]);
  });

  it("a draw counts what it expects", () => {
    const lvb = answered(question("longvideobench"), "none of these");
    expect(lvb.reference).toEqual({
      parsed: null,
      score: 1 / 4,
      random: true,
      reason: "no letter was found, and the released code draws one of 4",
    });
    expect(answered(question("scivideobench"), "none of these").reference).toMatchObject({
      parsed: null,
      score: 1 / 10,
      random: true,
    });
    const { reference } = findBenchmark("longvideobench").aggregate([
      { question: question("longvideobench"), score: lvb },
    ]);
    expect(reference).toMatchObject({ value: 25, released: 0.25 });
    expect(reference.notes).toEqual([
      "for 1 outputs the released code draws a letter; counted is what it expects",
    ]);
  });

  it("an answer that is no candidate has no score", () => {
    const asked = question("mvbench", { gold: null, target: "violet" });
    const found = answered(asked, "B");
    expect([found.robust.score, found.reference.score]).toEqual([null, null]);
  });

  it("a subject that the released code does not count is left out of its figure", () => {
    const found = answered(question("mmvu", { categories: { subject: "Alchemy" } }), "B");
    expect([found.robust.score, found.reference.score]).toEqual([1, null]);
  });
});

describe("open questions of Video-MMMU", () => {
  const open = (gold: string, type: BenchmarkQuestion["type"]) =>
    question("video_mmmu", {
      options: [],
      optionTexts: [],
      gold,
      target: gold,
      type,
      doc: { question_type: "open" },
    });

  it.each([
    ["12.97", "number", "12.968", 1, 1],
    ["12.97", "number", "13", 0, 0],
    ["360", "number", "$360", 1, 1],
    ["4", "number", "4.4", 0, 0],
    ["['24/7', '3.429', '3.43]", "text", "24/7", 1, 0],
    ["['24/7', '3.429', '3.43]", "text", "about 3.43 m", 1, 0],
    ["A", "choice", "A", 1, 1],
    ["the moon", "text", "The moon.", 1, 1],
  ] as const)("%j, %s: %j", (gold, type, answer, robust, reference) => {
    const found = answered(open(gold, type), answer);
    expect([found.robust.score, found.reference.score]).toEqual([robust, reference]);
  });

  it("other words want a judge", () => {
    const asked = open("the moon", "text");
    expect(answered(asked, "our moon above").robust.score).toBeNull();
    expect(score(asked, "<answer>our moon above</answer>", { equal: true }).robust.score).toBe(1);
  });

  it("rows without a kind go through the parser of open answers", () => {
    const asked = question("video_mmmu");
    expect(answered(asked, "B").reference.score).toBe(1);
    expect(answered(asked, "B. green").reference.score).toBe(0);
    expect(answered(asked, "B. green").robust.score).toBe(1);
  });
});

describe("what lmms-eval logs", () => {
  const doc = {
    id: "v_1",
    video_id: "v",
    videoID: "y",
    uuid: "u",
    question_id: 7,
    question: "Q?",
    answer: "B",
  };
  it.each([
    [
      "videomme",
      { doc: { ...doc, duration: "short", domain: "d", sub_category: "s", task_type: "t" } },
      {
        videomme_perception_score: {
          question_id: 7,
          duration: "short",
          category: "d",
          sub_category: "s",
          task_category: "t",
          pred_answer: "B",
          answer: "B",
        },
      },
    ],
    ["tempcompass", { doc }, { tempcompass_perception_score: { uuid: "u", pred_answer: "B", answer: "B" } }],
    [
      "mlvu",
      { doc: { ...doc, task_type: "ego" } },
      { mlvu_percetion_score: { question_id: "Q?", task_type: "ego", pred_answer: "B", answer: "B" } },
    ],
    [
      "longvideobench",
      { doc: { ...doc, duration_group: 15, question_category: "TOS" } },
      {
        lvb_acc: { id: "v_1", duration_group: 15, question_category: "TOS", answer: "B", parsed_pred: "B" },
        submission: { v_1: "B" },
      },
    ],
    [
      "videomathqa",
      { doc: { ...doc, length: "long", category: "c" } },
      {
        videomathqa_perception_score: {
          question_id: 7,
          duration: "long",
          category: "c",
          pred_answer: "B",
          answer: "B",
        },
      },
    ],
    [
      "minerva",
      { doc: { ...doc, length: "long", category: "c" } },
      {
        minerva_perception_score: {
          question_id: 7,
          duration: "long",
          category: "c",
          pred_answer: "B",
          answer: "B",
        },
      },
    ],
    ["mvbench", { target: "green" }, { mvbench_accuracy: { pred_answer: "B", gt_answer: "B", score: 1 } }],
    [
      "video_mmmu",
      { doc: { ...doc, question_type: "multiple-choice" }, categories: { subject: "Law" } },
      {
        mmmu_acc: {
          id: "v_1",
          subdomain: "Law",
          question_type: "multiple-choice",
          answer: "B",
          parsed_pred: "B",
        },
      },
    ],
    [
      "mmvu",
      { doc, categories: { subject: "Law", discipline: "x" } },
      { accuracy: { question_id: "v_1", category: "Law", pred_answer: "B", answer: "B", correct: true } },
    ],
    ["vsibench", { doc }, { vsibench_score: { ...doc, prediction: "B", accuracy: 1 } }],
    [
      "scivideobench",
      { doc: { ...doc, question_type: "Conceptual" } },
      {
        scivideobench_acc: {
          id: "v",
          question_type: "Conceptual",
          category: "UNKNOWN",
          pred_answer: "B",
          answer: "B",
          correct: true,
          raw_output: "<answer>B</answer>",
        },
      },
    ],
  ])("%s", (name, given, fields) => {
    expect(answered(question(name, given as Partial<BenchmarkQuestion>), "B").logged.fields).toEqual(fields);
  });

  it("rows as `process_results` leaves them", () => {
    expect(answered(question("minerva", { doc: { length: "long" } }), "B").logged.doc).toEqual({
      length: "long",
      duration: "long",
    });
    expect(answered({ ...number("4"), doc: { id: 1 } }, "4").logged.doc).toEqual({
      id: 1,
      prediction: "4",
      "MRA:.5:.95:.05": 1,
    });
  });
});

describe("aggregates", () => {
  const scored = (
    name: string,
    categories: Record<string, string>,
    answer: string,
    more: Partial<BenchmarkQuestion> = {},
  ): ScoredQuestion => {
    const asked = question(name, { categories, ...more });
    return { question: asked, score: answered(asked, answer) };
  };

  it("MVBench: the mean of sub-tasks, whatever their sizes", () => {
    const of = (subset: string, answer: string) =>
      scored("mvbench", { sub_task: subset }, answer, { subset, target: "green" });
    const result = findBenchmark("mvbench").aggregate([
      ...[of("action_count", "B"), of("action_count", "B"), of("action_count", "A"), of("action_count", "")],
      of("moving_count", "A"),
    ]);
    expect(result.robust).toMatchObject({
      value: 25,
      n: 5,
      definition: "mean of 2 sub-tasks",
      notes: ["2 of 20 sub-tasks have questions"],
    });
    // The empty answer leaves the denominator.
    expect(result.reference.value).toBeCloseTo(100 / 3, 12);
    expect(result.reference).toMatchObject({ n: 4, unscored: 1, reasons: { "the answer is empty": 1 } });
    expect(result.reference.released).toEqual({
      action_count: expect.closeTo(200 / 3, 10),
      moving_count: 0,
    });
  });

  it("MLVU: the mean of task types; an absent one is 0 to the released code", () => {
    const of = (task: string, answer: string) => scored("mlvu", { task_type: task }, answer);
    const result = findBenchmark("mlvu").aggregate([
      of("ego", "B"),
      of("ego", "B"),
      of("count", "A"),
      of("song", "B"),
    ]);
    expect(result.robust.value).toBeCloseTo(200 / 3, 12);
    expect(result.robust.others.mean_of_questions).toMatchObject({ value: 75, n: 4 });
    expect(result.reference.value).toBeCloseTo(100 / 7, 12);
    expect(result.reference.notes).toContain(
      "the released code stops at the task_type song, which it does not know",
    );
  });

  it("VSI-Bench: eight values, relative direction as one; ten in the post-processing", () => {
    const choice = (type: string, answer: string) =>
      scored("vsibench", { question_type: type }, answer, {
        options: letterOptions(colours),
        optionTexts: colours.map((text, i) => `${"ABCD"[i]}. ${text}`),
      });
    const amount = (type: string, answer: string) =>
      scored("vsibench", { question_type: type }, answer, {
        ...{ options: [], optionTexts: [], type: "number", gold: "4", target: "4" },
      });
    const result = findBenchmark("vsibench").aggregate([
      choice("object_rel_direction_easy", "B"),
      choice("object_rel_direction_medium", "A"),
      choice("object_rel_direction_hard", "A"),
      choice("object_rel_distance", "B"),
      choice("route_planning", "A"),
      choice("obj_appearance_order", "B"),
      amount("object_abs_distance", "4"),
      amount("object_counting", "3"),
      amount("object_size_estimation", "2"),
      amount("room_size_estimation", "no idea"),
    ]);
    const eight = (100 * (1 / 3 + 1 + 0 + 1 + 1 + 0.6 + 0.1 + 0)) / 8;
    expect(result.robust.value).toBeCloseTo(eight, 10);
    expect(result.reference.value).toBeCloseTo(eight, 10);
    expect(result.reference.released).toMatchObject({
      object_rel_direction_accuracy: expect.closeTo(1 / 3, 10),
      "object_counting_MRA:.5:.95:.05": expect.closeTo(0.6, 10),
      overall: expect.closeTo(eight / 100, 10),
    });
    expect(result.robust.others.mean_of_10_types?.value).toBeCloseTo(
      (100 * (1 + 0 + 0 + 1 + 0 + 1 + 1 + 0.6 + 0.1 + 0)) / 10,
      10,
    );
    expect(result.robust.others.mra_post?.value).toBeCloseTo(
      (100 * (1 / 3 + 1 + 0 + 1 + 1 + 5 / 9 + 1 / 9 + 0)) / 8,
      10,
    );
    expect(result.robust.others.mra_tac?.value).toBeCloseTo(
      (100 * (1 / 3 + 1 + 0 + 1 + 1 + 0.5 + 0.1 + 0)) / 8,
      10,
    );
    expect(result.robust.others.post_processing?.value).toBeCloseTo(
      (100 * (1 + 0 + 0 + 1 + 0 + 1 + 1 + 5 / 9 + 1 / 9 + 0)) / 10,
      10,
    );
  });

  it("VSI-Bench: the released code needs all three types of relative direction", () => {
    const result = findBenchmark("vsibench").aggregate([
      scored("vsibench", { question_type: "route_planning" }, "B"),
    ]);
    expect(result.robust.value).toBe(100);
    expect(result.reference.released).toBeNull();
    expect(result.reference.notes.join()).toContain("stops where one of the three types");
  });

  it("Video-MMMU: the mean of three tracks", () => {
    const of = (subset: string, answer: string) =>
      scored("video_mmmu", { track: subset }, answer, { subset, doc: { question_type: "multiple-choice" } });
    const result = findBenchmark("video_mmmu").aggregate([
      ...[of("Perception", "B"), of("Perception", "A"), of("Perception", "")],
      ...[of("Comprehension", "B"), of("Adaptation", "A")],
    ]);
    expect(result.robust.value).toBeCloseTo((100 * (1 / 3 + 1 + 0)) / 3, 12);
    expect(result.reference.value).toBeCloseTo((100 * (1 / 2 + 1 + 0)) / 3, 12);
    expect(result.reference.released).toEqual({ Perception: 0.5, Comprehension: 1, Adaptation: 0 });
  });

  it("LongVideoBench is rounded as released, by group in percent", () => {
    const of = (group: string, answer: string) => scored("longvideobench", { duration_group: group }, answer);
    const result = findBenchmark("longvideobench").aggregate([of("15", "B"), of("15", "A"), of("60", "B")]);
    expect(result.robust.value).toBeCloseTo(200 / 3, 12);
    expect(result.reference.released).toBe(0.66667);
    expect(result.robust.groups.duration_group).toMatchObject({
      15: { value: 50, n: 2 },
      60: { value: 100 },
    });
  });

  it("SciVideoBench is printed with two decimals, by kind and category", () => {
    const of = (type: string, answer: string) => scored("scivideobench", { question_type: type }, answer);
    const { reference } = findBenchmark("scivideobench").aggregate([
      of("Conceptual", "B"),
      of("Conceptual", "A"),
      of("Quantitative", "A"),
    ]);
    expect(reference.released).toEqual({
      overall_acc: 33.33,
      by_question_type: { Conceptual: { num: 2, acc: 50 }, Quantitative: { num: 1, acc: 0 } },
      by_category: { UNKNOWN: { num: 3, acc: 33.33 } },
    });
  });

  it("questions that belong together count as a whole beside the mean", () => {
    const of = (together: string, answer: string) => scored("videomathqa", {}, answer, { together });
    const result = findBenchmark("videomathqa").aggregate([
      of("1", "B"),
      of("1", "A"),
      of("2", "B"),
      of("2", "B"),
    ]);
    expect(result.robust).toMatchObject({
      value: 75,
      others: { all_right_by_question_id: { value: 50, n: 2 } },
    });
  });
});
