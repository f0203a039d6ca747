/**
 * Many tensors in one: the trained parameters lie behind each other in one flat vector, and so do their
 * gradients and moments, so that an optimiser's step is a few long operations and not thousands of short ones.
 */

import { invariant } from "../base/index.ts";
import { np } from "../engine/index.ts";
import { type FloatTensor, floatTensor, type HostParams, type Tensor } from "./tensor.ts";

/** Where each tensor lies in a flat vector. */
export interface FlatLayout {
  readonly size: number;
  readonly entries: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly start: number;
    readonly end: number;
  }[];
}

/** Lays tensors out behind each other, in the given order. */
export function flatLayout(
  specs: readonly { readonly name: string; readonly shape: readonly number[] }[],
): FlatLayout {
  let size = 0;
  const entries = specs.map(({ name, shape }) => {
    const start = size;
    size += shape.reduce((a, b) => a * b, 1);
    return { name, shape, start, end: size };
  });
  return { size, entries };
}

/** Copies tensors into a flat vector. */
export function packParams(
  layout: FlatLayout,
  params: HostParams,
  target: Float32Array = new Float32Array(layout.size),
): Float32Array {
  for (const { name, start, end } of layout.entries) {
    const tensor = params.get(name);
    invariant(tensor?.data.length === end - start, `packParams: ${name} is missing or has a wrong size`);
    target.set(tensor.data, start);
  }
  return target;
}

/** Copies a flat vector's tensors out of it. */
export function unpackParams(layout: FlatLayout, flat: Float32Array): Map<string, FloatTensor> {
  return new Map(
    layout.entries.map(({ name, shape, start, end }) => [name, floatTensor(flat.slice(start, end), shape)]),
  );
}

/** The tensors of a flat vector inside a traced function. Consumes it. */
export function splitFlat(layout: FlatLayout, flat: Tensor): Record<string, Tensor> {
  if (layout.entries.length === 0) return {};
  const ends = layout.entries.slice(0, -1).map(({ end }) => end);
  const parts = ends.length === 0 ? [flat] : np.split(flat, ends);
  return Object.fromEntries(
    layout.entries.map(({ name, shape }, i) => [name, (parts[i] as Tensor).reshape([...shape])]),
  );
}

/** The flat vector of tensors inside a traced function. Consumes them. */
export function joinFlat(layout: FlatLayout, tensors: Readonly<Record<string, Tensor>>): Tensor {
  const parts = layout.entries.map(({ name }) => {
    const tensor = tensors[name];
    invariant(tensor !== undefined, `joinFlat: ${name} is missing`);
    return tensor.reshape([-1]);
  });
  return parts.length === 1 ? (parts[0] as Tensor) : np.concatenate(parts, 0);
}
