/**
 * The pieces that both towers are made of, as functions over traced arrays. Each consumes its arguments.
 * They are written for few passes over activations: scales go into weights, which are small.
 */

import { lax, np } from "../engine/index.ts";
import type { Tensor } from "./tensor.ts";

const BATCH = { lhsBatchDims: [0, 1], rhsBatchDims: [0, 1] };

/** `x Wᵀ + b`, with `x` `[..., in]`, `weight` `[out, in]` and `bias` `[out]`. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const product = lax.dot(x, weight, { lhsContractingDims: [-1], rhsContractingDims: [-1] });
  return bias === undefined ? product : product.add(bias);
}

/** Batched product of `[A, B, M, K]` and `[A, B, K, N]`. */
export function matmul(x: Tensor, y: Tensor): Tensor {
  return lax.dot(x, y, { lhsContractingDims: [3], rhsContractingDims: [2], ...BATCH });
}

/** Batched product of `[A, B, M, K]` and the transpose of `[A, B, N, K]`. */
export function matmulNT(x: Tensor, y: Tensor): Tensor {
  return lax.dot(x, y, { lhsContractingDims: [3], rhsContractingDims: [3], ...BATCH });
}

/** `x / sqrt(mean(x²) + epsilon)` over the last axis: RMSNorm without its weight. */
export function normalise(x: Tensor, epsilon: number): Tensor {
  const meanSquare = x.ref.mul(x.ref).mean(-1, { keepdims: true });
  return x.mul(np.reciprocal(np.sqrt(meanSquare.add(epsilon))));
}

/** RMSNorm over the last axis: `normalise(x) * weight`. */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  return normalise(x, epsilon).mul(weight);
}

/** `x sigmoid(x)`. */
export function silu(x: Tensor): Tensor {
  return x.ref.div(np.exp(x.neg()).add(1));
}

/** `x Φ(x)`, with the error function as PyTorch's default GELU. */
export function gelu(x: Tensor): Tensor {
  const erf = lax.erf(x.ref.mul(Math.SQRT1_2));
  return x.mul(erf.add(1)).mul(0.5);
}

/** Softmax over the last axis. */
export function softmax(x: Tensor): Tensor {
  const highest = lax.stopGradient(np.max(x.ref, -1, { keepdims: true }));
  const exponential = np.exp(x.sub(highest));
  return exponential.ref.div(np.sum(exponential, -1, { keepdims: true }));
}

/** Cosines and sines inside a traced function; shaped to broadcast against half a head's channels. */
export interface Rotary {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/** Turns each pair of channels `(i, i + half)` of the last axis by its angle. Keeps the tables. */
export function rotate(x: Tensor, { cos, sin }: Rotary): Tensor {
  const [a, b] = np.split(x, 2, -1) as [Tensor, Tensor];
  const first = a.ref.mul(cos.ref).sub(b.ref.mul(sin.ref));
  const second = b.mul(cos.ref).add(a.mul(sin.ref));
  return np.concatenate([first, second], -1);
}

/** Rows of a table: `table[index]` along its first axis. */
export function rows(table: Tensor, index: Tensor): Tensor {
  return np.take(table, index, 0);
}

/**
 * Zeroes a fraction of values and scales the others up, as dropout in training. Random numbers come from the
 * sine of place and seed, which is a few operations on any device, and good enough to drop values by.
 *
 * @param rate in [0, 1)
 * @param seed a scalar; the same seed drops the same places
 */
export function dropped(x: Tensor, rate: number, seed: Tensor): Tensor {
  const channels = x.shape.at(-1) as number;
  const tokens = x.shape.slice(0, -1);
  const count = tokens.reduce((a, b) => a * b, 1);
  const row = np.array(
    Float32Array.from({ length: count }, (_, i) => (i * 0.7548776662) % 1),
    { shape: [...tokens, 1] },
  );
  const column = np.array(Float32Array.from({ length: channels }, (_, i) => (i * 0.5698402909) % 1));
  const angle = row.mul(78.233).add(column.mul(12.9898)).add(seed);
  const noise = np.sin(angle).mul(43758.5453);
  const uniform = noise.ref.sub(np.floor(noise));
  return x.mul(np.where(uniform.less(rate), 0, 1 / (1 - rate)));
}
