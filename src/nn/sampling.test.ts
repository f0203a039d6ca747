import fc from "fast-check";
import { expect, it } from "vitest";
import { Random } from "../base/index.ts";
import { argmax, checkSampling, sampleToken, tokenLogprob } from "./sampling.ts";

// Logits of the probabilities 1/2, 1/4, 1/8, 1/8.
const logits = Float32Array.from([Math.log(1 / 8), Math.log(1 / 2), Math.log(1 / 8), Math.log(1 / 4)]);

/** How often each id is drawn in `n` draws. */
function draw(options: Parameters<typeof sampleToken>[1], n: number, seen: number[] = []): number[] {
  const random = new Random(1);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const { id } = sampleToken(logits, options, random, seen);
    counts[id] = (counts[id] as number) + 1;
  }
  return counts;
}

/** Whether counts fit probabilities: within 5 standard errors of each, and exactly 0 where that is 0. */
function expectFit(counts: number[], probabilities: number[]): void {
  const n = counts.reduce((a, b) => a + b);
  probabilities.forEach((p, i) => {
    if (p === 0) expect(counts[i]).toBe(0);
    else
      expect(Math.abs((counts[i] as number) - n * p)).toBeLessThanOrEqual(5 * Math.sqrt(n * p * (1 - p)) + 1);
  });
}

it("is greedy at temperature 0, the first of equals", () => {
  expect(sampleToken(logits, {}, new Random(0)).id).toBe(1);
  expect(argmax([3, 7, 7, 1])).toBe(1);
});

it("draws with the probabilities of softmax", () => {
  expectFit(draw({ temperature: 1 }, 8000), [1 / 8, 1 / 2, 1 / 8, 1 / 4]);
});

it("squares probabilities at temperature 1/2: 1/64, 1/4, 1/64, 1/16 over 22/64", () => {
  expectFit(draw({ temperature: 0.5 }, 8000), [1 / 22, 16 / 22, 1 / 22, 4 / 22]);
});

it("keeps the k most likely: 2/3 and 1/3", () => {
  expectFit(draw({ temperature: 1, topK: 2 }, 6000), [0, 2 / 3, 0, 1 / 3]);
  expectFit(draw({ temperature: 1, topK: 1 }, 50), [0, 1, 0, 0]);
});

it("keeps a tie with the k-th", () => {
  expectFit(draw({ temperature: 1, topK: 3 }, 8000), [1 / 8, 1 / 2, 1 / 8, 1 / 4]);
});

it("keeps the fewest tokens that reach p", () => {
  expectFit(draw({ temperature: 1, topP: 0.5 }, 50), [0, 1, 0, 0]);
  expectFit(draw({ temperature: 1, topP: 0.6 }, 6000), [0, 2 / 3, 0, 1 / 3]);
  // 1/2 + 1/4 < 0.8: one of the two with 1/8 comes in, the one with the smaller id.
  expectFit(draw({ temperature: 1, topP: 0.8 }, 7000), [1 / 7, 4 / 7, 0, 2 / 7]);
});

it("penalises what was seen: negative logits are multiplied, positive divided", () => {
  // Logit of 1 is log(1/2); times 2 it is log(1/4), equal to that of 3, times 3 it is below it.
  expect(sampleToken(logits, { repetitionPenalty: 3 }, new Random(0), [1, 1]).id).toBe(3);
  const positive = Float32Array.from([1, 4, 3]);
  expect(sampleToken(positive, { repetitionPenalty: 2 }, new Random(0), [1]).id).toBe(2);
  expect(positive[1]).toBe(4);
});

it("gives the logarithm of the probability at that temperature, without truncation", () => {
  const first = sampleToken(logits, { temperature: 1, topK: 1 }, new Random(0));
  expect(first.logprob).toBeCloseTo(Math.log(1 / 2), 6);
  expect(sampleToken(logits, { temperature: 0.5, topK: 1 }, new Random(0)).logprob).toBeCloseTo(
    Math.log(16 / 22),
    6,
  );
  expect(sampleToken(logits, {}, new Random(0)).logprob).toBeCloseTo(Math.log(1 / 2), 6);
  expect(tokenLogprob(Float32Array.from([1000, 0]), 1)).toBe(-1000);
});

it("draws the same with the same seed, and any logits give one of the kept ids", () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 0, max: 50 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      fc.integer(),
      (values, topK, topP, seed) => {
        const scores = Float32Array.from(values);
        const options = { temperature: 0.7, topK, topP };
        const { id, logprob } = sampleToken(scores, options, new Random(seed));
        expect(sampleToken(scores, options, new Random(seed)).id).toBe(id);
        expect(logprob).toBeLessThanOrEqual(0);
        const above = values.filter((x) => x > (scores[id] as number)).length;
        if (topK > 0) expect(above).toBeLessThan(topK);
      },
    ),
  );
});

it("names the option that is out of range", () => {
  expect(() => checkSampling({ temperature: -1 })).toThrow(
    "temperature: must be a number of at least 0, got -1",
  );
  expect(() => checkSampling({ topP: 0 })).toThrow("topP: must be above 0 and at most 1, got 0");
  expect(() => checkSampling({ topK: 1.5 })).toThrow("topK");
  expect(() => checkSampling({ repetitionPenalty: 0 })).toThrow("repetitionPenalty");
});

it("never chooses suppressed tokens, and takes the probability of others as it was", () => {
  expectFit(draw({ temperature: 1, suppress: [1] }, 8000), [1 / 4, 0, 1 / 4, 1 / 2]);
  const greedy = sampleToken(logits, { suppress: [1] }, new Random(0));
  expect(greedy.id).toBe(3);
  expect(greedy.logprob).toBeCloseTo(Math.log(1 / 4), 6);
  expect(logits[1]).toBeCloseTo(Math.log(1 / 2), 6);
});
