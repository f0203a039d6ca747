/**
 * Programs as .onnx files for others to run: chosen names of inputs and outputs, and large tensors in a file beside
 * them, which several programs may share.
 */

import { buildGraph, type GraphOptions } from "./build-graph.ts";
import { type ExternalData, encodeOnnx } from "./onnx-encode.ts";
import type { TracedArguments } from "./program.ts";
import type { TensorSpec } from "./tensor.ts";

/** How a program is exported. */
export interface ExportOptions extends GraphOptions {
  /** The name in the file of an input or output, of its path: `in0.weights.norm`, `out.logits`. Default the path. */
  readonly nameOf?: (path: string) => string;
  /** Where an input's data lies, by path; it is then no input of the file. Default nowhere. */
  readonly external?: (path: string) => ExternalData | undefined;
}

/** An input or output of a file. */
export interface NamedSpec extends TensorSpec {
  readonly name: string;
}

/** A program as a file. */
export interface OnnxModel {
  /** The file's bytes. */
  readonly bytes: Uint8Array;
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
}

/**
 * Exports a function over jax-js arrays for arguments of one set of types. Nothing is run and no data is needed but that
 * of frozen arguments.
 *
 * @param fn as for `compile`
 * @param example as for `compile`
 * @throws UsageError as `compile`, but for the device
 */
export function exportOnnx<const A extends readonly unknown[], R>(
  fn: (...args: TracedArguments<A>) => R,
  example: A,
  options: ExportOptions = {},
): OnnxModel {
  const { nameOf = (path) => path, external: place } = options;
  const { graph, inputs, outputs } = buildGraph(fn, example, options);
  const named = (spec: NamedSpec): NamedSpec => ({ ...spec, name: nameOf(spec.name) });
  const external = new Map(
    inputs.flatMap(({ name }, i) => {
      const data = place?.(name);
      return data ? [[i, data] as const] : [];
    }),
  );
  const files = { inputs: inputs.map(named), outputs: outputs.map(named) };
  const bytes = encodeOnnx(graph, {
    inputNames: files.inputs.map(({ name }) => name),
    outputNames: files.outputs.map(({ name }) => name),
    external,
  });
  return { bytes, inputs: files.inputs.filter((_, i) => !external.has(i)), outputs: files.outputs };
}
