import { describe, expect, it } from "vitest";
import { Random } from "./random.ts";

describe("Random", () => {
  it("gives the same numbers for the same seed, and others for another", () => {
    const draw = (seed: number | string) => {
      const random = new Random(seed);
      return Array.from({ length: 8 }, () => random.uint32());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw("7")).toEqual(draw(7));
  });

  it("continues from a saved state", () => {
    const random = new Random(1);
    random.uniform();
    const copy = new Random(random.state);
    expect([copy.uint32(), copy.normal(), copy.integer(0, 10)]).toEqual([
      random.uint32(),
      random.normal(),
      random.integer(0, 10),
    ]);
  });

  it("is uniform: mean 1/2 and variance 1/12 within 5 standard errors over 20,000 draws", () => {
    const random = new Random(3);
    const n = 20_000;
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < n; i++) {
      const x = random.uniform();
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThan(1);
      sum += x;
      squares += x * x;
    }
    const mean = sum / n;
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(squares / n - mean * mean - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / n));
  });

  it("shuffles into a permutation and samples without repetition", () => {
    const random = new Random(5);
    const items = Array.from({ length: 20 }, (_, i) => i);
    expect(random.shuffle(items).sort((a, b) => a - b)).toEqual(items);
    expect(new Set(random.sample(items, 12)).size).toBe(12);
    expect(() => random.sample(items, 21)).toThrow("at most 20 items");
  });

  it("forks into streams that differ by name and do not advance the parent", () => {
    const random = new Random(5);
    const state = random.state;
    expect(random.fork("a").uint32()).not.toBe(random.fork("b").uint32());
    expect(random.state).toEqual(state);
  });
});
