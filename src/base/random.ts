/**
 * Seeded random numbers: xoshiro128** over a seed spread by splitmix32 (Blackman and Vigna, 2018).
 * The same seed gives the same numbers on every machine. Not for secrets.
 */

/** The state of a generator as four unsigned 32-bit integers; it can be saved and restored. */
export type RandomState = readonly [number, number, number, number];

/** A seeded generator. Every random choice in this project goes through one. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed any integer or text, or a state saved by `state` */
  constructor(seed: number | string | RandomState) {
    if (typeof seed === "object") {
      [this.#a, this.#b, this.#c, this.#d] = seed;
      return;
    }
    const next = splitmix32(hash32(String(seed)));
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next();
  }

  /** The generator's present state. */
  get state(): RandomState {
    return [this.#a, this.#b, this.#c, this.#d];
  }

  /** An unsigned 32-bit integer. */
  uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = rotateLeft(this.#d, 11);
    return result;
  }

  /** A number in [0, 1), with 53 random bits. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** An integer in [low, high), without bias. */
  integer(low: number, high: number): number {
    const span = high - low;
    if (!(span > 0 && span <= 0x100000000))
      throw new RangeError(`integer: high must exceed low, got ${low} and ${high}`);
    const limit = 0x100000000 - (0x100000000 % span);
    let x = this.uint32();
    while (x >= limit) x = this.uint32();
    return low + (x % span);
  }

  /** One of `items`, each as likely. @throws RangeError if there are none */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length)] as T;
  }

  /** A shuffled copy (Fisher and Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.integer(0, i + 1);
      [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
    }
    return copy;
  }

  /** `count` different items in random order. @throws RangeError if there are fewer */
  sample<T>(items: readonly T[], count: number): T[] {
    if (count > items.length) throw new RangeError(`sample: at most ${items.length} items, got ${count}`);
    return this.shuffle(items).slice(0, count);
  }

  /** A sample of the standard normal distribution (Box and Muller). */
  normal(): number {
    const u = 1 - this.uniform();
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** An independent generator for a named part of the work, so that parts do not disturb each other. */
  fork(name: string | number): Random {
    return new Random(`${this.state.join(",")}/${name}`);
  }
}

function rotateLeft(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}

function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

function splitmix32(seed: number): () => number {
  let a = seed | 0;
  return () => {
    a = (a + 0x9e3779b9) | 0;
    let t = a ^ (a >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return (t ^ (t >>> 15)) >>> 0;
  };
}
