/** Lowering: a traced function becomes a graph, one primitive at a time, each by the rule of its family. */

import { invariant, UsageError } from "../base/index.ts";
import { type GraphDType, sizeOf } from "./dtype.ts";
import type { Graph, Value } from "./graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { arithmeticRules } from "./lower/arithmetic.ts";
import { castView, fullView, type LoweringRules, scalarView } from "./lower/context.ts";
import { convolutionRules } from "./lower/convolution.ts";
import { dotRules } from "./lower/dot.ts";
import { indexingRules } from "./lower/indexing.ts";
import { movementRules } from "./lower/movement.ts";
import { randomRules } from "./lower/random.ts";
import { reduceRules } from "./lower/reduce.ts";
import { fromHalf, type HostTensor } from "./tensor.ts";
import type { Atom, TracedFunction } from "./trace.ts";
import { materialise, type View, viewOf } from "./view.ts";

const RULES: LoweringRules = {
  ...arithmeticRules,
  ...convolutionRules,
  ...dotRules,
  ...indexingRules,
  ...movementRules,
  ...randomRules,
  ...reduceRules,
};

/** The primitives that programs may use. */
export const SUPPORTED_PRIMITIVES: readonly string[] = Object.keys(RULES).sort();

/**
 * Lowers a traced function. Inputs are named `in.<path>`, outputs `out.<path>` when the graph is saved.
 *
 * @param frozen data of inputs that become constants of the graph, by input position
 * @throws UsageError `engine-primitive` naming a primitive that has no rule
 */
export function lower(
  traced: TracedFunction,
  name: string,
  inputNames: readonly string[],
  frozen: ReadonlyMap<number, HostTensor> = new Map(),
): Graph {
  const builder = new GraphBuilder(name);
  const views = new Map<number, View>();
  traced.inputs.forEach((input, i) => {
    const constant = frozen.get(i);
    const view = constant
      ? constantView(builder, constant)
      : viewOf(builder.input(inputNames[i] ?? `in${i}`, { dtype: input.dtype, shape: input.shape }));
    views.set(input.id, view);
  });
  for (const { id, tensor } of traced.constants) views.set(id, constantView(builder, tensor));
  const read = (atom: Atom): View => {
    if (atom.kind === "literal") return scalarView(builder, atom.number, atom.dtype);
    const view = views.get(atom.id);
    invariant(view !== undefined, `variable ${atom.id} is read before it is written`);
    return view;
  };
  for (const equation of traced.equations) {
    const rule = RULES[equation.primitive];
    if (rule === undefined)
      throw new UsageError(
        "engine-primitive",
        `compile: every primitive must be supported, got ${equation.primitive}`,
        `Express the computation without it. Supported: ${SUPPORTED_PRIMITIVES.join(", ")}.`,
      );
    const outputs = rule(builder, equation.inputs.map(read), equation);
    equation.targets.forEach((target, i) => {
      const view = outputs[i];
      const type = equation.outputs[i];
      invariant(view !== undefined && type !== undefined, `${equation.primitive}: output ${i} is missing`);
      invariant(
        `${view.shape}` === `${type.shape}`,
        `${equation.primitive}: lowered to [${view.shape}], must be [${type.shape}]`,
      );
      views.set(target, castView(builder, view, type.dtype));
    });
  }
  return builder.build(outputValues(builder, traced, read));
}

/** Outputs in full and in logical order, each a value of its own that no input or constant is. */
function outputValues(builder: GraphBuilder, traced: TracedFunction, read: (atom: Atom) => View): Value[] {
  const taken = new Set<number>();
  return traced.outputs.map((output) => {
    let value = materialise(builder, castView(builder, read(output), output.type.dtype));
    if (builder.producer(value) === undefined) value = builder.emit("Identity", [value]);
    if (taken.has(value.id)) value = builder.emit("Identity", [value], { copy: taken.size });
    taken.add(value.id);
    return value;
  });
}

/** A constant as a view; an array of one repeated number stores it once. */
function constantView(builder: GraphBuilder, tensor: HostTensor): View {
  const dtype: GraphDType = tensor.dtype;
  const { data, shape } = tensor;
  const first = data[0];
  if (sizeOf(shape) > 1 && first !== undefined && data.every((x) => x === first)) {
    const number = dtype === "float16" ? fromHalf(first) : first;
    if (dtype !== "float16") return fullView(builder, number, dtype, shape);
  }
  return viewOf(builder.constant(data, shape, dtype));
}
