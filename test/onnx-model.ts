/** An exported model run by plain onnxruntime-node: what a program without this package would do, by README.json. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";

interface Tensors {
  readonly [name: string]: Tensor;
}

interface Manifest {
  readonly sizes: { readonly prefill: number; readonly capacity: number };
  readonly frames: readonly { readonly grid: readonly number[]; readonly file: string }[];
  readonly model: { readonly layers: number; readonly key_value_heads: number; readonly head_dim: number };
  readonly positions: { readonly merge_size: number };
}

/** An exported folder's sessions and one sequence's cache. Call `release` when done. */
export class OnnxModel {
  readonly manifest: Manifest;
  readonly #folder: string;
  readonly #sessions = new Map<string, Promise<InferenceSession>>();
  readonly #past = new Map<string, Float32Array>();
  #length = 0;

  /** Reads the manifest and makes an empty cache. */
  constructor(folder: string) {
    this.#folder = folder;
    this.manifest = JSON.parse(readFileSync(join(folder, "README.json"), "utf8"));
    this.clear();
  }

  /** Empties the cache. */
  clear(): void {
    const { layers, key_value_heads: heads, head_dim: channels } = this.manifest.model;
    for (let layer = 0; layer < layers; layer++)
      for (const part of ["key", "value"])
        this.#past.set(`${layer}.${part}`, new Float32Array(heads * this.manifest.sizes.capacity * channels));
    this.#length = 0;
  }

  /** The tokens of a video, `[t h w / merge², D]`. */
  async see(
    pixels: Float32Array,
    [time, height, width]: readonly [number, number, number],
  ): Promise<Float32Array> {
    const { file } = this.manifest.frames.find(({ grid }) => grid[1] === height && grid[2] === width) ?? {};
    if (file === undefined) throw new Error(`no vision tower for ${height}x${width} patches`);
    const each = pixels.length / time;
    const parts: Float32Array[] = [];
    for (let t = 0; t < time; t++) {
      const rows = new Tensor("float32", pixels.slice(t * each, (t + 1) * each), [
        height * width,
        each / (height * width),
      ]);
      parts.push((await this.#run(file, { pixel_values: rows })).video_embeds?.data as Float32Array);
    }
    const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /**
   * Reads a prompt.
   *
   * @param ids with placeholders where `isPlaceholder`
   * @param positions `3 x S`
   * @returns logits of the token after it
   */
  async read(
    ids: readonly number[],
    positions: Int32Array,
    video: Float32Array,
    isPlaceholder: (id: number) => boolean,
  ): Promise<Float32Array> {
    const { prefill: size } = this.manifest.sizes;
    let seen = 0;
    let logits = new Float32Array();
    for (let start = 0; start < ids.length; start += size) {
      const piece = ids.slice(start, start + size);
      const padded = new Int32Array(size);
      padded.set(piece);
      const { inputs_embeds } = await this.#run("embed.onnx", {
        input_ids: new Tensor("int32", padded, [1, size]),
      });
      const embeds = inputs_embeds?.data as Float32Array;
      const width = embeds.length / size;
      piece.forEach((id, i) => {
        if (isPlaceholder(id)) embeds.set(video.subarray(seen++ * width, seen * width), i * width);
      });
      const places = new Int32Array(3 * size);
      for (let axis = 0; axis < 3; axis++)
        places.set(
          positions.subarray(axis * ids.length + start, axis * ids.length + start + piece.length),
          axis * size,
        );
      logits = await this.#advance("prefill.onnx", size, piece.length, {
        inputs_embeds: new Tensor("float32", embeds, [1, size, width]),
        length: new Tensor("int32", Int32Array.of(piece.length), [1]),
        position_ids: new Tensor("int32", places, [3, 1, size]),
      });
    }
    return logits;
  }

  /** Reads one more token. @returns logits of the token after it */
  step(id: number, position: number): Promise<Float32Array> {
    return this.#advance("decode.onnx", 1, 1, {
      input_ids: new Tensor("int32", Int32Array.of(id), [1, 1]),
      position_ids: new Tensor("int32", new Int32Array(3).fill(position), [3, 1, 1]),
    });
  }

  /** Frees the sessions. */
  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
  }

  /** Runs a file on its inputs and the cache, and puts the first `count` of `size` new tokens into the cache. */
  async #advance(
    file: string,
    size: number,
    count: number,
    inputs: Tensors,
  ): Promise<Float32Array<ArrayBuffer>> {
    const { key_value_heads: heads, head_dim: channels } = this.manifest.model;
    const { capacity } = this.manifest.sizes;
    const past = [...this.#past].map(([name, data]) => [
      `past_key_values.${name}`,
      new Tensor("float32", data, [1, heads, capacity, channels]),
    ]);
    const outputs = await this.#run(file, {
      ...inputs,
      past_length: new Tensor("int32", Int32Array.of(this.#length), [1]),
      ...Object.fromEntries(past),
    });
    for (const [name, data] of this.#past) {
      const fresh = outputs[`present.${name}`]?.data as Float32Array;
      for (let head = 0; head < heads; head++)
        data.set(
          fresh.subarray(head * size * channels, (head * size + count) * channels),
          (head * capacity + this.#length) * channels,
        );
    }
    this.#length += count;
    return outputs.logits?.data as Float32Array<ArrayBuffer>;
  }

  async #run(file: string, inputs: Tensors): Promise<Tensors> {
    let session = this.#sessions.get(file);
    if (!session) {
      session = InferenceSession.create(join(this.#folder, file), { logSeverityLevel: 3 });
      this.#sessions.set(file, session);
    }
    return (await session).run(inputs);
  }
}
