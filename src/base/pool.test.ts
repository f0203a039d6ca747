import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { mapPool } from "./pool.ts";

it("keeps the order and never exceeds the limit", async () => {
  let running = 0;
  let most = 0;
  const results: number[] = [];
  for await (const r of mapPool([5, 1, 4, 2, 3], 2, async (x) => {
    most = Math.max(most, ++running);
    await sleep(x);
    running--;
    return x * 10;
  }))
    results.push(r);
  expect(results).toEqual([50, 10, 40, 20, 30]);
  expect(most).toBe(2);
});

it("throws at the place of the item that failed", async () => {
  const seen: number[] = [];
  const run = async () => {
    for await (const r of mapPool([1, 2, 3], 3, async (x) => {
      if (x === 2) throw new Error("two");
      return x;
    }))
      seen.push(r);
  };
  await expect(run()).rejects.toThrow("two");
  expect(seen).toEqual([1]);
});

it("keeps all places busy behind a slow call, up to so many results", async () => {
  const started: number[] = [];
  let release = (): void => {};
  const slow = new Promise<void>((resolve) => {
    release = resolve;
  });
  const results = mapPool(
    Array.from({ length: 20 }, (_, i) => i),
    2,
    async (i) => {
      started.push(i);
      if (i === 0) await slow;
      return i;
    },
    4,
  );
  const all: number[] = [];
  const done = (async () => {
    for await (const i of results) all.push(i);
  })();
  await sleep(5);
  // One place is taken by the slow one; the other went on until eight results were there or under way.
  expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  release();
  await done;
  expect(all).toEqual(Array.from({ length: 20 }, (_, i) => i));
});
