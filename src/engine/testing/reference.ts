/** Comparing compiled programs with jax-js's own WebAssembly backend, for tests. */

import { expect } from "vitest";
import { compile } from "../compile.ts";
import type { DType } from "../dtype.ts";
import { jax, np } from "../jax.ts";
import { fromHalf, type HostTensor, isSpec, tensor } from "../tensor.ts";
import { flattenTree } from "../tree.ts";

/** A host tensor as a jax-js array. */
export function toJax(value: HostTensor): np.Array {
  const numbers =
    value.dtype === "float16"
      ? Array.from(value.data, fromHalf)
      : Array.from(value.data as ArrayLike<number>);
  const flat =
    value.dtype === "bool"
      ? np.array(numbers.map((x) => x !== 0))
      : np.array(numbers, { dtype: value.dtype as jax.DType });
  return flat.reshape([...value.shape]);
}

/** Pseudo-random numbers in [-2, 2) of a fixed sequence, without ties. */
export function filled(shape: readonly number[], seed = 1, dtype: DType = "float32"): HostTensor {
  const size = shape.reduce((n, d) => n * d, 1);
  const numbers = Array.from({ length: size }, (_, i) => {
    const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    return (x - Math.floor(x)) * 4 - 2;
  });
  if (dtype === "bool")
    return tensor(
      numbers.map((x) => (x > 0 ? 1 : 0)),
      shape,
      dtype,
    );
  if (dtype === "int32")
    return tensor(
      numbers.map((x) => Math.round(x * 5)),
      shape,
      dtype,
    );
  if (dtype === "uint32")
    return tensor(
      numbers.map((x) => Math.floor((x + 2) * 2 ** 30)),
      shape,
      dtype,
    );
  return tensor(numbers, shape, dtype);
}

/**
 * Runs a function compiled and on jax-js's backend and expects the same numbers: `tolerance` times the larger
 * of 1 and the number's size. Default 2e-5: some hundred float32 roundings in another order.
 */
export async function expectLikeJax(
  fn: (...args: np.Array[]) => unknown,
  inputs: readonly HostTensor[],
  tolerance = 2e-5,
): Promise<void> {
  const expected = flattenTree(fn(...inputs.map(toJax)), isJaxArray)[0];
  const program = await compile((args: np.Array[]) => fn(...args), [[...inputs]]);
  try {
    const actual = flattenTree(await program.run([...inputs]), isSpec)[0] as HostTensor[];
    expect(actual.length).toBe(expected.length);
    expected.forEach((want, i) => {
      expectClose(actual[i] as HostTensor, want, tolerance);
    });
  } finally {
    await program.dispose();
  }
}

function isJaxArray(value: unknown): value is np.Array {
  return value instanceof jax.Array;
}

function expectClose(got: HostTensor, want: np.Array, tolerance: number): void {
  expect([...got.shape]).toEqual(want.shape);
  expect(got.dtype).toBe(want.dtype);
  const values = Array.from(want.dataSync() as ArrayLike<number>, Number);
  const data = got.dtype === "float16" ? Array.from(got.data, fromHalf) : Array.from(got.data, Number);
  values.forEach((value, i) => {
    const other = data[i] as number;
    if (Object.is(value, other) || value === other || (Number.isNaN(value) && Number.isNaN(other))) return;
    const limit = tolerance * Math.max(1, Math.abs(value));
    if (!(Math.abs(value - other) <= limit))
      expect.fail(`element ${i} of [${want.shape}] is ${other}, jax-js has ${value}`);
  });
}
