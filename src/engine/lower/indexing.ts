/**
 * Gather and scatter. One index over one axis is ONNX's Gather on the source axis, wherever that is stored;
 * several indices are GatherND over rows of coordinates. Scatter starts from zeros, as jax-js defines it.
 *
 * Indices must be in range: where jax-js's own backends read or drop out-of-range indices quietly, ONNX
 * Runtime fails the run. Negative indices count from the end.
 */

import type { GraphDType } from "../dtype.ts";
import type { Value } from "../graph.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { broadcastShapes } from "../operators.ts";
import { arrange, broadcastView, dtypeOf, materialise, storedOrder, type View } from "../view.ts";
import {
  castView,
  fullView,
  inputAt,
  type LoweringRule,
  type LoweringRules,
  logicalValue,
  numbersOf,
  outputOf,
} from "./context.ts";

const INDEX: GraphDType = "int64";

/** Element types that ONNX Runtime scatters with reduction are floats and integers it computes with. */
function working(dtype: GraphDType): GraphDType {
  return dtype === "bool" ? "int32" : dtype === "uint32" ? "int64" : dtype;
}

/** Picks elements of `axes` by indices, whose axes appear together at `outDim`. */
export function gatherView(
  builder: GraphBuilder,
  x: View,
  indices: readonly View[],
  axes: readonly number[],
  outDim: number,
): View {
  const indexed = indices.filter((_, i) => (x.axes[axes[i] as number] as number) >= 0);
  if (indexed.length === 0) return dropAxes(x, axes, indices, outDim);
  const [only] = indices;
  if (indices.length === 1 && only !== undefined)
    return gatherOne(builder, x, only, axes[0] as number, outDim);
  return gatherMany(builder, x, indices, axes, outDim);
}

/** A gather over axes along which the array is constant: the axes are replaced by those of the indices. */
function dropAxes(x: View, axes: readonly number[], indices: readonly View[], outDim: number): View {
  const indexShape = broadcastShapes(...indices.map((view) => view.shape));
  const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const shape = kept.map((i) => x.shape[i] as number);
  const mapped = kept.map((i) => x.axes[i] as number);
  shape.splice(outDim, 0, ...indexShape);
  mapped.splice(outDim, 0, ...indexShape.map(() => -1));
  return { source: x.source, shape, axes: mapped };
}

function gatherOne(builder: GraphBuilder, x: View, index: View, axis: number, outDim: number): View {
  const at = x.axes[axis] as number;
  const dtype = dtypeOf(index);
  const positions = dtype === "int32" ? index.source : builder.cast(index.source, INDEX);
  const source = builder.emit("Gather", [x.source, positions], { axis: at });
  const grown = positions.shape.length - 1;
  const kept = x.shape.map((_, i) => i).filter((i) => i !== axis);
  const shape = kept.map((i) => x.shape[i] as number);
  const mapped = kept.map((i) => {
    const s = x.axes[i] as number;
    return s > at ? s + grown : s;
  });
  shape.splice(outDim, 0, ...index.shape);
  mapped.splice(outDim, 0, ...index.axes.map((s) => (s < 0 ? -1 : at + s)));
  return { source, shape, axes: mapped };
}

function gatherMany(
  builder: GraphBuilder,
  x: View,
  indices: readonly View[],
  axes: readonly number[],
  outDim: number,
): View {
  const live = axes.flatMap((axis, i) => ((x.axes[axis] as number) >= 0 ? [i] : []));
  const indexShape = broadcastShapes(...indices.map((view) => view.shape));
  const rest = storedOrder(x).filter((axis) => !axes.includes(axis));
  const data = arrange(builder, x, [...live.map((i) => axes[i] as number), ...rest]);
  const rows = coordinates(
    builder,
    live.map((i) => indices[i] as View),
    indexShape,
  );
  const source = builder.emit("GatherND", [data, rows]);
  const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const shape = kept.map((i) => x.shape[i] as number);
  const mapped = kept.map((i) => {
    const at = rest.indexOf(i);
    return at < 0 ? -1 : at + indexShape.length;
  });
  shape.splice(outDim, 0, ...indexShape);
  mapped.splice(outDim, 0, ...indexShape.map((d, i) => (d === 1 ? -1 : i)));
  return { source, shape, axes: mapped };
}

/** The indices as one int64 value of shape [...indexShape, count]. */
function coordinates(builder: GraphBuilder, indices: readonly View[], indexShape: readonly number[]): Value {
  const columns = indices.map((view) => {
    const full = materialise(builder, broadcastView(castView(builder, view, INDEX), indexShape));
    return builder.reshape(full, [...indexShape, 1]);
  });
  return columns.length === 1
    ? (columns[0] as Value)
    : builder.emit("Concat", columns, { axis: indexShape.length });
}

/**
 * Adds rows where their indices say, also where several say the same. Not ScatterND: ONNX Runtime 1.30 adds from
 * several threads at once there and loses additions to the same place; ScatterElements adds them one by one.
 *
 * @param target the zeros, the indexed axes first
 * @param updates the index axes first
 * @param any for booleans: whether any was true instead of their sum
 */
function scatterAdd(
  builder: GraphBuilder,
  target: Value,
  indices: readonly View[],
  indexShape: readonly number[],
  updates: Value,
  any: boolean,
): Value {
  const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
  const places = target.shape.slice(0, indices.length);
  const columns = size(target.shape.slice(indices.length));
  const rows = size(indexShape);
  let row: Value | undefined;
  indices.forEach((view, i) => {
    const full = materialise(builder, broadcastView(castView(builder, view, INDEX), indexShape));
    const index = indices.length === 1 ? full : fromStart(builder, full, places[i] as number);
    const before = row && builder.emit("Mul", [row, builder.scalar(places[i] as number, INDEX)]);
    row = before ? builder.emit("Add", [before, index]) : index;
  });
  const spread = builder.emit("Expand", [builder.reshape(row as Value, [rows, 1])], {
    shape: [rows, columns],
  });
  const flat = [
    builder.reshape(target, [size(places), columns]),
    spread,
    builder.reshape(updates, [rows, columns]),
  ];
  const sum = builder.emit("ScatterElements", flat, { axis: 0, reduction: any ? "max" : "add" });
  return builder.reshape(sum, target.shape);
}

/** Indices from the end as indices from the start. */
function fromStart(builder: GraphBuilder, index: Value, size: number): Value {
  const negative = builder.emit("Less", [index, builder.scalar(0, INDEX)]);
  const moved = builder.emit("Add", [index, builder.scalar(size, INDEX)]);
  return builder.emit("Where", [negative, moved, index]);
}

const scatter: LoweringRule = (builder, inputs, equation) => {
  const { dtype, shape } = outputOf(equation);
  const axes = numbersOf(equation, "axis");
  const outDim = equation.params.outDim as number;
  const indices = inputs.slice(1);
  const indexShape = broadcastShapes(...indices.map((view) => view.shape));
  const rest = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const type = working(dtype);
  const updates = castView(builder, inputAt(inputs, 0), type);
  const rank = indexShape.length;
  const updateOrder = updates.shape.map((_, i) => i);
  const indexDims = updateOrder.splice(outDim, rank);
  const order = [...indexDims, ...updateOrder];
  const permuted: View = {
    source: updates.source,
    shape: order.map((i) => updates.shape[i] as number),
    axes: order.map((i) => updates.axes[i] as number),
  };
  const target = [...axes, ...rest];
  const zeros = materialise(
    builder,
    fullView(
      builder,
      0,
      type,
      target.map((axis) => shape[axis] as number),
    ),
  );
  const add = equation.params.op === "add" && equation.params.uniqueIndices !== true;
  const source = add
    ? scatterAdd(builder, zeros, indices, indexShape, materialise(builder, permuted), dtype === "bool")
    : builder.emit(
        "ScatterND",
        [zeros, coordinates(builder, indices, indexShape), materialise(builder, permuted)],
        { reduction: "none" },
      );
  const result: View = { source, shape, axes: shape.map((d, i) => (d === 1 ? -1 : target.indexOf(i))) };
  return [castView(builder, result, dtype)];
};

/** Sorts along the last axis, smallest first; equal elements keep their order. */
function sorted(builder: GraphBuilder, x: View): readonly [View, View] {
  const dtype = dtypeOf(x);
  const axis = x.shape.length - 1;
  const value = logicalValue(builder, castView(builder, x, working(dtype)));
  const full = builder.emit("Expand", [value], {
    shape: value.shape.map((d, i) => (i === axis ? (x.shape[axis] as number) : d)),
  });
  const attributes = { k: [x.shape[axis] as number], axis, largest: 0, sorted: 1 };
  const [values, positions] = builder.emitAll("TopK", [full], attributes) as [Value, Value];
  const axes = value.shape.map((d, i) => (i === axis ? (x.shape[axis] === 1 ? -1 : axis) : d === 1 ? -1 : i));
  return [
    castView(builder, { source: values, shape: x.shape, axes }, dtype),
    { source: builder.cast(positions, "int32"), shape: x.shape, axes },
  ];
}

/** Rules of indexing and sorting. */
export const indexingRules: LoweringRules = {
  gather: (builder, inputs, equation) => [
    gatherView(
      builder,
      inputAt(inputs, 0),
      inputs.slice(1),
      numbersOf(equation, "axis"),
      equation.params.outDim as number,
    ),
  ],
  scatter,
  sort: (builder, inputs) => [sorted(builder, inputAt(inputs, 0))[0]],
  argsort: (builder, inputs) => sorted(builder, inputAt(inputs, 0)),
};
