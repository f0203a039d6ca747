/** Videos that several questions ask about: decoded once, and let go of after the last of them. */

import { messageOf } from "../../base/index.ts";

interface Entry<T> {
  value: Promise<T | Error>;
  users: number;
}

/** Holds each video from the first question that asks for it until the last one is done with it. */
export class VideoCache<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #left = new Map<string, number>();
  readonly #open: (key: string) => Promise<T>;

  /**
   * @param keys the video of each question to come, as often as it is asked about
   * @param open decodes one
   */
  constructor(keys: readonly string[], open: (key: string) => Promise<T>) {
    this.#open = open;
    for (const key of keys) this.#left.set(key, (this.#left.get(key) ?? 0) + 1);
  }

  /** Videos held now. */
  get size(): number {
    return this.#entries.size;
  }

  /** Runs work with a question's video, or with the error that says why there is none. */
  async use<R>(key: string, work: (value: T | Error) => Promise<R>): Promise<R> {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const value = this.#open(key).catch((error: unknown) =>
        error instanceof Error ? error : new Error(messageOf(error)),
      );
      entry = { value, users: 0 };
      this.#entries.set(key, entry);
    }
    entry.users++;
    try {
      return await work(await entry.value);
    } finally {
      entry.users--;
      const left = (this.#left.get(key) ?? 1) - 1;
      this.#left.set(key, left);
      if (left <= 0 && entry.users === 0) this.#entries.delete(key);
    }
  }
}
