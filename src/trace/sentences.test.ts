import fc from "fast-check";
import { expect, it } from "vitest";
import { findTimes } from "./find-times.ts";
import { splitSentences } from "./sentences.ts";

it.each([
  ["One. Two! Three? four.", ["One.", "Two!", "Three? four."]],
  ["At 12.5 s it rings. At 0:05.5 it stops.", ["At 12.5 s it rings.", "At 0:05.5 it stops."]],
  ["The answer is B. Blue. So be it.", ["The answer is B. Blue.", "So be it."]],
  ["The answer is B. It was easy.", ["The answer is B.", "It was easy."]],
  ["1. Dogs bark\n- Cats. sleep\n\nEnd", ["1. Dogs bark", "- Cats. sleep", "End"]],
  ['He said "Go." Then he went.', ['He said "Go."', "Then he went."]],
  ["", []],
])("%j", (text, sentences) => {
  expect(splitSentences(text).map((s) => s.text)).toEqual(sentences);
});

it("loses nothing but white space, and knows where each sentence stands", () => {
  const piece = fc.constantFrom("Dogs bark", "at 0:05", ". ", "! ", "\n", "A. ", "vs. ", '"', " ", "3");
  fc.assert(
    fc.property(
      fc.array(piece).map((pieces) => pieces.join("")),
      (text) => {
        const sentences = splitSentences(text);
        for (const s of sentences) expect(text.slice(s.from, s.from + s.text.length)).toBe(s.text);
        expect(
          sentences
            .map((s) => s.text)
            .join("")
            .replace(/\s/g, ""),
        ).toBe(text.replace(/\s/g, ""));
      },
    ),
  );
});

it("places the words of a time", () => {
  const text = "It rings at around the 16-second mark, then from 0:20 to 0:25.";
  expect(findTimes(text).map(({ from, to, ...t }) => [text.slice(from, to), t])).toEqual([
    ["at around the 16-second mark", { startSeconds: 16, endSeconds: 16 }],
    ["from 0:20 to 0:25", { startSeconds: 20, endSeconds: 25 }],
  ]);
});
