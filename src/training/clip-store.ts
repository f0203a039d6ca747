/** Clips, decoded and drawn in worker threads. */

import { WorkerPool } from "../base/index.ts";
import type { Clip, ClipRequest, ClipSettings } from "./clip.ts";

/** Training blocks the thread that hands out work, so that each worker has as many clips as it makes in that time. */
const AHEAD = 16;

/** Gives clips; at most as many are being made as there are threads, in the order they were asked for. */
export class ClipStore {
  readonly #pool: WorkerPool<ClipRequest, Clip>;

  /** @param workers threads that decode and draw, at least 1 */
  constructor(settings: ClipSettings, workers: number) {
    this.#pool = new WorkerPool(new URL("./clip-worker.ts", import.meta.url), workers, settings, AHEAD);
  }

  /** One video as a clip. @throws UsageError where it cannot be read */
  get(request: ClipRequest): Promise<Clip> {
    return this.#pool.run(request);
  }

  /** Ends the threads. */
  close(): Promise<void> {
    return this.#pool.close();
  }
}
