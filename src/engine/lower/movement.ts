/** Primitives that move, cut and join arrays without computing. Transposes and broadcasts stay lazy. */

import type { GraphDType } from "../dtype.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import {
  arrange,
  broadcastView,
  dtypeOf,
  insertAxes,
  makeReal,
  reshapeView,
  storedOrder,
  storedSize,
  transposeView,
  type View,
} from "../view.ts";
import {
  castView,
  fullView,
  inputAt,
  type LoweringRule,
  type LoweringRules,
  numbersOf,
  outputOf,
  pairsOf,
} from "./context.ts";

/** ONNX Runtime moves these as the named type, since it lacks kernels for them. */
function carrier(dtype: GraphDType): GraphDType {
  return dtype === "uint32" ? "int64" : dtype;
}

function carried(builder: GraphBuilder, view: View, work: (view: View) => View): View {
  const dtype = dtypeOf(view);
  return castView(builder, work(castView(builder, view, carrier(dtype))), dtype);
}

const broadcast: LoweringRule = (_, inputs, equation) => {
  const x = inputAt(inputs, 0);
  const shape = numbersOf(equation, "shape");
  const added = new Set(numbersOf(equation, "axis"));
  let next = 0;
  const axes = shape.map((_size, i) => {
    if (added.has(i)) return -1;
    return x.axes[next++] ?? -1;
  });
  return [{ source: x.source, shape, axes }];
};

/** Cuts `[start, end)` out of each axis. */
export function slice(
  builder: GraphBuilder,
  view: View,
  bounds: readonly (readonly [number, number])[],
): View {
  const shape = bounds.map(([start, end]) => end - start);
  const cut = bounds.flatMap(([start, end], axis) =>
    (view.axes[axis] as number) >= 0 && (start !== 0 || end !== view.shape[axis]) ? [axis] : [],
  );
  let { source } = view;
  if (cut.length > 0) {
    const sorted = [...cut].sort((a, b) => (view.axes[a] as number) - (view.axes[b] as number));
    source = builder.emit("Slice", [source], {
      starts: sorted.map((axis) => bounds[axis]?.[0] as number),
      ends: sorted.map((axis) => bounds[axis]?.[1] as number),
      axes: sorted.map((axis) => view.axes[axis] as number),
      steps: sorted.map(() => 1),
    });
  }
  return { source, shape, axes: view.axes.map((s, i) => (shape[i] === 1 ? -1 : s)) };
}

const flip: LoweringRule = (builder, inputs, equation) => {
  const x = inputAt(inputs, 0);
  const axes = numbersOf(equation, "axis").flatMap((axis) =>
    (x.axes[axis] as number) >= 0 ? [x.axes[axis] as number] : [],
  );
  if (axes.length === 0) return [x];
  return [
    carried(builder, x, (view) => ({
      ...view,
      source: builder.emit("Slice", [view.source], {
        starts: axes.map(() => -1),
        ends: axes.map(() => -0x7fffffff),
        axes,
        steps: axes.map(() => -1),
      }),
    })),
  ];
};

const pad: LoweringRule = (builder, inputs, equation) => {
  const x = inputAt(inputs, 0);
  const width = pairsOf(equation, "width");
  const inner = slice(
    builder,
    x,
    width.map(([before, after], i) => [Math.max(0, -before), (x.shape[i] as number) - Math.max(0, -after)]),
  );
  const grown = width.map(([before, after]) => [Math.max(0, before), Math.max(0, after)] as const);
  return [padZeros(builder, inner, grown)];
};

/** Adds zeros before and after each axis. */
export function padZeros(
  builder: GraphBuilder,
  view: View,
  width: readonly (readonly [number, number])[],
): View {
  const padded = width.flatMap(([before, after], axis) => (before + after > 0 ? [axis] : []));
  if (padded.length === 0) return view;
  const shape = view.shape.map((d, i) => d + (width[i]?.[0] as number) + (width[i]?.[1] as number));
  const dtype = dtypeOf(view);
  const working = dtype === "bool" ? "int32" : carrier(dtype);
  const full = makeReal(builder, castView(builder, view, working), padded);
  const order = insertAxes(
    storedOrder(full),
    padded.filter((axis) => view.shape[axis] === 1),
  );
  const value = arrange(builder, full, order);
  const pads = [0, 1].flatMap((side) => order.map((axis) => width[axis]?.[side] as number));
  const source = builder.cast(builder.emit("Pad", [value], { pads }), dtype);
  return { source, shape, axes: shape.map((d, axis) => (d === 1 ? -1 : order.indexOf(axis))) };
}

/** Joins views along an axis, in the layout of the largest. */
export function concatenate(
  builder: GraphBuilder,
  views: readonly View[],
  axis: number,
  dtype: GraphDType,
): View {
  const rank = views[0]?.shape.length ?? 0;
  const parts = views.filter((view) => view.shape[axis] !== 0).map((view) => castView(builder, view, dtype));
  const [only] = parts;
  if (only === undefined) return castView(builder, views[0] as View, dtype);
  if (parts.length === 1) return only;
  const needed = Array.from({ length: rank }, (_, i) => i).filter(
    (i) => i !== axis && parts.some((view) => (view.axes[i] as number) >= 0),
  );
  const whole = parts.map((view) => makeReal(builder, view, [...needed, axis]));
  const leader = whole.reduce((best, view) => (storedSize(view) > storedSize(best) ? view : best));
  const stored = storedOrder(leader);
  const order = stored.includes(axis) ? stored : insertAxes(stored, [axis]);
  const source = builder.emit(
    "Concat",
    whole.map((view) => arrange(builder, view, order)),
    { axis: order.indexOf(axis) },
  );
  const shape = only.shape.map((d, i) =>
    i === axis ? parts.reduce((n, v) => n + (v.shape[axis] as number), 0) : d,
  );
  return { source, shape, axes: shape.map((d, i) => (d === 1 ? -1 : order.indexOf(i))) };
}

const split: LoweringRule = (builder, inputs, equation) => {
  const x = inputAt(inputs, 0);
  const axis = equation.params.axis as number;
  const sizes = numbersOf(equation, "sizes");
  const shapes = sizes.map((size) => x.shape.map((d, i) => (i === axis ? size : d)));
  const at = x.axes[axis] as number;
  const axesOf = (size: number): number[] => x.axes.map((s, i) => (i === axis && size === 1 ? -1 : s));
  if (at < 0)
    return shapes.map((shape, i) => ({ source: x.source, shape, axes: axesOf(sizes[i] as number) }));
  const dtype = dtypeOf(x);
  const pieces = builder.emitAll("Split", [builder.cast(x.source, carrier(dtype))], { axis: at, sizes });
  return pieces.map((piece, i) => ({
    source: builder.cast(piece, dtype),
    shape: shapes[i] as number[],
    axes: axesOf(sizes[i] as number),
  }));
};

/** Rules of movement. */
export const movementRules: LoweringRules = {
  broadcast,
  flip,
  pad,
  split,
  transpose: (_, inputs, equation) => [transposeView(inputAt(inputs, 0), numbersOf(equation, "perm"))],
  reshape: (builder, inputs, equation) => [
    reshapeView(builder, inputAt(inputs, 0), numbersOf(equation, "shape")),
  ],
  shrink: (builder, inputs, equation) => [
    carried(builder, inputAt(inputs, 0), (view) => slice(builder, view, pairsOf(equation, "slice"))),
  ],
  concatenate: (builder, inputs, equation) => {
    const { dtype, shape } = outputOf(equation);
    if (shape.includes(0)) return [fullView(builder, 0, dtype, shape)];
    const whole = inputs.map((view) => broadcastView(view, view.shape));
    const working = carrier(dtype);
    return [castView(builder, concatenate(builder, whole, equation.params.axis as number, working), dtype)];
  },
};
