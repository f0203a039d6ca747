/** What every lowering rule is given and gives: views in, views out, and the graph under construction. */

import { invariant } from "../../base/index.ts";
import type { GraphDType } from "../dtype.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { arrange, broadcastView, dtypeOf, type View, viewOf } from "../view.ts";

/** One equation of a jaxpr: a primitive, its parameters, and the type of each output. */
export interface Equation {
  readonly primitive: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly outputs: readonly { readonly dtype: GraphDType; readonly shape: readonly number[] }[];
}

/** Lowers one primitive. */
export type LoweringRule = (
  builder: GraphBuilder,
  inputs: readonly View[],
  equation: Equation,
) => readonly View[];

/** Lowering rules by the name of their primitive. */
export type LoweringRules = Readonly<Record<string, LoweringRule>>;

/** Input `index` of an equation. */
export function inputAt(inputs: readonly View[], index: number): View {
  const view = inputs[index];
  invariant(view !== undefined, `an equation lacks input ${index}`);
  return view;
}

/** The type of an equation's first output. */
export function outputOf(equation: Equation): { dtype: GraphDType; shape: readonly number[] } {
  const output = equation.outputs[0];
  invariant(output !== undefined, `${equation.primitive} has no output`);
  return output;
}

/** A parameter that is a list of numbers. */
export function numbersOf(equation: Equation, name: string): readonly number[] {
  const value = equation.params[name];
  invariant(Array.isArray(value), `${equation.primitive}: parameter ${name} must be a list`);
  return value as readonly number[];
}

/** A parameter that is a list of pairs. */
export function pairsOf(equation: Equation, name: string): readonly (readonly [number, number])[] {
  const value = equation.params[name];
  invariant(Array.isArray(value), `${equation.primitive}: parameter ${name} must be a list`);
  return value as readonly (readonly [number, number])[];
}

/** A view converted to another element type, in the layout it has. */
export function castView(builder: GraphBuilder, view: View, dtype: GraphDType): View {
  return dtypeOf(view) === dtype ? view : { ...view, source: builder.cast(view.source, dtype) };
}

/** A scalar as a view. */
export function scalarView(builder: GraphBuilder, number: number, dtype: GraphDType): View {
  return viewOf(builder.scalar(number, dtype));
}

/** A constant array of one repeated number, which stores a single element. */
export function fullView(
  builder: GraphBuilder,
  number: number,
  dtype: GraphDType,
  shape: readonly number[],
): View {
  return broadcastView(scalarView(builder, number, dtype), shape);
}

/** A value with all axes in logical order, size 1 where broadcast. */
export function logicalValue(builder: GraphBuilder, view: View): View["source"] {
  return arrange(
    builder,
    view,
    view.shape.map((_, i) => i),
  );
}
