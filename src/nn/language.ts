/**
 * Qwen2.5-VL's language model: grouped-query attention with multimodal rotary positions, RMSNorm and SwiGLU.
 * One layer function serves training, prefill and decoding; it returns the new keys and values for the caller
 * to store.
 */

import { np } from "../engine/index.ts";
import { attend, type Context, type LayerCache } from "./attention.ts";
import { headDim, type TextConfig } from "./config.ts";
import {
  type AdapterUse,
  type Dropout,
  type LayerWeights,
  layerWeights,
  PROJECTIONS,
  parameter,
  project,
} from "./layer-weights.ts";
import { linear, normalise, type Rotary, rmsNorm, rotate, rows, silu } from "./layers.ts";
import type { Params, Tensor } from "./tensor.ts";

export { type Context, causalBias, type LayerCache } from "./attention.ts";
export { type AdapterUse, type LayerWeights, layerWeights } from "./layer-weights.ts";

/** What a layer returns. */
export interface LayerOutput {
  /** `[B, S, D]`. */
  readonly hidden: Tensor;
  /** Keys of the new tokens, turned: `[B, KV, S, C]`. */
  readonly key: Tensor;
  /** Values of the new tokens: `[B, KV, S, C]`. */
  readonly value: Tensor;
  /** `[B, H, S, P... + S]`: weights on the caches' slots in order, then on the new tokens. On request. */
  readonly attention?: Tensor;
}

/** What a layer is asked for. */
export interface LayerOptions {
  /** Also return the attention weights; default false. */
  readonly attention?: boolean;
  /** `[B, T]`: compute the output for these places of each row only, as `[B, T, D]`; kept. Default all places. */
  readonly places?: Tensor;
  /** Dropout of the adapters' inputs; the seed is a scalar and kept. Default none. */
  readonly dropout?: { readonly rate: number; readonly seed: Tensor };
}

/**
 * One decoder layer.
 *
 * @param weights consumed
 * @param hidden `[B, S, D]`, consumed
 * @param context kept
 */
export function decoderLayer(
  text: TextConfig,
  weights: LayerWeights,
  hidden: Tensor,
  context: Context,
  options: LayerOptions = {},
): LayerOutput {
  const [batch, length] = hidden.shape as [number, number];
  const { dropout, places, attention: wanted = false } = options;
  // Places restrict queries and what follows from them; every token still gives a key and a value.
  const chosen = (x: Tensor, axis = 1): Tensor => (places ? pickRows(x, places.ref, axis) : x);
  const normal = normalise(hidden.ref, text.rms_norm_eps);
  const projected = project(weights, "qkv", normal, dropout, places ? chosen : undefined);
  const { query, key, value } = splitHeads(text, projected, context.rotary, chosen);
  const own = { ...context, bias: chosen(context.bias.ref) };
  const { mixed, attention } = attend(text, query, key.ref, value.ref, own, wanted);
  const merged = mixed.reshape([batch, places?.shape[1] ?? length, text.hidden_size]);
  const [added] = project(weights, "output", merged, dropout) as [Tensor];
  const middle = chosen(hidden).add(added);
  const output = middle.ref.add(mlp(text, weights, middle, dropout));
  return { hidden: output, key, value, ...(attention === undefined ? {} : { attention }) };
}

/** For each row of `places` `[B, T]`, the entries along `axis` of that row of `x` (`[B, ...]`, or `[1, ...]`). */
function pickRows(x: Tensor, places: Tensor, axis: number): Tensor {
  const [batch, count] = places.shape as [number, number];
  const [own] = x.shape as [number];
  const length = x.shape[axis] as number;
  const front = [0, axis, ...x.shape.map((_, i) => i).filter((i) => i !== 0 && i !== axis)];
  const moved = x.transpose(front);
  const rest = moved.shape.slice(2);
  const starts = Int32Array.from({ length: own === 1 ? 1 : batch }, (_, row) => row * length);
  const flat = places.add(np.array(starts, { shape: [starts.length, 1], dtype: np.int32 }));
  const picked = rows(moved.reshape([own * length, ...rest]), flat).reshape([batch, count, ...rest]);
  return picked.transpose(front.map((_, i) => front.indexOf(i)));
}

/** SwiGLU behind its norm. */
function mlp(text: TextConfig, weights: LayerWeights, hidden: Tensor, dropout: Dropout | undefined): Tensor {
  const parts = project(weights, "gateUp", normalise(hidden, text.rms_norm_eps), dropout);
  const [gate, up] = (parts.length === 1 ? np.split(parts[0] as Tensor, 2, -1) : parts) as [Tensor, Tensor];
  const [down] = project(weights, "down", silu(gate).mul(up), dropout) as [Tensor];
  return down;
}

/** Turned queries `[B, KV, H / KV, S, C]`, turned keys and values `[B, KV, S, C]`. */
function splitHeads(
  text: TextConfig,
  projected: readonly Tensor[],
  rotary: Rotary,
  chosen: (x: Tensor) => Tensor,
): { query: Tensor; key: Tensor; value: Tensor } {
  const channels = headDim(text);
  const { num_attention_heads: heads, num_key_value_heads: kv } = text;
  const separate = (x: Tensor): Tensor => {
    const [batch, length, width] = x.shape as [number, number, number];
    return x.reshape([batch, length, width / channels, channels]).transpose([0, 2, 1, 3]);
  };
  const tables = (choose: (x: Tensor) => Tensor): Rotary => {
    const table = (t: Tensor): Tensor => {
      const [batch, length, half] = t.shape as [number, number, number];
      return t.reshape([batch, 1, length, half]);
    };
    return { cos: table(choose(rotary.cos.ref)), sin: table(choose(rotary.sin.ref)) };
  };
  const grouped = (query: Tensor): Tensor => {
    const [batch, , length] = query.shape as [number, number, number];
    return query.reshape([batch, kv, heads / kv, length, channels]);
  };
  const all = tables((x) => x);
  if (projected.length === 1) {
    const [turning, value] = np.split(separate(projected[0] as Tensor), [heads + kv], 1) as [Tensor, Tensor];
    const [query, key] = np.split(rotate(turning, all), [heads], 1) as [Tensor, Tensor];
    return { query: grouped(query), key, value };
  }
  const [q, k, v] = projected.map(separate) as [Tensor, Tensor, Tensor];
  return { query: grouped(rotate(q, tables(chosen))), key: rotate(k, all), value: v };
}

/** Input embeddings: rows of the token table and, behind them, the vision tokens; one gather serves both. */
export function embed(params: Params, index: Tensor, vision?: Tensor): Tensor {
  const table = parameter(params, "model.embed_tokens.weight");
  return rows(vision === undefined ? table : np.concatenate([table, vision], 0), index);
}

/** The final norm and the output projection: `[..., D]` to `[..., V]`. */
export function outputLogits(text: TextConfig, params: Params, hidden: Tensor): Tensor {
  const name = text.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  return linear(finalNorm(text, params, hidden), parameter(params, name));
}

/** The norm after the last layer. */
export function finalNorm(text: TextConfig, params: Params, hidden: Tensor): Tensor {
  return rmsNorm(hidden, parameter(params, "model.norm.weight"), text.rms_norm_eps);
}

function layerDropout(
  { rate, seed }: { rate: number; seed: Tensor },
  layer: number,
): { rate: number; seed: Tensor } {
  return { rate, seed: seed.ref.add(layer * PROJECTIONS.length) };
}

/** What `languageForward` returns. */
export interface LanguageOutput {
  /** Hidden states before the final norm: `[B, S, D]`. */
  readonly hidden: Tensor;
  /** New keys and values of each layer. */
  readonly cache: readonly { readonly key: Tensor; readonly value: Tensor }[];
  /** The last layer's attention weights, on request. */
  readonly attention?: Tensor;
}

/**
 * All decoder layers.
 *
 * @param params the `model.*` tensors, or ready weights per layer; kept
 * @param hidden input embeddings `[B, S, D]`, consumed
 * @param context per layer, or one for all; kept
 * @param options `attention` and `places` concern the last layer
 */
export function languageForward(
  text: TextConfig,
  params: Params,
  hidden: Tensor,
  context: Context,
  options: LayerOptions & {
    /** Each layer's caches. */
    readonly caches?: readonly (readonly LayerCache[])[];
    /** Each layer's weights, ready; default made from `params`. */
    readonly weights?: readonly LayerWeights[];
    /** Use the LoRA tensors among `params`; default no. */
    readonly adapter?: AdapterUse;
  } = {},
): LanguageOutput {
  const cache: { key: Tensor; value: Tensor }[] = [];
  let state = hidden;
  let attention: Tensor | undefined;
  for (let i = 0; i < text.num_hidden_layers; i++) {
    const last = i === text.num_hidden_layers - 1;
    const caches = options.caches?.[i];
    const here = caches === undefined ? context : { ...context, caches };
    const weights = options.weights?.[i] ?? layerWeights(text, params, i, options.adapter);
    const { attention: wanted, places, adapter } = options;
    const dropout = adapter?.dropout && layerDropout(adapter.dropout, i);
    const result = decoderLayer(text, weights, state, here, {
      ...(dropout ? { dropout } : {}),
      ...(last && wanted ? { attention: wanted } : {}),
      ...(last && places ? { places } : {}),
    });
    state = result.hidden;
    cache.push({ key: result.key, value: result.value });
    attention = result.attention;
  }
  return { hidden: state, cache, ...(attention === undefined ? {} : { attention }) };
}
