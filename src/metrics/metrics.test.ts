import { describe, expect, it } from "vitest";
import { compareSamples, figure, figuresBy, scoreAnswer, type TacSample, tac, vasSummary } from "./index.ts";

describe("a figure", () => {
  it("says over how many it is, and why others are not in it", () => {
    const result = figure([
      { score: 1, cluster: "a" },
      { score: 0, cluster: "a" },
      { score: 1, cluster: "b" },
      { score: null, reason: "cut off" },
      { score: null, reason: "no gold" },
      { score: null, reason: "cut off" },
    ]);
    expect(result).toMatchObject({ value: 2 / 3, n: 3, unscored: 3, interval: { level: 0.95, clusters: 2 } });
    expect(Object.entries(result.reasons)).toEqual([
      ["cut off", 2],
      ["no gold", 1],
    ]);
  });

  it("has no value over nothing", () => {
    expect(figure([])).toEqual({ value: null, n: 0, unscored: 0, reasons: {}, interval: null });
  });

  it("is made by group", () => {
    const samples = [
      { score: 1, type: "choice" },
      { score: 0, type: "number" },
      { score: 0, type: "choice" },
    ];
    const figures = figuresBy(samples, (sample) => sample.type);
    expect(Object.entries(figures).map(([name, { value, n }]) => [name, value, n])).toEqual([
      ["choice", 0.5, 2],
      ["number", 0, 1],
    ]);
  });
});

describe("an answer", () => {
  const options = ["red", "blue"].map((text, i) => ({ letter: "AB"[i] as string, text }));
  const choice = { options, type: "choice", gold: "A" } as const;
  const open = (type: "number" | "time" | "text", gold: string) => ({ options: [], type, gold });

  it.each([
    ["A", choice, 1],
    ["(a) red", choice, 1],
    ["It is red.", choice, 1],
    ["blue", choice, 0],
    ["A and B", choice, 0],
    ["", choice, 0],
    ["about 3.5 m", open("number", "3.5"), 1],
    ["four", open("number", "4"), 1],
    ["0.30000000000000004", open("number", "0.3"), 1],
    ["4.1", open("number", "4"), 0],
    ["1m30s", open("time", "01:30"), 1],
    ["0:32", open("time", "00:30"), 0],
    ["The dog.", open("text", "dog"), 1],
    ["cat", open("text", "dog"), 0],
  ] as const)("%j", (answer, key, score) => {
    expect(scoreAnswer(answer, key)).toEqual({ score });
  });

  it("is judged with a tolerance, or by a judge, where asked", () => {
    expect(scoreAnswer("4.1", open("number", "4"), { relativeTolerance: 0.05 }).score).toBe(1);
    expect(scoreAnswer("0:32", open("time", "00:30"), { secondsTolerance: 2 }).score).toBe(1);
    expect(scoreAnswer("a big dog", open("text", "dog"), { equal: true }).score).toBe(1);
  });

  it.each([
    [null, choice, "the output has no answer"],
    ["A", { ...choice, gold: null }, "no gold answer is known"],
    ["A", { ...choice, gold: "green" }, "the gold answer is no option"],
    ["a big dog", open("text", "small dog"), "free text in other words than the gold answer needs a judge"],
  ] as const)("%j has no score with a reason", (answer, key, reason) => {
    expect(scoreAnswer(answer, key)).toEqual({ score: null, reason });
  });
});

describe("consistency", () => {
  const sample = (
    answerRight: boolean | null,
    thinkingRight: boolean | null,
    agree: boolean | null,
  ): TacSample => ({
    answerRight,
    thinkingRight,
    agree,
  });

  it("is among right answers the share of right reasonings, and among all the share of agreement", () => {
    // Two different wrong letters do not agree, though both are wrong.
    const result = tac([
      sample(true, true, true),
      sample(true, true, true),
      sample(true, false, false),
      sample(false, true, false),
      sample(false, false, false),
      sample(false, false, true),
      sample(true, null, null),
      sample(null, null, true),
    ]);
    expect(result.consistencyAccuracy).toMatchObject({ value: 2 / 3, n: 3, unscored: 2 });
    expect(result.agreement).toMatchObject({ value: 4 / 7, n: 7, unscored: 1 });
    expect(result.confusion).toEqual({ bothRight: 2, answerOnly: 1, thinkingOnly: 1, bothWrong: 2 });
    expect(result.consistencyAccuracy.reasons).toEqual({
      "it is not known whether the answer is right": 1,
      "the reasoning states no single conclusion": 1,
    });
  });
});

describe("video attention", () => {
  it("is summarised by benchmark, printed times ten, benchmarks counted once", () => {
    const result = vasSummary([
      { score: 8, benchmark: "a" },
      { score: 6, benchmark: "a" },
      { score: 2, benchmark: "b" },
      { score: null, reason: "no JSON", benchmark: "b" },
    ]);
    expect(result.perBenchmark.a).toMatchObject({ value: 7, printed: 70, n: 2, min: 6, max: 8 });
    expect(result.perBenchmark.a?.distribution).toEqual({ "0-2": 0, "3-5": 0, "6-8": 2, "9-10": 0 });
    expect(result.perBenchmark.b).toMatchObject({ value: 2, n: 1, unscored: 1, reasons: { "no JSON": 1 } });
    expect(result.overall.value).toBeCloseTo(16 / 3, 12);
    expect(result.meanOfBenchmarks).toBe(4.5);
    expect(vasSummary([]).overall).toMatchObject({ value: null, printed: null, min: null });
  });
});

describe("a comparison", () => {
  it("is over pairs that both have a score", () => {
    const first = [
      { id: "1", score: 0 },
      { id: "2", score: 1 },
      { id: "3", score: 1 },
      { id: "4", score: 0 },
    ];
    const second = [
      { id: "2", score: 1 },
      { id: "1", score: 1 },
      { id: "3", score: null, reason: "cut off" },
      { id: "5", score: 1 },
    ] as const;
    expect(compareSamples(first, second)).toMatchObject({
      value: 0.5,
      n: 2,
      first: 0.5,
      second: 1,
      better: 1,
      worse: 0,
      same: 1,
      onlyFirst: 1,
      onlySecond: 1,
      unscored: 1,
    });
  });

  it("needs ids that occur once", () => {
    const twice = [
      { id: "1", score: 0 },
      { id: "1", score: 1 },
    ];
    expect(() => compareSamples(twice, [])).toThrow("id: must occur once, got 1 again");
  });
});
