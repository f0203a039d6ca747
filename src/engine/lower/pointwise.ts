/**
 * Operators that work element by element. They compute in the layout of their largest operand: smaller ones
 * are arranged to broadcast against it, which for most is nothing or a reshape.
 */

import type { Value } from "../graph.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Attributes } from "../operators.ts";
import { broadcastShapes } from "../operators.ts";
import {
  arrange,
  broadcastView,
  insertAxes,
  isStoredAs,
  storedOrder,
  storedSize,
  type View,
} from "../view.ts";

/** Applies an operator element by element to views that broadcast against each other. */
export function pointwise(
  builder: GraphBuilder,
  op: string,
  operands: readonly View[],
  attributes: Attributes = {},
): View {
  const shape = broadcastShapes(...operands.map((view) => view.shape));
  const views = operands.map((view) => broadcastView(view, shape));
  const template = layoutOf(views);
  const inputs = views.map((view) => operandValue(builder, view, template));
  const source = builder.emit(op, inputs, attributes);
  const kept = template.slice(template.length - source.shape.length);
  return {
    source,
    shape,
    axes: shape.map((d, axis) => (d === 1 || !views.some((v) => isReal(v, axis)) ? -1 : kept.indexOf(axis))),
  };
}

const isReal = (view: View, axis: number): boolean => (view.axes[axis] as number) >= 0;

/** The source axes of the result: logical axes in stored order, -1 for axes of size 1. */
function layoutOf(views: readonly View[]): number[] {
  const leader = views.reduce((best, view) => (storedSize(view) > storedSize(best) ? view : best));
  const missing = leader.shape.flatMap((_, axis) =>
    !isReal(leader, axis) && views.some((view) => isReal(view, axis)) ? [axis] : [],
  );
  if (missing.length > 0) return insertAxes(storedOrder(leader), missing);
  return leader.source.shape.map((d, s) => (d === 1 ? -1 : leader.axes.indexOf(s)));
}

/** An operand as a value that broadcasts against the template, reshaped only if it must be. */
function operandValue(builder: GraphBuilder, view: View, template: readonly number[]): Value {
  const wanted = trim(
    template.map((axis) => (axis >= 0 && isReal(view, axis) ? (view.shape[axis] as number) : 1)),
  );
  const { source } = view;
  if (
    source.shape.length <= template.length &&
    isStoredAs(view, template) &&
    `${trim(source.shape)}` === `${wanted}`
  )
    return source;
  return builder.reshape(arrange(builder, view, template), wanted);
}

/** A shape without its leading axes of size 1. */
function trim(shape: readonly number[]): readonly number[] {
  const first = shape.findIndex((d) => d !== 1);
  return first < 0 ? [] : shape.slice(first);
}
