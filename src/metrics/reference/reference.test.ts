import { describe, expect, it } from "vitest";
import {
  anchoredLetter,
  extractAnswer,
  firstCapital,
  mmmuChoice,
  mvBenchLetter,
  parsePythonJson,
  pythonFloat,
  pythonInt,
  pythonRound,
  pythonStrip,
  relativeAccuracy,
  sciVideoLetterOrDraw,
  scoreAsReference,
  summarizeTac,
  tacDatasetName,
  tacRunSummary,
} from "../index.ts";
import { porterStem } from "./porter-stemmer.ts";
import { pattern } from "./python.ts";

describe("mean relative accuracy, in three ways", () => {
  it.each([
    [4, 4, 1, 1, 1],
    [3, 4, 0.6, 5 / 9, 0.5],
    [2, 4, 0.1, 1 / 9, 0.1],
    [5, 4, 0.6, 5 / 9, 0.5],
    [3, 5, 0.3, 2 / 9, 0.2],
    [4, 5, 0.6, 6 / 9, 0.6],
    [2, 3, 0.4, 3 / 9, 0.4],
    [95, 100, 1, 1, 0.9],
    [90, 100, 0.9, 8 / 9, 0.8],
    [80, 100, 0.6, 6 / 9, 0.6],
    [65, 100, 0.4, 3 / 9, 0.3],
    [50, 100, 0.1, 1 / 9, 0.1],
    [2.5, 2.9, 0.8, 7 / 9, 0.8],
    [190, 228, 0.7, 6 / 9, 0.7],
  ])("of %d for %d", (predicted, target, lmms, post, tac) => {
    expect(relativeAccuracy(predicted, target, "lmms")).toBeCloseTo(lmms, 12);
    expect(relativeAccuracy(predicted, target, "post")).toBeCloseTo(post, 12);
    expect(relativeAccuracy(predicted, target, "tac")).toBeCloseTo(tac, 12);
  });

  it("is 0 of what is no number, and none for a target of 0 where the reference fails", () => {
    expect(relativeAccuracy(null, 4, "lmms")).toBe(0);
    expect(relativeAccuracy(1, 0, "lmms")).toBeNull();
    expect(relativeAccuracy(1, 0, "post")).toBe(0);
  });
});

describe("parsers", () => {
  it("take the first capital of the set", () => {
    expect(firstCapital("Dogs", "ABCD")).toBe("D");
    expect(firstCapital("the cat", "ABCD")).toBe("");
    expect(firstCapital("Best option: C", "ABCD")).toBe("B");
    expect(firstCapital("The best answer is C", "ABCD")).toBe("C");
  });

  it("take a letter at the start, alone or before a bracket", () => {
    expect(anchoredLetter("Dog")).toBe("D");
    expect(anchoredLetter("the answer (C)")).toBe("C");
    expect(anchoredLetter("because it is red")).toBe("because it is red");
  });

  it("take the article for an option", () => {
    expect(mvBenchLetter("a red ball")).toBe("A");
    expect(mvBenchLetter("(C) a red ball")).toBe("C");
  });

  it("take the mark that occurs last", () => {
    expect(mmmuChoice("C) blue sky", ["red", "green", "blue", "grey"])).toBe("No Answer Found.");
    expect(mmmuChoice("not (A) but (C)", ["red", "green", "blue"])).toBe("C");
    expect(mmmuChoice("the DNA is blue", ["x", "y"])).toBe("A");
    expect(mmmuChoice("", ["x"])).toBe("API Error");
  });

  it("take the pronoun for an option", () => {
    expect(sciVideoLetterOrDraw("I think B", () => 0)).toBe("I");
    expect(sciVideoLetterOrDraw("nothing", () => 0.99)).toBe("J");
  });

  it("take the whole output where no answer is tagged", () => {
    expect(extractAnswer("<think>Dogs")).toBe("<think>Dogs");
    expect(extractAnswer("x <answer> B </answer> <answer>C</answer>")).toBe("B");
  });

  it("score by benchmark", () => {
    const score = (name: string, answer: string, changes = {}) =>
      scoreAsReference(name, {
        output: `<answer>${answer}</answer>`,
        gold: "A",
        options: ["left", "right"],
        ...changes,
      });
    expect(score("vsibench", "(A)").score).toBe(0);
    expect(score("vsibench", "A. left").score).toBe(1);
    expect(score("vsibench", "190 cm", { options: [], gold: "228" }).score).toBeCloseTo(0.7, 12);
    expect(score("mmvu", "left")).toEqual({ parsed: "left", score: 1 });
    expect(score("mvbench", "")).toMatchObject({ score: null, reason: "the answer is empty" });
    expect(score("longvideobench", "none")).toMatchObject({ score: null });
    expect(score("longvideobench", "none", { random: () => 0.9 })).toMatchObject({ parsed: "B", score: 0 });
    expect(score("video_mmmu", "so it is 3.14159", { options: [], gold: "3.14" }).score).toBe(1);
    expect(() => score("other", "A")).toThrow("benchmark: must be one of mvbench, videomme");
  });
});

describe("summaries of consistency", () => {
  const row = (bits: string) => ({
    lmms: bits[0] === "1",
    answer: bits[1] === "1",
    thinking: bits[2] === "1",
  });
  const run = tacRunSummary(["111", "111", "110", "001", "000", "011"].map(row));

  it("of one run", () => {
    expect(run).toEqual({
      n_total: 6,
      lmms_eval_accuracy: 3 / 6,
      answer_parsed_accuracy: 4 / 6,
      thinking_parsed_accuracy: 4 / 6,
      answer_to_thinking_correlation: 4 / 6,
      lmms_eval_correct: 3,
      answer_parsed_correct: 4,
      thinking_parsed_correct: 4,
      combinations: {
        lmms0_ans0_think0: 1,
        lmms0_ans0_think1: 1,
        lmms0_ans1_think1: 1,
        lmms1_ans1_think0: 1,
        lmms1_ans1_think1: 2,
      },
      discrepancies: {
        answer_correct_thinking_wrong: 1,
        answer_wrong_thinking_correct: 1,
        lmms_vs_answer_mismatch: 1,
      },
    });
  });

  it("over runs", () => {
    const { overall, datasets } = summarizeTac({ mlvu: run, empty: tacRunSummary([]) });
    expect(datasets.mlvu).toMatchObject({
      consistency_score: 0,
      signed_disagreement: 0,
      disagreement_rate: 2 / 6,
      consistency_error: 1 / 4,
      consistency_accuracy: 3 / 4,
    });
    const agreement = 4 / 6;
    expect(datasets.mlvu?.mixer_magnitude).toBeCloseTo(
      0.7 * (1 - agreement ** 2) + 0.3 * (1 - agreement),
      12,
    );
    expect(datasets.empty?.consistency_accuracy).toBeNull();
    expect(overall).toMatchObject({ num_datasets: 2, average_consistency_accuracy: 3 / 4 });
  });

  it.each([
    ["20251128_samples_mlvu_dev_think", "mlvu_dev"],
    ["samples_minerva", "minerva"],
    ["videomme_think_2025", "videomme"],
    ["mvbench", "mvbench"],
  ])("name the data set of %s", (folder, name) => {
    expect(tacDatasetName(folder)).toBe(name);
  });
});

describe("Python's reading", () => {
  it("rounds halves to even", () => {
    expect([0.125, 0.375, 2.675, -0.125, 1e20].map((x) => pythonRound(x, 2))).toEqual([
      0.12, 0.38, 2.67, -0.12, 1e20,
    ]);
    expect([0.5, 1.5, 2.5, 7.49].map((x) => pythonRound(x))).toEqual([0, 2, 2, 7]);
  });

  it("takes as a number what Python takes", () => {
    expect(["1_000", " +5. ", ".5", "١٢", "1e3", "Infinity"].map(pythonFloat)).toEqual([
      1000,
      5,
      0.5,
      12,
      1000,
      Infinity,
    ]);
    expect(["1__0", "_1", ".", "", "0x10", "1,0"].map(pythonFloat)).toEqual([
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
    expect(["007", "1_0", "1.0", "٣"].map(pythonInt)).toEqual([7, 10, null, 3]);
  });

  it("has its own spaces and word edges", () => {
    expect(pythonStrip("\x1c\x85 a \u3000")).toBe("a");
    expect(pythonStrip("\ufeffa")).toBe("\ufeffa");
    expect(pattern(String.raw`\b([A-E])\b`).exec("éA B")?.[1]).toBe("B");
  });

  it.each([
    ["generalizations", "gener"],
    ["happily", "happili"],
    ["hopping", "hop"],
    ["ties", "tie"],
    ["skies", "sky"],
    ["agreed", "agre"],
    ["enjoyment", "enjoy"],
    ["controlling", "control"],
  ])("stems %s to %s", (word, stem) => {
    expect(porterStem(word)).toBe(stem);
  });
});

describe("JSON as Python reads it", () => {
  it("keeps the order of keys, the first place and the last value of a repeated one", () => {
    const value = parsePythonJson('{"b": 1, "10": NaN, "a": -Infinity, "b": [true, null, "\\u00e9\\n"]}');
    expect([...(value as Map<string, unknown>)]).toEqual([
      ["b", [true, null, "é\n"]],
      ["10", Number.NaN],
      ["a", Number.NEGATIVE_INFINITY],
    ]);
  });

  it.each(["", "{", '{"a"}', '{"a": 1,}', "[1,]", "01", "'a'", '"a\nb"', "{} {}", "\ufeff1", "1.", '"\\x"'])(
    "refuses %j",
    (text) => {
      expect(parsePythonJson(text)).toBeUndefined();
    },
  );

  it("refuses a long string that does not end, and deep nesting, at once", () => {
    const started = performance.now();
    expect(parsePythonJson(`{"00:01": "${"a ball ".repeat(100_000)}`)).toBeUndefined();
    expect(parsePythonJson("[".repeat(100_000))).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
