/** Tensors outside of programs: on the host, and on the device between calls. */

import { UsageError } from "../base/index.ts";
import { DTYPES, type DType, sizeOf, type TensorData } from "./dtype.ts";

/** Element type and shape of a tensor, without data. */
export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** A tensor in host memory, row-major. `bool` is bytes of 0 and 1, `float16` the 16 bits of each number. */
export interface HostTensor extends TensorSpec {
  readonly data: Float32Array | Float64Array | Uint16Array | Int32Array | Uint32Array | Uint8Array;
}

/**
 * A tensor that stays where programs run, between calls.
 *
 * On the CPU it wraps host memory without copying: programs read `data` in place and `Program.runInto` writes
 * it in place, and so may you, between calls. On a GPU this version keeps the data on the host and moves it at
 * every call; code written against this class does not change when that does.
 */
export class DeviceTensor implements HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: HostTensor["data"];

  /** Wraps a host tensor; its `data` is shared, not copied. @throws UsageError `engine-tensor` if data and shape differ in size */
  constructor(tensor: HostTensor) {
    checkHostTensor("DeviceTensor", tensor);
    this.dtype = tensor.dtype;
    this.shape = [...tensor.shape];
    this.data = tensor.data;
  }

  /** A new tensor of zeros. */
  static zeros(spec: TensorSpec): DeviceTensor {
    const data = DTYPES[spec.dtype].allocate(sizeOf(spec.shape)) as HostTensor["data"];
    return new DeviceTensor({ dtype: spec.dtype, shape: spec.shape, data });
  }

  /** A host tensor over the same memory. */
  host(): HostTensor {
    return { dtype: this.dtype, shape: this.shape, data: this.data };
  }

  /** A tensor of its own with the same content. */
  clone(): DeviceTensor {
    return new DeviceTensor({ dtype: this.dtype, shape: this.shape, data: this.data.slice() });
  }
}

/** Makes a host tensor; `data` may be numbers, which are converted. Default dtype float32. */
export function tensor(
  data: ArrayLike<number> | HostTensor["data"],
  shape: readonly number[] = [data.length],
  dtype: DType = "float32",
): HostTensor {
  const wanted = DTYPES[dtype].allocate(0);
  let stored: TensorData;
  if (data instanceof (wanted.constructor as new () => TensorData)) stored = data as TensorData;
  else {
    const numbers = data as ArrayLike<number>;
    stored = DTYPES[dtype].allocate(numbers.length);
    const target = stored as Float32Array;
    if (dtype === "float16")
      for (let i = 0; i < numbers.length; i++) target[i] = toHalf(numbers[i] as number);
    else for (let i = 0; i < numbers.length; i++) target[i] = Number(numbers[i]);
  }
  const result: HostTensor = { dtype, shape, data: stored as HostTensor["data"] };
  checkHostTensor("tensor", result);
  return result;
}

/** Whether a value is a tensor or a specification of one, that is a leaf of a tree. */
export function isSpec(value: unknown): value is TensorSpec {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as TensorSpec).dtype === "string" &&
    Array.isArray((value as TensorSpec).shape)
  );
}

/** Checks data against dtype and shape. @throws UsageError `engine-tensor` */
export function checkHostTensor(what: string, value: HostTensor): void {
  const size = sizeOf(value.shape);
  const info = DTYPES[value.dtype];
  if (info === undefined || !(value.data instanceof (info.allocate(0).constructor as new () => TensorData)))
    throw new UsageError(
      "engine-tensor",
      `${what}: data must fit dtype ${value.dtype}, got ${value.data?.constructor?.name ?? typeof value.data}`,
      "float32 is a Float32Array, float16 a Uint16Array of bits, bool a Uint8Array of 0 and 1.",
    );
  if (value.data.length !== size)
    throw new UsageError(
      "engine-tensor",
      `${what}: data must have as many elements as the shape, got ${value.data.length} for [${value.shape.join(", ")}]`,
      "The shape's product is the number of elements.",
    );
}

/** The bits of the float16 nearest to a number (ties to even). */
export function toHalf(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  const bits = view.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const mantissa = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa ? 0x200 : 0);
  const e = exponent - 127 + 15;
  if (e >= 31) return sign | 0x7c00;
  if (e <= 0) {
    if (e < -10) return sign;
    const full = mantissa | 0x800000;
    const shift = 14 - e;
    const half = full >>> shift;
    const rest = full & ((1 << shift) - 1);
    const middle = 1 << (shift - 1);
    return sign | (half + (rest > middle || (rest === middle && (half & 1) === 1) ? 1 : 0));
  }
  const half = (e << 10) | (mantissa >>> 13);
  const rest = mantissa & 0x1fff;
  return sign | (half + (rest > 0x1000 || (rest === 0x1000 && (half & 1) === 1) ? 1 : 0));
}

/** The number whose float16 bits these are. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}
