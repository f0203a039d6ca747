import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pythonStrip, referenceAnswer, referenceLastBlocks } from "./reference-blocks.ts";

describe("the answer as the reference's scorers read it", () => {
  it.each([
    ["<think>r</think><answer> B\n</answer>", "B"],
    ["<answer>A</answer><answer>B</answer>", "A"],
    ["<answer>A<answer>B</answer>", "A<answer>B"],
    ["</answer><answer>B</answer>", "B"],
    ["<answer></answer>", ""],
    ["<ANSWER>B</ANSWER>", "<ANSWER>B</ANSWER>"],
    ["<think>r</think><answer>B", "<think>r</think><answer>B"],
    ["  B ", "  B "],
  ])("%j is %j", (raw, answer) => {
    expect(referenceAnswer(raw)).toBe(answer);
  });
});

describe("the blocks as the reference's consistency scripts read them", () => {
  it.each([
    ["<think> r </think><answer>B</answer>", "r", "B"],
    ["<THINK>r</Think><Answer>B</ANSWER>", "r", "B"],
    ["<think>r</think><think>s</think><answer>A</answer><answer>B</answer>", "s", "B"],
    ["<think>r<think>s</think>", "r<think>s", ""],
    ["< think>r</think>", "", ""],
    ["<thin\u212a>r</think><an\u017fwer>B</answer>", "r", "B"],
    ["", "", ""],
  ])("%j", (raw, think, answer) => {
    expect(referenceLastBlocks(raw)).toEqual({ think, answer });
  });
});

it("agrees with the regular expressions that define them", () => {
  const piece = fc.constantFrom("<think>", "</think>", "<answer>", "</answer>", "<Answer>", "x", "\n");
  const last = (raw: string, pattern: RegExp) => ([...raw.matchAll(pattern)].at(-1)?.[1] ?? "").trim();
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join("")),
      (raw) => {
        expect(referenceLastBlocks(raw)).toEqual({
          think: last(raw, /<think>([\s\S]*?)<\/think>/gi),
          answer: last(raw, /<answer>([\s\S]*?)<\/answer>/gi),
        });
        expect(referenceAnswer(raw)).toBe(/<answer>([\s\S]*?)<\/answer>/.exec(raw)?.[1]?.trim() ?? raw);
      },
    ),
    { numRuns: 2000 },
  );
});

it("strips what Python strips", () => {
  expect(pythonStrip("\x1c\x85 \u3000a b\n\x1f")).toBe("a b");
  expect(pythonStrip("\ufeffa")).toBe("\ufeffa");
  expect(pythonStrip(" ")).toBe("");
});
