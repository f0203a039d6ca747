/** Tracing: a function over jax-js arrays, and types of its arguments, become a jaxpr of plain data. */

import { invariant, UsageError } from "../base/index.ts";
import { type DType, isFloat, toDType } from "./dtype.ts";
import { jax, makeJaxpr } from "./jax.ts";
import type { Equation } from "./lower/context.ts";
import { type HostTensor, type TensorSpec, tensor } from "./tensor.ts";
import { flattenTree, type TreeDef, unflattenTree } from "./tree.ts";

/** A variable of a jaxpr, or a literal. */
export type Atom =
  | { readonly kind: "variable"; readonly id: number }
  | { readonly kind: "literal"; readonly number: number; readonly dtype: DType };

/** An equation with its operands. */
export interface TracedEquation extends Equation {
  readonly inputs: readonly Atom[];
  readonly targets: readonly number[];
}

/** A traced function: one flat list of equations. */
export interface TracedFunction {
  readonly constants: readonly { readonly id: number; readonly tensor: HostTensor }[];
  readonly inputs: readonly (TensorSpec & { readonly id: number })[];
  readonly equations: readonly TracedEquation[];
  readonly outputs: readonly (Atom & { readonly type: TensorSpec })[];
  readonly outputTree: TreeDef;
}

/** What jax-js needs of an argument to trace it: no data. An instance, since plain objects are trees to it. */
class AbstractValue {
  readonly shape: number[];
  readonly dtype: DType;
  readonly weakType = false;

  constructor(spec: TensorSpec) {
    this.shape = [...spec.shape];
    this.dtype = spec.dtype;
  }
}

interface JaxprAtom {
  readonly aval: { readonly shape: number[]; readonly dtype: string };
  readonly value?: number;
}

/**
 * Traces `fn` on arguments of the given types. No data is needed and none is allocated for arguments.
 *
 * @throws UsageError `engine-trace` if `fn` fails while it is traced, or returns what is not an array
 */
export function trace(
  fn: (...args: never[]) => unknown,
  args: readonly { readonly def: TreeDef; readonly leaves: readonly TensorSpec[] }[],
): TracedFunction {
  const abstract = args.map(({ def, leaves }) =>
    unflattenTree(
      def,
      leaves.map((leaf) => new AbstractValue(leaf)),
    ),
  );
  let outputTree: TreeDef = null;
  const wrapped = (...values: unknown[]): never => {
    const result = fn(...(values as never[]));
    outputTree = flattenTree(result, isArrayOrNumber)[1];
    return result as never;
  };
  let traced: ReturnType<ReturnType<typeof makeJaxpr>>;
  try {
    traced = makeJaxpr(wrapped)(...(abstract as never[]));
  } catch (error) {
    throw new UsageError(
      "engine-trace",
      `compile: the function must trace, got ${error instanceof Error ? error.message : error}`,
      "jax-js arrays are consumed by use: take `.ref` of one that is used again.",
      { cause: error },
    );
  }
  const closed = traced.jaxpr;
  const jaxpr = closed.jaxpr.flatten().simplify();
  const ids = new Map<unknown, number>();
  const idOf = (variable: unknown): number => {
    const known = ids.get(variable);
    if (known !== undefined) return known;
    ids.set(variable, ids.size);
    return ids.size - 1;
  };
  const atom = (x: unknown): Atom => {
    const { value, aval } = x as JaxprAtom;
    if (typeof value === "number" || typeof value === "boolean")
      return { kind: "literal", number: Number(value), dtype: toDType(aval.dtype) };
    return { kind: "variable", id: idOf(x) };
  };
  const typed = (x: unknown): TensorSpec => {
    const { aval } = x as JaxprAtom;
    return { dtype: toDType(aval.dtype), shape: aval.shape };
  };
  const equations = jaxpr.eqns.map((eqn) => ({
    primitive: eqn.primitive as string,
    params: eqn.params,
    inputs: eqn.inputs.map(atom),
    targets: eqn.outBinders.map(idOf),
    outputs: eqn.outBinders.map(typed),
  }));
  const outputs = jaxpr.outs.map((out) => ({ ...atom(out), type: typed(out) }));
  const used = new Set<number>();
  for (const source of [...equations.flatMap((e) => e.inputs), ...outputs])
    if (source.kind === "variable") used.add(source.id);
  const count = closed.consts.length;
  const constants = jaxpr.inBinders.slice(0, count).flatMap((binder, i) => {
    const id = idOf(binder);
    const array = closed.consts[i];
    invariant(array !== undefined, "a traced constant is missing");
    return used.has(id) ? [{ id, tensor: hostOf(array as jax.Array, typed(binder)) }] : [];
  });
  const inputs = jaxpr.inBinders.slice(count).map((binder) => ({ ...typed(binder), id: idOf(binder) }));
  closed.dispose();
  return { constants, inputs, equations, outputs, outputTree };
}

function isArrayOrNumber(value: unknown): value is jax.Array | number {
  return (
    typeof value === "number" ||
    typeof value === "boolean" ||
    (typeof value === "object" && value !== null && "aval" in value)
  );
}

/** The data of a jax-js array, copied; the array is not consumed. */
export function hostOf(array: jax.Array, type: TensorSpec): HostTensor {
  if (type.dtype === "float16")
    return tensor(
      (array.ref.astype(jax.DType.Float32).dataSync() as Float32Array).slice(),
      type.shape,
      "float16",
    );
  const data = array.ref.dataSync() as Float32Array;
  if (type.dtype === "bool") return { ...type, data: Uint8Array.from(data, Number) };
  invariant(
    isFloat(type.dtype) || type.dtype === "int32" || type.dtype === "uint32",
    `constant of ${type.dtype}`,
  );
  return { ...type, data: data.slice() };
}
