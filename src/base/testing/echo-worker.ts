/** A worker for the tests of the pool. */

import { UsageError } from "../usage-error.ts";
import { serveWorker } from "../worker-pool.ts";

serveWorker(async (input: { kind: string; bytes?: Uint8Array }) => {
  if (input.kind === "usage") throw new UsageError("bad", "input: must be good, got bad", "be good");
  if (input.kind === "bug") throw new Error("boom");
  if (input.kind === "exit") process.exit(3);
  if (input.kind === "time") return { kind: String(Date.now()), bytes: new Uint8Array() };
  return { kind: input.kind, bytes: new Uint8Array(input.bytes ?? []).map((x) => x + 1) };
});
