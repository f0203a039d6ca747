/** Element types: how they are stored in this process and how ONNX numbers them. */

import { UsageError } from "../base/index.ts";

/** Element types of tensors that enter and leave programs. `bool` is stored as bytes, `float16` as its bits. */
export type DType = "float32" | "float64" | "float16" | "int32" | "uint32" | "bool";

/** Element types inside a graph: `int64` exists for indices and for exact 32-bit arithmetic only. */
export type GraphDType = DType | "int64" | "uint64";

/** The typed arrays that hold tensor data. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Uint8Array
  | BigInt64Array
  | BigUint64Array;

interface DTypeInfo {
  /** Number in `TensorProto.DataType`. */
  readonly onnx: number;
  readonly bytes: number;
  /** The name ONNX Runtime's JavaScript tensors use. */
  readonly ort: string;
  readonly allocate: (length: number) => TensorData;
  readonly wrap: (buffer: ArrayBufferLike, offset: number, length: number) => TensorData;
}

/** What is known of each element type. */
export const DTYPES: Readonly<Record<GraphDType, DTypeInfo>> = {
  float32: {
    onnx: 1,
    bytes: 4,
    ort: "float32",
    allocate: (n) => new Float32Array(n),
    wrap: (b, o, n) => new Float32Array(b, o, n),
  },
  int32: {
    onnx: 6,
    bytes: 4,
    ort: "int32",
    allocate: (n) => new Int32Array(n),
    wrap: (b, o, n) => new Int32Array(b, o, n),
  },
  int64: {
    onnx: 7,
    bytes: 8,
    ort: "int64",
    allocate: (n) => new BigInt64Array(n),
    wrap: (b, o, n) => new BigInt64Array(b, o, n),
  },
  bool: {
    onnx: 9,
    bytes: 1,
    ort: "bool",
    allocate: (n) => new Uint8Array(n),
    wrap: (b, o, n) => new Uint8Array(b, o, n),
  },
  float16: {
    onnx: 10,
    bytes: 2,
    ort: "float16",
    allocate: (n) => new Uint16Array(n),
    wrap: (b, o, n) => new Uint16Array(b, o, n),
  },
  float64: {
    onnx: 11,
    bytes: 8,
    ort: "float64",
    allocate: (n) => new Float64Array(n),
    wrap: (b, o, n) => new Float64Array(b, o, n),
  },
  uint32: {
    onnx: 12,
    bytes: 4,
    ort: "uint32",
    allocate: (n) => new Uint32Array(n),
    wrap: (b, o, n) => new Uint32Array(b, o, n),
  },
  uint64: {
    onnx: 13,
    bytes: 8,
    ort: "uint64",
    allocate: (n) => new BigUint64Array(n),
    wrap: (b, o, n) => new BigUint64Array(b, o, n),
  },
};

/** Whether the type is a floating-point type. */
export function isFloat(dtype: GraphDType): boolean {
  return dtype === "float32" || dtype === "float64" || dtype === "float16";
}

/** Checks a name of an element type. @throws UsageError `engine-dtype` if there is none of that name */
export function toDType(name: string): DType {
  if (name in DTYPES && name !== "int64" && name !== "uint64") return name as DType;
  throw new UsageError(
    "engine-dtype",
    `dtype: must be float32, float64, float16, int32, uint32 or bool, got ${JSON.stringify(name)}`,
    "Convert the tensor to one of these types first.",
  );
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}
