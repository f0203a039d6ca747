/**
 * Qwen2.5-VL's language model: grouped-query attention with multimodal rotary positions, RMSNorm and SwiGLU.
 * One layer function serves training, prefill and decoding: it attends to the given tokens and to any number
 * of caches, which it reads and never copies, and returns the new keys and values for the caller to store.
 */

import { np } from "../engine/index.ts";
import { headDim, type TextConfig } from "./config.ts";
import {
  dropped,
  linear,
  matmul,
  matmulNT,
  normalise,
  type Rotary,
  rmsNorm,
  rotate,
  rows,
  silu,
  softmax,
} from "./layers.ts";
import type { Params, Tensor } from "./tensor.ts";
import { MASKED } from "./vision-inputs.ts";

/**
 * One decoder layer's weights, in the form in which the layer uses them. Projections of one input are a list in
 * training, since cutting their outputs apart would cost more than a joined product saves; a decoder that runs
 * one token at a time joins them ahead, under each other in one tensor.
 */
export interface LayerWeights {
  /** Query, key and value projections, scaled as `layerWeights` does: `[H C, D]` and twice `[KV C, D]`. */
  readonly qkv: Tensor | readonly Tensor[];
  /** `[H C]` and twice `[KV C]`. */
  readonly qkvBias: Tensor | readonly Tensor[];
  /** `[D, H C]`. */
  readonly output: Tensor;
  /** Gate and up projections, scaled: twice `[F, D]`. */
  readonly gateUp: Tensor | readonly Tensor[];
  /** `[D, F]`. */
  readonly down: Tensor;
  /** What adapters add to each of the four groups of projections, which must be lists. */
  readonly adapters?: { readonly [K in Projection]?: LowRank };
}

const PROJECTIONS = ["qkv", "output", "gateUp", "down"] as const;
type Projection = (typeof PROJECTIONS)[number];

/** Products of low rank that are added to a group of projections of one input. */
export interface LowRank {
  /** `[R, in]`: the A of those that have an adapter, under each other. */
  readonly a: Tensor;
  /** For each projection its scaled B, `[out, r]`, or undefined where it has no adapter. */
  readonly b: readonly (Tensor | undefined)[];
}

/** How LoRA tensors among the parameters are used. */
export interface AdapterUse {
  /** `lora_alpha / r`. */
  readonly scale: number;
  /** In training: the fraction of inputs that are zeroed, and a scalar that differs from step to step; kept. */
  readonly dropout?: { readonly rate: number; readonly seed: Tensor };
}

/**
 * A layer's weights from the checkpoint's tensors: the norm before projections goes into their columns, the
 * scale of the scores into the queries' rows, which is cheap beside a batch of tokens.
 */
export function layerWeights(
  text: TextConfig,
  params: Params,
  layer: number,
  adapter?: AdapterUse,
): LayerWeights {
  const get = (name: string): Tensor => parameter(params, `model.layers.${layer}.${name}`);
  const scale = headDim(text) ** -0.5;
  const before = (name: string): Tensor => get(`${name}.weight`).mul(get("input_layernorm.weight"));
  const after = (name: string): Tensor => get(`${name}.weight`).mul(get("post_attention_layernorm.weight"));
  return {
    qkv: [before("self_attn.q_proj").mul(scale), before("self_attn.k_proj"), before("self_attn.v_proj")],
    qkvBias: [
      get("self_attn.q_proj.bias").mul(scale),
      get("self_attn.k_proj.bias"),
      get("self_attn.v_proj.bias"),
    ],
    output: get("self_attn.o_proj.weight"),
    gateUp: [after("mlp.gate_proj"), after("mlp.up_proj")],
    down: get("mlp.down_proj.weight"),
    ...(adapter ? { adapters: layerAdapters(text, params, layer, adapter.scale) } : {}),
  };
}

/** A layer's LoRA tensors, with the same norms and scales as the weights that they are added to. */
function layerAdapters(
  text: TextConfig,
  params: Params,
  layer: number,
  scale: number,
): NonNullable<LayerWeights["adapters"]> {
  const prefix = `model.layers.${layer}`;
  const group = (names: readonly string[], norm?: string): LowRank | undefined => {
    const has = (name: string): boolean => params[`${prefix}.${name}.lora_A.weight`] !== undefined;
    const parts = names.filter(has).map((name) => parameter(params, `${prefix}.${name}.lora_A.weight`));
    if (parts.length === 0) return undefined;
    const stacked = parts.length === 1 ? (parts[0] as Tensor) : np.concatenate(parts, 0);
    const factor = (name: string): number =>
      name === "self_attn.q_proj" ? scale * headDim(text) ** -0.5 : scale;
    return {
      a: norm === undefined ? stacked : stacked.mul(parameter(params, `${prefix}.${norm}.weight`)),
      b: names.map((name) =>
        has(name) ? parameter(params, `${prefix}.${name}.lora_B.weight`).mul(factor(name)) : undefined,
      ),
    };
  };
  const adapters = {
    qkv: group(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"], "input_layernorm"),
    output: group(["self_attn.o_proj"]),
    gateUp: group(["mlp.gate_proj", "mlp.up_proj"], "post_attention_layernorm"),
    down: group(["mlp.down_proj"]),
  };
  const entries = PROJECTIONS.flatMap((name) => (adapters[name] ? [[name, adapters[name]] as const] : []));
  return Object.fromEntries(entries);
}

interface Dropout {
  readonly rate: number;
  readonly seed: Tensor;
}

/**
 * One group of a layer's projections of `x`, with what adapters add: one tensor where they are joined.
 *
 * @param first computed from this in place of `x` where given; consumed
 */
function project(
  weights: LayerWeights,
  which: Projection,
  x: Tensor,
  dropout: Dropout | undefined,
  first?: (x: Tensor) => Tensor,
): Tensor[] {
  const matrices = [weights[which]].flat() as Tensor[];
  const biases = which === "qkv" ? ([weights.qkvBias].flat() as Tensor[]) : [];
  const inputOf = (value: Tensor, i: number): Tensor => (i === 0 && first ? first(value) : value);
  const outputs = matrices.map((matrix, i) => linear(inputOf(x.ref, i), matrix, biases[i]));
  const low = weights.adapters?.[which];
  if (!low) {
    x.dispose();
    return outputs;
  }
  const seed = dropout?.seed.ref.add(PROJECTIONS.indexOf(which));
  const narrow = linear(dropout && seed ? dropped(x, dropout.rate, seed) : x, low.a);
  const count = low.b.filter((b) => b !== undefined).length;
  const pieces = count === 1 ? [narrow] : np.split(narrow, count, -1);
  let next = 0;
  return outputs.map((output, i) => {
    const b = low.b[i];
    return b === undefined ? output : output.add(linear(inputOf(pieces[next++] as Tensor, i), b));
  });
}

/** Keys and values of earlier tokens, for one layer. */
export interface LayerCache {
  /** `[B, KV, P, C]`, already turned by their positions. B may divide the number of rows: see `share`. */
  readonly key: Tensor;
  /** `[B, KV, P, C]`. */
  readonly value: Tensor;
  /** `[B, P]`: 0 where the slot holds a token, `MASKED` where it does not. */
  readonly bias: Tensor;
}

/** What the tokens of a layer's input attend to. */
export interface Context {
  /** Tables of the tokens' positions, `[B, S, C / 2]`. */
  readonly rotary: Rotary;
  /** Added to the scores among the tokens, broadcast against `[B, S, S]`; `causalBias` makes it. */
  readonly bias: Tensor;
  /** Whether `bias` masks all later tokens, so that their scores need not be computed; default false. */
  readonly causal?: boolean;
  /** Earlier tokens; each batch row of a cache serves `rows / B` consecutive rows of the input. */
  readonly caches?: readonly LayerCache[];
}

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

/** Softmax attention of the queries over the caches and the new tokens, as `[B, S, H, C]`. */
function attend(
  text: TextConfig,
  query: Tensor,
  key: Tensor,
  value: Tensor,
  context: Context,
  wanted: boolean,
): { mixed: Tensor; attention?: Tensor } {
  const [batch, , , length] = query.shape as [number, number, number, number];
  const pieces = Math.min(LARGEST_PIECES, Math.floor(length / SMALLEST_PIECE));
  if (context.causal && !context.caches?.length && !wanted && key.shape[2] === length && pieces > 1)
    return { mixed: attendInPieces(query, key, value, context.bias, pieces) };
  const parts = [
    ...(context.caches ?? []).map((cache) => cachePart(cache)),
    newPart(key, value, context.bias),
  ];
  const scores = parts.map(({ key: keys, bias }) => scoresOf(query.ref, keys).add(bias(batch)));
  query.dispose();
  const weights = softmax(scores.length === 1 ? (scores[0] as Tensor) : np.concatenate(scores, -1));
  const sizes = parts.map(({ value: values }) => values.shape[2] as number);
  const ends = sizes.slice(0, -1).map((_, i) => sizes.slice(0, i + 1).reduce((a, b) => a + b, 0));
  const split = ends.length === 0 ? [weights.ref] : np.split(weights.ref, ends, -1);
  const mixed = parts
    .map(({ value: values }, i) => mixtureOf(split[i] as Tensor, values))
    .reduce((sum, part) => sum.add(part));
  const heads = text.num_attention_heads;
  const joined = mixed.transpose([0, 3, 1, 2, 4]);
  if (wanted) return { mixed: joined, attention: weights.reshape([batch, heads, length, -1]) };
  weights.dispose();
  return { mixed: joined };
}

/** Causal attention is computed for pieces of the queries, of at least this many tokens, ... */
const SMALLEST_PIECE = 48;
/** ... and at most so many pieces; n pieces compute (n + 1) / 2n of all scores. */
const LARGEST_PIECES = 6;

/** Causal attention, one piece of the queries after the other, each over the keys up to its end. */
function attendInPieces(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, pieces: number): Tensor {
  const length = query.shape[3] as number;
  const ends = Array.from({ length: pieces }, (_, i) => Math.round(((i + 1) * length) / pieces));
  const queries = np.split(query, ends.slice(0, -1), 3);
  const mixed = ends.map((end, i) => {
    const start = ends[i - 1] ?? 0;
    const part = bias.ref.slice([], [start, end], [0, end]);
    const scores = scoresOf(queries[i] as Tensor, key.ref.slice([], [], [0, end]));
    const weights = softmax(scores.add(part.reshape([-1, 1, 1, end - start, end])));
    return mixtureOf(weights, value.ref.slice([], [], [0, end])).transpose([0, 3, 1, 2, 4]);
  });
  key.dispose();
  value.dispose();
  return np.concatenate(mixed, 1);
}

/** Queries `[B, KV, G, S, C]` times keys `[b, KV, P, C]`: `[B, KV, G, S, P]`; see `Context.caches` for b < B. */
function scoresOf(query: Tensor, keys: Tensor): Tensor {
  const shape = [...query.shape.slice(0, 4), keys.shape[2] as number];
  return ungather(shape, matmulNT(gather(query, keys.shape[0] as number), keys));
}

/** Weights `[B, KV, G, S, P]` times values `[b, KV, P, C]`: `[B, KV, G, S, C]`. */
function mixtureOf(weights: Tensor, values: Tensor): Tensor {
  const shape = [...weights.shape.slice(0, 4), values.shape[3] as number];
  return ungather(shape, matmul(gather(weights, values.shape[0] as number), values));
}

/** `[B, KV, G, S, X]` to `[own, KV, B / own * G * S, X]`: a cache row meets the queries of all rows it serves. */
function gather(x: Tensor, own: number): Tensor {
  const [batch, kv, group, length, last] = x.shape as [number, number, number, number, number];
  const shares = batch / own;
  if (shares === 1) return x.reshape([batch, kv, group * length, last]);
  const together = x.reshape([own, shares, kv, group * length, last]).transpose([0, 2, 1, 3, 4]);
  return together.reshape([own, kv, shares * group * length, last]);
}

/** The inverse of `gather`, to `shape` `[B, KV, G, S, X]`. */
function ungather(shape: readonly number[], x: Tensor): Tensor {
  const [batch, kv, group, length, last] = shape as [number, number, number, number, number];
  const own = x.shape[0] as number;
  const shares = batch / own;
  if (shares === 1) return x.reshape([...shape]);
  const together = x.reshape([own, kv, shares, group * length, last]).transpose([0, 2, 1, 3, 4]);
  return together.reshape([...shape]);
}

interface Part {
  readonly key: Tensor;
  readonly value: Tensor;
  /** The bias for a batch of so many rows, to broadcast against `[B, KV, H / KV, S, P]`. */
  readonly bias: (batch: number) => Tensor;
}

function cachePart({ key, value, bias }: LayerCache): Part {
  const [own, places] = bias.shape as [number, number];
  const spread = (batch: number): Tensor =>
    own === batch || own === 1
      ? bias.ref.reshape([own, 1, 1, 1, places])
      : np.repeat(bias.ref, batch / own, 0).reshape([batch, 1, 1, 1, places]);
  return { key: key.ref, value: value.ref, bias: spread };
}

function newPart(key: Tensor, value: Tensor, bias: Tensor): Part {
  const [rowsOf, from, to] = [...new Array<number>(3 - bias.ndim).fill(1), ...bias.shape] as [
    number,
    number,
    number,
  ];
  return { key, value, bias: () => bias.ref.reshape([rowsOf, 1, 1, from, to]) };
}

/**
 * The bias of causal attention among `length` tokens.
 *
 * @param padding `[B, S]`, 0 where a token counts and `MASKED` where it is padding; consumed
 * @returns `[1, S, S]`, or `[B, S, S]` with padding
 */
export function causalBias(length: number, padding?: Tensor): Tensor {
  const values = new Float32Array(length * length);
  for (let q = 0; q < length; q++) values.fill(MASKED, q * length + q + 1, (q + 1) * length);
  const causal = np.array(values, { shape: [1, length, length] });
  return padding === undefined ? causal : causal.add(padding.reshape([-1, 1, length]));
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

/** A kept parameter of a traced function, by its checkpoint name. */
export function parameter(params: Params, name: string): Tensor {
  const tensor = params[name];
  if (tensor === undefined) throw new Error(`internal: the parameter ${name} must be given`);
  return tensor.ref;
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
