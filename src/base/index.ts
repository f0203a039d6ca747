/** The lowest layer: what every other layer uses, and nothing that knows what a video or a model is. */

export { type CheckoutSource, checkoutSource } from "./checkout-source.ts";
export { fileStamp, hashJson, sha256, sha256File } from "./hash.ts";
export { keepsHeap, rerunKeepingHeap } from "./heap.ts";
export {
  type JsonlErrors,
  JsonlWriter,
  readJsonl,
  readJsonlLines,
  writeFileAtomic,
  writeLinesAtomic,
} from "./jsonl.ts";
export { mapPool } from "./pool.ts";
export { formatDuration, Progress, type ProgressOptions } from "./progress.ts";
export { Message } from "./protobuf.ts";
export { Random, type RandomState } from "./random.ts";
export { invariant, messageOf, UsageError } from "./usage-error.ts";
export { serveWorker, startWorker, WorkerPool } from "./worker-pool.ts";
