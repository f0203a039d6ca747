/** Does jobs in threads, each as soon as those before it are done; what is done stays done. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { WorkerPool, writeFileAtomic } from "../../base/index.ts";
import type { JobRequest, JobThreadData } from "./job-worker.ts";
import type { PlannedJob } from "./jobs.ts";

/** How jobs are carried out. */
export interface RunJobsOptions {
  /** Jobs at a time, each on one core. */
  threads: number;
  /** Folder that keeps drawn frames. */
  cache: string;
  /** Stops each job after its present step; they go on from there the next time. */
  signal?: AbortSignal | undefined;
  /** Told now and then how much is done, in the jobs' own weights, and what is going on. */
  onProgress?: (done: number, running: readonly string[]) => void;
}

/** Milliseconds between looks at the board. */
const LOOK = 500;

/**
 * Does all jobs that are not done yet.
 *
 * @returns whether all are done; false where the signal stopped them
 * @throws what a job threw; jobs that run beside it are stopped, and go on the next time
 */
export async function runJobs(jobs: readonly PlannedJob[], options: RunJobsOptions): Promise<boolean> {
  const { threads, cache, signal, onProgress = () => {} } = options;
  const board = new Int32Array(new SharedArrayBuffer(4 * (jobs.length + 1)));
  const done = new Set<string>();
  for (const { name, job } of jobs) if (await isDone(job.out)) done.add(name);
  const left = jobs.filter(({ name }) => !done.has(name));
  if (left.length === 0) return true;
  const size = Math.min(threads, left.length);
  const data: JobThreadData = { board, cache };
  const pool = new WorkerPool<JobRequest, boolean>(new URL("./job-worker.ts", import.meta.url), size, data);
  const running = new Set<string>();
  const stop = (): void => void Atomics.store(board, 0, 1);
  const tell = (): void => {
    const share = (index: number, name: string): number =>
      done.has(name) ? 1 : running.has(name) ? Atomics.load(board, index + 1) / 1000 : 0;
    onProgress(
      jobs.reduce((sum, { name, weight }, i) => sum + weight * share(i, name), 0),
      [...running],
    );
  };
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  const timer = setInterval(tell, LOOK);
  let failure: unknown;
  try {
    await new Promise<void>((resolve) => {
      const start = (): void => {
        for (const [index, { name, job, after }] of jobs.entries()) {
          if (running.size >= size || Atomics.load(board, 0) !== 0) break;
          if (done.has(name) || running.has(name) || !after.every((other) => done.has(other))) continue;
          running.add(name);
          const begun = performance.now();
          pool
            .run({ job, slot: index + 1 })
            .then(async (finished) => {
              if (!finished) return;
              const seconds = Math.round((performance.now() - begun) / 1000);
              await writeFileAtomic(join(job.out, "done.json"), `${JSON.stringify({ seconds })}\n`);
              done.add(name);
            })
            .catch((error: unknown) => {
              failure ??= error;
              stop();
            })
            .finally(() => {
              running.delete(name);
              tell();
              start();
            });
        }
        if (running.size === 0) resolve();
      };
      start();
    });
  } finally {
    clearInterval(timer);
    signal?.removeEventListener("abort", stop);
    await pool.close();
  }
  if (failure !== undefined) throw failure;
  return done.size === jobs.length;
}

async function isDone(folder: string): Promise<boolean> {
  const found = await stat(join(folder, "done.json")).catch(() => null);
  return found?.isFile() === true;
}
