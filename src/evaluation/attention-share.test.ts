import { expect, it } from "vitest";
import type { Generation } from "../nn/index.ts";
import { attentionShare } from "./attention-share.ts";

// Two heads, two temporal patches of one second each. A row: head 1 on both patches, head 2 on both patches.
const pieces = ["<think>", "A star", " at 00:01", ".", "</think>", "<answer>star</answer>"];
const rows = [
  [0.9, 0.0, 0.9, 0.0],
  [0.1, 0.3, 0.1, 0.1],
  [0.0, 0.6, 0.2, 0.2],
  [0.0, 0.0, 0.0, 0.0],
  [0.5, 0.5, 0.5, 0.5],
  [0.5, 0.5, 0.5, 0.5],
];
const generation: Generation = {
  text: pieces.join(""),
  ids: [1, 2, 3, 4, 5, 6],
  logprobs: [],
  finishReason: "stop",
  attention: {
    heads: 2,
    patches: 2,
    weights: Float32Array.from(rows.flat()),
    share: Float32Array.from(rows.flatMap(([a = 0, b = 0, c = 0, d = 0]) => [a + b, c + d])),
  },
};
const patches = [
  { startSeconds: 0, endSeconds: 0.4 },
  { startSeconds: 1, endSeconds: 1.4 },
];

it("is the mean over heads and the tokens between the tags", () => {
  const found = attentionShare(generation, pieces, patches);
  // Patch 1: (0.1 + 0.1 + 0.0 + 0.2 + 0 + 0) / 6; patch 2: (0.3 + 0.1 + 0.6 + 0.2 + 0 + 0) / 6.
  expect(found?.tokens).toBe(3);
  expect(found?.byPatch[0]).toBeCloseTo(0.4 / 6, 6);
  expect(found?.byPatch[1]).toBeCloseTo(1.2 / 6, 6);
  expect(found?.share).toBeCloseTo(1.6 / 6, 6);
});

it("says for a claim how much of it went to the seconds that it cites", () => {
  const [claim] = attentionShare(generation, pieces, patches)?.claims ?? [];
  expect(claim?.claim).toMatchObject({ startSeconds: 1, endSeconds: 1 });
  // Tokens 2 and 3: on the video (0.6 + 1.0) / 4 per head and token, of which (0.4 + 0.8) / 4 on the second patch.
  expect(claim?.tokens).toBe(2);
  expect(claim?.share).toBeCloseTo(0.4, 6);
  expect(claim?.onCited).toBeCloseTo(0.75, 6);
  expect(claim?.chance).toBe(0.5);
});

it("has nothing to say without reasoning or attention", () => {
  const { attention: _, ...without } = generation;
  expect(attentionShare(without, pieces, patches)).toBeNull();
  expect(attentionShare({ ...generation, text: "star" }, ["star"], patches)).toBeNull();
});
