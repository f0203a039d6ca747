/**
 * The graph between tracing and ONNX: typed values, each produced once, nodes in topological order.
 * `verifyGraph` checks exactly that and re-derives every type; every graph is verified before it is encoded.
 */

import { invariant } from "../base/index.ts";
import { type GraphDType, sizeOf, type TensorData } from "./dtype.ts";
import { type Attribute, type Attributes, OPERATORS, type ValueType } from "./operators.ts";

/** A value: an input of the graph, a constant, or the output of one node. */
export interface Value extends ValueType {
  readonly id: number;
  /** Set for inputs, which are named by their path in the arguments; others are named by `id`. */
  readonly name?: string;
}

/** One application of an operator. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}

/** A constant's value and data. */
export interface Constant {
  readonly value: Value;
  readonly data: TensorData;
}

/** A whole program. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly constants: readonly Constant[];
  readonly nodes: readonly Node[];
  readonly outputs: readonly Value[];
}

/** A value's name in print and in files. */
export function valueName(value: Value): string {
  return value.name ?? `v${value.id}`;
}

/**
 * Checks single assignment, topological order, known operators and every type.
 *
 * @throws Error marked `internal:` naming the node that is malformed
 */
export function verifyGraph(graph: Graph): void {
  const defined = new Map<number, Value>();
  const names = new Set<string>();
  const define = (value: Value, where: string): void => {
    invariant(!defined.has(value.id), `${where}: %${valueName(value)} is assigned twice`);
    invariant(!names.has(valueName(value)), `${where}: two values are named ${valueName(value)}`);
    invariant(
      value.shape.every((d) => Number.isInteger(d) && d >= 0),
      `${where}: shape [${value.shape}] of %${valueName(value)}`,
    );
    defined.set(value.id, value);
    names.add(valueName(value));
  };
  for (const value of graph.inputs) define(value, "inputs");
  for (const { value, data } of graph.constants) {
    define(value, "constants");
    invariant(
      data.length === sizeOf(value.shape),
      `constant %${valueName(value)} has ${data.length} elements`,
    );
  }
  graph.nodes.forEach((node, index) => {
    const where = `node ${index} (${node.op})`;
    const rule = OPERATORS[node.op];
    invariant(rule !== undefined, `${where}: unknown operator`);
    for (const input of node.inputs)
      invariant(
        defined.get(input.id) === input,
        `${where}: %${valueName(input)} is used before it is assigned`,
      );
    let types: ValueType[];
    try {
      types = rule.infer(node.inputs, node.attributes);
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error} in ${where}`, { cause: error });
    }
    invariant(types.length === node.outputs.length, `${where}: ${node.outputs.length} outputs`);
    node.outputs.forEach((output, i) => {
      const type = types[i] as ValueType;
      invariant(
        type.dtype === output.dtype && `${type.shape}` === `${output.shape}`,
        `${where}: %${valueName(output)} is ${output.dtype}[${output.shape}], must be ${type.dtype}[${type.shape}]`,
      );
      define(output, where);
    });
  });
  for (const output of graph.outputs)
    invariant(defined.get(output.id) === output, `output %${valueName(output)} is never assigned`);
}

/** The graph as text, one line a node: `%v7: float32[2, 3] = MatMul(%x, %v3) transB=1`. */
export function printGraph(graph: Graph): string {
  const type = (value: Value): string => `%${valueName(value)}: ${value.dtype}[${value.shape.join(", ")}]`;
  const show = (attribute: Attribute): string =>
    typeof attribute === "object" ? `[${attribute.join(", ")}]` : `${attribute}`;
  const lines = [`graph ${graph.name}(${graph.inputs.map(type).join(", ")}) {`];
  for (const { value, data } of graph.constants) {
    const shown = Array.from(data.subarray(0, 4) as ArrayLike<number | bigint>, String).join(", ");
    lines.push(`  ${type(value)} = constant ${shown}${data.length > 4 ? ", ..." : ""}`);
  }
  for (const node of graph.nodes) {
    const attributes = Object.entries(node.attributes).map(([key, value]) => ` ${key}=${show(value)}`);
    const inputs = node.inputs.map((input) => `%${valueName(input)}`).join(", ");
    lines.push(`  ${node.outputs.map(type).join(", ")} = ${node.op}(${inputs})${attributes.join("")}`);
  }
  lines.push(`  return ${graph.outputs.map((output) => `%${valueName(output)}`).join(", ")}`, "}");
  return lines.join("\n");
}

/** Drops nodes and constants that no output needs; inputs stay, since they are the program's signature. */
export function pruneGraph(graph: Graph): Graph {
  const used = new Set(graph.outputs.map((value) => value.id));
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => used.has(output.id))) continue;
    nodes.push(node);
    for (const input of node.inputs) used.add(input.id);
  }
  return {
    ...graph,
    nodes: nodes.reverse(),
    constants: graph.constants.filter(({ value }) => used.has(value.id)),
  };
}

/** Nodes of each operator, most frequent first: a summary for people. */
export function countOperators(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([, a], [, b]) => b - a));
}

/** Whether a type can be counted on to be exact for indices. */
export function isIndexType(dtype: GraphDType): boolean {
  return dtype === "int32" || dtype === "int64";
}
