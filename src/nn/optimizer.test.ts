import { describe, expect, it } from "vitest";
import { compile, tensor } from "../engine/index.ts";
import { adamW, adamWStep, clipFactor, learningRateSchedule, stepScalars } from "./optimizer.ts";

describe("adamWStep", () => {
  it("follows the published update, worked by hand in float64", async () => {
    const options = adamW({ beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 });
    const vector = { dtype: "float32", shape: [3] } as const;
    const scalar = { dtype: "float32", shape: [] } as const;
    const scalars = { stepSize: scalar, secondScale: scalar, keep: scalar };
    const program = await compile(
      (state, gradient, clip, s) => adamWStep(options, state, gradient, clip, s, true),
      [{ params: vector, first: vector, second: vector }, vector, scalar, scalars],
    );
    let state = { params: tensor([1, -2, 3]), first: tensor([0, 0, 0]), second: tensor([0, 0, 0]) };
    const expected = { p: [1, -2, 3], m: [0, 0, 0], v: [0, 0, 0] };
    const gradients = [
      [0.5, -1, 0],
      [0.25, 2, 1e-3],
    ];
    for (const [i, gradient] of gradients.entries()) {
      const [rate, clip, step] = [0.01, 0.5, i + 1];
      const { stepSize, secondScale, keep } = stepScalars(options, step, rate);
      const one = (x: number) => tensor([x], []);
      state = await program.run(state, tensor(gradient), one(clip), {
        stepSize: one(stepSize),
        secondScale: one(secondScale),
        keep: one(keep),
      });
      gradient.forEach((raw, j) => {
        const g = raw * clip;
        expected.m[j] = 0.9 * (expected.m[j] as number) + 0.1 * g;
        expected.v[j] = 0.99 * (expected.v[j] as number) + 0.01 * g * g;
        const first = expected.m[j] / (1 - 0.9 ** step);
        const second = expected.v[j] / (1 - 0.99 ** step);
        expected.p[j] =
          (expected.p[j] as number) * (1 - rate * 0.1) - (rate * first) / (Math.sqrt(second) + 1e-8);
      });
      expected.p.forEach((p, j) => {
        expect(state.params.data[j]).toBeCloseTo(p, 6);
        expect(state.first.data[j]).toBeCloseTo(expected.m[j] as number, 6);
        expect(state.second.data[j]).toBeCloseTo(expected.v[j] as number, 6);
      });
    }
    await program.dispose();
  });

  it("clips only what is too long", async () => {
    const program = await compile((norm) => clipFactor(norm, 2), [{ dtype: "float32", shape: [2] }]);
    const { data } = await program.run(tensor([8, 0.5]));
    expect(data[0]).toBeCloseTo(0.25, 6);
    expect(data[1]).toBe(1);
    await program.dispose();
  });

  it.each([{ beta1: 1 }, { beta2: -0.1 }, { epsilon: -1 }, { weightDecay: Number.NaN }])(
    "refuses %j",
    (options) => {
      expect(() => adamW(options)).toThrow(/must be in \[0, /);
    },
  );
});

describe("learningRateSchedule", () => {
  it("warms up linearly and falls along a cosine, as Hugging Face's", () => {
    const rate = learningRateSchedule({ learningRate: 1, totalSteps: 10, warmup: 0.2 });
    expect([0, 1, 2, 6, 10].map(rate)).toEqual([0, 0.5, 1, expect.closeTo(0.5, 12), expect.closeTo(0, 12)]);
  });

  it("knows other shapes", () => {
    const linear = learningRateSchedule({ learningRate: 2, totalSteps: 4, kind: "linear", floor: 0.5 });
    expect([0, 2, 4, 9].map(linear)).toEqual([2, 1.5, 1, 1]);
    expect(learningRateSchedule({ learningRate: 3, totalSteps: 4, kind: "constant", warmup: 2 })(3)).toBe(3);
    expect(() => learningRateSchedule({ learningRate: 1, totalSteps: 0 })).toThrow("must be positive");
  });
});
