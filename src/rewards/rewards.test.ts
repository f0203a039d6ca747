import { describe, expect, it } from "vitest";
import {
  accuracyReward,
  claimsFromGrounding,
  claimsFromReply,
  formatReward,
  gate,
  sanitizeKey,
  totalReward,
} from "./index.ts";

const reference = { compat: "reference" } as const;
const options = ["red", "blue"].map((text, i) => ({ letter: "AB"[i] as string, text }));
const says = (answer: string) => `<think>Because.</think><answer>${answer}</answer>`;
const open = (gold: string, type: "number" | "time" | "text" = "text") => ({ options: [], type, gold });

describe("accuracy", () => {
  it("is by the kind of answer", () => {
    const choice = { options, type: "choice", gold: "B" } as const;
    expect(accuracyReward(says("(B) blue"), choice).score).toBe(1);
    expect(accuracyReward(says("red"), choice).score).toBe(0);
    expect(accuracyReward(says("three"), open("3", "number")).score).toBe(1);
    expect(accuracyReward(says("1000"), open("1,000", "number")).score).toBe(1);
    expect(accuracyReward(says("at 0:05"), open("00:05", "time")).score).toBe(1);
    expect(accuracyReward(says("a dog"), open("the dog")).score).toBe(1);
  });

  it("counts common words of free text", () => {
    // 2 of 2 and 3 words: ROUGE-1 and L are 0.8; of 1 and 2 pairs none is common.
    expect(accuracyReward(says("dog runs"), open("dog quickly runs")).score).toBeCloseTo(
      (0.8 + 0 + 0.8) / 3,
      12,
    );
  });

  it("is 0 without an answer, and none without a gold answer", () => {
    expect(accuracyReward("<think>Hm", open("3", "number")).score).toBe(0);
    expect(accuracyReward(says("3"), { options: [], type: "number", gold: null }).score).toBeNull();
    expect(accuracyReward(says("3"), open("many", "number"))).toMatchObject({
      score: null,
      reason: "the gold answer is no number",
    });
  });

  it.each([
    ["Duck", "Dog", 1],
    ["1000", "1,000", 0],
    ["3", "3.0", 0],
    ["3.004", "3.00", 1],
    ["nan", "0.12345", 1],
    ["0.12345", "0.12345", 1 - 1e-9 / (0.12345 + 1e-9)],
    ["red Car", "red car", 0.5],
    ["", "red car", 0],
  ])("scores %j for gold %j as the released code", (answer, gold, score) => {
    expect(accuracyReward(says(answer), open(gold), reference).score).toBeCloseTo(score, 12);
  });
});

describe("format", () => {
  it.each([
    ["<think>a</think>\n<answer>b</answer>", 1, 1],
    ["<think>a</think><answer>b</answer>\n", 1, 0],
    ["<THINK>a</THINK><ANSWER>b</ANSWER>", 1, 0],
    ["<think>a</think><answer></answer>", 0, 1],
    ["<think>a</think><answer>b</answer><think>a</think><answer>b</answer>", 0, 1],
    ["Well. <think>a</think><answer>b</answer>", 0, 0],
    ["<think>a<answer>b</answer>", 0, 0],
    ["", 0, 0],
  ])("of %j is %d, as the released code %d", (output, ours, theirs) => {
    expect(formatReward(output).score).toBe(ours);
    expect(formatReward(output, reference).score).toBe(theirs);
  });

  it("says what is wrong", () => {
    expect(formatReward("<think>a<answer>b</answer>").explained).toBe("think-unclosed");
    expect(formatReward("<think>a</think><answer> </answer>").explained).toBe("the answer is empty");
  });

  it("takes linear time", () => {
    const output = `<think>${"</think> ".repeat(200_000)}<answer></answer>x`;
    const started = performance.now();
    expect(formatReward(output, reference).score).toBe(0);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("claims of a judge's reply, as the released code reads them", () => {
  it.each([
    ["00:05", "00:05"],
    ["5", "00:05"],
    ["1:2", "01:02"],
    ["00:05-00:05", "00:05"],
    ["00:09 to 00:05", "00:05-00:09"],
    ["3600–3661", "01:00:00-01:01:01"],
    ["00:02.5", "00:02"],
    ["00:03.5", "00:04"],
    ["00:05-end", null],
    ["00:05+", "00:05"],
    ["1-2-3", null],
    ["soon", null],
  ])("key %j becomes %j", (key, expected) => {
    expect(sanitizeKey(key)).toBe(expected);
  });

  it("sorts by midpoint, and of equal keys keeps the last text", () => {
    expect(
      claimsFromReply(
        'Sure: {"00:20": "b", "00:01-00:03": "a", "10": "old", "0:10": "new", "x": "y", "5": ""}',
      ),
    ).toEqual({
      claims: [
        { startSeconds: 1, endSeconds: 3, text: "a" },
        { startSeconds: 10, endSeconds: 10, text: "new" },
        { startSeconds: 20, endSeconds: 20, text: "b" },
      ],
    });
  });

  it("has none where there is no object, and says where the released code fails", () => {
    expect(claimsFromReply("none")).toEqual({ claims: [] });
    expect(claimsFromReply("[]")).toMatchObject({ claims: null, fails: "a reply that is no object" });
    expect(claimsFromReply('{"00:01": 5}')).toMatchObject({ fails: "a claim that is not a text" });
    expect(claimsFromReply('{"inf": "x"}')).toMatchObject({ fails: "an infinite time" });
    expect(claimsFromReply('"{\\"5\\": \\"x\\"}"')).toMatchObject({ fails: "a time that cannot be read: 5" });
  });

  it("reads a row's grounding", () => {
    expect(claimsFromGrounding({ "00:05": "ball", "00:06": null })).toEqual({
      claims: [{ startSeconds: 5, endSeconds: 5, text: "ball" }],
    });
  });
});

describe("the total", () => {
  const parts = { accuracy: 1, format: 1, temporal: 0.5, consistent: true };

  it("is the weighted sum, TAR where the trace is consistent", () => {
    expect(totalReward(parts).score).toBe(2.5);
    expect(totalReward({ ...parts, consistent: false }).score).toBe(2);
    expect(totalReward(parts, { accuracy: 2, temporal: 4 }).score).toBe(5);
    expect(totalReward(parts).explained).toBe("1 x accuracy 1 + 1 x format 1 + 1 x temporal 0.5");
  });

  it("has no score where a part has none, and 0 for it as the released code", () => {
    expect(totalReward({ ...parts, consistent: null })).toMatchObject({
      score: null,
      reason: "no score for temporal",
    });
    expect(totalReward({ ...parts, consistent: null }, {}, reference).score).toBe(2);
    expect(totalReward({ ...parts, consistent: null, temporal: 0 }).score).toBe(2);
    expect(totalReward({ ...parts, temporal: null }, { temporal: 0 }).score).toBe(2);
    expect(gate(null).score).toBeNull();
    expect(gate(null, reference).score).toBe(0);
  });
});
