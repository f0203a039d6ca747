import { describe, expect, it } from "vitest";
import type { DataRow } from "../data/index.ts";
import { type HeldOutResult, scoreRow, summariseHeldOut } from "./held-out.ts";

const row: DataRow = {
  id: "r",
  video: "v.mp4",
  question: "What colour is the star at 00:03?",
  options: [],
  answer: "red",
  answerType: "text",
  category: "colour-at",
  momentary: true,
  reasoning: "At 00:03 a red star is on screen. So the answer is red.",
  temporal_grounding: { "00:03": "A red star appears." },
  durationSeconds: 8,
  split: "heldout",
  seed: 1,
};
const written = (think: string, answer: string) => `<think>${think}</think><answer>${answer}</answer>`;

describe("scoreRow", () => {
  it("scores each answer type by what it means, not how it is written", () => {
    expect(scoreRow(row, written("So the answer is red.", "Red."))).toMatchObject({
      correct: true,
      consistency: "consistent",
    });
    expect(scoreRow(row, written("So the answer is red.", "blue"))).toMatchObject({
      correct: false,
      consistency: "inconsistent",
    });
    const number = { ...row, answerType: "number" as const, answer: "2" };
    expect(scoreRow(number, written("That is 2.", "two")).correct).toBe(true);
    const choice = {
      ...row,
      answerType: "choice" as const,
      options: [
        { letter: "A", text: "blue" },
        { letter: "B", text: "red" },
      ],
      answer: "B",
    };
    expect(scoreRow(choice, written("The answer is (B) red.", "B")).correct).toBe(true);
    const time = { ...row, answerType: "time" as const, answer: "00:03" };
    expect(scoreRow(time, written("At 00:04.", "00:04"))).toMatchObject({
      correct: false,
      withinOneSecond: true,
    });
  });

  it("counts a missing answer as wrong and an unreadable video as unscored, each with its reason", () => {
    expect(scoreRow(row, "<think>At 00:03")).toMatchObject({ correct: false, reason: "no answer" });
    expect(scoreRow(row, new Error("video: no frames"))).toMatchObject({
      correct: null,
      reason: "video: no frames",
    });
  });
});

describe("summariseHeldOut", () => {
  const result = (part: Partial<HeldOutResult>): HeldOutResult => ({
    ...scoreRow(row, written("So the answer is red.", "red")),
    ...part,
  });

  it("keeps unscored rows out of the shares and lists them", () => {
    const summary = summariseHeldOut([
      result({ id: "1" }),
      result({ id: "2", correct: false, consistency: "inconsistent", momentary: false }),
      result({ id: "3", correct: null, reason: "video", consistency: null }),
    ]);
    expect(summary.accuracy).toEqual({ value: 1 / 2, n: 2 });
    expect(summary.momentary).toEqual({ value: 1, n: 1 });
    expect(summary.temporal).toEqual({ value: 0, n: 1 });
    expect(summary.consistency).toEqual({ value: 1 / 2, n: 2 });
    expect(summary.consistentAndCorrect).toEqual({ value: 1 / 2, n: 2 });
    expect(summary.unscored).toEqual([{ id: "3", reason: "video" }]);
  });

  it("says over nothing that there is nothing", () => {
    expect(summariseHeldOut([]).accuracy).toEqual({ value: null, n: 0 });
  });

  it("measures what changes when the video is replaced", () => {
    const summary = summariseHeldOut([
      result({ givenAboutOther: "blue" }),
      result({ givenAboutOther: "red" }),
      result({ givenAboutOther: null }),
      result({}),
    ]);
    expect(summary.changedBySwap).toEqual({ value: 2 / 3, n: 3 });
    expect(summary.accuracyUnderSwap).toEqual({ value: 1 / 3, n: 3 });
  });
});
