import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseOptions, parseTrace } from "../trace/index.ts";
import { judgeConsistency } from "./judge-consistency.ts";

const choice = {
  type: "choice",
  options: parseOptions(["red circle", "blue square", "green star"]),
} as const;
const judge = (think: string, answer: string, question: Parameters<typeof judgeConsistency>[1]) =>
  judgeConsistency({ think, answer }, question);

it("shows what a verdict rests on", () => {
  expect(judge("At 00:03 a red circle. So the answer is A.", "B", choice)).toEqual({
    verdict: "inconsistent",
    reason: "the reasoning concludes A, the answer says B",
    concluded: "A",
    answered: "B",
    words: "So the answer is A.",
  });
});

describe("choice", () => {
  it.each([
    ["So the answer is A.", "A", "consistent"],
    ["So the answer is A.", "(A) red circle", "consistent"],
    ["So it is the red circle.", "A", "consistent"],
    ["So it is the red circle.", "red circle", "consistent"],
    ["So it is the red circle.", "C", "inconsistent"],
    ["At 00:03 a red circle appears.", "A", "consistent"],
    ["At 00:03 a red circle appears.", "B", "unknown"],
    ["A dog barks.", "B", "unknown"],
    ["So the answer is A.", "Z", "unknown"],
  ])("%s / %s", (think, answer, verdict) => {
    expect(judge(think, answer, choice).verdict).toBe(verdict);
  });
});

describe("number, time, text", () => {
  it.each([
    ["number", "So there are three.", "3", "consistent"],
    ["number", "So there are three.", "4", "inconsistent"],
    ["number", "It lasts from 00:03 to 00:08, so 5 seconds.", "5", "consistent"],
    ["number", "I see dogs.", "4", "unknown"],
    ["time", "So it appears at 00:07.", "00:07", "consistent"],
    ["time", "So it appears at 0:07.4.", "7 s", "consistent"],
    ["time", "So it appears at 00:07.", "00:09", "inconsistent"],
    ["time", "So it lasts from 00:07 to 00:09.", "00:07-00:09", "consistent"],
    ["time", "So it appears at 00:07.", "late", "unknown"],
    ["text", "So the word is HELLO.", "hello", "consistent"],
    ["text", "The answer is HELLO.", "WORLD", "inconsistent"],
    ["text", "So the dog jumps.", "It leaps", "unknown"],
  ] as const)("%s: %s / %s", (type, think, answer, verdict) => {
    expect(judge(think, answer, { type, options: [] }).verdict).toBe(verdict);
  });
});

it("cannot tell where the letter is one option's and the words are another's, and shows the sentence", () => {
  const think = "At 00:03 a red circle. So the answer is the red circle, option (B).";
  for (const answer of ["A", "B"])
    expect(judge(think, answer, choice)).toEqual({
      verdict: "unknown",
      reason: "the conclusion names one option by its letter and another by its words",
      concluded: null,
      answered: answer,
      words: "So the answer is the red circle, option (B).",
    });
});

it("cannot tell without reasoning or answer", () => {
  expect(judgeConsistency(parseTrace("<answer>A</answer>"), choice).reason).toBe("there is no reasoning");
  expect(judgeConsistency(parseTrace("<think>So A.</think>"), choice).reason).toBe("there is no answer");
});

it("says consistent exactly where the concluded letter is the answered one", () => {
  const letter = fc.constantFrom("A", "B", "C");
  const wording = fc.constantFrom(
    "So the answer is ?.",
    "Therefore, ?.",
    "Option ? is correct.",
    "I choose ?.",
  );
  fc.assert(
    fc.property(letter, letter, wording, (said, answered, words) => {
      const verdict = judge(`At 00:04 a dot. ${words.replace("?", said)}`, answered, choice).verdict;
      expect(verdict).toBe(said === answered ? "consistent" : "inconsistent");
    }),
  );
});
