/** Looks behind values while a graph is being rewritten: who produced them, who used them. */

import type { Graph, Node, Value } from "../graph.ts";
import type { GraphBuilder } from "../graph-builder.ts";

/** A product as its factors. */
export interface Factors {
  readonly negative: boolean;
  readonly factors: readonly Value[];
}

/** A rule: the value that replaces a node's output, or undefined where it does not apply. */
export type Rewrite = (match: Matcher, node: Node, inputs: readonly Value[]) => Value | undefined;

const MAX_FACTORS = 12;

/** Answers questions about the graph under construction, and about uses in the graph it replaces. */
export class Matcher {
  /** Where replacements are emitted. */
  readonly builder: GraphBuilder;
  readonly #users = new Map<number, Node[]>();
  readonly #producers = new Map<number, Node>();
  readonly #outputs: ReadonlySet<number>;

  /** @param old the graph that is being replaced */
  constructor(builder: GraphBuilder, old: Graph) {
    this.builder = builder;
    for (const node of old.nodes) {
      for (const output of node.outputs) this.#producers.set(output.id, node);
      for (const input of new Set(node.inputs)) {
        const users = this.#users.get(input.id);
        if (users === undefined) this.#users.set(input.id, [node]);
        else users.push(node);
      }
    }
    this.#outputs = new Set(old.outputs.map((output) => output.id));
  }

  /** The node of one of `ops` that produced a value, or undefined. */
  from(value: Value | undefined, ...ops: readonly string[]): Node | undefined {
    const node = value === undefined ? undefined : this.builder.producer(value);
    return node !== undefined && ops.includes(node.op) ? node : undefined;
  }

  /** The one input of the node of that operator which produced a value, or undefined. */
  behind(value: Value | undefined, op: string): Value | undefined {
    return this.from(value, op)?.inputs[0];
  }

  /** A constant of one element, as a number. */
  number(value: Value | undefined): number | undefined {
    const constant = value === undefined ? undefined : this.builder.constantOf(value);
    if (constant === undefined || constant.data.length !== 1 || value?.dtype === "float16") return undefined;
    return Number(constant.data[0]);
  }

  /** A scalar constant, which broadcasts without adding axes, as a number. */
  scalar(value: Value | undefined): number | undefined {
    return value?.shape.length === 0 ? this.number(value) : undefined;
  }

  /** Both orders of a binary node's inputs. */
  orders(node: Node | undefined): readonly (readonly [Value, Value])[] {
    const [a, b] = node?.inputs ?? [];
    if (a === undefined || b === undefined) return [];
    return [
      [a, b],
      [b, a],
    ];
  }

  /** Nodes of the old graph that use a value of the old graph. */
  usersOf(old: Value): readonly Node[] {
    return this.#users.get(old.id) ?? [];
  }

  /** The node of the old graph that produced a value of the old graph. */
  oldProducer(old: Value | undefined): Node | undefined {
    return old === undefined ? undefined : this.#producers.get(old.id);
  }

  /** Whether one node alone uses a value of the old graph, and no output is it. */
  usedOnce(old: Value | undefined): boolean {
    return old !== undefined && !this.#outputs.has(old.id) && this.usersOf(old).length === 1;
  }

  /** Whether a value of the old graph is an output of the graph. */
  isOutput(old: Value): boolean {
    return this.#outputs.has(old.id);
  }

  /** The factors of a product, through nested products and signs. */
  factors(value: Value): Factors {
    let negative = false;
    const factors: Value[] = [];
    const queue = [value];
    while (queue.length > 0) {
      const next = queue.pop() as Value;
      const node = queue.length + factors.length < MAX_FACTORS ? this.from(next, "Mul", "Neg") : undefined;
      if (node === undefined) factors.push(next);
      else {
        if (node.op === "Neg") negative = !negative;
        queue.push(...node.inputs);
      }
    }
    return { negative, factors };
  }
}

/** Takes values out of a list, each once; undefined where one is not there. */
export function without(list: readonly Value[], ...taken: readonly Value[]): Value[] | undefined {
  const rest = [...list];
  for (const value of taken) {
    const at = rest.indexOf(value);
    if (at < 0) return undefined;
    rest.splice(at, 1);
  }
  return rest;
}

/** Whether two lists hold the same values, in any order. */
export function sameValues(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && without(a, ...b)?.length === 0;
}
