import { expect, it } from "vitest";
import { answerTarget, questionPrompt, systemPrompt } from "./prompt.ts";

// Frozen: checkpoints are trained on exactly these words, so a change here needs a new checkpoint.
it("asks a multiple-choice question", () => {
  expect(
    questionPrompt("Which shape appears first? ", [
      { letter: "A", text: "a red\ncircle" },
      { letter: "B", text: "a blue square" },
    ]),
  ).toBe(
    "Which shape appears first?\n(A) a red circle\n(B) a blue square\n" +
      "Think in <think></think>, citing times as MM:SS, then give the letter in <answer></answer>.",
  );
});

it.each([
  ["number", "the number"],
  ["time", "the time as MM:SS"],
  ["text", "a few words"],
] as const)("asks for %s", (type, form) => {
  expect(questionPrompt("How?", [], type)).toBe(
    `How?\nThink in <think></think>, citing times as MM:SS, then give ${form} in <answer></answer>.`,
  );
});

it("keeps the system message", () => {
  expect(systemPrompt).toBe("You are a helpful assistant.");
});

it("writes the target of training", () => {
  expect(answerTarget(" At 00:01 a dot. ", "B")).toBe("<think>At 00:01 a dot.</think><answer>B</answer>");
});
