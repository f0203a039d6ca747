import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseOptions } from "../trace/index.ts";
import { findJson } from "./lenient-json.ts";
import { NONE, readAttention, readClaims, readConclusion, readVerdict } from "./read-reply.ts";

const choice = {
  options: parseOptions(["red circle", "blue square", "green star"]),
  type: "choice",
} as const;

describe("JSON as models write it", () => {
  it.each<[string, unknown[]]>([
    ['{"a": 1}', [{ a: 1 }]],
    ['Sure!\n```json\n{"a": [1, 2,],}\n```\nDone.', [{ a: [1, 2] }]],
    ["{'a': 'it's red', b: True, c: None}", [{ a: "it's red", b: true, c: null }]],
    ['{"a": "two\nlines", "b": "\\u0041\\n"}', [{ a: "two\nlines", b: "A\n" }]],
    ["{“a”: “b”} and {00:05: 'x', 1:02-1:10: 'y'}", [{ a: "b" }, { "00:05": "x", "1:02-1:10": "y" }]],
    ["{answer: B} // so", [{ answer: "B" }]],
    ['[{"a": {"b": 1}}]', [[{ a: { b: 1 } }]]],
    ['{"a": 1', []],
    ["no braces { here", []],
    ["", []],
  ])("%j", (text, values) => {
    expect(findJson(text)).toEqual(values);
  });

  it("reads all JSON as JSON does, in any prose, and throws at nothing", () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }));
    fc.assert(
      fc.property(object, (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as object;
        // A quote before a comma or bracket inside a string may end it: that is the price of leniency.
        fc.pre(!/\\"\s*[,:}\]]|[“‘`']/.test(JSON.stringify(plain)));
        expect(findJson(`Here: ${JSON.stringify(plain)} ok`)[0]).toEqual(plain);
      }),
      { numRuns: 50 },
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."{}[]:,'\"a1 \\n") }), (text) => void findJson(text)),
    );
  });
});

it.each<[string, string | typeof NONE | null]>([
  ['{"words": "x", "conclusion": "B"}', "B"],
  ['{"conclusion": "b"} wait {"conclusion": "C"}', "C"],
  ["B", "B"],
  ["**(B)**", "B"],
  ["Answer: B.", "B"],
  ["blue square", "B"],
  ["```\nB\n```", "B"],
  ["<think>A or C?</think>\n\nB", "B"],
  ['{"conclusion": null}', NONE],
  ['{"conclusion": "none"}', NONE],
  ["UNKNOWN", NONE],
  ["Z", null],
  ["", null],
  ['{"conclusion": ["A"]}', null],
  ["I would rather not say which.", null],
])("a letter of %j", (reply, letter) => {
  expect(readConclusion(reply, choice)).toBe(letter);
});

it("reads numbers, times and texts", () => {
  expect(readConclusion('{"conclusion": "three"}', { options: [], type: "number" })).toBe("3");
  expect(readConclusion('{"conclusion": 2.50}', { options: [], type: "number" })).toBe("2.5");
  expect(readConclusion("at 1:07", { options: [], type: "time" })).toBe("01:07");
  expect(readConclusion('{"answer": " a dog "}', { options: [], type: "text" })).toBe("a dog");
});

it.each<[string, boolean | typeof NONE | null]>([
  ['{"verdict": "consistent"}', true],
  ["{'verdict': 'Inconsistent', }", false],
  ['{"verdict": "unclear"}', NONE],
  ['{"verdict": true}', true],
  ["Yes, they agree.", true],
  ["They are not consistent.", false],
  ["Inconsistent. The notes say B.", false],
  ["Bananas", null],
  ["", null],
])("a verdict of %j", (reply, verdict) => {
  expect(readVerdict(reply, ["verdict"])).toBe(verdict);
});

it("reads claims in either form", () => {
  const stop = { startSeconds: 42, endSeconds: 45, text: "it stops" };
  expect(readClaims('[{"time": "0:42-0:45", "event": "it stops"}]')).toEqual([stop]);
  expect(readClaims('{"00:42-00:45": "it  stops", "end": "x"}')).toEqual([stop]);
  expect(readClaims('{"claims": [{"start": 45, "end": 42, "text": "it stops"}]}')).toEqual([stop]);
  expect(readClaims('{"claims": []}')).toEqual([]);
  expect(readClaims("{}")).toEqual([]);
  expect(readClaims('{"claims": ["nothing"]}')).toBeNull();
  expect(readClaims("none")).toBeNull();
});

it.each<[string, number | null]>([
  ['{"score": 7, "rationale": "r"}', 7],
  ['{"score": "8/10"}', 8],
  ['{"score": 6.6}', 7],
  ["Score: 7/10", 7],
  ["7", 7],
  ['{"score": 11}', null],
  ['{"score": null}', null],
  ["very attentive", null],
])("an attention score of %j", (reply, score) => {
  expect(readAttention(reply)?.score ?? null).toBe(score);
});
