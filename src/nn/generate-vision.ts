/** The vision tower as a program: pixels of one image or video in, tokens for the language model out. */

import { compile, type Device, type HostTensor, type Program } from "../engine/index.ts";
import { patchDim, type Qwen25VLConfig, type VisionConfig } from "./config.ts";
import { widened } from "./generate-weights.ts";
import type { Grid } from "./rope.ts";
import { floatTensor, type Params, type Tensor } from "./tensor.ts";
import { type VisionArrays, visionForward } from "./vision.ts";
import { buildVisionInputs, type VisionLayout } from "./vision-inputs.ts";

/** Programs of one model's vision tower, one for each grid it has met. */
export class VisionRuntime {
  readonly #config: Qwen25VLConfig;
  #params: Readonly<Record<string, HostTensor>>;
  readonly #options: { device?: Device; threads?: number };
  readonly #programs = new Map<string, Promise<Program<readonly unknown[], Tensor>>>();

  /**
   * @param params the `visual.*` tensors by name
   * @param options where programs run, and on how many threads
   */
  constructor(
    config: Qwen25VLConfig,
    params: Readonly<Record<string, HostTensor>>,
    options: { device?: Device; threads?: number } = {},
  ) {
    this.#config = config;
    this.#params = params;
    this.#options = options;
  }

  /** Takes other parameters of the same shapes. */
  setParams(params: Readonly<Record<string, HostTensor>>): void {
    this.#params = params;
  }

  /**
   * Sees one image or video.
   *
   * @param pixelValues flattened patches, `[t h w, patchDim]`
   * @returns `[t h w / merge², D]`
   */
  async see(pixelValues: Float32Array, grid: Grid): Promise<Float32Array> {
    const { vision } = this.#config;
    const { layout, tensors } = buildVisionInputs(vision, [grid]);
    const pixels = floatTensor(pixelValues, [layout.patches, patchDim(vision)]);
    const example: readonly unknown[] = [this.#params, pixels, tensors];
    const key = JSON.stringify(layout);
    let program = this.#programs.get(key);
    if (!program) {
      const fn = (...[params, values, arrays]: unknown[]) =>
        visionFunction(vision, layout, params as Params, values as Tensor, arrays as VisionArrays);
      program = compile(fn, example, {
        ...this.#options,
        name: `vision ${grid.join("x")}`,
      }) as typeof program & object;
      this.#programs.set(key, program);
    }
    const result = await (await program).run(...(example as never[]));
    return (result as HostTensor).data as Float32Array;
  }

  /** Frees the compiled programs. */
  async dispose(): Promise<void> {
    const programs = [...this.#programs.values()];
    this.#programs.clear();
    for (const program of programs) await (await program).dispose();
  }
}

/** `visionForward` on weights as they are kept. */
export function visionFunction(
  vision: VisionConfig,
  layout: VisionLayout,
  params: Params,
  pixelValues: Tensor,
  arrays: VisionArrays,
): Tensor {
  const wide = Object.fromEntries(Object.entries(params).map(([name, weight]) => [name, widened(weight)]));
  return visionForward(vision, layout, wide, pixelValues, arrays);
}
