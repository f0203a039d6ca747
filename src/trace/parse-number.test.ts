import { expect, it } from "vitest";
import { canonicalWords, numberWordValue } from "./canonical-words.ts";
import { findNumbers, parseNumber } from "./parse-number.ts";

it.each([
  ["3", 3],
  ["three", 3],
  ["Twenty-one.", 21],
  ["1,000 kg", 1000],
  ["about 3.5 m", 3.5],
  ["-2", -2],
  ["\\boxed{7}", 7],
  ["12 s", 12],
  ["15%", 15],
])("%j is %d", (text, value) => {
  expect(parseNumber(text)).toBe(value);
});

it.each(["", "many", "2 or 3", "the 2nd", "00:05"])("%j is no single number", (text) => {
  expect(parseNumber(text)).toBeNull();
});

it("finds counts, not pronouns, ordinals or times", () => {
  const text = "At 00:05 the red one and one of the two dogs meet 12 birds, the 2nd time, and one cat.";
  expect(findNumbers(text).map((n) => n.value)).toEqual([2, 12, 1]);
});

it("writes words in one form", () => {
  expect(canonicalWords("The THREE red circles, at 00:05; 1,000.0")).toEqual([
    "3",
    "red",
    "circles",
    "at",
    "t5",
    "1000",
  ]);
  expect(canonicalWords("+ ?")).toEqual(["+", "?"]);
  expect(["ninety-nine", "twice", "twenty-ten", "tree"].map(numberWordValue)).toEqual([99, 2, null, null]);
});
