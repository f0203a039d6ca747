/**
 * The weights of an exported model: one file of tensors behind each other, which the .onnx files beside it point into.
 * Tensors are the joined ones that generation uses, read from the checkpoint and written one layer at a time.
 */

import { closeSync, openSync, writeSync } from "node:fs";
import { invariant } from "../base/index.ts";
import type { ExternalData, HostTensor, TensorSpec } from "../engine/index.ts";
import type { Qwen25VLConfig } from "./config.ts";
import { joinLayer, layerWeightSpecs, storeWeight, type WeightDType } from "./generate-weights.ts";
import { paramSpecs } from "./param-names.ts";
import type { FloatTensor } from "./tensor.ts";

/** Tensors begin at multiples of a memory page, so that ONNX Runtime can map them. */
const PAGE = 4096;
const BYTES = { float32: 4, float16: 2 } as const;

/** A tensor of the file. */
export interface PlacedWeight extends TensorSpec {
  readonly place: ExternalData;
}

/** Where each tensor will lie: `embedding`, `layers.N.qkv` ..., `norm`, `head` where it is not tied, `visual.*`. */
export function placeWeights(
  config: Qwen25VLConfig,
  dtype: WeightDType,
  location: string,
): Map<string, PlacedWeight> {
  const { text } = config;
  const kept = (shape: readonly number[]): TensorSpec => ({
    dtype: shape.length < 2 ? "float32" : dtype,
    shape,
  });
  const table = kept([text.vocab_size, text.hidden_size]);
  const layers = Array.from({ length: text.num_hidden_layers }, (_, i) =>
    Object.entries(layerWeightSpecs(text, dtype)).map(
      ([name, spec]) => [`layers.${i}.${name}`, spec] as const,
    ),
  );
  const vision = paramSpecs(config).filter(({ name }) => name.startsWith("visual."));
  const specs: (readonly [string, TensorSpec])[] = [
    ["embedding", table],
    ...layers.flat(),
    ["norm", kept([text.hidden_size])],
    ...(text.tie_word_embeddings ? [] : [["head", table] as const]),
    ...vision.map(({ name, shape }) => [name, kept(shape)] as const),
  ];
  let offset = 0;
  return new Map(
    specs.map(([name, spec]) => {
      const length = spec.shape.reduce((a, b) => a * b, 1) * BYTES[spec.dtype as WeightDType];
      const place = { location, offset, length };
      offset = Math.ceil((offset + length) / PAGE) * PAGE;
      return [name, { ...spec, place }];
    }),
  );
}

/** The tensors in the order of `placeWeights`. */
function* exportedWeights(
  config: Qwen25VLConfig,
  read: (name: string) => FloatTensor,
  dtype: WeightDType,
): Generator<readonly [string, HostTensor]> {
  const { text } = config;
  const kept = (name: string) => storeWeight(read(name), dtype);
  yield ["embedding", kept("model.embed_tokens.weight")];
  for (let i = 0; i < text.num_hidden_layers; i++)
    for (const [name, weight] of Object.entries(joinLayer(text, read, i, dtype)))
      yield [`layers.${i}.${name}`, weight];
  yield ["norm", kept("model.norm.weight")];
  if (!text.tie_word_embeddings) yield ["head", kept("lm_head.weight")];
  for (const { name } of paramSpecs(config)) if (name.startsWith("visual.")) yield [name, kept(name)];
}

/**
 * Writes the weights' file.
 *
 * @param placed from `placeWeights` for the same configuration and type
 * @param onWritten called after each tensor, with the bytes written so far
 */
export async function writeWeights(
  path: string,
  config: Qwen25VLConfig,
  read: (name: string) => FloatTensor,
  placed: ReadonlyMap<string, PlacedWeight>,
  dtype: WeightDType,
  onWritten: (name: string, bytes: number) => Promise<void>,
): Promise<void> {
  const file = openSync(path, "w");
  try {
    for (const [name, { data }] of exportedWeights(config, read, dtype)) {
      const place = placed.get(name)?.place;
      invariant(place?.length === data.byteLength, `weight ${name} has ${data.byteLength} bytes`);
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      for (let done = 0; done < bytes.length; )
        done += writeSync(file, bytes, done, Math.min(bytes.length - done, 2 ** 30), place.offset + done);
      await onWritten(name, place.offset + place.length);
    }
  } finally {
    closeSync(file);
  }
}
