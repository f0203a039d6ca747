/** A thread that does a reproduction's jobs, one after the other. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { workerData } from "node:worker_threads";
import { serveWorker } from "../../base/index.ts";
import { trainGrpo, trainSft } from "../../training/index.ts";
import type { Job } from "./jobs.ts";
import { measureModel } from "./measure.ts";

/** What a thread is started with. */
export interface JobThreadData {
  /** Whether to stop, and thousandths done of each job. */
  board: Int32Array;
  /** Folder that keeps drawn frames. */
  cache: string;
}

/** A job, and its place on the board. */
export interface JobRequest {
  job: Job;
  slot: number;
}

const { board, cache } = workerData as JobThreadData;

/** @returns whether the job is done; false where it was stopped */
async function work({ job, slot }: JobRequest): Promise<boolean> {
  const abort = new AbortController();
  const tell = (share: number): void => {
    Atomics.store(board, slot, Math.round(share * 1000));
    if (Atomics.load(board, 0) !== 0) abort.abort();
  };
  tell(0);
  if (abort.signal.aborted) return false;
  const { signal } = abort;
  // Threads of its own would make a job's result depend on how many there are.
  const threads = 1;
  if (job.kind === "measure") {
    const { kind: _, ...what } = job;
    try {
      await measureModel({ ...what, cache, threads, signal, onProgress: tell });
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
  const begun = await stat(join(job.out, "recipe.json")).catch(() => null);
  const options = { out: job.out, cache, threads, signal, resume: begun !== null };
  const onEvent = (event: { kind: string; metrics?: { step: number }; steps?: number }): void => {
    if (event.kind === "step" && event.metrics && event.steps) tell(event.metrics.step / event.steps);
  };
  const result =
    job.kind === "sft"
      ? await trainSft(job.recipe, { ...options, onEvent })
      : await trainGrpo(job.recipe, { ...options, onEvent });
  return result.finished;
}

serveWorker(work);
