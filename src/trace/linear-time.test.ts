/** What reads model outputs takes linear time: a model that repeats itself for 200 kB costs under a second. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalWords,
  concludedNumber,
  concludedOption,
  concludedText,
  concludedTime,
  findNumbers,
  parseLetter,
  parseNumber,
  parseOptions,
  parseTrace,
  referenceAnswer,
  referenceLastBlocks,
} from "./index.ts";

const options = parseOptions(["a red ball", "a blue ball", "blue", "neither of them"]);
const readers: Record<string, (text: string) => unknown> = {
  parseTrace: (text) => parseTrace(text),
  "parseTrace in tags": (text) => parseTrace(`<think>${text}</think><answer>${text}</answer>`),
  referenceAnswer,
  referenceLastBlocks,
  parseLetter: (text) => parseLetter(text, options),
  parseNumber,
  findNumbers,
  parseOptions: (text) => parseOptions([text, text]),
  canonicalWords,
  concludedOption: (text) => concludedOption(text, options),
  concludedNumber,
  concludedTime: (text) => concludedTime(text),
  concludedText,
};

/** Processor time, so that a busy machine does not fail the test. */
function cpuSeconds(run: () => unknown): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const pieces =
  "a|1|-|,|.|(|[|*|\"|'|<| |\n|é|😀|0:05|1:|one |at 0:05 |0:05, |0:05 to |12 s |first |the |and |so |A. |? A|not |answer |the answer is |Option A |\\boxed{|<think>|</think>|<answer>|</answer>|at the end |from |1,000 |1/2 |hundred |half ".split(
    "|",
  );
const repeated = (text: string, length: number) =>
  text.repeat(Math.ceil(length / text.length)).slice(0, length);

describe("200 kB of one thing within a second", () => {
  const nasty = ["1", "-", ",", '"', "*", " ", "< ", "<answer>", "</answer>", "at 0:05 ", "? A", "1h ", "a,"];
  it.each(nasty)("%j", (piece) => {
    const text = repeated(piece, 200_000);
    for (const name of ["parseTrace", "parseTrace in tags"])
      expect([name, cpuSeconds(() => readers[name]?.(text)) < 1]).toEqual([name, true]);
  });
});

it("every reader stays linear on repetitions of anything", () => {
  const unit = fc
    .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(unit, fc.constantFrom(...pieces), (piece, end) => {
      const text = repeated(piece, 20_000) + end;
      for (const [name, read] of Object.entries(readers))
        expect([name, cpuSeconds(() => read(text)) < 0.5]).toEqual([name, true]);
    }),
    { numRuns: 15 },
  );
});
