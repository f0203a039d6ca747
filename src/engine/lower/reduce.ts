/** Reductions. Axes along which an array is constant are not walked: their sum is a product. */

import { invariant } from "../../base/index.ts";
import { type GraphDType, isFloat } from "../dtype.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { dtypeOf, type View } from "../view.ts";
import { wrapUint32 } from "./arithmetic.ts";
import { castView, inputAt, type LoweringRules, numbersOf, scalarView } from "./context.ts";
import { pointwise } from "./pointwise.ts";

/** What a reduction does. */
export type Reduction = "Add" | "Mul" | "Min" | "Max";

/** Reduces `axes`, which disappear from the result. */
export function reduce(builder: GraphBuilder, view: View, kind: Reduction, axes: readonly number[]): View {
  const dtype = dtypeOf(view);
  if (dtype === "bool") {
    const or = kind === "Add" || kind === "Max";
    return castView(
      builder,
      reduce(builder, castView(builder, view, "int32"), or ? "Max" : "Min", axes),
      "bool",
    );
  }
  if (dtype === "uint32") {
    const wide = reduce(builder, castView(builder, view, "int64"), kind, axes);
    return wrapUint32(builder, wide);
  }
  const real = axes.filter((axis) => (view.axes[axis] as number) >= 0);
  const repeats = axes.reduce(
    (n, axis) => ((view.axes[axis] as number) < 0 ? n * (view.shape[axis] as number) : n),
    1,
  );
  let source = view.source;
  if (real.length > 0)
    source = builder.emit(
      { Add: "ReduceSum", Mul: "ReduceProd", Min: "ReduceMin", Max: "ReduceMax" }[kind],
      [source],
      {
        axes: real.map((axis) => view.axes[axis] as number).sort((a, b) => a - b),
        keepdims: 1,
      },
    );
  const kept = view.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const result: View = {
    source,
    shape: kept.map((i) => view.shape[i] as number),
    axes: kept.map((i) => view.axes[i] as number),
  };
  return repeats === 1 ? result : repeated(builder, result, kind, repeats, dtype);
}

/** The reduction of `count` equal numbers. */
function repeated(
  builder: GraphBuilder,
  view: View,
  kind: Reduction,
  count: number,
  dtype: GraphDType,
): View {
  if (kind === "Min" || kind === "Max") return view;
  if (kind === "Add") return pointwise(builder, "Mul", [view, scalarView(builder, count, dtype)]);
  let result = view;
  if (isFloat(dtype)) {
    invariant(count >= 0, "a product over no elements");
    return pointwise(builder, "Pow", [view, scalarView(builder, count, dtype)]);
  }
  for (let i = 1; i < count; i++) result = pointwise(builder, "Mul", [result, view]);
  return result;
}

/** Rules of reductions. */
export const reduceRules: LoweringRules = {
  reduce: (builder, inputs, equation) => [
    reduce(builder, inputAt(inputs, 0), equation.params.op as Reduction, numbersOf(equation, "axis")),
  ],
};
