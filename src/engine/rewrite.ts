/**
 * Rewrites of a lowered graph that save passes over memory: what ONNX Runtime has one kernel for becomes one
 * node, and gradients are put in terms of what the forward pass has already. Every rule is an identity of real
 * numbers; where rounding differs it is by a few units in the last place, and overflow only becomes rarer.
 */

import { invariant } from "../base/index.ts";
import { type Graph, pruneGraph, type Value } from "./graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { Matcher, type Rewrite } from "./rewrite/matcher.ts";
import { movementRewrites } from "./rewrite/movement.ts";
import { normalisationRewrites } from "./rewrite/normalisation.ts";
import { productRewrites } from "./rewrite/products.ts";
import { sigmoidRewrites } from "./rewrite/sigmoid.ts";
import { softmaxRewrites } from "./rewrite/softmax.ts";

const RULES: Readonly<Record<string, readonly Rewrite[]>> = collect(
  sigmoidRewrites,
  softmaxRewrites,
  normalisationRewrites,
  productRewrites,
  movementRewrites,
);

/** Applies all rules until none applies, three times over the graph at most. */
export function rewriteGraph(graph: Graph): Graph {
  let current = graph;
  for (let pass = 0; pass < 3; pass++) {
    const next = rewriteOnce(current);
    if (!next.changed) break;
    current = next.graph;
  }
  return current;
}

function rewriteOnce(graph: Graph): { graph: Graph; changed: boolean } {
  const builder = new GraphBuilder(graph.name);
  const renewed = new Map<number, Value>();
  const renew = (value: Value): Value => {
    const found = renewed.get(value.id);
    invariant(found !== undefined, `value ${value.id} is used before it is assigned`);
    return found;
  };
  for (const input of graph.inputs) renewed.set(input.id, builder.input(input.name ?? `v${input.id}`, input));
  for (const { value, data } of graph.constants)
    renewed.set(value.id, builder.constant(data, value.shape, value.dtype));
  const match = new Matcher(builder, graph);
  const kept = new Set(graph.outputs.map((output) => output.id));
  let changed = false;
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(renew);
    const [output] = node.outputs;
    invariant(output !== undefined, `${node.op} has no output`);
    let replacement: Value | undefined;
    for (const rule of RULES[node.op] ?? []) {
      replacement = rule(match, node, inputs);
      if (replacement !== undefined) break;
    }
    if (replacement !== undefined && builder.producer(replacement) === undefined && kept.has(output.id))
      replacement = undefined;
    if (replacement !== undefined) {
      changed = true;
      renewed.set(output.id, replacement);
      continue;
    }
    builder.emitAll(node.op, inputs, node.attributes).forEach((value, i) => {
      renewed.set((node.outputs[i] as Value).id, value);
    });
  }
  return {
    graph: withDistinctOutputs(builder, pruneGraph(builder.build(graph.outputs.map(renew)))),
    changed,
  };
}

/** Sharing may have made two outputs one value; each must be a value of its own. */
function withDistinctOutputs(builder: GraphBuilder, graph: Graph): Graph {
  const ids = graph.outputs.map((output) => output.id);
  if (new Set(ids).size === ids.length) return graph;
  return builder.build(
    graph.outputs.map((output, i) =>
      ids.indexOf(output.id) === i ? output : builder.emit("Identity", [output], { copy: i }),
    ),
  );
}

function collect(
  ...families: readonly Readonly<Record<string, readonly Rewrite[]>>[]
): Record<string, readonly Rewrite[]> {
  const all: Record<string, Rewrite[]> = {};
  for (const family of families)
    for (const [op, rules] of Object.entries(family)) {
      all[op] ??= [];
      all[op].push(...rules);
    }
  return all;
}
