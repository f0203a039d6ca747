import { expect, it } from "vitest";
import type { DataRow } from "../data/index.ts";
import { type Judge, LexicalEmbedder, RulesJudge } from "../judges/index.ts";
import { CompletionRewarder, type RewardSettings } from "./completion-reward.ts";

const row: DataRow = {
  id: "a",
  video: "a.mp4",
  question: "What colour is the star at 00:03?",
  options: [
    { letter: "A", text: "red" },
    { letter: "B", text: "blue" },
  ],
  answer: "B",
  answerType: "choice",
  category: "colour-at",
  momentary: true,
  reasoning: "At 00:03 a blue star is on screen.",
  temporal_grounding: { "00:03": "A blue star appears.", "00:06-00:08": "A green ring is on screen." },
  durationSeconds: 10,
  split: "train",
  seed: 0,
};
const settings: RewardSettings = {
  weights: { accuracy: 1, format: 1, temporal: 1 },
  gate: true,
  deltaSeconds: 2,
  mode: "precision",
};
const rewarder = (changes: Partial<RewardSettings> = {}, judge: Judge = new RulesJudge()) =>
  new CompletionRewarder(judge, new LexicalEmbedder(), { ...settings, ...changes });
const seen = "At 00:03 a blue star appears. At 00:09 a white cross appears.";
const says = (conclusion: string, answer: string) =>
  `<think>${seen} ${conclusion}</think><answer>${answer}</answer>`;

it("adds up accuracy, format and the share of claims that are in the reference", async () => {
  const found = await rewarder().reward(row, says("So the answer is blue.", "B"), false);
  expect(found).toMatchObject({
    total: 2.5,
    accuracy: 1,
    format: 1,
    temporal: 0.5,
    consistent: true,
    claims: 2,
  });
  expect(found.explained).toEqual([
    "1 x accuracy 1 + 1 x format 1 + 1 x temporal 0.5",
    'accuracy: the answer "B", the gold answer "B"',
    "format: well-formed",
    expect.stringMatching(/^consistency: ./),
    "temporal: 0.5 of the completion's claims",
    expect.stringContaining("matches"),
    expect.stringContaining("no match"),
  ]);
});

it("counts temporal alignment of consistent traces only, unless there is no gate", async () => {
  const text = says("So the answer is red.", "B");
  expect(await rewarder().reward(row, text, false)).toMatchObject({
    total: 2,
    temporal: 0.5,
    consistent: false,
  });
  expect(await rewarder({ gate: false }).reward(row, text, false)).toMatchObject({
    total: 2.5,
    consistent: false,
  });
});

it("takes a trace in which rules find no conclusion for an inconsistent one, and says why", async () => {
  const found = await rewarder().reward(row, says("So it may be red or blue.", "B"), false);
  expect(found).toMatchObject({ total: 2, consistent: false });
  expect(found.explained).toContain("consistency: the reasoning states no single conclusion");
});

it("gives no reward where a judge failed", async () => {
  const rules = new RulesJudge();
  const judge: Judge = {
    name: "a model",
    consistency: async () => ({ value: null, reason: "the judge did not answer" }),
    concluded: (input) => rules.concluded(input),
    answered: (input) => rules.answered(input),
    claims: (input) => rules.claims(input),
    attention: () => rules.attention(),
    equal: (input) => rules.equal(input),
    number: (input) => rules.number(input),
    usage: () => rules.usage(),
    close: () => rules.close(),
  };
  const found = await rewarder({}, judge).reward(row, says("So the answer is blue.", "B"), false);
  expect(found).toMatchObject({
    total: null,
    reason: "no score for temporal",
    consistent: null,
    accuracy: 1,
  });
});

it("leaves temporal alignment out where the row has no grounding", async () => {
  const found = await rewarder().reward(
    { ...row, temporal_grounding: {} },
    says("So the answer is blue.", "B"),
    false,
  );
  expect(found).toMatchObject({ total: 2, temporal: null });
  expect(found.explained).toContain("temporal: the row has no grounding");
});

it("weighs parts, and takes recall or F1 of claims where asked", async () => {
  const text = says("So the answer is blue.", "B");
  const of = async (changes: Partial<RewardSettings>) =>
    (await rewarder(changes).reward(row, text, false)).total;
  expect(await of({ weights: { accuracy: 2, format: 0, temporal: 4 } })).toBe(4);
  const grounding = Object.fromEntries(
    ["00:03", "00:05", "00:07", "00:08"].map((at) => [at, `Thing ${at}.`]),
  );
  const wide = { ...row, temporal_grounding: { ...grounding, "00:03": "A blue star appears." } };
  expect((await rewarder({ mode: "recall" }).reward(wide, text, false)).temporal).toBe(0.25);
  expect((await rewarder({ mode: "f1" }).reward(wide, text, false)).temporal).toBeCloseTo(1 / 3, 9);
});

it("earns nothing for a text without form", async () => {
  expect(await rewarder().reward(row, "It is blue", true)).toMatchObject({
    total: 0,
    accuracy: 0,
    format: 0,
  });
});
