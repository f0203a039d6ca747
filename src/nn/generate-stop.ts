/** Stop strings in a stream of text: what may be shown already, and where the text ends. */

/** Looks for stop strings in text that comes in pieces. */
export class StopScanner {
  readonly #stops: readonly string[];
  #held = "";
  /** Whether a stop string was found; nothing is given out after it. */
  stopped = false;

  /** @param stops strings before which the text ends; empty ones are ignored */
  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== "");
  }

  /** Takes the next piece and returns the text that no stop string can take back any more. */
  push(piece: string): string {
    if (this.stopped) return "";
    this.#held += piece;
    const at = this.#stops
      .map((stop) => this.#held.indexOf(stop))
      .filter((index) => index >= 0)
      .sort((a, b) => a - b)[0];
    if (at !== undefined) {
      this.stopped = true;
      return this.#give(at);
    }
    return this.#give(this.#held.length - this.#overhang());
  }

  /** What was held back, once no more text comes; "" after a stop. */
  end(): string {
    return this.stopped ? "" : this.#give(this.#held.length);
  }

  #give(length: number): string {
    const text = this.#held.slice(0, length);
    this.#held = this.stopped ? "" : this.#held.slice(length);
    return text;
  }

  /** Characters at the end of the text that begin a stop string. */
  #overhang(): number {
    let most = 0;
    for (const stop of this.#stops) {
      for (let n = Math.min(stop.length - 1, this.#held.length); n > most; n--) {
        if (this.#held.endsWith(stop.slice(0, n))) {
          most = n;
          break;
        }
      }
    }
    return most;
  }
}
