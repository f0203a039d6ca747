import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { EventFile } from "./event-file.ts";

afterEach(() => vi.useRealTimers());

// What tensorboard 2.21's RecordWriter makes of the same events at the time 1000.
const recorded =
  "1800000000000000a37f4b22090000000000408f401a0d627261696e2e4576656e743a3273ae6b561a00000000000000129bd82d" +
  "090000000000408f4010012a0d0a0b0a046c6f73731500002040068955702a00000000000000ae8d91f5090000000000408f4010" +
  "ac022a1c0a0b0a046c6f737315000080bf0a0d0a06726577617264150000003f6ecb9886";

it("writes what TensorBoard writes, numbers only, and begins anew each time", async () => {
  vi.useFakeTimers({ now: 1_000_000, toFake: ["Date"] });
  const folder = await mkdtemp(join(tmpdir(), "events-"));
  try {
    for (let i = 0; i < 2; i++) {
      const events = await EventFile.create(folder, [{ step: 1, loss: 2.5, note: "text", kl: null }]);
      await events.append({ step: 300, loss: -1, reward: 0.5, bad: Number.NaN });
    }
    expect((await readFile(join(folder, "events.out.tfevents.0"))).toString("hex")).toBe(recorded);
  } finally {
    await rm(folder, { recursive: true });
  }
});
