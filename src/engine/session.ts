/** ONNX Runtime sessions: loading the runtime once, choosing the provider, turning tensors into its own. */

import { availableParallelism } from "node:os";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { messageOf, UsageError } from "../base/index.ts";
import { DTYPES } from "./dtype.ts";
import { DeviceTensor, type HostTensor } from "./tensor.ts";

/** Where programs run. */
export type Device = "cpu" | "webgpu" | "cuda";

/** How a session is opened. */
export interface SessionOptions {
  /** Default cpu. */
  readonly device?: Device;
  /** Threads inside operators, on the CPU. Default: as many as the machine runs at once. */
  readonly threads?: number;
  /**
   * Keep the memory of intermediate results from one run to the next, on the CPU: faster, and held as long as the
   * program is. Default true.
   */
  readonly keepMemory?: boolean;
  /** Write a trace of every run's operators as JSON to files that begin with this. Default off. */
  readonly profile?: string;
}

type Runtime = typeof import("onnxruntime-node");
let runtime: Promise<Runtime> | undefined;

/** ONNX Runtime, loaded at the first use. */
export function loadRuntime(): Promise<Runtime> {
  runtime ??= import("onnxruntime-node");
  return runtime;
}

/** The devices that this installation's ONNX Runtime was built for; opening one can still fail. */
export async function listDevices(): Promise<Device[]> {
  const { listSupportedBackends } = await loadRuntime();
  const names = new Set(listSupportedBackends().map((backend) => backend.name));
  return (["cpu", "webgpu", "cuda"] as const).filter((device) => names.has(device));
}

/**
 * Opens a session over an encoded model, or a model file.
 *
 * @throws UsageError `engine-device` if the device is not there
 */
export async function openSession(
  model: Uint8Array | string,
  options: SessionOptions = {},
): Promise<InferenceSession> {
  const { InferenceSession } = await loadRuntime();
  const device = options.device ?? "cpu";
  const known = await listDevices();
  if (!known.includes(device))
    throw new UsageError(
      "engine-device",
      `device: must be one of ${known.join(", ")} on this machine, got ${device}`,
      device === "cuda"
        ? "CUDA needs Linux on x64, an NVIDIA driver, CUDA 12 or 13 with cuDNN 9, and onnxruntime-node's CUDA libraries (node node_modules/onnxruntime-node/script/install.js)."
        : "Use --device cpu.",
    );
  const settings: InferenceSession.SessionOptions = {
    executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
    graphOptimizationLevel: "all",
    intraOpNumThreads: options.threads ?? availableParallelism(),
    interOpNumThreads: 1,
    executionMode: "sequential",
    logSeverityLevel: 3,
    enableCpuMemArena: options.keepMemory ?? true,
    ...(options.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profile }),
  };
  try {
    return typeof model === "string"
      ? await InferenceSession.create(model, settings)
      : await InferenceSession.create(model, settings);
  } catch (error) {
    if (device === "cpu") throw error;
    throw new UsageError(
      "engine-device",
      `device: ${device} must be able to open the program, got ${messageOf(error)}`,
      device === "webgpu"
        ? "WebGPU needs a Vulkan, Metal or Direct3D 12 driver. Use --device cpu."
        : "CUDA needs an NVIDIA driver, CUDA with cuDNN 9, and onnxruntime-node's CUDA libraries. Use --device cpu.",
      { cause: error },
    );
  }
}

const wrapped = new WeakMap<DeviceTensor, Tensor>();

/** A host tensor as one of ONNX Runtime's, over the same memory; of device tensors the wrapper is kept. */
export function toOrt(TensorClass: Runtime["Tensor"], tensor: HostTensor): Tensor {
  const known = tensor instanceof DeviceTensor ? wrapped.get(tensor) : undefined;
  if (known !== undefined) return known;
  const made = new TensorClass(
    DTYPES[tensor.dtype].ort as "float32",
    tensor.data as Float32Array,
    tensor.shape,
  );
  if (tensor instanceof DeviceTensor) wrapped.set(tensor, made);
  return made;
}
