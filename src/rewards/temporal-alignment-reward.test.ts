import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Claim } from "../trace/index.ts";
import { secondsApart, temporalAlignmentReward } from "./index.ts";

const at = (seconds: number, text = "x", end = seconds): Claim => ({
  startSeconds: seconds,
  endSeconds: end,
  text,
});
const reference = { compat: "reference" } as const;

describe("the counter-example to greedy matching", () => {
  const predicted = [at(10, "P1"), at(12, "P2")];
  const gold = [at(11, "G1"), at(9, "G2")];
  const similarity = [
    [0.9, 0.8],
    [0.8, 0.1],
  ];

  it("is 1.0 by maximum matching", () => {
    const result = temporalAlignmentReward(predicted, gold, similarity);
    expect(result.score).toBe(1);
    expect(result.matches).toEqual([
      { predicted: 0, reference: 1, similarity: 0.8, seconds: 1 },
      { predicted: 1, reference: 0, similarity: 0.8, seconds: 1 },
    ]);
    expect(result.explained[0]).toBe('"P1" at 00:10: matches "G2" at 00:09 (similarity 0.80, 1 s apart)');
  });

  it("is 0.5 as the released code matches", () => {
    const result = temporalAlignmentReward(predicted, gold, similarity, reference);
    expect(result.score).toBe(0.5);
    expect(result.matches).toEqual([{ predicted: 0, reference: 0, similarity: 0.9, seconds: 1 }]);
    expect(result.explained[1]).toContain("no match; what it could match is matched already");
  });
});

it("counts by claim of the model, of the reference, or both", () => {
  const [predicted, gold] = [[at(1)], [at(1), at(5), at(9)]];
  const score = (mode: "precision" | "recall" | "f1") =>
    temporalAlignmentReward(predicted, gold, () => 1, { mode }).score;
  expect([score("precision"), score("recall"), score("f1")]).toEqual([1, 1 / 3, 1 / 2]);
});

it("takes claims up to 2 s apart; the released code 4 s", () => {
  const score = (gap: number, options = {}) =>
    temporalAlignmentReward([at(10)], [at(10 + gap)], () => 1, options).score;
  expect([2, 2.5, 4, 5].map((gap) => score(gap))).toEqual([1, 0, 0, 0]);
  expect([2, 2.5, 4, 5].map((gap) => score(gap, reference))).toEqual([1, 1, 1, 0]);
});

it("measures the gap between intervals", () => {
  expect(secondsApart(at(1, "x", 5), at(3, "x", 9))).toBe(0);
  expect(secondsApart(at(1, "x", 5), at(7))).toBe(2);
  expect(secondsApart(at(7), at(1, "x", 5))).toBe(2);
});

it("takes a similarity at the threshold, and says what was below it", () => {
  const score = (value: number) => temporalAlignmentReward([at(1)], [at(1)], [[value]], { threshold: 0.75 });
  expect(score(0.75).score).toBe(1);
  expect(score(0.74).score).toBe(0);
  expect(score(0.74).explained).toEqual([
    '"x" at 00:01: no match; the most similar one in time is below 0.75: "x" at 00:01 (similarity 0.74, at the same time)',
  ]);
  expect(temporalAlignmentReward([at(1)], [at(60)], () => 1).explained[0]).toContain(
    "no reference claim within 2 s",
  );
});

it.each(["paper", "reference"] as const)("gives 0 where either side is empty (%s)", (compat) => {
  expect(temporalAlignmentReward([], [at(1)], () => 1, { compat }).score).toBe(0);
  expect(temporalAlignmentReward([at(1)], [], () => 1, { compat }).score).toBe(0);
  expect(temporalAlignmentReward([], [], () => 1, { compat, mode: "precision" }).score).toBe(0);
});

it("says how wrong options are", () => {
  expect(() => temporalAlignmentReward([], [], [], { deltaSeconds: -1 })).toThrow(
    "deltaSeconds: must be at least 0",
  );
  expect(() => temporalAlignmentReward([], [], [], { ...reference, mode: "f1" })).toThrow(
    "mode: must be precision",
  );
});

const claims = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 4 }))
    .map(([start, length]) => at(start, "x", start + length)),
  { maxLength: 6 },
);
const problem = fc.tuple(claims, claims).chain(([predicted, gold]) =>
  fc.record({
    predicted: fc.constant(predicted),
    gold: fc.constant(gold),
    similarity: fc.array(
      fc.array(
        fc.integer({ min: 0, max: 4 }).map((n) => n / 4),
        { minLength: 6, maxLength: 6 },
      ),
      {
        minLength: 6,
        maxLength: 6,
      },
    ),
    order: fc.tuple(
      fc.shuffledSubarray(
        predicted.map((_, i) => i),
        { minLength: predicted.length },
      ),
      fc.shuffledSubarray(
        gold.map((_, i) => i),
        { minLength: gold.length },
      ),
    ),
  }),
);

/** The most pairs, then the largest total similarity, by trying everything. */
function bruteForce(
  p: readonly Claim[],
  g: readonly Claim[],
  s: readonly number[][],
  i = 0,
  used = 0,
): [number, number] {
  if (i === p.length) return [0, 0];
  let best = bruteForce(p, g, s, i + 1, used);
  g.forEach((claim, j) => {
    const value = s[i]?.[j] as number;
    if (used & (1 << j) || value < 0.75 || secondsApart(p[i] as Claim, claim) > 2) return;
    const [count, total] = bruteForce(p, g, s, i + 1, used | (1 << j));
    if (count + 1 > best[0] || (count + 1 === best[0] && total + value > best[1]))
      best = [count + 1, total + value];
  });
  return best;
}

it("agrees with brute force", () => {
  fc.assert(
    fc.property(problem, ({ predicted, gold, similarity }) => {
      const { score, matches } = temporalAlignmentReward(predicted, gold, similarity);
      const [count, total] = bruteForce(predicted, gold, similarity);
      expect(matches.length).toBe(count);
      // Quarters add up exactly.
      expect(matches.reduce((sum, match) => sum + match.similarity, 0)).toBe(total);
      expect(score).toBe(predicted.length === 0 || gold.length === 0 ? 0 : count / predicted.length);
    }),
    { numRuns: 500 },
  );
});

it("is within 0 and 1, never below greedy matching within the same reach, and the same in any order", () => {
  fc.assert(
    fc.property(
      problem,
      fc.constantFrom("precision", "recall", "f1"),
      ({ predicted, gold, similarity, order }, mode) => {
        const { score } = temporalAlignmentReward(predicted, gold, similarity, { mode });
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
        const [rows, columns] = order;
        const shuffled = temporalAlignmentReward(
          rows.map((i) => predicted[i] as Claim),
          columns.map((j) => gold[j] as Claim),
          (i, j) => similarity[rows[i] as number]?.[columns[j] as number] as number,
          { mode },
        );
        expect(shuffled.score).toBe(score);
        const greedy = temporalAlignmentReward(predicted, gold, similarity, {
          ...reference,
          deltaSeconds: 1,
        });
        expect(temporalAlignmentReward(predicted, gold, similarity).score).toBeGreaterThanOrEqual(
          greedy.score,
        );
        expect(greedy.score).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 500 },
  );
});
