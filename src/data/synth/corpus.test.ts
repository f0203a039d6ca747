import { expect, it } from "vitest";
import { synthCorpus } from "./corpus.ts";

it("contains every word that any data set of the world uses, a few hundred in all", () => {
  const words = (texts: Iterable<string>): Set<string> =>
    new Set([...texts].flatMap((text) => text.split(/[^A-Za-z]+/).filter((word) => word !== "")));
  const corpus = words(synthCorpus({ seed: 1, split: "train" }));
  const others = words(synthCorpus({ seed: 2, split: "heldout" }, 800));
  expect([...others].filter((word) => !corpus.has(word))).toEqual([]);
  expect(corpus.size).toBeLessThan(300);
});
