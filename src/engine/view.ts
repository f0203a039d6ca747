/**
 * Lazy layouts. While lowering, a traced array is not a value of the graph but a view of one: a source value
 * and, for each logical axis, the source axis it is, or -1 if the array is constant along it. Broadcasts and
 * transposes only change the map; nothing moves until an operator needs an order or a full shape.
 *
 * Invariant: a logical axis of size 1 maps to -1; every source axis of size over 1 is mapped exactly once.
 */

import { invariant } from "../base/index.ts";
import { type GraphDType, sizeOf } from "./dtype.ts";
import type { Value } from "./graph.ts";
import type { GraphBuilder } from "./graph-builder.ts";

/** A traced array as it is laid out in the graph. */
export interface View {
  readonly source: Value;
  readonly shape: readonly number[];
  /** Source axis of each logical axis, -1 for axes along which nothing changes. */
  readonly axes: readonly number[];
}

/** The view that is a value itself. */
export function viewOf(value: Value): View {
  return { source: value, shape: value.shape, axes: value.shape.map((d, i) => (d === 1 ? -1 : i)) };
}

/** The element type of a view. */
export function dtypeOf(view: View): GraphDType {
  return view.source.dtype;
}

/** Logical axes that are real (not broadcast), in logical order. */
export function realAxes(view: View): number[] {
  return view.axes.flatMap((s, i) => (s >= 0 ? [i] : []));
}

/** Logical axes that are real, in the order in which the source stores them. */
export function storedOrder(view: View): number[] {
  return realAxes(view).sort((a, b) => (view.axes[a] as number) - (view.axes[b] as number));
}

/** Elements that the source stores. */
export function storedSize(view: View): number {
  return sizeOf(view.source.shape);
}

/** A view with its axes permuted; moves nothing. */
export function transposeView(view: View, perm: readonly number[]): View {
  return {
    source: view.source,
    shape: perm.map((p) => view.shape[p] as number),
    axes: perm.map((p) => view.axes[p] as number),
  };
}

/** A view broadcast to `shape`, aligned at the last axis; moves nothing. */
export function broadcastView(view: View, shape: readonly number[]): View {
  const missing = shape.length - view.shape.length;
  invariant(missing >= 0, `[${view.shape}] does not broadcast to [${shape}]`);
  return { source: view.source, shape, axes: shape.map((_, i) => view.axes[i - missing] ?? -1) };
}

/**
 * A value that holds the view's real axes in the order of `order`, with size 1 for axes that are not real.
 * `order` must list every real axis; other entries, and -1, become axes of size 1.
 */
export function arrange(builder: GraphBuilder, view: View, order: readonly number[]): Value {
  const wanted = order.filter((axis) => axis >= 0 && (view.axes[axis] as number) >= 0);
  const stored = storedOrder(view);
  invariant(wanted.length === stored.length, `order [${order}] leaves out a real axis of [${view.shape}]`);
  const shape = order.map((axis) => (axis >= 0 && (view.axes[axis] as number) >= 0 ? dim(view, axis) : 1));
  let value = view.source;
  if (wanted.some((axis, i) => axis !== stored[i])) value = permute(builder, view, stored, wanted);
  return builder.reshape(value, shape);
}

/** Whether the stored order of a view lists its real axes as `order` does, so that arranging moves nothing. */
export function isStoredAs(view: View, order: readonly number[]): boolean {
  const stored = storedOrder(view);
  const wanted = order.filter((axis) => axis >= 0 && (view.axes[axis] as number) >= 0);
  return stored.every((axis, i) => axis === wanted[i]);
}

/** A value of the full logical shape in logical order: broadcast axes are expanded. */
export function materialise(builder: GraphBuilder, view: View): Value {
  const value = arrange(
    builder,
    view,
    view.shape.map((_, i) => i),
  );
  return value.shape.every((d, i) => d === view.shape[i])
    ? value
    : builder.emit("Expand", [value], { shape: view.shape });
}

/** The same array with its real axes stored in logical order. */
export function inLogicalOrder(builder: GraphBuilder, view: View): View {
  const real = realAxes(view);
  if (isStoredAs(view, real)) return view;
  const value = arrange(builder, view, real);
  return {
    source: value,
    shape: view.shape,
    axes: view.shape.map((_, i) => real.indexOf(i)),
  };
}

/** The same array with the given axes stored, also where they are broadcast. */
export function makeReal(builder: GraphBuilder, view: View, axes: readonly number[]): View {
  const broadcast = axes.filter((axis) => (view.axes[axis] as number) < 0 && dim(view, axis) !== 1);
  if (broadcast.length === 0) return view;
  const order = insertAxes(storedOrder(view), broadcast);
  const value = builder.emit("Expand", [arrange(builder, view, order)], {
    shape: order.map((axis) => dim(view, axis)),
  });
  return { source: value, shape: view.shape, axes: view.shape.map((_, i) => order.indexOf(i)) };
}

/** Inserts `extra` axes into an order, each before the first axis that logically follows it. */
export function insertAxes(order: readonly number[], extra: readonly number[]): number[] {
  const result = [...order];
  for (const axis of extra) {
    const at = result.findIndex((other) => other > axis);
    result.splice(at < 0 ? result.length : at, 0, axis);
  }
  return result;
}

/**
 * A view of another shape with the same elements in the same logical order. Axes that are split or merged
 * where the source stores them side by side move nothing; otherwise the order is materialised first, and a
 * broadcast axis is expanded only where the reshape truly mixes it with a real one.
 */
export function reshapeView(builder: GraphBuilder, view: View, shape: readonly number[]): View {
  return (
    tryReshape(builder, view, shape) ??
    tryReshape(builder, inLogicalOrder(builder, view), shape) ??
    reshapeMixed(builder, view, shape)
  );
}

interface Group {
  readonly from: number[];
  readonly to: number[];
}

/** Pairs runs of old axes with runs of new axes of the same size, as short as possible; sizes of 1 left out. */
function groupAxes(from: readonly number[], to: readonly number[]): Group[] {
  const groups: Group[] = [];
  const left = from.flatMap((d, i) => (d === 1 ? [] : [i]));
  const right = to.flatMap((d, i) => (d === 1 ? [] : [i]));
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    const group: Group = { from: [], to: [] };
    let [a, b] = [1, 1];
    do {
      if (a <= b && i < left.length) {
        a *= from[left[i] as number] as number;
        group.from.push(left[i++] as number);
      } else {
        invariant(j < right.length, `[${from}] does not reshape to [${to}]`);
        b *= to[right[j] as number] as number;
        group.to.push(right[j++] as number);
      }
    } while (a !== b || group.from.length === 0 || group.to.length === 0);
    groups.push(group);
  }
  return groups;
}

function tryReshape(builder: GraphBuilder, view: View, shape: readonly number[]): View | undefined {
  if (view.shape.includes(0)) return undefined;
  const stored = storedOrder(view);
  const replaced = new Map<number, Group>();
  for (const group of groupAxes(view.shape, shape)) {
    const real = group.from.filter((axis) => (view.axes[axis] as number) >= 0);
    if (real.length === 0) continue;
    if (real.length !== group.from.length) return undefined;
    const at = stored.indexOf(real[0] as number);
    if (real.some((axis, k) => stored[at + k] !== axis)) return undefined;
    for (const axis of real) replaced.set(axis, group);
  }
  const sizes: number[] = [];
  const axes = shape.map(() => -1);
  const done = new Set<Group>();
  for (const axis of stored) {
    const group = replaced.get(axis) as Group;
    if (done.has(group)) continue;
    done.add(group);
    for (const target of group.to) {
      axes[target] = sizes.length;
      sizes.push(shape[target] as number);
    }
  }
  const same =
    `${sizes}` === `${view.source.shape.filter((d) => d !== 1)}` && view.source.shape.length !== sizes.length;
  if (same) {
    const kept = view.source.shape.flatMap((d, i) => (d === 1 ? [] : [i]));
    return { source: view.source, shape, axes: axes.map((a) => (a < 0 ? -1 : (kept[a] as number))) };
  }
  return { source: builder.reshape(view.source, sizes), shape, axes };
}

function reshapeMixed(builder: GraphBuilder, view: View, shape: readonly number[]): View {
  if (view.shape.includes(0)) return viewOf(builder.reshape(materialise(builder, view), shape));
  const mixed = groupAxes(view.shape, shape).flatMap((group) =>
    group.from.some((axis) => (view.axes[axis] as number) >= 0) ? group.from : [],
  );
  const full = inLogicalOrder(builder, makeReal(builder, inLogicalOrder(builder, view), mixed));
  const result = tryReshape(builder, full, shape);
  invariant(result !== undefined, `[${view.shape}] does not reshape to [${shape}]`);
  return result;
}

/** Emits the transpose that turns the stored order into the wanted one, on runs of axes that stay together. */
function permute(
  builder: GraphBuilder,
  view: View,
  stored: readonly number[],
  wanted: readonly number[],
): Value {
  const runs: number[][] = [];
  for (const axis of stored) {
    const previous = runs.at(-1)?.at(-1);
    if (previous !== undefined && wanted[wanted.indexOf(previous) + 1] === axis) runs.at(-1)?.push(axis);
    else runs.push([axis]);
  }
  const merged = builder.reshape(
    view.source,
    runs.map((run) => run.reduce((n, axis) => n * dim(view, axis), 1)),
  );
  const first = (run: readonly number[]): number => wanted.indexOf(run[0] as number);
  const perm = runs.map((_, i) => i).sort((a, b) => first(runs[a] ?? []) - first(runs[b] ?? []));
  return builder.emit("Transpose", [merged], { perm });
}

function dim(view: View, axis: number): number {
  return view.shape[axis] as number;
}
