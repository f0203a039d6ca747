import { expect, it } from "vitest";
import { groupAdvantages } from "./grpo-advantages.ts";

it("compares each reward with its group: mean 2, deviation 1 of 1, 2, 3", () => {
  const { advantages, mean, deviation, flat } = groupAdvantages([1, 2, 3], true);
  expect(advantages).toEqual([-1 / 1.0001, 0, 1 / 1.0001]);
  expect({ mean, deviation, flat }).toEqual({ mean: 2, deviation: 1, flat: false });
  expect(groupAdvantages([1, 2, 3], false).advantages).toEqual([-1, 0, 1]);
});

it("learns nothing from equal rewards, also where their mean is rounded", () => {
  const rewards = new Array<number>(7).fill(0.1 + 0.2);
  expect(groupAdvantages(rewards, true)).toMatchObject({
    advantages: rewards.map(() => 0),
    deviation: 0,
    flat: true,
  });
});

it("leaves out what has no reward", () => {
  expect(groupAdvantages([1, null, 3], false)).toEqual({
    advantages: [-1, null, 1],
    mean: 2,
    deviation: Math.SQRT2,
    flat: false,
  });
  expect(groupAdvantages([null, null], true)).toMatchObject({
    advantages: [null, null],
    mean: null,
    flat: true,
  });
  expect(groupAdvantages([null, 5], true)).toMatchObject({ advantages: [null, 0], mean: 5, flat: true });
});
