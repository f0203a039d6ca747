/** From a function to a verified graph: trace, lower, rewrite, verify. */

import { invariant } from "../base/index.ts";
import { type Graph, verifyGraph } from "./graph.ts";
import { lower } from "./lower.ts";
import type { ProgramParts, TracedArguments } from "./program.ts";
import { rewriteGraph } from "./rewrite.ts";
import { checkHostTensor, type HostTensor, isSpec } from "./tensor.ts";
import { trace } from "./trace.ts";
import { flattenTree, leafPaths } from "./tree.ts";

/** How a graph is built. */
export interface GraphOptions {
  /** Name of the program in messages and files. Default `program`. */
  readonly name?: string;
  /**
   * Positions of arguments whose data becomes part of the program: their example must carry data, and what is
   * passed for them later is ignored. ONNX Runtime prepares such matrices for products once, which makes small
   * products (decoding) faster; programs hold less than 2 GiB of them. Default none.
   */
  readonly frozen?: readonly number[];
  /** Whether patterns are replaced by faster operators after lowering. Default true. */
  readonly rewrite?: boolean;
}

/** A graph and its signature; inputs are named `in<argument>.<path>`, outputs `out.<path>`. */
export interface BuiltGraph
  extends Pick<ProgramParts, "inputTrees" | "inputs" | "frozen" | "outputTree" | "outputs"> {
  readonly graph: Graph;
}

/** Builds the graph of a function for arguments of one set of types. @throws UsageError as `compile`, but for the device */
export function buildGraph<A extends readonly unknown[], R>(
  fn: (...args: TracedArguments<A>) => R,
  example: A,
  options: GraphOptions = {},
): BuiltGraph {
  const name = options.name ?? "program";
  const args = example.map((tree) => {
    const [leaves, def] = flattenTree(tree, isSpec);
    return { leaves, def };
  });
  const frozenArguments = new Set(options.frozen ?? []);
  const inputs = args.flatMap(({ leaves, def }, position) =>
    leafPaths(def).map((path, i) => {
      const spec = leaves[i];
      invariant(spec !== undefined, "a leaf is missing");
      const suffix = path === "" ? "" : `.${path}`;
      return { spec, name: `in${position}${suffix}`, frozen: frozenArguments.has(position) };
    }),
  );
  const frozen = new Map<number, HostTensor>();
  inputs.forEach(({ spec, name: leaf, frozen: isFrozen }, i) => {
    if (!isFrozen) return;
    checkHostTensor(`frozen ${leaf}`, spec as HostTensor);
    frozen.set(i, spec as HostTensor);
  });
  const traced = trace(fn as unknown as (...args: never[]) => unknown, args);
  const lowered = lower(
    traced,
    name,
    inputs.map((input) => input.name),
    frozen,
  );
  const graph = options.rewrite === false ? lowered : rewriteGraph(lowered);
  verifyGraph(graph);
  const outputNames = leafPaths(traced.outputTree).map((path) => (path === "" ? "out" : `out.${path}`));
  return {
    graph,
    inputTrees: args.map(({ def }) => def),
    inputs: inputs
      .filter((input) => !input.frozen)
      .map(({ spec, name: leaf }) => ({ dtype: spec.dtype, shape: spec.shape, name: leaf })),
    frozen: frozenArguments,
    outputTree: traced.outputTree,
    outputs: traced.outputs.map(({ type }, i) => ({ ...type, name: outputNames[i] as string })),
  };
}
