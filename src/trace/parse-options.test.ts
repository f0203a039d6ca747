import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { optionLetter, parseLetter, parseOptions } from "./parse-options.ts";

describe("parseOptions", () => {
  it.each([
    [
      ["red", "blue"],
      ["red", "blue"],
    ],
    [
      ["A. red", "B. blue"],
      ["red", "blue"],
    ],
    [
      ["(A) red", "(B) blue"],
      ["red", "blue"],
    ],
    [
      ["a) red", "b: blue"],
      ["red", "blue"],
    ],
    [
      ["<A> red", "<B> blue"],
      ["red", "blue"],
    ],
    [
      ["Ａ．red", "Ｂ．blue"],
      ["red", "blue"],
    ],
    [
      ["**A.** red", "**B.** blue"],
      ["red", "blue"],
    ],
    [
      ["1. red", "2. blue"],
      ["red", "blue"],
    ],
    [
      ["1.5 m", "2.5 m"],
      ["1.5 m", "2.5 m"],
    ],
    [
      ["B. red", "A. blue"],
      ["B. red", "A. blue"],
    ],
    [
      ["A red ball", "A blue ball"],
      ["A red ball", "A blue ball"],
    ],
  ])("%j", (texts, expected) => {
    expect(parseOptions(texts)).toEqual(expected.map((text, i) => ({ letter: "AB"[i], text })));
  });

  it("has letters for 26", () => {
    expect(optionLetter(25)).toBe("Z");
    expect(() => optionLetter(26)).toThrow("at most 26");
  });
});

const options = parseOptions(["a red ball", "a blue ball", "blue", "neither of them"]);

describe("parseLetter", () => {
  it.each([
    ["B", "B"],
    ["b", "B"],
    ["(b)", "B"],
    ["B.", "B"],
    ["[B]", "B"],
    ["**B**", "B"],
    ["$\\boxed{B}$", "B"],
    ["\\boxed{\\text{B}}", "B"],
    ["B. a blue ball", "B"],
    ["(B) a blue ball", "B"],
    ["B) a blue ball", "B"],
    ["b) a blue ball", "B"],
    ["B: a blue ball", "B"],
    ["B - a blue ball", "B"],
    ["Option B", "B"],
    ["The answer is B", "B"],
    ["The correct answer is (B).", "B"],
    ["I think B", "B"],
    ["a blue ball", "B"],
    ["A blue ball.", "B"],
    ["The blue ball", "B"],
    ["Blue", "C"],
    ["It is the red ball", "A"],
    ["red", "A"],
    ["A red ball", "A"],
    ["A", "A"],
    ["neither", "D"],
    ["<B>", "B"],
    ["【B】", "B"],
    ["B、a blue ball", "B"],
    ["（Ｂ）", "B"],
    ["\\(B\\)", "B"],
    ["{B}", "B"],
    ["Ans: B", "B"],
    ["Answer = B", "B"],
    ["answer: b", "B"],
    ["The answer is (b).", "B"],
    ["Final answer: **B**", "B"],
    ["option b", "B"],
    ["The answer must be B because it is blue", "B"],
    ["Option 2", "B"],
    ["The second option", "B"],
    ["choice #4", "D"],
    ["B\nBecause it bounces.", "B"],
  ])("%j means %s", (answer, letter) => {
    expect(parseLetter(answer, options)).toBe(letter);
  });

  it.each([
    "",
    "E",
    "A or B",
    "Option A, no, option B",
    "ball",
    "a dog",
    "I don't know",
    "A dog barks",
    "Option 7",
    "first or second option",
    "both A and B",
    "Plan-B",
  ])("%j means none", (answer) => {
    expect(parseLetter(answer, options)).toBeNull();
  });

  it("takes any letter where the options are not known", () => {
    expect([parseLetter("E", []), parseLetter("(J) none", [])]).toEqual(["E", "J"]);
  });

  it("reads every letter in every usual shape", () => {
    const shape = fc.constantFrom(
      "?",
      "(?)",
      "?.",
      "?) it",
      "Option ?",
      "The answer is ?.",
      "**?**",
      "Answer: ?",
    );
    const many = parseOptions(Array.from({ length: 10 }, (_, i) => `thing number ${i}`));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9 }), shape, (i, s) => {
        expect(parseLetter(s.replace("?", optionLetter(i)), many)).toBe(optionLetter(i));
        expect(parseLetter(many[i]?.text ?? "", many)).toBe(optionLetter(i));
      }),
    );
  });
});
