import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTrace } from "./parse-trace.ts";

describe("outputs as they come", () => {
  it.each([
    ["well-formed", "<think>r</think>\n<answer>B</answer>\n", "r", "B", []],
    ["upper case and spaces", "<THINK> r </Think >< answer>B</ANSWER>", "r", "B", []],
    ["no reasoning", "<answer>B</answer>", null, "B", ["think-missing"]],
    ["no opening tag", "r</think><answer>B</answer>", "r", "B", ["think-unopened"]],
    ["reasoning never closed", "<think>r <answer>B</answer>", "r", "B", ["think-unclosed"]],
    [
      "cut off in the reasoning",
      "<think>r and then",
      "r and then",
      null,
      ["think-unclosed", "answer-missing"],
    ],
    ["cut off in the answer", "<think>r</think><answer>B. the", "r", "B. the", ["answer-unclosed"]],
    ["answer without opening tag", "<think>r</think>B</answer>", "r", "B", ["answer-unopened"]],
    ["answer without tags", "<think>r</think>\n\nB", "r", "B", ["answer-untagged"]],
    ["two answers", "<think>r</think><answer>A</answer><answer>B</answer>", "r", "B", ["answer-repeated"]],
    [
      "twice",
      "<think>r</think><answer>A</answer><think>s</think><answer>B</answer>",
      "r\ns",
      "B",
      ["think-repeated", "answer-repeated"],
    ],
    ["nested", "<think><think>r</think></think><answer>B</answer>", "r", "B", ["think-nested"]],
    [
      "answer in the reasoning",
      "<think>r <answer>A</answer> s</think>",
      "r  s",
      "A",
      ["answer-inside-think"],
    ],
    [
      "answers in and after the reasoning",
      "<think>r <answer>A</answer></think><answer>B</answer>",
      "r",
      "B",
      ["answer-repeated", "answer-inside-think"],
    ],
    ["the wrong way round", "<answer>B</answer><think>r</think>", "r", "B", ["answer-first"]],
    ["closed twice", "<think>r</think><answer>B</answer></answer>", "r", "B", ["tag-stray"]],
    ["words around", "Sure! <think>r</think> So: <answer>B</answer>", "r", "B", ["text-outside"]],
    ["another tag", "<locate>r</locate>\n<answer>B</answer>", null, "B", ["think-missing", "text-outside"]],
    ["a short line", "The answer is B.", null, "The answer is B.", ["think-missing", "answer-untagged"]],
    ["nothing", "", null, null, ["think-missing", "answer-missing"]],
    ["empty blocks", "<think></think><answer></answer>", "", "", []],
  ])("%s", (_name, raw, think, answer, problems) => {
    expect(parseTrace(raw)).toMatchObject({ raw, think, answer, problems });
  });
});

it("leaves a long output without tags to a judge", () => {
  const trace = parseTrace(
    "First, at 0:05, a dog barks. Then the cat leaves, and so on and on, and I choose the dog.",
  );
  expect(trace).toMatchObject({
    think: null,
    answer: null,
    problems: ["think-missing", "answer-missing", "text-outside"],
  });
  expect(trace.claims).toEqual([{ startSeconds: 5, endSeconds: 5, text: "a dog barks" }]);
});

describe("which block counts where one is repeated", () => {
  const raw =
    "<think>r <answer>A</answer></think><answer>B</answer><think>s</think><answer>C</answer><think>t</think>";
  it.each([
    ["all", "r\ns\nt", "C"],
    ["first", "r", "B"],
    ["last", "t", "C"],
  ] as const)("%s", (blocks, think, answer) => {
    expect(parseTrace(raw, { blocks })).toMatchObject({ think, answer });
    expect(parseTrace(raw, { blocks }).problems).toEqual(parseTrace(raw).problems);
  });

  it("takes an answer inside the reasoning where there is no other", () => {
    const inside = "<think>r <answer>A</answer> <answer>B</answer></think>";
    expect(parseTrace(inside, { blocks: "first" }).answer).toBe("A");
    expect(parseTrace(inside).answer).toBe("B");
  });

  it("takes the claims of the reasoning that counts", () => {
    const two = "<think>At 0:05 a dog barks.</think><think>At 0:09 a cat leaves.</think>";
    expect(parseTrace(two, { blocks: "last" }).claims.map((c) => c.startSeconds)).toEqual([9]);
  });
});

it("takes no words without tags for an answer where the output was cut off", () => {
  expect(parseTrace("The red ball is", { truncated: true }).answer).toBeNull();
  expect(parseTrace("<think>r</think>The red ball is", { truncated: true }).answer).toBeNull();
  expect(parseTrace("<think>r</think><answer>The red", { truncated: true }).answer).toBe("The red");
});

it("takes claims from the reasoning only, where there is one", () => {
  const { claims } = parseTrace("<think>At 0:05 a dog barks.</think><answer>at 0:09 a cat leaves</answer>");
  expect(claims.map((c) => c.startSeconds)).toEqual([5]);
});

const words = fc.string().filter((s) => !s.includes("<"));

it("gives back what well-formed output is made of", () => {
  fc.assert(
    fc.property(words, words, fc.constantFrom("", "\n", " "), (think, answer, gap) => {
      const trace = parseTrace(`<think>${think}</think>${gap}<answer>${answer}</answer>`);
      expect(trace).toMatchObject({ think: think.trim(), answer: answer.trim(), problems: [] });
    }),
  );
});

it("keeps every word of any soup of tags, in reasoning, answers or outside", () => {
  const piece = fc.constantFrom(
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "<Think>",
    "one ",
    "two ",
    "\n",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const raw = pieces.join("");
      const trace = parseTrace(raw);
      for (const part of [trace.think, trace.answer])
        expect(part ?? "").not.toMatch(/<\/?(?:think|answer)>/i);
      expect(trace.think === null).toBe(trace.problems.includes("think-missing"));
      expect(trace.answer === null).toBe(trace.problems.includes("answer-missing"));
      // A well-formed soup is exactly the two blocks.
      if (trace.problems.length === 0)
        expect(raw.trim()).toMatch(/^<think>[^<]*<\/think>\s*<answer>[^<]*<\/answer>$/i);
    }),
    { numRuns: 5000 },
  );
});
