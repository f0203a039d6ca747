/**
 * Threads for work that would block this one. A worker module calls `serveWorker(handler)`; this side calls
 * `pool.run(input)`. Typed arrays in results are moved, not copied.
 */

import { parentPort, Worker } from "node:worker_threads";
import { invariant, UsageError } from "./usage-error.ts";

type Reply = {
  id: number;
  value?: unknown;
  error?: { message: string; code?: string; hint?: string; stack?: string };
};

/**
 * Starts a worker thread on a module of this package. Compiled modules run as they are; TypeScript sources, as in
 * the tests, run through `tsx`.
 *
 * @param url the module, as `new URL("./x-worker.ts", import.meta.url)`
 * @param workerData passed to the worker as `workerData`
 */
export function startWorker(url: URL, workerData?: unknown): Worker {
  if (!import.meta.url.endsWith(".ts"))
    return new Worker(new URL(url.href.replace(/\.ts$/, ".js")), { workerData });
  // Node 20 does not hand `--import tsx` down to threads, so the thread registers it before anything else.
  const tsx = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  const boot = `import(${tsx}).then(({ register }) => { register(); return import(${JSON.stringify(url.href)}); })`;
  return new Worker(boot, { eval: true, workerData });
}

/** A thread with the numbers of what it was given and has not answered; it takes no more once it has died. */
interface Slot {
  readonly worker: Worker;
  readonly given: Set<number>;
  dead: boolean;
}

/** A fixed number of worker threads that run one kind of work; inputs wait their turn in order. */
export class WorkerPool<Input, Output> {
  readonly #workers: Slot[] = [];
  readonly #ahead: number;
  readonly #pending = new Map<number, { resolve: (value: Output) => void; reject: (error: Error) => void }>();
  readonly #queue: { id: number; input: Input }[] = [];
  #next = 0;
  #closed = false;

  /**
   * @param url the worker module, as `new URL("./x-worker.ts", import.meta.url)`
   * @param size threads, at least 1
   * @param workerData passed to every worker
   * @param ahead inputs that a thread is given at a time, default 1: with more it goes on by itself while this side is
   *   blocked and cannot hand out the next one
   */
  constructor(url: URL, size: number, workerData?: unknown, ahead = 1) {
    invariant(size >= 1, `worker pool: at least one thread, got ${size}`);
    this.#ahead = ahead;
    for (let i = 0; i < size; i++) {
      const slot: Slot = { worker: startWorker(url, workerData), given: new Set(), dead: false };
      slot.worker.on("message", (reply: Reply) => this.#settle(slot, reply));
      slot.worker.on("error", (error) => this.#fail(slot, error));
      slot.worker.on("exit", (code) => {
        if (!this.#closed) this.#fail(slot, new Error(`internal: a worker thread ended with code ${code}`));
      });
      slot.worker.unref();
      this.#workers.push(slot);
    }
  }

  /** Runs one piece of work. @throws what the handler threw; a UsageError stays one */
  run(input: Input): Promise<Output> {
    if (this.#closed) return Promise.reject(new Error("internal: the worker pool is closed"));
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#pending.set(id, { resolve, reject });
      this.#queue.push({ id, input });
      this.#dispatch();
    });
  }

  /** Ends the threads; work that has not finished is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#pending.values()) reject(new Error("the worker pool was closed"));
    this.#pending.clear();
    await Promise.all(this.#workers.map(({ worker }) => worker.terminate()));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const open = this.#workers.filter(({ given, dead }) => !dead && given.size < this.#ahead);
      if (open.length === 0) return;
      const slot = open.reduce((best, other) => (other.given.size < best.given.size ? other : best));
      const job = this.#queue.shift() as { id: number; input: Input };
      slot.given.add(job.id);
      slot.worker.ref();
      slot.worker.postMessage(job);
    }
  }

  #settle(slot: Slot, reply: Reply): void {
    slot.given.delete(reply.id);
    if (slot.given.size === 0) slot.worker.unref();
    const waiter = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.error !== undefined) {
      const { message, code, hint, stack } = reply.error;
      const error = code === undefined ? new Error(message) : new UsageError(code, message, hint);
      if (code === undefined && stack !== undefined) error.stack = stack;
      waiter?.reject(error);
    } else waiter?.resolve(reply.value as Output);
    this.#dispatch();
  }

  #fail(slot: Slot, error: Error): void {
    const failed = slot.given.size === 0 ? [...this.#pending.keys()] : [...slot.given];
    slot.dead = true;
    slot.given.clear();
    for (const id of failed) {
      this.#pending.get(id)?.reject(error);
      this.#pending.delete(id);
    }
    if (this.#workers.every(({ dead }) => dead)) {
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
      this.#queue.length = 0;
    }
  }
}

/** Answers the pool from inside a worker module: one call of `handler` at a time, typed arrays moved out. */
export function serveWorker<Input, Output>(handler: (input: Input) => Promise<Output> | Output): void {
  const port = parentPort;
  invariant(port !== null, "serveWorker is called in a worker thread");
  let last: Promise<void> = Promise.resolve();
  port.on("message", ({ id, input }: { id: number; input: Input }) => {
    last = last.then(async () => {
      try {
        const value = await handler(input);
        port.postMessage({ id, value } satisfies Reply, transferable(value));
      } catch (error) {
        const e = error instanceof Error ? error : new Error(String(error));
        const usage =
          e instanceof UsageError ? { code: e.code, ...(e.hint === undefined ? {} : { hint: e.hint }) } : {};
        port.postMessage({
          id,
          error: { message: e.message, ...(e.stack === undefined ? {} : { stack: e.stack }), ...usage },
        } satisfies Reply);
      }
    });
  });
}

/** The buffers of every typed array in a value that covers its buffer whole. */
function transferable(value: unknown, found = new Set<ArrayBuffer>()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength)
      found.add(value.buffer);
  } else if (Array.isArray(value)) for (const item of value) transferable(item, found);
  else if (value !== null && typeof value === "object")
    for (const item of Object.values(value)) transferable(item, found);
  return [...found];
}
