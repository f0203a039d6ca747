/** Who may go next: at most so many at once, the others in the order in which they came. */

/** A queue with a number of places; whoever holds one calls the function it got to free it. */
export class Turns {
  readonly #places: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  /** @param places how many may hold a turn at once, at least 1 */
  constructor(places: number) {
    if (!(places >= 1)) throw new RangeError(`turns: at least one place, got ${places}`);
    this.#places = places;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** How many hold a turn. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Waits for a turn; the result frees it, and may be called more than once.
   *
   * @throws the signal's reason if it is aborted before the turn comes
   */
  async take(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#taken < this.#places) this.#taken++;
    else await this.#wait(signal);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      // The place passes on without becoming free, so that nobody who comes later gets in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#taken--;
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = () => {
        signal?.removeEventListener("abort", stop);
        resolve();
      };
      const stop = () => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        reject(signal?.reason);
      };
      this.#waiting.push(go);
      signal?.addEventListener("abort", stop, { once: true });
    });
  }
}
