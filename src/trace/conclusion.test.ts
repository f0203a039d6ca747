import { describe, expect, it } from "vitest";
import { concludedNumber, concludedOption, concludedText, concludedTime } from "./conclusion.ts";
import { parseOptions } from "./parse-options.ts";

const options = parseOptions(["red circle", "blue square", "dark red circle", "30 °C"]);

describe("the option that a reasoning concludes", () => {
  it.each([
    ["Therefore, the correct answer is B.", "B"],
    ["The correct answer among all of these is B, which says that it is blue.", "B"],
    ["So, the answer is (B).", "B"],
    ["So the answer is option B because it is blue.", "B"],
    ["Answer: B", "B"],
    ["**Final answer: B**", "B"],
    ["Therefore, B.", "B"],
    ["This matches option B.", "B"],
    ["It is 24 km, which is option B.", "B"],
    ["Option B is the correct one.", "B"],
    ["B is correct.", "B"],
    ["I choose B.", "B"],
    ["I'll go with option B.", "B"],
    ["Thus \\boxed{B}", "B"],
    ["So it must be the blue square (B).", "B"],
    ["So the answer is the blue square.", "B"],
    ["Therefore the first shape is the dark red circle.", "C"],
    ["The answer is a red circle.", "A"],
    ["The answer is D. 30 °C. Thus, it boils at 30 °C.", "D"],
    ["The answer is A. No, wait, the answer is B.", "B"],
    ["Option A is incorrect. Option B is correct. Option C is wrong.", "B"],
    ["The answer is not A, it is B.", "B"],
    ["The red circle comes after the blue square, so the first is the blue square.", "B"],
    ["So it is not the red circle but the blue square.", "B"],
    ["So the answer is the blue square, option (B).", "B"],
    ["The answer is (B) the blue square.", "B"],
    ["So the answer is red circle. (A) red circle: option (A).", "A"],
    ["So the answer is blue square. (A) red circle, (B) blue square: option (B).", "B"],
    [
      "So the answer is dark red circle. (A) red circle, (B) blue square, (C) dark red circle: option (C).",
      "C",
    ],
    ["The red circle is gone by then, so the answer is B.", "B"],
    ["It is a square and no red circle, so the answer is option B: it is blue.", "B"],
  ])("%s", (think, letter) => {
    expect(concludedOption(think, options)).toMatchObject({ value: letter, explicit: true });
  });

  it("rests on the sentence that says so", () => {
    const think = "At 0:05 a dot. So the answer is B. It was easy.";
    const found = concludedOption(think, options);
    expect(found).toEqual({ value: "B", words: "So the answer is B.", from: 15, explicit: true });
    expect(think.slice(found?.from)).toMatch(/^So the answer/);
  });

  it("is not explicit where an option is only named", () => {
    expect(concludedOption("At 00:05 a blue square appears.", options)).toMatchObject({
      value: "B",
      explicit: false,
    });
  });

  it.each([
    "",
    "A dog barks.",
    "I see a red circle and a blue square.",
    "Option A is incorrect.",
    "So it is the blue square or the red circle.",
    "The answer is E.",
    "The answer is not B.",
    "So the answer is the red circle, option (B).",
    "The answer is (B) the dark red circle.",
    "So the correct option is C: red circle.",
    "The first is the dark red circle, so the answer is B: a red circle.",
  ])("none in: %s", (think) => {
    expect(concludedOption(think, options)).toBeNull();
  });
});

describe("the number that a reasoning concludes", () => {
  it.each([
    ["One is here. Two are there. So there are three in total.", 3],
    ["I can confirm that there are two sofas. One is on the left.", 2],
    ["After a careful look, I can confirm there are no stools.", 0],
    ["So 2 + 1 = 3.", 3],
    ["At 00:05 one appears and at 00:09 two more, making 3.", 3],
    ["The 2nd bounce is at 00:04, the 3rd at 00:06. The answer is 3.", 3],
    ["So, of the 5 shapes, the count is 2.", 2],
  ])("%s", (think, value) => {
    expect(concludedNumber(think)).toMatchObject({ value, explicit: true });
  });

  it.each(["", "A dog.", "So I count them: one lamp, one table, and one bed.", "So 2 or 3."])(
    "none in: %s",
    (think) => {
      expect(concludedNumber(think)).toBeNull();
    },
  );

  it("is not explicit in a mere description", () => {
    expect(concludedNumber("There are two dogs.")).toMatchObject({ value: 2, explicit: false });
  });
});

describe("the time that a reasoning concludes", () => {
  it.each([
    ["At 00:03 it is red. At 00:07 it turns blue. So the answer is 00:07.", 7, 7],
    ["The circle appears at 00:05, the square at 00:09, so the first appears at 00:05.", 5, 5],
    ["Therefore it happens between 00:05 and 00:08.", 5, 8],
    ["So the answer is 12 seconds.", 12, 12],
  ])("%s", (think, startSeconds, endSeconds) => {
    expect(concludedTime(think)).toMatchObject({ value: { startSeconds, endSeconds }, explicit: true });
  });

  it("none where several are concluded", () => {
    expect(concludedTime("So it is 00:05 or 00:09.")).toBeNull();
  });
});

it("finds the text that a reasoning concludes", () => {
  expect(concludedText('At 00:05 text is shown. The answer is "HELLO".')).toMatchObject({
    value: "HELLO",
    explicit: true,
  });
  expect(concludedText("A word. So the word is HELLO. Nice.")).toMatchObject({
    words: "So the word is HELLO.",
    explicit: false,
  });
  expect(concludedText("")).toBeNull();
});
