/** A map of bounded size: what was not looked at for longest goes first. */

/** Keeps the values that were last set or got. */
export class RecentMap<K, V> {
  readonly #limit: number;
  readonly #values = new Map<K, V>();

  /** @param limit most values kept; 0 keeps none */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value, which from now on is the last one to go; undefined where there is none. */
  get(key: K): V | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  /** Keeps a value, in place of an earlier one of that key. */
  set(key: K, value: V): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#limit) return;
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest);
      break;
    }
  }
}
