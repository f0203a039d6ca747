/**
 * The language model's weights as generation wants them: query, key and value joined, gate and up joined, the
 * norms before them and the scale of the scores multiplied in. That is `layerWeights` of `language.ts`, done
 * once on the host instead of at every token. Tensors are asked for one by one, so that a model as large as the
 * memory needs it only once.
 */

import { DeviceTensor } from "../engine/index.ts";
import { headDim, type TextConfig } from "./config.ts";
import { type FloatTensor, floatTensor } from "./tensor.ts";

/** One layer's joined weights; shapes as in `LayerWeights`. */
export interface HostLayerWeights {
  readonly qkv: DeviceTensor;
  readonly qkvBias: DeviceTensor;
  readonly output: DeviceTensor;
  readonly gateUp: DeviceTensor;
  readonly down: DeviceTensor;
}

/** The language model's weights, joined. */
export interface GenerationWeights {
  /** `[V, D]`, read row by row on the host. */
  readonly embedding: DeviceTensor;
  readonly layers: readonly HostLayerWeights[];
  /** `[D]`. */
  readonly norm: DeviceTensor;
  /** `[V, D]`; the embedding itself where they are tied. */
  readonly head: DeviceTensor;
}

/**
 * Joins a model's weights.
 *
 * @param read gives a tensor by its checkpoint name; what it gives may be changed
 */
export function joinWeights(text: TextConfig, read: (name: string) => FloatTensor): GenerationWeights {
  const embedding = new DeviceTensor(read("model.embed_tokens.weight"));
  const layers = Array.from({ length: text.num_hidden_layers }, (_, i) =>
    joinLayer(
      text,
      (name) => read(`model.layers.${i}.${name}.weight`),
      (name) => read(`model.layers.${i}.${name}.bias`),
    ),
  );
  return {
    embedding,
    layers,
    norm: new DeviceTensor(read("model.norm.weight")),
    head: text.tie_word_embeddings ? embedding : new DeviceTensor(read("lm_head.weight")),
  };
}

function joinLayer(
  text: TextConfig,
  weight: (name: string) => FloatTensor,
  bias: (name: string) => FloatTensor,
): HostLayerWeights {
  const scale = headDim(text) ** -0.5;
  const before = weight("input_layernorm").data;
  const after = weight("post_attention_layernorm").data;
  const width = text.hidden_size;
  const query = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];
  return {
    qkv: joinRows(query, width, (name, i) => scaleColumns(weight(name).data, before, i === 0 ? scale : 1)),
    qkvBias: joinRows(query, 1, (name, i) => bias(name).data.map((x) => x * (i === 0 ? scale : 1))),
    output: new DeviceTensor(weight("self_attn.o_proj")),
    gateUp: joinRows(["mlp.gate_proj", "mlp.up_proj"], width, (name) =>
      scaleColumns(weight(name).data, after, 1),
    ),
    down: new DeviceTensor(weight("mlp.down_proj")),
  };
}

/** Tensors of `width` columns under each other; `[rows]` if the width is 1. */
function joinRows(
  names: readonly string[],
  width: number,
  part: (name: string, index: number) => Float32Array,
): DeviceTensor {
  const parts = names.map(part);
  const data = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const values of parts) {
    data.set(values, at);
    at += values.length;
  }
  return new DeviceTensor(floatTensor(data, width === 1 ? [data.length] : [data.length / width, width]));
}

/** A copy with every column multiplied by its factor and by `scale`. */
function scaleColumns(values: Float32Array, factors: Float32Array, scale: number): Float32Array {
  const result = new Float32Array(values.length);
  const width = factors.length;
  for (let row = 0; row < values.length; row += width)
    for (let i = 0; i < width; i++)
      result[row + i] = (values[row + i] as number) * (factors[i] as number) * scale;
  return result;
}
