/**
 * Merging a PEFT adapter into its base checkpoint, tensor by tensor and each a few rows at a time, so that memory does
 * not grow with the model. Sums are in float32 and rounded once to what the base stores; tensors that the adapter does
 * not touch are copied byte by byte.
 */

import { copyFileSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { messageOf, UsageError } from "../base/index.ts";
import { compileCached, DeviceTensor, np, type TensorSpec, tensor } from "../engine/index.ts";
import { writeFolder } from "./output-folder.ts";
import { checkpointName } from "./param-names.ts";
import { type AdapterProduct, type AdapterReplacement, PeftAdapter } from "./peft-adapter.ts";
import {
  type FloatCode,
  narrowed,
  SafetensorsFile,
  SafetensorsWriter,
  type StoredTensor,
  type TensorEntry,
} from "./safetensors.ts";
import type { Tensor } from "./tensor.ts";
import { planWeightFiles, weightFiles, writeWeightIndex } from "./weight-files.ts";

/** What is merged, and into what. */
export interface MergeOptions {
  /** Folder of the adapter: `adapter_config.json` and `adapter_model.safetensors`. */
  readonly adapter: string;
  /** Folder of the base checkpoint. */
  readonly base: string;
  /** Folder to write; it appears when it is whole. */
  readonly out: string;
  /** Largest weight file in bytes; default 5e9, as in transformers. */
  readonly shardBytes?: number;
  /** Replace a checkpoint at `out`; default no. */
  readonly force?: boolean;
  /** Ends the work; nothing is left behind. */
  readonly signal?: AbortSignal;
  /** Called as bytes are written. */
  readonly onProgress?: (doneBytes: number, totalBytes: number, tensor: string) => void;
}

/** What was merged. */
export interface MergeResult {
  readonly out: string;
  /** Tensors of the model. */
  readonly tensors: number;
  /** Tensors that a product was added to. */
  readonly merged: number;
  /** Tensors that the adapter holds whole. */
  readonly replaced: number;
  /** Bytes of all tensors. */
  readonly bytes: number;
  /** Names of the weight files. */
  readonly files: readonly string[];
}

/** Values of a tensor that are computed at once. */
const PIECE = 1 << 20;
/** Weights, whatever wrote them, and the state of training: what is not copied. */
const NOT_COPIED =
  /\.(safetensors|bin|pt|pth|ckpt|gguf|h5|msgpack|onnx|partial)$|\.index\.json$|^\.|^trainer(_state)?\.json$/;

/** A tensor of the base, and what becomes of it. */
interface PlannedTensor extends TensorEntry {
  readonly file: SafetensorsFile;
  readonly product: AdapterProduct | undefined;
  readonly replacement: AdapterReplacement | undefined;
}

/**
 * Merges an adapter into its base.
 *
 * @throws UsageError `lora-file`, `lora-variant` for the adapter, `lora-base` where it belongs to another base,
 *   `model-missing`, `model-file` for the base, `out-exists`, `out-source`, `out-space` for the place; the signal's
 *   reason where it was aborted
 */
export async function mergeAdapter(options: MergeOptions): Promise<MergeResult> {
  const adapter = new PeftAdapter(options.adapter);
  const files: SafetensorsFile[] = [];
  try {
    for (const path of weightFiles(options.base)) files.push(new SafetensorsFile(path));
    const tensors = plan(adapter, options.base, files);
    const bytes = tensors.reduce((sum, entry) => sum + entry.bytes, 0);
    const { base, out, force = false } = options;
    const place = { force, marker: "config.json", sources: [base, adapter.directory], bytes };
    const names = await writeFolder(out, place, (folder) => write(folder, tensors, options));
    return {
      out,
      tensors: tensors.length,
      merged: tensors.filter(({ product }) => product).length,
      replaced: tensors.filter(({ replacement }) => replacement).length,
      bytes,
      files: names,
    };
  } finally {
    adapter.close();
    for (const file of files) file.close();
  }
}

/** The base's tensors in order, with what the adapter does to each. */
function plan(adapter: PeftAdapter, base: string, files: readonly SafetensorsFile[]): PlannedTensor[] {
  checkBase(adapter, base);
  const found = new Set<string>();
  const tensors = files.flatMap((file) =>
    [...file.tensors].map(([name, stored]): PlannedTensor => {
      const known = checkpointName(name);
      found.add(known);
      const product = adapter.products.get(known);
      const replacement = adapter.replacements.get(known);
      for (const change of [product, replacement])
        if (change) checkFits(adapter, base, name, stored, change.shape);
      const { dtype, shape, begin, end } = stored;
      return { name, dtype, shape, bytes: end - begin, file, product, replacement };
    }),
  );
  for (const name of [...adapter.products.keys(), ...adapter.replacements.keys()])
    if (!found.has(name)) throw mismatch(adapter, base, `the base must hold ${name}, got none`);
  return tensors;
}

/** What the base's configuration forbids. */
function checkBase(adapter: PeftAdapter, base: string): void {
  const path = join(base, "config.json");
  let config: { [key: string]: unknown; text_config?: Record<string, unknown> };
  try {
    config = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new UsageError("model-config", `${path}: must be JSON, got ${messageOf(cause)}`, undefined, {
      cause,
    });
  }
  if (config.quantization_config !== undefined)
    throw new UsageError(
      "lora-base",
      `${path}: the base must not be quantised, got a quantization_config`,
      "Merge into the weights that it was quantised from.",
    );
  const tied = config.tie_word_embeddings ?? config.text_config?.tie_word_embeddings;
  const parted = [...adapter.products.keys(), ...adapter.savedModules].find((name) =>
    /(^|\.)(embed_tokens|lm_head)(\.weight)?$/.test(name),
  );
  if (tied === true && parted !== undefined)
    throw new UsageError(
      "lora-base",
      `${adapter.directory}: must leave embeddings that the base ties to its output as they are, got ${parted}`,
      "Merged, the two would be one tensor again, and the model another than the one that was trained.",
    );
}

function checkFits(
  adapter: PeftAdapter,
  base: string,
  name: string,
  { dtype, shape }: StoredTensor,
  wanted: readonly number[],
): void {
  if (wanted.join() !== shape.join())
    throw mismatch(
      adapter,
      base,
      `"${name}" must have the shape [${wanted.join(", ")}], got [${shape.join(", ")}]`,
    );
  if (!["F32", "BF16", "F16"].includes(dtype))
    throw new UsageError(
      "lora-base",
      `${base}: "${name}" must hold F32, BF16 or F16, got ${dtype}`,
      "Merge into weights that are not quantised.",
    );
}

function mismatch(adapter: PeftAdapter, base: string, what: string): UsageError {
  const named = adapter.base === undefined ? "" : ` It says that it was trained on ${adapter.base}.`;
  return new UsageError(
    "lora-base",
    `${base}: ${what}`,
    `The adapter ${adapter.directory} belongs to another base.${named}`,
  );
}

/** Writes all of the model into a folder. @returns the weight files' names */
async function write(
  folder: string,
  tensors: readonly PlannedTensor[],
  { base, shardBytes = 5e9, signal, onProgress }: MergeOptions,
): Promise<string[]> {
  for (const name of readdirSync(base))
    if (!NOT_COPIED.test(name) && statSync(join(base, name)).isFile())
      copyFileSync(join(base, name), join(folder, name));
  const files = planWeightFiles(tensors, shardBytes);
  const total = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const adder = new ProductAdder();
  let done = 0;
  try {
    for (const { file, tensors: own } of files) {
      const writer = new SafetensorsWriter(join(folder, file), own);
      try {
        for (const entry of own)
          for await (const piece of piecesOf(entry, adder)) {
            writer.write(piece);
            done += piece.length;
            onProgress?.(done, total, entry.name);
            // Lets a signal in.
            await setImmediate();
            signal?.throwIfAborted();
          }
        writer.finish();
      } finally {
        writer.close();
      }
    }
  } finally {
    await adder.dispose();
  }
  writeWeightIndex(folder, files);
  return files.map(({ file }) => file);
}

/** A tensor's bytes in the merged model, piece by piece. */
async function* piecesOf(entry: PlannedTensor, adder: ProductAdder): AsyncGenerator<Uint8Array> {
  const { name, file, shape, product, replacement } = entry;
  if (!product && !replacement) {
    yield* file.bytesOf(name);
    return;
  }
  const code = entry.dtype as FloatCode;
  const count = shape.reduce((a, b) => a * b, 1);
  const factors = product?.load();
  const columns = factors?.right.shape[1] ?? 1;
  const step = Math.min(count, Math.max(1, Math.floor(PIECE / columns)) * columns);
  const buffer = new Float32Array(step);
  for (let start = 0; start < count; start += step) {
    const values = buffer.subarray(0, Math.min(step, count - start));
    if (replacement) replacement.read(start, values);
    else file.readPart(name, start, values);
    const sum =
      product && factors
        ? await adder.add(values, { ...factors, scale: product.scale, firstRow: start / columns })
        : values;
    checkFinite(sum, code, name);
    yield narrowed(sum, code);
  }
}

/** Largest number that does not round to infinity. */
const LARGEST: Readonly<Record<FloatCode, number>> = { F32: 3.4028235e38, BF16: 3.3961775e38, F16: 65519.99 };

function checkFinite(values: Float32Array, code: FloatCode, name: string): void {
  const largest = LARGEST[code];
  for (let i = 0; i < values.length; i++)
    if (!(Math.abs(values[i] as number) <= largest))
      throw new UsageError(
        "lora-file",
        `adapter: must leave "${name}" finite in ${code}, got ${values[i]}`,
        "The adapter holds infinities or no numbers, or is too large for the base's type.",
      );
}

/** Some rows of a product. */
interface ProductRows extends ReturnType<AdapterProduct["load"]> {
  readonly scale: number;
  readonly firstRow: number;
}

/** `values + (left right) * scale`, in this order of rounding, as PEFT computes it. */
class ProductAdder {
  readonly #add = compileCached<readonly [TensorSpec, TensorSpec, TensorSpec, TensorSpec], Tensor>(
    (values, left, right, scale) => values.add(np.matmul(left, right).mul(scale)),
    { keepMemory: false, name: "merge" },
  );

  readonly #sums = new Map<string, DeviceTensor>();

  /**
   * Adds the rows of the product from `firstRow` on to as many rows of values.
   *
   * @returns the sums, until the next of the same size overwrite them
   */
  async add(values: Float32Array, { left, right, scale, firstRow }: ProductRows): Promise<Float32Array> {
    const [rank, columns] = right.shape as [number, number];
    const rows = values.length / columns;
    const own = left.data.subarray(firstRow * rank, (firstRow + rows) * rank);
    const factors = [tensor(own, [rows, rank]), right, tensor([scale], [])] as const;
    const shape = [rows, columns];
    const program = await this.#add.program({ dtype: "float32", shape }, ...factors);
    const sum = this.#sums.get(`${shape}`) ?? DeviceTensor.zeros({ dtype: "float32", shape });
    this.#sums.set(`${shape}`, sum);
    await program.runInto(sum, tensor(values, shape), ...factors);
    return sum.data as Float32Array;
  }

  dispose(): Promise<void> {
    return this.#add.dispose();
  }
}
