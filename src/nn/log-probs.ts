/** The log-probabilities that a model which is not being trained gives to targets, such as a reference policy. */

import { compile, type Device, type HostTensor } from "../engine/index.ts";
import type { Qwen25VLConfig } from "./config.ts";
import { type DistributionOptions, type InputArrays, type TargetArrays, targetLogProbs } from "./forward.ts";
import type { Params } from "./tensor.ts";
import type { TrainBatch } from "./train-step.ts";

/** What log-probabilities are read with. */
export interface LogProbsOptions extends Pick<DistributionOptions, "temperature"> {
  readonly config: Qwen25VLConfig;
  /** By checkpoint name; not copied. */
  readonly params: Readonly<Record<string, HostTensor>>;
  /** Default cpu. */
  readonly device?: Device;
  /** Default all. */
  readonly threads?: number;
}

/** Reads batches; a program is compiled for each layout when it first comes, and kept. */
export class LogProbs {
  readonly #options: LogProbsOptions;
  readonly #programs = new Map<string, Promise<BatchProgram>>();

  /** Compiles nothing yet. */
  constructor(options: LogProbsOptions) {
    this.#options = options;
  }

  /** The log-probability of each target: `[B, T]`; places without a target give values that mean nothing. */
  async of({
    layout,
    inputs,
    targets,
  }: Pick<TrainBatch, "layout" | "inputs" | "targets">): Promise<Float32Array> {
    const { config, params, device, threads, temperature } = this.#options;
    const { places, ids } = targets;
    const args = [params, inputs, { places, ids }] as const;
    const key = JSON.stringify([layout, ids.shape]);
    let program = this.#programs.get(key);
    if (!program) {
      const settings = temperature === undefined ? {} : { temperature };
      program = (compile as unknown as CompileBatch)(
        (weights, arrays, wanted) => targetLogProbs(config, layout, weights, arrays, wanted, settings),
        args,
        {
          name: "log-probs",
          // Batches of many layouts would otherwise hold the activations of each.
          keepMemory: false,
          ...(device ? { device } : {}),
          ...(threads ? { threads } : {}),
        },
      );
      this.#programs.set(key, program);
    }
    const { data } = await (await program).run(...args);
    return data as Float32Array;
  }

  /** Releases the programs. */
  async dispose(): Promise<void> {
    const programs = [...this.#programs.values()];
    this.#programs.clear();
    for (const program of programs) await (await program).dispose();
  }
}

/** The engine's types are those of literal trees; here the trees depend on the batch. */
interface BatchProgram {
  run(...args: readonly unknown[]): Promise<HostTensor>;
  dispose(): Promise<void>;
}
type CompileBatch = (
  fn: (weights: Params, arrays: InputArrays, wanted: Pick<TargetArrays, "places" | "ids">) => unknown,
  example: readonly unknown[],
  options: { name: string; keepMemory: boolean; device?: Device; threads?: number },
) => Promise<BatchProgram>;
