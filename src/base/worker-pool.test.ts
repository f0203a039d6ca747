import { afterEach, describe, expect, it } from "vitest";
import { UsageError } from "./usage-error.ts";
import { WorkerPool } from "./worker-pool.ts";

type Input = { kind: string; bytes?: Uint8Array };
type Output = { kind: string; bytes: Uint8Array };
const pools: WorkerPool<Input, Output>[] = [];
const make = (size: number, ahead?: number) => {
  const url = new URL("./testing/echo-worker.ts", import.meta.url);
  const pool = new WorkerPool<Input, Output>(url, size, undefined, ahead);
  pools.push(pool);
  return pool;
};
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

describe("WorkerPool", () => {
  it("runs more work than it has threads", async () => {
    const pool = make(2);
    const results = await Promise.all(
      [1, 2, 3, 4, 5].map((n) => pool.run({ kind: `k${n}`, bytes: Uint8Array.of(n) })),
    );
    expect(results.map((r) => [r.kind, r.bytes[0]])).toEqual([1, 2, 3, 4, 5].map((n) => [`k${n}`, n + 1]));
  });

  it("gives a thread several inputs at a time, which it goes on with while this side is blocked", async () => {
    const pool = make(1, 4);
    await pool.run({ kind: "started" });
    const results = [1, 2, 3].map((n) => pool.run({ kind: "time", bytes: Uint8Array.of(n) }));
    await new Promise(setImmediate);
    const until = performance.now() + 1000;
    while (performance.now() < until);
    const blockedUntil = Date.now();
    const times = (await Promise.all(results)).map((r) => Number(r.kind));
    expect(times.every((time) => time < blockedUntil)).toBe(true);
  });

  it("passes on usage errors as such, and other errors with their message", async () => {
    const pool = make(1);
    const usage = await pool.run({ kind: "usage" }).catch((error: unknown) => error);
    expect(usage).toBeInstanceOf(UsageError);
    expect((usage as UsageError).toJSON()).toEqual({
      code: "bad",
      message: "input: must be good, got bad",
      hint: "be good",
    });
    await expect(pool.run({ kind: "bug" })).rejects.toThrow("boom");
    expect((await pool.run({ kind: "after" })).kind).toBe("after");
  });

  it("rejects what waits when the last thread dies, rather than waiting for ever", async () => {
    const pool = make(1);
    const waiting = [pool.run({ kind: "exit" }), pool.run({ kind: "never" })];
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.map((o) => o.status)).toEqual(["rejected", "rejected"]);
  });
});
