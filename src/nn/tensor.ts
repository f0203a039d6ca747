/** Host tensors of the kinds that models take, and the array type of traced functions. */

import type { np } from "../engine/index.ts";

/** An array inside a traced function; jax-js's ownership rule holds: a use consumes it, `.ref` keeps it. */
export type Tensor = np.Array;

/** Float32 values in row-major order. */
export interface FloatTensor {
  readonly dtype: "float32";
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Int32 values in row-major order. */
export interface IntTensor {
  readonly dtype: "int32";
  readonly shape: readonly number[];
  readonly data: Int32Array;
}

/** A float32 host tensor over `data`, not copied. */
export function floatTensor(data: Float32Array, shape: readonly number[]): FloatTensor {
  return { dtype: "float32", shape, data };
}

/** An int32 host tensor over `data`, not copied. */
export function intTensor(data: Int32Array, shape: readonly number[]): IntTensor {
  return { dtype: "int32", shape, data };
}

/** Parameters inside a traced function, by their name in the checkpoint. */
export type Params = Readonly<Record<string, Tensor>>;

/** Parameters on the host, by their name in the checkpoint. */
export type HostParams = ReadonlyMap<string, FloatTensor>;
