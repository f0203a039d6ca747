/** Convolutions, and the windows (`pool`) that jax-js builds its pooling functions from. */

import { UsageError } from "../../base/index.ts";
import { type GraphDType, sizeOf } from "../dtype.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { broadcastShapes } from "../operators.ts";
import { broadcastView, materialise, reshapeView, transposeView, type View, viewOf } from "../view.ts";
import {
  castView,
  inputAt,
  type LoweringRule,
  type LoweringRules,
  numbersOf,
  outputOf,
  pairsOf,
} from "./context.ts";
import { dot } from "./dot.ts";
import { gatherView } from "./indexing.ts";
import { padZeros, slice } from "./movement.ts";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Windows of `size` every `stride` along an axis, as [count, size] positions. */
function windows(length: number, size: number, stride: number): { count: number; positions: Int32Array } {
  const count = Math.floor((length - size) / stride) + 1;
  return {
    count,
    positions: Int32Array.from(range(count * size), (i) => Math.floor(i / size) * stride + (i % size)),
  };
}

const pool: LoweringRule = (builder, inputs, equation) => {
  let x = inputAt(inputs, 0);
  const sizes = numbersOf(equation, "window");
  const strides = numbersOf(equation, "strides");
  const lead = x.shape.length - sizes.length;
  for (let i = sizes.length - 1; i >= 0; i--) {
    const [axis, size, stride] = [lead + i, sizes[i] as number, strides[i] as number];
    const length = x.shape[axis] as number;
    const { count, positions } = windows(length, size, stride);
    if (size === stride && length === count * size)
      x = reshapeView(builder, x, x.shape.toSpliced(axis, 1, count, size));
    else {
      const index = viewOf(builder.constant(positions, [count, size], "int32"));
      x = gatherView(builder, x, [index], [axis], axis);
    }
  }
  const pairs = range(sizes.length);
  return [
    transposeView(x, [
      ...range(lead),
      ...pairs.map((i) => lead + 2 * i),
      ...pairs.map((i) => lead + 2 * i + 1),
    ]),
  ];
};

const poolTranspose: LoweringRule = (builder, inputs, equation) => {
  let x = inputAt(inputs, 0);
  const { dtype } = outputOf(equation);
  const sizes = numbersOf(equation, "window");
  const strides = numbersOf(equation, "strides");
  const inShape = numbersOf(equation, "inShape");
  const lead = inShape.length - sizes.length;
  for (let i = 0; i < sizes.length; i++) {
    const length = inShape[lead + i] as number;
    const rank = x.shape.length;
    const [from, size] = [lead, lead + sizes.length - i];
    const others = range(rank).filter((axis) => axis !== from && axis !== size);
    const moved = transposeView(x, [...others, from, size]);
    const kept = moved.shape.slice(0, -2);
    const { positions } = windows(length, sizes[i] as number, strides[i] as number);
    const flat = reshapeView(builder, moved, [...kept, 1, positions.length]);
    x = dot(builder, flat, selection(builder, positions, length, dtype), dtype);
  }
  return [x];
};

/** The matrix [length, positions] that adds each position's element to its place. */
function selection(builder: GraphBuilder, positions: Int32Array, length: number, dtype: GraphDType): View {
  const matrix = new Float32Array(length * positions.length);
  positions.forEach((place, i) => {
    matrix[place * positions.length + i] = 1;
  });
  return castView(builder, viewOf(builder.constant(matrix, [length, positions.length], "float32")), dtype);
}

const conv: LoweringRule = (builder, inputs, equation) => {
  const { dtype, shape } = outputOf(equation);
  if (dtype !== "float32" && dtype !== "float16")
    throw new UsageError(
      "engine-primitive",
      `compile: conv must be given float32 or float16, got ${dtype}`,
      "Cast its operands with astype.",
    );
  const v = equation.params.vmapDims as number;
  const [left, right] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  const batch = broadcastShapes(left.shape.slice(0, v), right.shape.slice(0, v));
  const strides = numbersOf(equation, "strides");
  const spatial = range(strides.length);
  const full = (view: View): View =>
    castView(builder, broadcastView(view, [...batch, ...view.shape.slice(v)]), dtype);
  const dilated = padded(
    builder,
    dilate(builder, full(left), v + 2, numbersOf(equation, "lhsDilation")),
    equation,
    v,
  );
  const groups = sizeOf(batch);
  const inner = spatial.map((i) => v + 2 + i);
  const moved = transposeView(dilated, [v, ...range(v), v + 1, ...inner]);
  const tail = spatial.length === 0 ? [1] : [];
  const channels = dilated.shape[v + 1] as number;
  const x = builder.reshape(materialise(builder, moved), [
    dilated.shape[v] as number,
    groups * channels,
    ...inner.map((axis) => dilated.shape[axis] as number),
    ...tail,
  ]);
  const kernel = right.shape.slice(v);
  const w = builder.reshape(materialise(builder, full(right)), [
    groups * (kernel[0] as number),
    ...kernel.slice(1),
    ...tail,
  ]);
  const source = builder.emit("Conv", [x, w], {
    group: groups,
    strides: [...strides, ...tail],
    dilations: [...numbersOf(equation, "rhsDilation"), ...tail],
    pads: [...spatial, ...spatial, ...tail, ...tail].map(() => 0),
  });
  const [n, o] = [shape[v] as number, shape[v + 1] as number];
  const parts = viewOf(builder.reshape(source, [n, ...batch, o, ...shape.slice(v + 2)]));
  return [
    transposeView(parts, [
      ...range(v).map((i) => i + 1),
      0,
      ...range(spatial.length + 1).map((i) => v + 1 + i),
    ]),
  ];
};

/** Puts `factor - 1` zeros between neighbours along each axis from `first` on. */
function dilate(builder: GraphBuilder, view: View, first: number, factors: readonly number[]): View {
  let x = view;
  factors.forEach((factor, i) => {
    if (factor === 1) return;
    const axis = first + i;
    const length = x.shape[axis] as number;
    const apart = reshapeView(builder, x, x.shape.toSpliced(axis, 1, length, 1));
    const wide = padZeros(
      builder,
      apart,
      apart.shape.map((_, k) => [0, k === axis + 1 ? factor - 1 : 0] as const),
    );
    const joined = reshapeView(builder, wide, x.shape.toSpliced(axis, 1, length * factor));
    x = slice(
      builder,
      joined,
      joined.shape.map((d, k) => [0, k === axis ? (length - 1) * factor + 1 : d] as const),
    );
  });
  return x;
}

/** Applies a convolution's padding, which may be negative. */
function padded(builder: GraphBuilder, view: View, equation: Parameters<LoweringRule>[2], v: number): View {
  const padding = pairsOf(equation, "padding");
  const at = (axis: number): readonly [number, number] => padding[axis - v - 2] ?? [0, 0];
  const cut = slice(
    builder,
    view,
    view.shape.map((d, axis) => [Math.max(0, -at(axis)[0]), d - Math.max(0, -at(axis)[1])] as const),
  );
  return padZeros(
    builder,
    cut,
    view.shape.map((_, axis) => [Math.max(0, at(axis)[0]), Math.max(0, at(axis)[1])] as const),
  );
}

/** Rules of convolutions and windows. */
export const convolutionRules: LoweringRules = { conv, pool, pool_transpose: poolTranspose };
