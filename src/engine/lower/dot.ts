/**
 * Products. A `dot` contracts the last axis of both operands and broadcasts the rest; every one becomes a
 * single matrix product: an axis real on both sides is batch, on the left only M, on the right only N. Operand
 * orders that FusedMatMul can read (either matrix transposed, the batch behind the first axis) move nothing.
 */

import { type GraphDType, sizeOf } from "../dtype.ts";
import type { Value } from "../graph.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { broadcastShapes } from "../operators.ts";
import { arrange, broadcastView, dtypeOf, storedOrder, type View } from "../view.ts";
import { castView, inputAt, type LoweringRules, outputOf, scalarView } from "./context.ts";
import { pointwise } from "./pointwise.ts";
import { reduce } from "./reduce.ts";

interface Operand {
  readonly value: Value;
  readonly transposed: boolean;
  readonly batchInside: boolean;
}

/** Contracts the last axis of both views; the rest broadcasts. */
export function dot(builder: GraphBuilder, left: View, right: View, dtype: GraphDType): View {
  const shape = broadcastShapes(left.shape, right.shape);
  const x = broadcastView(castView(builder, left, dtype), shape);
  const y = broadcastView(castView(builder, right, dtype), shape);
  const k = shape.length - 1;
  const real = (view: View, axis: number): boolean => (view.axes[axis] as number) >= 0;
  if (!real(x, k) || !real(y, k)) return contractApart(builder, x, y, k);
  const leading = shape.map((_, i) => i).slice(0, k);
  const batch = storedOrder(x).filter((axis) => axis !== k && real(y, axis));
  const rows = storedOrder(x).filter((axis) => axis !== k && !real(y, axis));
  const columns = storedOrder(y).filter((axis) => axis !== k && !real(x, axis));
  if (rows.length === 0 && columns.length === 0 && batch.length > 0)
    return reduce(builder, pointwise(builder, "Mul", [x, y]), "Add", [k]);
  const a = matrixOperand(builder, x, batch, rows, k, dtype === "float32");
  const b = matrixOperand(builder, y, batch, columns, k, dtype === "float32");
  const product = multiply(builder, a, b);
  const order = [...batch, ...rows, ...columns];
  return {
    source: builder.reshape(
      product,
      order.map((axis) => shape[axis] as number),
    ),
    shape: leading.map((axis) => shape[axis] as number),
    axes: leading.map((axis) => order.indexOf(axis)),
  };
}

/** A contraction along which one side is constant: the other side's sum, times it. */
function contractApart(builder: GraphBuilder, x: View, y: View, k: number): View {
  const drop = (view: View): View => ({
    source: view.source,
    shape: view.shape.slice(0, k),
    axes: view.axes.slice(0, k),
  });
  const contract = (view: View): View =>
    (view.axes[k] as number) >= 0 ? reduce(builder, view, "Add", [k]) : drop(view);
  const both = (x.axes[k] as number) < 0 && (y.axes[k] as number) < 0;
  const product = pointwise(builder, "Mul", [contract(x), contract(y)]);
  const size = x.shape[k] as number;
  return both && size !== 1
    ? pointwise(builder, "Mul", [product, scalarView(builder, size, dtypeOf(x))])
    : product;
}

/** The operand as [batch, free, k], or in an order that FusedMatMul reads as that. */
function matrixOperand(
  builder: GraphBuilder,
  view: View,
  batch: readonly number[],
  free: readonly number[],
  k: number,
  fused: boolean,
): Operand {
  const size = (axes: readonly number[]): number => sizeOf(axes.map((axis) => view.shape[axis] as number));
  const stored = storedOrder(view);
  const is = (...groups: readonly (readonly number[])[]): boolean => `${stored}` === `${groups.flat()}`;
  const contracted = view.shape[k] as number;
  const lead = batch.length > 0 ? [size(batch)] : [];
  if (fused) {
    if (free.length > 0 && is(batch, [k], free))
      return operand(builder.reshape(view.source, [...lead, contracted, size(free)]), true, false);
    if (free.length > 0 && batch.length > 0 && is(free, batch, [k]))
      return operand(builder.reshape(view.source, [size(free), ...lead, contracted]), false, true);
    if (free.length > 0 && batch.length > 0 && is([k], batch, free))
      return operand(builder.reshape(view.source, [contracted, ...lead, size(free)]), true, true);
  }
  // what must move keeps its last axis, so that whole rows are copied
  if (fused && free.length > 0 && stored.at(-1) !== k && free.includes(stored.at(-1) as number)) {
    const rows = arrange(builder, view, [...batch, k, ...free]);
    return operand(builder.reshape(rows, [...lead, contracted, size(free)]), true, false);
  }
  const value = arrange(builder, view, [...batch, ...free, k]);
  return operand(builder.reshape(value, [...lead, size(free), contracted]), false, false);
}

function operand(value: Value, transposed: boolean, batchInside: boolean): Operand {
  return { value, transposed, batchInside };
}

/** Emits the product of `a` as [batch, M, K] and `b` as [batch, N, K]. */
function multiply(builder: GraphBuilder, a: Operand, b: Operand): Value {
  if (a.value.dtype !== "float32") {
    const rank = b.value.shape.length;
    const perm = b.value.shape.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
    return builder.emit("MatMul", [a.value, builder.emit("Transpose", [b.value], { perm })]);
  }
  if (!a.transposed && b.transposed && !a.batchInside && !b.batchInside)
    return builder.emit("MatMul", [a.value, b.value]);
  return builder.emit("FusedMatMul", [a.value, b.value], {
    transA: a.transposed ? 1 : 0,
    transB: b.transposed ? 0 : 1,
    transBatchA: a.batchInside ? 1 : 0,
    transBatchB: b.batchInside ? 1 : 0,
  });
}

/** Rules of products. */
export const dotRules: LoweringRules = {
  dot: (builder, inputs, equation) => [
    dot(builder, inputAt(inputs, 0), inputAt(inputs, 1), outputOf(equation).dtype),
  ],
};
