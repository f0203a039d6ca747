/**
 * One decoder layer for one new token a row: `decoderLayer` written for few rows. Each weight is the left factor,
 * `W xᵀ`, so that ONNX Runtime packs the few activations and streams the weights; as right factor the weights
 * themselves would be packed, at twice the time. The values are those of `decoderLayer`.
 */

import { lax, np } from "../engine/index.ts";
import { headDim, type TextConfig } from "./config.ts";
import type { LayerCache } from "./language.ts";
import { linear, matmul, matmulNT, normalise, type Rotary, silu, softmax } from "./layers.ts";
import type { Tensor } from "./tensor.ts";

/** Rows up to which a weight is the left factor; above, packing it pays. */
const FEW_ROWS = 16;

/** `x Wᵀ`, with `x` `[B, in]` and `weight` `[out, in]`; frozen weights are packed beforehand. */
export function fewRowsLinear(x: Tensor, weight: Tensor, frozen: boolean): Tensor {
  if (frozen || (x.shape[0] as number) > FEW_ROWS) return linear(x, weight);
  return lax.dot(weight, x, { lhsContractingDims: [-1], rhsContractingDims: [-1] }).transpose([1, 0]);
}

/** Tables for `rotateWhole`, `[B, 1, C]`, of those for half a head's channels; keeps its argument. */
export function wholeRotary({ cos, sin }: Rotary): Rotary {
  return {
    cos: np.concatenate([cos.ref, cos.ref], -1),
    sin: np.concatenate([sin.ref.neg(), sin.ref], -1),
  };
}

/** `rotate` in fewer operators, which is what a step's time is made of; keeps the tables. */
function rotateWhole(x: Tensor, { cos, sin }: Rotary): Tensor {
  const [a, b] = np.split(x.ref, 2, -1) as [Tensor, Tensor];
  return x.mul(cos.ref).add(np.concatenate([b, a], -1).mul(sin.ref));
}

/** One layer's joined weights; shapes as in `LayerWeights`. */
export interface StepWeights {
  readonly qkv: Tensor;
  readonly qkvBias: Tensor;
  readonly output: Tensor;
  readonly gateUp: Tensor;
  readonly down: Tensor;
}

/** What `stepLayer` returns. */
export interface StepOutput {
  /** `[B, D]`. */
  readonly hidden: Tensor;
  /** `[B, KV, C]`, turned. */
  readonly key: Tensor;
  /** `[B, KV, C]`. */
  readonly value: Tensor;
  /** `[B, H, 1, P + 1]`: weights on the cache's slots, then on the token itself; only if wanted. */
  readonly attention?: Tensor;
}

/**
 * One layer of a step.
 *
 * @param weights consumed
 * @param hidden `[B, D]`, consumed
 * @param rotary from `wholeRotary`, kept
 * @param cache kept
 * @param options `wanted`: also return the attention weights; `frozen`: the weights are part of the program
 */
export function stepLayer(
  text: TextConfig,
  weights: StepWeights,
  hidden: Tensor,
  rotary: Rotary,
  cache: Required<LayerCache>,
  { wanted, frozen }: { wanted: boolean; frozen: boolean },
): StepOutput {
  const { num_attention_heads: heads, num_key_value_heads: kv, rms_norm_eps: epsilon } = text;
  const channels = headDim(text);
  const rows = hidden.shape[0] as number;
  const qkv = fewRowsLinear(normalise(hidden.ref, epsilon), weights.qkv, frozen).add(weights.qkvBias);
  // Where rows are columns: flat, so that they are brought together here, where they are few numbers; else the cache
  // would be moved.
  const flat = frozen ? qkv : qkv.reshape([-1]);
  const split = flat.reshape([rows, heads + 2 * kv, channels]);
  const [turning, value] = np.split(split, [heads + kv], 1) as [Tensor, Tensor];
  const [query, key] = np.split(rotateWhole(turning, rotary), [heads], 1) as [Tensor, Tensor];
  const grouped = query.reshape([rows, kv, heads / kv, channels]);
  const slots = cache.bias.shape[1] as number;
  const old = matmulNT(grouped.ref, cache.key.ref).add(cache.bias.ref.reshape([rows, 1, 1, slots]));
  const own = matmulNT(grouped, key.ref.reshape([rows, kv, 1, channels]));
  const attention = softmax(np.concatenate([old, own], -1));
  const [past, present] = np.split(attention.ref, [slots], -1) as [Tensor, Tensor];
  const mixed = matmul(past, cache.value.ref).add(present.mul(value.ref.reshape([rows, kv, 1, channels])));
  const middle = hidden.add(fewRowsLinear(mixed.reshape([rows, heads * channels]), weights.output, frozen));
  const both = fewRowsLinear(normalise(middle.ref, epsilon), weights.gateUp, frozen);
  const [gate, up] = np.split(both, 2, -1) as [Tensor, Tensor];
  const output = middle.add(fewRowsLinear(silu(gate).mul(up), weights.down, frozen));
  if (wanted)
    return { hidden: output, key, value, attention: attention.reshape([rows, heads, 1, slots + 1]) };
  attention.dispose();
  return { hidden: output, key, value };
}
