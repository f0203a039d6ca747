/**
 * Builds graphs node by node. Identical nodes are shared as they are emitted, and a few rewrites that never
 * cost anything are done on the spot: `x + -y` is `x - y`, a reshape of a reshape is one reshape.
 */

import { invariant } from "../base/index.ts";
import { DTYPES, type GraphDType, sizeOf, type TensorData } from "./dtype.ts";
import { type Constant, type Graph, type Node, pruneGraph, type Value } from "./graph.ts";
import { type Attributes, OPERATORS, type ValueType } from "./operators.ts";

/** Operators whose two inputs may be exchanged. */
const COMMUTATIVE: ReadonlySet<string> = new Set(["Add", "Mul", "Min", "Max", "And", "Or", "Xor", "Equal"]);

/** Collects inputs, constants and nodes into a graph. */
export class GraphBuilder {
  readonly #name: string;
  readonly #inputs: Value[] = [];
  readonly #constants: Constant[] = [];
  readonly #nodes: Node[] = [];
  readonly #shared = new Map<string, readonly Value[]>();
  readonly #producers = new Map<number, Node>();
  readonly #constantOf = new Map<number, Constant>();
  #next = 0;

  /** Starts an empty graph. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Adds an input. */
  input(name: string, type: ValueType): Value {
    const value = this.#value(type, name);
    this.#inputs.push(value);
    return value;
  }

  /** Adds a constant; small ones of equal content are shared. */
  constant(data: TensorData, shape: readonly number[], dtype: GraphDType): Value {
    invariant(data.length === sizeOf(shape), `constant of ${data.length} elements for [${shape}]`);
    const key = data.length <= 4096 ? `constant ${dtype} [${shape}] ${data.join()}` : undefined;
    const known = key === undefined ? undefined : this.#shared.get(key);
    if (known !== undefined) return known[0] as Value;
    const constant = { value: this.#value({ dtype, shape }), data };
    this.#constants.push(constant);
    this.#constantOf.set(constant.value.id, constant);
    if (key !== undefined) this.#shared.set(key, [constant.value]);
    return constant.value;
  }

  /** Adds a scalar constant. */
  scalar(number: number, dtype: GraphDType): Value {
    const data = DTYPES[dtype].allocate(1);
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[0] = BigInt(Math.trunc(number));
    else data[0] = number;
    return this.constant(data, [], dtype);
  }

  /** The node that produced a value, or undefined for inputs and constants. */
  producer(value: Value): Node | undefined {
    return this.#producers.get(value.id);
  }

  /** The constant behind a value, or undefined. */
  constantOf(value: Value): Constant | undefined {
    return this.#constantOf.get(value.id);
  }

  /** Emits a node of one output. */
  emit(op: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    return this.#simplify(op, inputs, attributes) ?? (this.emitAll(op, inputs, attributes)[0] as Value);
  }

  /** Emits a node and returns all its outputs. */
  emitAll(op: string, inputs: readonly Value[], attributes: Attributes = {}): readonly Value[] {
    const ids = inputs.map((input) => input.id);
    if (COMMUTATIVE.has(op)) ids.sort((a, b) => a - b);
    const key = `${op} ${ids} ${JSON.stringify(attributes)}`;
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const rule = OPERATORS[op];
    invariant(rule !== undefined, `no operator ${op}`);
    const outputs = rule.infer(inputs, attributes).map((type) => this.#value(type));
    const node = { op, inputs, outputs, attributes };
    this.#nodes.push(node);
    for (const output of outputs) this.#producers.set(output.id, node);
    this.#shared.set(key, outputs);
    return outputs;
  }

  /** Emits a reshape, unless the shape is already that. */
  reshape(value: Value, shape: readonly number[]): Value {
    if (`${value.shape}` === `${shape}` && value.shape.length === shape.length) return value;
    return this.emit("Reshape", [value], shape.includes(0) ? { shape, allowzero: 1 } : { shape });
  }

  /** Emits a cast, unless the type is already that. */
  cast(value: Value, dtype: GraphDType): Value {
    return value.dtype === dtype ? value : this.emit("Cast", [value], { to: dtype });
  }

  /** The graph that computes `outputs`, without what they do not need. */
  build(outputs: readonly Value[]): Graph {
    return pruneGraph({
      name: this.#name,
      inputs: this.#inputs,
      constants: this.#constants,
      nodes: this.#nodes,
      outputs,
    });
  }

  #value(type: ValueType, name?: string): Value {
    const base = { id: this.#next++, dtype: type.dtype, shape: type.shape };
    return name === undefined ? base : { ...base, name };
  }

  #number(value: Value): number | undefined {
    const constant = this.#constantOf.get(value.id);
    if (constant === undefined || constant.data.length !== 1 || constant.value.dtype === "float16")
      return undefined;
    return Number(constant.data[0]);
  }

  #simplify(op: string, inputs: readonly Value[], attributes: Attributes): Value | undefined {
    const [x, y] = inputs;
    if (x === undefined) return undefined;
    const from = this.producer(x);
    if (op === "Reshape" && from?.op === "Reshape")
      return this.reshape(from.inputs[0] as Value, attributes.shape as readonly number[]);
    if (op === "Transpose") return this.#simplifyTranspose(x, attributes.perm as readonly number[], from);
    if (op === "Neg" && from?.op === "Neg") return from.inputs[0];
    if (op === "Neg") {
      const number = this.#number(x);
      if (number !== undefined && x.shape.length === 0) return this.scalar(-number, x.dtype);
    }
    if (y === undefined) return undefined;
    if (op === "Add") {
      const right = this.producer(y);
      if (right?.op === "Neg") return this.emit("Sub", [x, right.inputs[0] as Value]);
      if (from?.op === "Neg") return this.emit("Sub", [y, from.inputs[0] as Value]);
    }
    if (op === "Mul") {
      if (y.shape.length === 0 && this.#number(y) === 1) return x;
      if (x.shape.length === 0 && this.#number(x) === 1) return y;
    }
    return undefined;
  }

  #simplifyTranspose(x: Value, perm: readonly number[], from: Node | undefined): Value | undefined {
    if (perm.every((p, i) => p === i)) return x;
    if (from?.op !== "Transpose") return undefined;
    const inner = from.attributes.perm as readonly number[];
    return this.emit("Transpose", [from.inputs[0] as Value], { perm: perm.map((p) => inner[p] as number) });
  }
}
