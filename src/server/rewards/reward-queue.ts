/**
 * The queue between requests and what rewards: bounded, first come, first served, a number of completions at once.
 * A completion is known by its id and a hash of all that its rewards depend on: asked about again, it is joined where
 * it is in progress and answered from memory where it is done. One that nobody waits for any more is not begun.
 */

import { sha256 } from "../../base/index.ts";
import { HttpError } from "../http-error.ts";
import { type ItemRewarder, nothingKnown, type RunningItem } from "./item-rewarder.ts";
import { type ItemRewards, isFinal, type NullCode } from "./item-rewards.ts";
import { RecentMap } from "./recent-map.ts";
import type { RewardItem } from "./reward-request.ts";

/** Bounds of the queue. */
export interface QueueOptions {
  /** Most completions waiting or in progress. */
  limit: number;
  /** Completions in progress at once. */
  inFlight: number;
  /** Results kept for those who ask again. */
  remembered: number;
}

/** What became of a request. */
export interface Rewarded {
  /** In the order of the items. */
  results: ItemRewards[];
  /** Of these, how many came from memory, or from another request's completion in progress. */
  remembered: number;
}

interface Job {
  key: string;
  item: RewardItem;
  /** Requests that wait for it. */
  waiters: number;
  running: RunningItem | null;
  result: ItemRewards | null;
  finish: (result: ItemRewards) => void;
  done: Promise<ItemRewards>;
}

/** Milliseconds of beginning completions after which requests get their turn. */
const slice = 8;
/** Weight of the past in the mean time from one finished completion to the next. */
const smoothing = 0.98;

/** All that a completion's rewards depend on, for one set of settings. */
function keyOf({ id, completion, question, truncated, explain }: RewardItem): string {
  return `${id}\n${sha256(JSON.stringify([completion, question, truncated, explain]))}`;
}

/** Rewards completions of many requests. */
export class RewardQueue {
  readonly #rewarder: ItemRewarder;
  readonly #options: QueueOptions;
  readonly #memory: RecentMap<string, ItemRewards>;
  /** All that wait or are in progress, by key. */
  readonly #jobs = new Map<string, Job>();
  /** Those that wait, in order. */
  readonly #waiting = new Set<Job>();
  /** What ends the waiting of each request. */
  readonly #waits = new Set<(code: NullCode) => void>();
  #pumping = false;
  #lastFinish = performance.now();
  #msPerItem = 1;

  /** Begins when it is asked. */
  constructor(rewarder: ItemRewarder, options: QueueOptions) {
    this.#rewarder = rewarder;
    this.#options = options;
    this.#memory = new RecentMap(options.remembered);
  }

  /** Completions that wait to be begun. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Completions in progress. */
  get running(): number {
    return this.#jobs.size - this.#waiting.size;
  }

  /**
   * Rewards completions; returns at the deadline with what is known by then.
   *
   * @param signal ends waiting: nobody reads the answer
   * @throws HttpError 413 for more items than the queue has places, 429 where they are taken
   */
  async reward(
    items: readonly RewardItem[],
    { deadlineSeconds, signal }: { deadlineSeconds: number; signal?: AbortSignal | undefined },
  ): Promise<Rewarded> {
    const { limit } = this.#options;
    if (items.length > limit)
      throw new HttpError(
        413,
        "too_many_items",
        `items: must be at most ${limit}, the length of the queue, got ${items.length}; send fewer in a request`,
        "items",
      );
    const keys = items.map(keyOf);
    const places = keys.map((key) => this.#memory.get(key) ?? this.#jobs.get(key) ?? null);
    const fresh = places.filter((place) => place === null).length;
    if (this.#jobs.size + fresh > limit) throw this.#full(fresh);
    const asked = items.map((item, i) => places[i] ?? this.#add(keys[i] as string, item));
    const jobs = asked.filter((one): one is Job => "key" in one);
    for (const job of jobs) job.waiters++;
    const code = await this.#settle(jobs, deadlineSeconds, signal);
    for (const job of jobs) this.#leave(job);
    const results = asked.map((one) => {
      if (!("key" in one)) return one;
      return one.result ?? one.running?.soFar(code) ?? nothingKnown(code);
    });
    return { results, remembered: items.length - fresh };
  }

  /** Ends all waiting: requests are answered with what is known. */
  abandon(): void {
    for (const end of this.#waits) end("stopping");
  }

  #full(fresh: number): HttpError {
    const { limit } = this.#options;
    const seconds = Math.ceil((this.#jobs.size * this.#msPerItem) / 1000);
    return new HttpError(
      429,
      "queue_full",
      `the queue has ${limit} places, ${this.#jobs.size} of them taken, and the request needs ${fresh}; try again later`,
      null,
      Math.min(30, Math.max(1, seconds)),
    );
  }

  #add(key: string, item: RewardItem): Job {
    let finish: (result: ItemRewards) => void = () => {};
    const done = new Promise<ItemRewards>((resolve) => {
      finish = resolve;
    });
    if (this.#jobs.size === 0) this.#lastFinish = performance.now();
    const job: Job = { key, item, waiters: 0, running: null, result: null, finish, done };
    this.#jobs.set(key, job);
    this.#waiting.add(job);
    this.#pump();
    return job;
  }

  /** Waits for jobs; the result says why it waited no longer, where not all are done. */
  async #settle(
    jobs: readonly Job[],
    deadlineSeconds: number,
    signal: AbortSignal | undefined,
  ): Promise<NullCode> {
    let end: (code: NullCode) => void = () => {};
    const ended = new Promise<NullCode>((resolve) => {
      end = resolve;
    });
    const late = () => end("deadline");
    const timer = setTimeout(late, deadlineSeconds * 1000);
    signal?.addEventListener("abort", late, { once: true });
    this.#waits.add(end);
    Promise.all(jobs.map(({ done }) => done)).then(() => end("internal"));
    try {
      return await ended;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", late);
      this.#waits.delete(end);
    }
  }

  #leave(job: Job): void {
    job.waiters--;
    if (job.waiters > 0 || job.running !== null) return;
    this.#waiting.delete(job);
    this.#jobs.delete(job.key);
  }

  /** Begins completions in turns of a few milliseconds, between which requests are read and answered. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      const until = performance.now() + slice;
      for (const job of this.#waiting) {
        if (this.running >= this.#options.inFlight) return;
        if (performance.now() > until) return this.#pump();
        this.#begin(job);
      }
    });
  }

  #begin(job: Job): void {
    this.#waiting.delete(job);
    job.running = this.#rewarder.start(job.item);
    job.running.done.then((result) => {
      job.result = result;
      this.#jobs.delete(job.key);
      if (isFinal(result)) this.#memory.set(job.key, result);
      const now = performance.now();
      this.#msPerItem = smoothing * this.#msPerItem + (1 - smoothing) * (now - this.#lastFinish);
      this.#lastFinish = now;
      job.finish(result);
      this.#pump();
    });
  }
}
