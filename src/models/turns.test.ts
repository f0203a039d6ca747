import fc from "fast-check";
import { expect, it } from "vitest";
import { Turns } from "./turns.ts";

it("serves in the order of arrival and never more than its places", async () => {
  const turns = new Turns(2);
  const order: number[] = [];
  let inside = 0;
  await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const free = await turns.take();
      order.push(i);
      expect(++inside).toBeLessThanOrEqual(2);
      await new Promise((resolve) => setTimeout(resolve, 1 + (i % 3)));
      inside--;
      free();
      free();
    }),
  );
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect([turns.taken, turns.waiting]).toEqual([0, 0]);
});

it("lets go of those who stop waiting", async () => {
  const turns = new Turns(1);
  const free = await turns.take();
  const stop = new AbortController();
  const impatient = turns.take(stop.signal);
  const patient = turns.take();
  stop.abort(new Error("too long"));
  await expect(impatient).rejects.toThrow("too long");
  await expect(turns.take(stop.signal)).rejects.toThrow("too long");
  free();
  (await patient)();
  expect(turns.taken).toBe(0);
});

it("loses no place, whoever frees, waits and gives up", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.nat({ max: 3 }), { maxLength: 12 }),
      async (places, kinds) => {
        const turns = new Turns(places);
        await Promise.all(
          kinds.map(async (kind) => {
            const stop = new AbortController();
            if (kind === 0) queueMicrotask(() => stop.abort(new Error("stop")));
            const free = await turns.take(stop.signal).catch(() => null);
            await new Promise((resolve) => setImmediate(resolve));
            free?.();
          }),
        );
        expect([turns.taken, turns.waiting]).toEqual([0, 0]);
      },
    ),
  );
});
