import { expect, it } from "vitest";
import { type AnswerType, parseOptions, parseTrace } from "../trace/index.ts";
import type { JudgeInput } from "./judge.ts";
import { openJudge } from "./open-judge.ts";

const options = parseOptions(["red circle", "blue square"]);
const input = (output: string, type: AnswerType = "choice"): JudgeInput => ({
  id: "1",
  question: "Which?",
  options: type === "choice" ? options : [],
  type,
  trace: parseTrace(output),
});

it("finds what is said, and says where nothing is", async () => {
  const judge = await openJudge("rules");
  const both = input("<think>At 00:03 it is red. So the answer is A.</think><answer>B</answer>");
  expect(await judge.concluded(both)).toEqual({ value: "A", detail: "So the answer is A." });
  expect(await judge.answered(both)).toEqual({ value: "B" });
  expect(await judge.consistency(both)).toMatchObject({ value: false, words: "So the answer is A." });
  expect((await judge.claims(both)).value).toMatchObject([{ startSeconds: 3 }]);
  expect(await judge.attention(both)).toMatchObject({
    value: null,
    reason: expect.stringMatching(/judge model/),
  });
  const none = input("<answer></answer>");
  expect(await judge.concluded(none)).toEqual({ value: null, reason: "there is no reasoning" });
  expect(await judge.answered(none)).toEqual({ value: null, reason: "there is no answer" });
  expect((await judge.consistency(none)).value).toBeNull();
  expect((await judge.answered(input("<answer>many</answer>", "number"))).value).toBeNull();
});

it.each<[string, string, boolean | null]>([
  ["Three dogs", "3 dogs.", true],
  ["yes", "No, it is not", false],
  ["4", "5", false],
  ["1,000", "1000", true],
  ["a dog", "a puppy", null],
  ["a dog", "", null],
])("%j and %j are equal: %s", async (gold, answer, equal) => {
  expect((await (await openJudge("rules")).equal({ question: "", gold, answer })).value).toBe(equal);
});
