/**
 * Checkpoint directories as Hugging Face lays them out: `config.json` beside `model.safetensors`, or beside
 * shards listed in `model.safetensors.index.json`. Tokenizer and processor files belong to others.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../base/index.ts";
import { configToJson, loadConfig, type Qwen25VLConfig } from "./config.ts";
import { checkpointName, type ParamSpec, paramSpecs } from "./param-names.ts";
import { dtypeBytes, dtypeCode, SafetensorsFile, type StoredDType, writeSafetensors } from "./safetensors.ts";
import type { FloatTensor, HostParams } from "./tensor.ts";
import { planWeightFiles, weightFiles, writeWeightIndex } from "./weight-files.ts";

/** An open checkpoint: its configuration, and its tensors read on demand. Close it when done. */
export class Checkpoint {
  /** Where it is. */
  readonly directory: string;
  /** Its configuration. */
  readonly config: Qwen25VLConfig;
  /** The tensors that a model of this configuration has. */
  readonly specs: readonly ParamSpec[];
  readonly #files: readonly SafetensorsFile[];
  readonly #where = new Map<string, { file: SafetensorsFile; stored: string }>();

  /**
   * Opens a checkpoint directory and checks that every tensor is there in the right shape.
   *
   * @throws UsageError `model-missing`, `model-config` or `model-file` for what is wrong with it
   */
  constructor(directory: string) {
    this.directory = directory;
    this.config = loadConfig(directory);
    this.specs = paramSpecs(this.config);
    this.#files = weightFiles(directory).map((path) => new SafetensorsFile(path));
    for (const file of this.#files)
      for (const stored of file.tensors.keys()) this.#where.set(checkpointName(stored), { file, stored });
    try {
      for (const spec of this.specs) this.#check(spec);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Reads one tensor as float32, by its checkpoint name. @throws UsageError `model-file` where it is missing */
  read(name: string): FloatTensor {
    const place = this.#where.get(name);
    if (!place) throw new UsageError("model-file", `${this.directory}: must hold the tensor "${name}"`);
    return place.file.read(place.stored);
  }

  /** Closes its files. */
  close(): void {
    for (const file of this.#files) file.close();
  }

  #check({ name, shape }: ParamSpec): void {
    const place = this.#where.get(name);
    if (!place) throw new UsageError("model-file", `${this.directory}: must hold the tensor "${name}"`);
    const found = place.file.tensors.get(place.stored)?.shape ?? [];
    if (found.join() !== shape.join())
      throw new UsageError(
        "model-file",
        `${this.directory}: "${name}" must have the shape [${shape.join(", ")}], got [${found.join(", ")}]`,
        "the weights belong to another config.json",
      );
  }
}

/**
 * Reads a checkpoint's tensors as float32.
 *
 * @param filter which tensors to read, by checkpoint name (default all)
 * @throws UsageError as `Checkpoint` does
 */
export function loadParams(
  directory: string,
  filter: (name: string) => boolean = () => true,
): Map<string, FloatTensor> {
  const checkpoint = new Checkpoint(directory);
  try {
    const names = checkpoint.specs.map(({ name }) => name).filter(filter);
    return new Map(names.map((name) => [name, checkpoint.read(name)]));
  } finally {
    checkpoint.close();
  }
}

/** How a checkpoint is saved. */
export interface SaveOptions {
  /** What floats are stored as; default float32. */
  dtype?: StoredDType;
  /** Largest file in bytes, above which it is sharded; default 5e9. A single tensor is never split. */
  shardBytes?: number;
}

/** Writes `config.json` and the weights to a directory, which is made if needed. */
export function saveCheckpoint(
  directory: string,
  config: Qwen25VLConfig,
  params: HostParams,
  options: SaveOptions = {},
): void {
  const { dtype = "float32", shardBytes = 5e9 } = options;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "config.json"), `${JSON.stringify(configToJson(config, dtype), null, 2)}\n`);
  const code = dtypeCode(dtype);
  const entries = paramSpecs(config).map(({ name }) => {
    const tensor = params.get(name);
    if (!tensor) throw new UsageError("model-file", `saveCheckpoint: the tensor "${name}" must be given`);
    const { shape, data } = tensor;
    return { name, dtype: code, shape, bytes: data.length * dtypeBytes(code), tensor };
  });
  const files = planWeightFiles(entries, shardBytes);
  for (const { file, tensors } of files)
    writeSafetensors(join(directory, file), new Map(tensors.map(({ name, tensor }) => [name, tensor])), {
      dtype,
    });
  writeWeightIndex(directory, files);
}
