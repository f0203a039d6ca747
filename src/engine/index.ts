/**
 * The engine: compiles and runs numerical programs in this process. jax-js traces and differentiates; the
 * compiler here lowers what it traced to one ONNX graph; ONNX Runtime executes that.
 */

export { type CompileOptions, compile } from "./compile.ts";
export { type CompileCachedOptions, type CompiledFunction, compileCached } from "./compile-cached.ts";
export type { DType } from "./dtype.ts";
export { type ExportOptions, exportOnnx, type NamedSpec, type OnnxModel } from "./export-onnx.ts";
export { countOperators, type Graph, type Node, printGraph, type Value, verifyGraph } from "./graph.ts";
export * from "./jax.ts";
export { SUPPORTED_PRIMITIVES } from "./lower.ts";
export type { ExternalData } from "./onnx-encode.ts";
export type { Fed, Into, Program, Returned, Traced } from "./program.ts";
export { type Device, listDevices, type SessionOptions } from "./session.ts";
export {
  DeviceTensor,
  fromHalf,
  type HostTensor,
  isSpec,
  type TensorSpec,
  tensor,
  toHalf,
} from "./tensor.ts";
export type { Tree } from "./tree.ts";
