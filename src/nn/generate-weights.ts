/**
 * The language model's weights as generation wants them: query, key and value joined, gate and up joined, the
 * norms before them and the scale of the scores multiplied in. That is `layerWeights` of `language.ts`, done
 * once on the host instead of at every token. Tensors are asked for one by one, so that a model as large as the
 * memory needs it only once.
 */

import { DeviceTensor, np, type TensorSpec } from "../engine/index.ts";
import { headDim, type TextConfig } from "./config.ts";
import { toFloat16 } from "./half.ts";
import { type FloatTensor, floatTensor, type Tensor } from "./tensor.ts";

/** What matrices are kept in. float16 takes half the memory; they are widened in every step, which takes time. */
export type WeightDType = "float32" | "float16";

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
 * @param read gives a tensor by its checkpoint name; matrices that need no change are shared with it
 * @param dtype what matrices are kept in; vectors are float32
 */
export function joinWeights(
  text: TextConfig,
  read: (name: string) => FloatTensor,
  dtype: WeightDType = "float32",
): GenerationWeights {
  const keep = (tensor: FloatTensor) => storeWeight(tensor, dtype);
  const embedding = keep(read("model.embed_tokens.weight"));
  const layers = Array.from({ length: text.num_hidden_layers }, (_, i) => joinLayer(text, read, i, dtype));
  return {
    embedding,
    layers,
    norm: new DeviceTensor(read("model.norm.weight")),
    head: text.tie_word_embeddings ? embedding : keep(read("lm_head.weight")),
  };
}

/** A tensor as it is kept in memory: float32 over the same data, or rounded to float16. */
export function storeWeight(tensor: FloatTensor, dtype: WeightDType): DeviceTensor {
  if (dtype === "float32" || tensor.shape.length < 2) return new DeviceTensor(tensor);
  return new DeviceTensor({ dtype, shape: tensor.shape, data: toFloat16(tensor.data) });
}

/** A weight inside a traced function, in float32. */
export function widened(weight: Tensor): Tensor {
  return weight.dtype === np.float16 ? weight.astype(np.float32) : weight;
}

/** Types and shapes of one layer's joined weights. */
export function layerWeightSpecs(
  text: TextConfig,
  dtype: WeightDType = "float32",
): Readonly<Record<keyof HostLayerWeights, TensorSpec>> {
  const { hidden_size: width, intermediate_size: inner } = text;
  const heads = width + 2 * headDim(text) * text.num_key_value_heads;
  return {
    qkv: { dtype, shape: [heads, width] },
    qkvBias: { dtype: "float32", shape: [heads] },
    output: { dtype, shape: [width, width] },
    gateUp: { dtype, shape: [2 * inner, width] },
    down: { dtype, shape: [width, inner] },
  };
}

/** Joins one layer's weights; parameters as of `joinWeights`. */
export function joinLayer(
  text: TextConfig,
  read: (name: string) => FloatTensor,
  layer: number,
  dtype: WeightDType = "float32",
): HostLayerWeights {
  const keep = (tensor: FloatTensor) => storeWeight(tensor, dtype);
  const weight = (name: string) => read(`model.layers.${layer}.${name}.weight`);
  const bias = (name: string) => read(`model.layers.${layer}.${name}.bias`);
  const scale = headDim(text) ** -0.5;
  const before = weight("input_layernorm").data;
  const after = weight("post_attention_layernorm").data;
  const width = text.hidden_size;
  const keyValue = headDim(text) * text.num_key_value_heads;
  const inner = text.intermediate_size;
  const qkv = matrix(width + 2 * keyValue, width);
  const qkvBias = new Float32Array(width + 2 * keyValue);
  const gateUp = matrix(2 * inner, width);
  let row = 0;
  for (const name of ["q_proj", "k_proj", "v_proj"]) {
    const factor = name === "q_proj" ? scale : 1;
    const own = bias(`self_attn.${name}`).data;
    scaleColumns(weight(`self_attn.${name}`).data, before, factor, qkv.data, row * width);
    own.forEach((x, i) => {
      qkvBias[row + i] = x * factor;
    });
    row += own.length;
  }
  scaleColumns(weight("mlp.gate_proj").data, after, 1, gateUp.data, 0);
  scaleColumns(weight("mlp.up_proj").data, after, 1, gateUp.data, inner * width);
  return {
    qkv: keep(qkv),
    qkvBias: new DeviceTensor(floatTensor(qkvBias, [qkvBias.length])),
    output: keep(weight("self_attn.o_proj")),
    gateUp: keep(gateUp),
    down: keep(weight("mlp.down_proj")),
  };
}

function matrix(rows: number, columns: number): FloatTensor {
  return floatTensor(new Float32Array(rows * columns), [rows, columns]);
}

/** Writes `values` into `target` from `offset` on, every column multiplied by its factor and by `scale`. */
function scaleColumns(
  values: Float32Array,
  factors: Float32Array,
  scale: number,
  target: Float32Array,
  offset: number,
): void {
  const width = factors.length;
  for (let row = 0; row < values.length; row += width)
    for (let i = 0; i < width; i++)
      target[offset + row + i] = (values[row + i] as number) * (factors[i] as number) * scale;
}
