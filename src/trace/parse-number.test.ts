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
  ["15 percent", 15],
  ["−7", -7],
  ["1/2", 0.5],
  ["3 1/4 cups", 3.25],
  ["½", 0.5],
  ["2½", 2.5],
  ["\\frac{3}{4}", 0.75],
  ["two thirds", 2 / 3],
  ["a quarter", 0.25],
  ["three and a half hours", 3.5],
  ["half", 0.5],
  ["one hundred and five", 105],
  ["two thousand three hundred", 2300],
  ["twenty one", 21],
  ["3.5 million", 3.5e6],
  ["3 × 10^4", 3e4],
  ["$1.5 \\times 10^{-3}$", 1.5e-3],
  ["6×10²³", 6e23],
  ["1.2e3", 1200],
  ["$1,200.50", 1200.5],
  ["twelve seconds", 12],
  ["about 5 minutes", 5],
  ["The answer is 8 m/s.", 8],
])("%j is %d", (text, value) => {
  expect(parseNumber(text)).toBe(value);
});

it.each(["", "many", "2 or 3", "the 2nd", "00:05", "two three", "3D", "12/05/2019", "1/0", "hundred"])(
  "%j is no single number",
  (text) => {
    expect(parseNumber(text)).toBeNull();
  },
);

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
