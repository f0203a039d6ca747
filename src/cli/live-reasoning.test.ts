import fc from "fast-check";
import { expect, it } from "vitest";
import { LiveReasoning } from "./live-reasoning.ts";

const show = (pieces: readonly string[]) => {
  const live = new LiveReasoning();
  return pieces.map((piece) => live.push(piece)).join("") + live.end();
};

it("shows the reasoning at once, without tags and answer", () => {
  const live = new LiveReasoning();
  expect(
    ["<thi", "nk>At 0", "0:01 a<", "b. </thin", "k><answer>B</an", "swer>"].map((p) => live.push(p)),
  ).toEqual(["", "At 0", "0:01 a", "<b. ", "", ""]);
});

it("shows the same however the reply is cut", () => {
  const reply = "\n<think>At 00:01 a < b, so 2 <3.\n</think>\n<answer>B. <b></answer>";
  fc.assert(
    fc.property(fc.array(fc.nat({ max: reply.length }), { maxLength: 6 }), (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), reply.length];
      const pieces = at.slice(1).map((end, i) => reply.slice(at[i], end));
      expect(show(pieces).trim()).toBe("At 00:01 a < b, so 2 <3.");
    }),
  );
});

it("shows what has no tags, and ends with what was held back", () => {
  expect(show(["Just ", "words <"])).toBe("Just words <");
});
