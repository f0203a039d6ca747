/** Compiling: trace, lower, verify, encode, open a session. */

import { invariant } from "../base/index.ts";
import { verifyGraph } from "./graph.ts";
import { lower } from "./lower.ts";
import { encodeOnnx } from "./onnx-encode.ts";
import { createProgram, type Program, type TracedArguments } from "./program.ts";
import { rewriteGraph } from "./rewrite.ts";
import { openSession, type SessionOptions } from "./session.ts";
import { checkHostTensor, type HostTensor, isSpec } from "./tensor.ts";
import { trace } from "./trace.ts";
import { flattenTree, leafPaths } from "./tree.ts";

/** How a function is compiled. */
export interface CompileOptions extends SessionOptions {
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

/**
 * Compiles a function over jax-js arrays for arguments of one set of types.
 *
 * @param fn a pure function; it may use `grad`, `jit` and anything else jax-js traces, on the primitives in
 *   `SUPPORTED_PRIMITIVES`. It is called once. jax-js arrays are consumed by use; `.ref` keeps one.
 * @param example the arguments' types: trees of `{dtype, shape}`, of which tensors are an instance
 * @throws UsageError `engine-trace`, `engine-primitive`, `engine-device`, `engine-model-size`
 */
export async function compile<const A extends readonly unknown[], R>(
  fn: (...args: TracedArguments<A>) => R,
  example: A,
  options: CompileOptions = {},
): Promise<Program<A, R>> {
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
  const model = (): Uint8Array => encodeOnnx(graph, { outputNames });
  const session = await openSession(model(), options);
  return createProgram<A, R>({
    graph,
    model,
    session,
    device: options.device ?? "cpu",
    inputTrees: args.map(({ def }) => def),
    inputs: inputs
      .filter((input) => !input.frozen)
      .map(({ spec, name: leaf }) => ({ dtype: spec.dtype, shape: spec.shape, name: leaf })),
    frozen: frozenArguments,
    outputTree: traced.outputTree,
    outputs: traced.outputs.map(({ type }, i) => ({ ...type, name: outputNames[i] as string })),
    release: () => session.release(),
  });
}
