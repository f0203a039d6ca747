/**
 * The keys and values of earlier tokens, on the host, where the CPU's programs read them in place. A row is a
 * sequence; its slots fill from the first on, so that rows of different lengths share one program.
 */

import { invariant } from "../base/index.ts";
import { DeviceTensor } from "../engine/index.ts";
import { headDim, type TextConfig } from "./config.ts";
import { MASKED } from "./vision-inputs.ts";

/** A cache of fixed capacity for a number of rows. */
export class KvCache {
  readonly rows: number;
  /** Slots of a row. */
  readonly capacity: number;
  /** Per layer: `[rows, KV, capacity, C]`, keys turned by their positions. */
  readonly layers: readonly { readonly key: DeviceTensor; readonly value: DeviceTensor }[];
  /** `[rows, capacity]`: 0 where a slot holds a token, `MASKED` where it does not. */
  readonly bias: DeviceTensor;
  /** Tokens of each row. */
  readonly lengths: Int32Array;
  readonly #heads: number;
  readonly #channels: number;

  /** Makes an empty cache. */
  constructor(text: TextConfig, rows: number, capacity: number) {
    this.rows = rows;
    this.capacity = capacity;
    this.#heads = text.num_key_value_heads;
    this.#channels = headDim(text);
    const shape = [rows, this.#heads, capacity, this.#channels];
    const make = () => DeviceTensor.zeros({ dtype: "float32", shape });
    this.layers = Array.from({ length: text.num_hidden_layers }, () => ({ key: make(), value: make() }));
    this.bias = DeviceTensor.zeros({ dtype: "float32", shape: [rows, capacity] });
    (this.bias.data as Float32Array).fill(MASKED);
    this.lengths = new Int32Array(rows);
  }

  /**
   * Adds the first `count` of `size` new tokens to a row.
   *
   * @param fresh per layer `[1, KV, size, C]`
   */
  append(
    row: number,
    fresh: readonly { readonly key: Float32Array; readonly value: Float32Array }[],
    size: number,
    count: number,
  ): void {
    const width = this.#channels;
    const start = this.#claim(row, count);
    fresh.forEach(({ key, value }, layer) => {
      for (let head = 0; head < this.#heads; head++) {
        const from = head * size * width;
        const to = this.#offset(row, head) + start * width;
        this.#key(layer).set(key.subarray(from, from + count * width), to);
        this.#value(layer).set(value.subarray(from, from + count * width), to);
      }
    });
  }

  /**
   * Adds one token to each of the first `rows` rows.
   *
   * @param fresh `[rows, 2 L KV, C]`: each layer's keys, then its values, layer after layer
   */
  appendStep(fresh: Float32Array, rows: number): void {
    const width = this.#channels;
    const heads = this.#heads;
    let from = 0;
    for (let row = 0; row < rows; row++) {
      const slot = this.#claim(row, 1) * width;
      for (let layer = 0; layer < this.layers.length; layer++) {
        for (let part = 0; part < 2; part++) {
          const target = part === 0 ? this.#key(layer) : this.#value(layer);
          for (let head = 0; head < heads; head++) {
            const to = this.#offset(row, head) + slot;
            for (let i = 0; i < width; i++) target[to + i] = fresh[from + i] as number;
            from += width;
          }
        }
      }
    }
  }

  /** Replaces a row by a row of another cache of the same model. */
  copyRow(row: number, source: KvCache, sourceRow: number): void {
    this.clearRow(row);
    const count = source.lengths[sourceRow] as number;
    this.#claim(row, count);
    const length = count * this.#channels;
    source.layers.forEach((_, layer) => {
      for (let head = 0; head < this.#heads; head++) {
        const from = source.#offset(sourceRow, head);
        const to = this.#offset(row, head);
        this.#key(layer).set(source.#key(layer).subarray(from, from + length), to);
        this.#value(layer).set(source.#value(layer).subarray(from, from + length), to);
      }
    });
  }

  /** Empties a row. */
  clearRow(row: number): void {
    (this.bias.data as Float32Array).fill(MASKED, row * this.capacity, (row + 1) * this.capacity);
    this.lengths[row] = 0;
  }

  /** Marks the next `count` slots of a row as taken and returns the first. */
  #claim(row: number, count: number): number {
    const start = this.lengths[row] as number;
    invariant(start + count <= this.capacity, `cache: ${start} + ${count} tokens in ${this.capacity} slots`);
    const first = row * this.capacity + start;
    (this.bias.data as Float32Array).fill(0, first, first + count);
    this.lengths[row] = start + count;
    return start;
  }

  #offset(row: number, head: number): number {
    return (row * this.#heads + head) * this.capacity * this.#channels;
  }

  #key(layer: number): Float32Array {
    return this.layers[layer]?.key.data as Float32Array;
  }

  #value(layer: number): Float32Array {
    return this.layers[layer]?.value.data as Float32Array;
  }
}
