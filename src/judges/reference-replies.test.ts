import { expect, it } from "vitest";
import { parseOptions } from "../trace/index.ts";
import {
  referenceAttention,
  referenceDecision,
  referenceLetter,
  referenceVsiLetter,
  referenceVsiNumber,
  roundHalfEven,
} from "./reference-replies.ts";

it.each<[string, number, string, string | null]>([
  ["B", 4, "mmvu", "B"],
  ["B. A dog", 4, "mmvu", "B"],
  ["(B) A dog", 4, "mmvu", "A"], // Not leading here: the article is the last letter that stands alone.
  ["(B) A dog", 4, "mvbench", "B"],
  ["Z. A or B", 4, "mvbench", "B"],
  ["Z", 4, "mvbench", "Z"],
  ["the answer is b", 4, "mvbench", null],
  ["DNA", 4, "mvbench", null],
  ["", 4, "mvbench", null],
])("the letter of %j among %d in %s", (reply, count, benchmark, letter) => {
  expect(referenceLetter(reply, count, benchmark)).toBe(letter);
});

it("reads VSI-Bench's letters and numbers", () => {
  const options = parseOptions(["left", "right-back", "front"]);
  expect(referenceVsiLetter("a chair", options)).toBe("A");
  expect(referenceVsiLetter("It is to the rightback", options)).toBe("B");
  expect(referenceVsiLetter("Nothing here", options)).toBeNull();
  expect(referenceVsiNumber("about 1,250.5 cm")).toBe(1250.5);
  expect(referenceVsiNumber("$ 12 %")).toBe(12);
  expect(referenceVsiNumber("two")).toBeNull();
});

it.each<[string, boolean | null]>([
  ["TRUE\nbecause", true],
  ["\n\n false - it differs", false],
  ["The verdict: TRUE", true],
  ["TRUE or FALSE", true],
  ["either FALSE or TRUE", null],
  ["unsure\nTRUE", null],
  ["", null],
])("the decision of %j", (reply, decision) => {
  expect(referenceDecision(reply)).toBe(decision);
});

it.each<[string, number | null]>([
  ['{"score": 8.5}', 8],
  ['{"score": 7.5}', 8],
  ['{"score": 12}', 10],
  ['{"score": -1}', 0],
  ['{"score": true}', 1],
  ['{"score": "7"}', null],
  ['{"rationale": "a } b", "score": 7}', null],
  ["{'score': 7}", null],
  ["7", null],
])("the score of %j", (reply, score) => {
  expect(referenceAttention(reply)?.score ?? null).toBe(score);
});

it("rounds as Python", () => {
  expect([0.5, 1.5, 2.5, 2.4, 2.6, -0.5, 9.5].map(roundHalfEven).map((x) => x + 0)).toEqual([
    0, 2, 2, 2, 3, 0, 10,
  ]);
});
