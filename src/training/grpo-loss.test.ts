import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile, type HostTensor, tensor, valueAndGrad } from "../engine/index.ts";
import type { Tensor } from "../nn/index.ts";
import { type LossType, lossTypes, policyLoss, tokenWeights } from "./grpo-loss.ts";

interface Case {
  lossType: LossType;
  withOld: boolean;
  beta: number;
  loss: number;
  gradient: number[][];
  kl?: number;
  clippedLow: number;
  clippedHigh: number;
}

const recorded = JSON.parse(
  readFileSync(new URL("../../test/fixtures/grpo.json", import.meta.url), "utf8"),
) as {
  maxNewTokens: number;
  epsilonLow: number;
  epsilonHigh: number;
  given: {
    logProbs: number[][];
    old: number[][];
    reference: number[][];
    mask: number[][];
    advantages: number[];
  };
  cases: Case[];
};

interface Given {
  logProbs: number[][];
  old?: number[][];
  reference?: number[][];
  advantages: number[];
  mask: number[][];
}

const matrix = (rows: readonly (readonly number[])[]): HostTensor =>
  tensor(rows.flat(), [rows.length, rows[0]?.length ?? 0]);

/** The loss, its parts and its gradient, compiled and run. */
async function run(
  given: Given,
  options: { lossType: LossType; beta: number; low?: number; high?: number; most?: number },
) {
  const { lossType, beta, low = 0.2, high = 0.2, most = 100 } = options;
  const width = given.mask[0]?.length ?? 0;
  const lengths = given.mask.map((row) => row.reduce((a, b) => a + b, 0));
  const weights = tokenWeights(lossType, lengths, most).map((w) => new Array<number>(width).fill(w));
  const args = [
    matrix(given.logProbs),
    {
      ...(given.old ? { old: matrix(given.old) } : {}),
      ...(given.reference ? { reference: matrix(given.reference) } : {}),
      advantages: tensor(given.advantages, [given.advantages.length]),
      mask: matrix(given.mask),
      // Tokens that do not count have no weight.
      weights: matrix(weights.map((row, i) => row.map((w, t) => w * (given.mask[i]?.[t] ?? 0)))),
    },
  ] as const;
  const settings = { lossType, beta, epsilonLow: low, epsilonHigh: high };
  type Arrays = { old?: Tensor; reference?: Tensor; advantages: Tensor; mask: Tensor; weights: Tensor };
  const program = await compile((logProbs: Tensor, arrays: Arrays) => {
    const lossOf = (x: Tensor): [Tensor, Record<string, Tensor>] => {
      const { loss, ...parts } = policyLoss({ logProbs: x, ...arrays }, settings);
      return [loss, parts];
    };
    const [[loss, parts], gradient] = valueAndGrad(lossOf, { hasAux: true })(logProbs);
    return { loss, parts, gradient };
  }, args as never);
  const { loss, parts, gradient } = (await program.run(...(args as never))) as {
    loss: HostTensor;
    parts: Record<"kl" | "clippedLow" | "clippedHigh", HostTensor>;
    gradient: HostTensor;
  };
  await program.dispose();
  const tokens = lengths.reduce((a, b) => a + b, 0);
  const share = (x: HostTensor): number => (x.data[0] as number) / tokens;
  return {
    loss: loss.data[0] as number,
    gradient: [...gradient.data] as number[],
    kl: share(parts.kl),
    clippedLow: share(parts.clippedLow),
    clippedHigh: share(parts.clippedHigh),
  };
}

describe("as TRL computes it", () => {
  it.each(
    recorded.cases.map(
      (c) => [`${c.lossType}, beta ${c.beta}, ${c.withOld ? "later" : "first"} iteration`, c] as const,
    ),
  )("%s", async (_, expected) => {
    const { old, reference, ...given } = recorded.given;
    const found = await run(
      { ...given, ...(expected.withOld ? { old } : {}), ...(expected.beta > 0 ? { reference } : {}) },
      {
        lossType: expected.lossType,
        beta: expected.beta,
        low: recorded.epsilonLow,
        high: recorded.epsilonHigh,
        most: recorded.maxNewTokens,
      },
    );
    expect(found.loss).toBeCloseTo(expected.loss, 6);
    expected.gradient.flat().forEach((g, i) => {
      expect(found.gradient[i]).toBeCloseTo(g, 6);
    });
    expect(found.clippedLow).toBeCloseTo(expected.clippedLow, 6);
    expect(found.clippedHigh).toBeCloseTo(expected.clippedHigh, 6);
    if (expected.kl !== undefined) expect(found.kl).toBeCloseTo(expected.kl, 6);
  });
});

describe("by hand", () => {
  // Ratios 2 and 0.5 of one completion; ln 2 = 0.6931.
  const given = { logProbs: [[0, -Math.LN2]], old: [[-Math.LN2, 0]], mask: [[1, 1]] };

  it("clips the geometric mean of ratios token by token", async () => {
    // Advantage 1: ln 2 is bounded to 0.4, -ln 2 is not bounded. exp((0.4 - 0.6931) / 2) = 0.86366.
    const up = await run({ ...given, advantages: [1] }, { lossType: "gmpo", beta: 0, low: 0.4, high: 0.4 });
    expect(up.loss).toBeCloseTo(-Math.exp((0.4 - Math.LN2) / 2), 6);
    expect(up).toMatchObject({ clippedLow: 0, clippedHigh: 0.5 });
    // Only the token that is not bounded has a gradient: half the gain.
    expect(up.gradient[0]).toBe(0);
    expect(up.gradient[1]).toBeCloseTo(-Math.exp((0.4 - Math.LN2) / 2) / 2, 6);
    const down = await run(
      { ...given, advantages: [-1] },
      { lossType: "gmpo", beta: 0, low: 0.4, high: 0.4 },
    );
    expect(down.loss).toBeCloseTo(Math.exp((Math.LN2 - 0.4) / 2), 6);
    expect(down).toMatchObject({ clippedLow: 0.5, clippedHigh: 0 });
  });

  it("takes one ratio for a completion in gspo: 2 and 0.5 are 1 together, which is not clipped", async () => {
    const found = await run({ ...given, advantages: [1] }, { lossType: "gspo", beta: 0 });
    expect(found.loss).toBeCloseTo(-1, 6);
    expect(found).toMatchObject({ clippedLow: 0, clippedHigh: 0 });
  });

  it("takes the smaller of clipped and unclipped in grpo: (min(2, 1.2) + 0.5) / 2", async () => {
    const found = await run({ ...given, advantages: [1] }, { lossType: "grpo", beta: 0 });
    expect(found.loss).toBeCloseTo(-0.85, 6);
  });

  it("estimates the KL divergence: exp(d) - d - 1 with d = ln 2 is 0.30685", async () => {
    const found = await run(
      { logProbs: [[-Math.LN2]], reference: [[0]], advantages: [0], mask: [[1]] },
      { lossType: "bnpo", beta: 0.5 },
    );
    expect(found.kl).toBeCloseTo(1 - Math.LN2, 6);
    expect(found.loss).toBeCloseTo(0.5 * (1 - Math.LN2), 6);
  });

  it.each(lossTypes)(
    "is minus the mean advantage where ratios are 1 and lengths are equal (%s)",
    async (lossType) => {
      const found = await run(
        {
          logProbs: [
            [-1, -2],
            [-3, -1],
          ],
          advantages: [1, 3],
          mask: [
            [1, 1],
            [1, 1],
          ],
        },
        { lossType, beta: 0, most: 2 },
      );
      expect(found.loss).toBeCloseTo(-2, 6);
    },
  );
});

it("weighs tokens by completion, by step, or by the most tokens", () => {
  expect(tokenWeights("grpo", [2, 4], 8)).toEqual([1 / 4, 1 / 8]);
  expect(tokenWeights("bnpo", [2, 4], 8)).toEqual([1 / 6, 1 / 6]);
  expect(tokenWeights("dr_grpo", [2, 4], 8)).toEqual([1 / 16, 1 / 16]);
  expect(tokenWeights("gmpo", [0, 4], 8)).toEqual([1 / 2, 1 / 8]);
});
