/**
 * The language model one piece of text at a time: prefill reads a prompt into a cache, a step adds one token to
 * each row of a batch. Both are `decoderLayer` in a program compiled for a few sizes; sizes are rounded up, and
 * what is padding is masked. A prompt is read alone, so that its logits do not depend on what else is asked.
 */

import { compile, type Device, DeviceTensor, np, type Program, type TensorSpec } from "../engine/index.ts";
import { headDim, type Qwen25VLConfig } from "./config.ts";
import { KvCache } from "./generate-cache.ts";
import {
  prefillFunction,
  type StepArrays,
  stepFunction,
  type WeightArrays,
  widenAll,
} from "./generate-programs.ts";
import type { GenerationWeights } from "./generate-weights.ts";
import { fromFloat16 } from "./half.ts";
import { languageRotary } from "./rope.ts";
import { floatTensor } from "./tensor.ts";

/** Most tokens that prefill reads at once; longer prompts are read in pieces, each attending to those before. */
const CHUNK = 1024;

/** Weights up to this size become part of the programs that make steps, and are held once more in memory, ... */
export const FREEZE_BYTES = 512 * 2 ** 20;
/** ... where so few rows share them; with more, packed matrices are no faster than weights as left factor, ... */
const FREEZE_ROWS = 2;
/**
 * ... unless they are so small that what counts is the number of operators and of tensors given to each step. Such a step
 * runs on one thread: its operators are over before a second has begun.
 */
const SMALL_BYTES = 32 * 2 ** 20;

/** `StepArrays` on the host. */
interface StepTensors {
  readonly hidden: TensorSpec;
  readonly cos: TensorSpec;
  readonly sin: TensorSpec;
  readonly last?: TensorSpec;
  readonly cache?: Pick<KvCache, "bias" | "layers">;
}

/** Either program; the results' types depend on what it was made for. */
type StepProgram = Program<readonly [unknown, unknown], Record<string, never>>;

/** A prompt that has been read. */
export interface PromptState {
  /** Its keys and values, in one row. */
  readonly cache: KvCache;
  /** `[V]`: logits of the token after it. */
  readonly logits: Float32Array;
  /** `[H, tokens]`: the last layer's attention of its last token; only if asked for. */
  readonly attention?: Float32Array;
}

/** The buffers of a batch that is being generated. */
export interface StepBuffers {
  readonly cache: KvCache;
  /** `[B, V]`, written by a step. */
  readonly logits: Float32Array;
  /** `[B, H, 1, capacity + 1]`: the last layer's attention, written by a step; only if asked for. */
  readonly attention: Float32Array | undefined;
}

interface BoundStep extends StepBuffers {
  /** `[D, B]`, or `[B, D]` where weights are frozen. */
  readonly hidden: Float32Array;
  /** `[D]`: one row's embedding on its way into a column; absent where rows are rows. */
  readonly embedding: Float32Array | undefined;
  /** `[V, B]`: the program's logits; those of `logits` where rows are rows. */
  readonly columns: Float32Array;
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  readonly fresh: Float32Array;
  readonly run: () => Promise<void>;
}

/** Rounds a number of tokens or slots up to one of a few sizes. */
export function bucket(count: number): number {
  const step = count <= 256 ? 32 : count <= 512 ? 64 : count <= 2048 ? 128 : 512;
  return Math.ceil(count / step) * step;
}

/** Programs and buffers of one model. */
export class LanguageRuntime {
  readonly #config: Qwen25VLConfig;
  #weights: GenerationWeights;
  readonly #options: { device?: Device; threads?: number };
  readonly #programs = new Map<string, Promise<StepProgram>>();
  /** The release of programs that hold weights of before. */
  readonly #retired: Promise<void>[] = [];
  /** Most rows of a step whose weights become part of its program; 0 for none. */
  #freezeRows: number;
  readonly #small: boolean;
  #rotary: { length: number; cos: Float32Array; sin: Float32Array } = {
    length: 0,
    cos: new Float32Array(0),
    sin: new Float32Array(0),
  };

  /** @param options where programs run, and on how many threads */
  constructor(
    config: Qwen25VLConfig,
    weights: GenerationWeights,
    options: { device?: Device; threads?: number } = {},
  ) {
    this.#config = config;
    this.#weights = weights;
    this.#options = options;
    const bytes = bytesOf(weights);
    this.#small = bytes <= SMALL_BYTES;
    this.#freezeRows = this.#small ? Number.POSITIVE_INFINITY : bytes <= FREEZE_BYTES ? FREEZE_ROWS : 0;
  }

  /**
   * Takes other weights of the same shapes; buffers of batches keep the old ones. From then on weights are given to
   * programs at every step, so that none need be compiled for the next weights.
   */
  setWeights(weights: GenerationWeights): void {
    if (this.#freezeRows > 0) this.#retired.push(this.dispose());
    this.#freezeRows = 0;
    this.#weights = weights;
  }

  /**
   * Reads a prompt.
   *
   * @param embeddings `[S, D]`
   * @param positions `3 x S`
   * @param capacity slots of the cache, at least S
   */
  async prefill(
    embeddings: Float32Array,
    positions: Int32Array,
    options: { capacity?: number; attention?: boolean } = {},
  ): Promise<PromptState> {
    const { text } = this.#config;
    const width = text.hidden_size;
    const half = headDim(text) / 2;
    const total = embeddings.length / width;
    const rotary = languageRotary(text, positions, [1, total]);
    const cache = new KvCache(text, 1, Math.max(options.capacity ?? 0, bucket(total)));
    let result: Record<string, unknown> = {};
    for (let start = 0; start < total; start += CHUNK) {
      const count = Math.min(CHUNK, total - start);
      const size = Math.min(CHUNK, bucket(count));
      const slice = (values: Float32Array, each: number) => {
        const padded = new Float32Array(size * each);
        padded.set(values.subarray(start * each, (start + count) * each));
        return floatTensor(padded, [1, size, each]);
      };
      const last = new Float32Array(size);
      last[count - 1] = 1;
      const step = {
        hidden: slice(embeddings, width),
        cos: slice(rotary.cos.data, half),
        sin: slice(rotary.sin.data, half),
        last: floatTensor(last, [1, size]),
        ...(start === 0 ? {} : { cache: { bias: cache.bias, layers: cache.layers } }),
      };
      const wanted = options.attention === true && start + count === total;
      const program = await this.#program("prefill", step, wanted);
      result = await program.run(step as never, this.#weightArguments() as never);
      const fresh = result.cache as { key: { data: Float32Array }; value: { data: Float32Array } }[];
      cache.append(
        0,
        fresh.map(({ key, value }) => ({ key: key.data, value: value.data })),
        size,
        count,
      );
    }
    const logits = (result.logits as { data: Float32Array }).data;
    const attention = result.attention as { data: Float32Array } | undefined;
    return { cache, logits, ...(attention ? { attention: this.#trimAttention(attention.data, total) } : {}) };
  }

  /** Makes the buffers of a batch, and compiles its program. */
  async batch(rows: number, capacity: number, attention = false): Promise<StepBuffers> {
    const { text } = this.#config;
    const cache = new KvCache(text, rows, capacity);
    const half = headDim(text) / 2;
    const zeros = (...shape: number[]) => DeviceTensor.zeros({ dtype: "float32", shape });
    const frozen = rows <= this.#freezeRows;
    const step = {
      // Columns are sequences where weights are left factors: see generate-step.ts.
      hidden: frozen ? zeros(rows, text.hidden_size) : zeros(text.hidden_size, rows),
      cos: zeros(rows, 1, half),
      sin: zeros(rows, 1, half),
      cache: { bias: cache.bias, layers: cache.layers },
    };
    const outputs = {
      logits: frozen ? zeros(rows, text.vocab_size) : zeros(text.vocab_size, rows),
      fresh: zeros(rows, 2 * text.num_hidden_layers * text.num_key_value_heads, headDim(text)),
      ...(attention ? { attention: zeros(rows, text.num_attention_heads, 1, capacity + 1) } : {}),
    };
    const program = await this.#program("step", step, attention, frozen);
    const weights = this.#weightArguments();
    const columns = outputs.logits.data as Float32Array;
    const bound: BoundStep = {
      cache,
      logits: frozen || rows === 1 ? columns : new Float32Array(columns.length),
      columns,
      attention: (outputs as { attention?: DeviceTensor }).attention?.data as Float32Array | undefined,
      hidden: step.hidden.data as Float32Array,
      embedding: frozen ? undefined : new Float32Array(text.hidden_size),
      cos: step.cos.data as Float32Array,
      sin: step.sin.data as Float32Array,
      fresh: outputs.fresh.data as Float32Array,
      run: async () => {
        await program.runInto(outputs as never, step as never, weights as never);
      },
    };
    return bound;
  }

  /**
   * Adds one token to each of the first rows of a batch.
   *
   * @param ids the tokens
   * @param positions their positions
   */
  async step(buffers: StepBuffers, ids: ArrayLike<number>, positions: ArrayLike<number>): Promise<void> {
    const bound = buffers as BoundStep;
    const { text } = this.#config;
    const width = text.hidden_size;
    const half = headDim(text) / 2;
    const rows = ids.length;
    for (let row = 0; row < rows; row++) {
      const id = ids[row] as number;
      if (bound.embedding === undefined) this.copyEmbedding(id, bound.hidden, row * width);
      else {
        this.copyEmbedding(id, bound.embedding, 0);
        for (let i = 0; i < width; i++)
          bound.hidden[i * bound.cache.rows + row] = bound.embedding[i] as number;
      }
      const position = positions[row] as number;
      const table = this.#rotaryTable(position + 1);
      for (let i = 0; i < half; i++) {
        bound.cos[row * half + i] = table.cos[position * half + i] as number;
        bound.sin[row * half + i] = table.sin[position * half + i] as number;
      }
    }
    await bound.run();
    if (bound.logits !== bound.columns) transposeInto(bound.columns, bound.cache.rows, bound.logits);
    bound.cache.appendStep(bound.fresh, rows);
  }

  /** Writes a token's embedding into `target` from `offset` on. */
  copyEmbedding(id: number, target: Float32Array, offset: number): void {
    const width = this.#config.text.hidden_size;
    const { data } = this.#weights.embedding;
    const row = data.subarray(id * width, (id + 1) * width);
    if (row instanceof Uint16Array) fromFloat16(row, target.subarray(offset, offset + width));
    else target.set(row, offset);
  }

  /** Frees the compiled programs. */
  async dispose(): Promise<void> {
    const programs = [...this.#programs.values()];
    this.#programs.clear();
    await Promise.all(this.#retired.splice(0));
    for (const program of programs) await (await program).dispose();
  }

  #weightArguments(): Omit<GenerationWeights, "embedding"> {
    const { layers, norm, head } = this.#weights;
    return { layers, norm, head };
  }

  #program(
    kind: "prefill" | "step",
    step: StepTensors,
    attention: boolean,
    frozen = false,
  ): Promise<StepProgram> {
    const key = [kind, step.hidden.shape, step.cache?.bias.shape ?? "", attention, frozen].join(" ");
    let program = this.#programs.get(key);
    if (!program) {
      const { text } = this.#config;
      const fn = (...[arrays, weights]: unknown[]) => {
        const [step, all] = [arrays as StepArrays, widenAll(weights as WeightArrays)];
        return kind === "step"
          ? joinFresh(stepFunction(text, step, all, attention, frozen))
          : prefillFunction(text, step, all, attention);
      };
      const example: readonly unknown[] = [step, this.#weightArguments()];
      const options = {
        ...this.#options,
        name: key,
        ...(frozen ? { frozen: [1] } : {}),
        ...(kind === "step" && this.#small ? { threads: 1 } : {}),
      };
      program = compile(fn, example, options) as unknown as Promise<StepProgram>;
      this.#programs.set(key, program);
    }
    return program;
  }

  /** Cosines and sines of text positions, at least `length` of them. */
  #rotaryTable(length: number): { cos: Float32Array; sin: Float32Array } {
    if (this.#rotary.length < length) {
      const size = Math.max(512, 2 ** Math.ceil(Math.log2(length)));
      const ids = Int32Array.from({ length: 3 * size }, (_, i) => i % size);
      const { cos, sin } = languageRotary(this.#config.text, ids, [1, size]);
      this.#rotary = { length: size, cos: cos.data, sin: sin.data };
    }
    return this.#rotary;
  }

  /** From `[H, P + S]` of the last piece, where P are slots of the cache, to `[H, tokens]`. */
  #trimAttention(weights: Float32Array, total: number): Float32Array {
    const heads = this.#config.text.num_attention_heads;
    const width = weights.length / heads;
    const before = total <= CHUNK ? 0 : Math.floor((total - 1) / CHUNK) * CHUNK;
    const slots = total <= CHUNK ? 0 : width - Math.min(CHUNK, bucket(total - before));
    const result = new Float32Array(heads * total);
    for (let head = 0; head < heads; head++) {
      const row = weights.subarray(head * width, (head + 1) * width);
      result.set(row.subarray(0, before), head * total);
      result.set(row.subarray(slots, slots + total - before), head * total + before);
    }
    return result;
  }
}

/** Bytes of the matrices that a step reads. */
function bytesOf({ layers, head }: GenerationWeights): number {
  return [head, ...layers.flatMap(({ qkv, output, gateUp, down }) => [qkv, output, gateUp, down])].reduce(
    (sum, { data }) => sum + data.byteLength,
    0,
  );
}

/** All new keys and values as one tensor, `[B, 2 L KV, C]`: each layer's keys, then its values. */
function joinFresh({ cache, ...rest }: ReturnType<typeof stepFunction>) {
  const fresh = cache.flatMap(({ key, value }) => [key, value]);
  return { ...rest, fresh: np.concatenate(fresh, 1) };
}

/** Columns of `[n, columns]` become the rows of `[columns, n]`. */
function transposeInto(source: Float32Array, columns: number, target: Float32Array): void {
  const n = source.length / columns;
  for (let i = 0, at = 0; i < n; i++)
    for (let column = 0; column < columns; column++) target[column * n + i] = source[at++] as number;
}
