/**
 * Grouped-query attention of the language model: over the given tokens and any number of caches, which are read
 * and never copied; scores against all of them meet in one softmax.
 */

import { np } from "../engine/index.ts";
import type { TextConfig } from "./config.ts";
import { matmul, matmulNT, type Rotary, softmax } from "./layers.ts";
import type { Tensor } from "./tensor.ts";
import { MASKED } from "./vision-inputs.ts";

/** Keys and values of earlier tokens, for one layer. */
export interface LayerCache {
  /** `[B, KV, P, C]`, already turned by their positions. B may divide the number of rows: see `Context.caches`. */
  readonly key: Tensor;
  /** `[B, KV, P, C]`. */
  readonly value: Tensor;
  /** `[B, P]`: 0 where the slot holds a token, `MASKED` where it does not; absent where every slot does. */
  readonly bias?: Tensor;
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

/** Softmax attention of the queries over the caches and the new tokens, as `[B, S, H, C]`. */
export function attend(
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
  const scores = parts.map(({ key: keys, bias }) => {
    const raw = scoresOf(query.ref, keys);
    return bias === undefined ? raw : raw.add(bias(batch));
  });
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
  /** The bias for a batch of so many rows, to broadcast against `[B, KV, H / KV, S, P]`; absent where it is 0. */
  readonly bias?: (batch: number) => Tensor;
}

function cachePart({ key, value, bias }: LayerCache): Part {
  if (bias === undefined) return { key: key.ref, value: value.ref };
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
