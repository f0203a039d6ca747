import { describe, expect, it } from "vitest";
import { planVideo } from "./plan-video.ts";
import type { Scene } from "./scene.ts";
import { colourNames, forms, heldoutColour, isHeldoutPair, type Kind } from "./vocabulary.ts";

/** All pairs of form and colour that a scene ever shows. */
function pairsOf(scene: Scene): string[] {
  return scene.entities.flatMap(({ form, colours }) => colours.map(({ colour }) => `${colour} ${form}`));
}

const allForms = (Object.keys(forms) as Kind[]).flatMap((kind) => forms[kind]);
const heldout = new Set(allForms.map((form) => `${heldoutColour(form)} ${form}`));

describe("the held-out split", () => {
  const training = Array.from({ length: 3000 }, (_, index) => planVideo({ seed: 3, split: "train" }, index));
  const test = Array.from({ length: 300 }, (_, index) => planVideo({ seed: 3, split: "heldout" }, index));

  it("holds out one of the eight colours of every form, and no colour more than others by far", () => {
    expect(heldout.size).toBe(allForms.length);
    for (const colour of colourNames)
      expect(allForms.filter((form) => isHeldoutPair(form, colour)).length).toBeLessThanOrEqual(5);
  });

  it("shows no held-out pair in training, and every other pair", () => {
    const seen = new Set(training.flatMap(({ scene }) => pairsOf(scene)));
    expect([...seen].filter((pair) => heldout.has(pair))).toEqual([]);
    expect(seen.size).toBe(allForms.length * 7);
  });

  it("names no held-out pair in any text of training, so that no wrong option gives it away", () => {
    const texts = training.flatMap(({ rows }) =>
      rows.map((row) => JSON.stringify([row.question, row.options, row.reasoning, row.temporal_grounding])),
    );
    for (const pair of heldout) {
      const [colour = "", form = ""] = pair.split(" ");
      const name = new RegExp(`\\b${colour} (word |digit )?${form}(s|es)?\\b`);
      expect(texts.filter((text) => name.test(text)).slice(0, 1)).toEqual([]);
    }
  });

  it("shows a held-out pair in every held-out video", () => {
    for (const { scene } of test) expect(pairsOf(scene).some((pair) => heldout.has(pair))).toBe(true);
  });
});
