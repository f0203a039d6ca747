/** Compiling: build the graph, encode it, open a session. */

import { buildGraph, type GraphOptions } from "./build-graph.ts";
import { encodeOnnx } from "./onnx-encode.ts";
import { createProgram, type Program, type TracedArguments } from "./program.ts";
import { openSession, type SessionOptions } from "./session.ts";

/** How a function is compiled. */
export interface CompileOptions extends SessionOptions, GraphOptions {}

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
  const built = buildGraph(fn, example, options);
  const { graph, outputs } = built;
  const outputNames = outputs.map((output) => output.name);
  const model = (): Uint8Array => encodeOnnx(graph, { outputNames });
  const session = await openSession(model(), options);
  return createProgram<A, R>({
    ...built,
    model,
    session,
    device: options.device ?? "cpu",
    release: () => session.release(),
  });
}
