/**
 * LoRA (Hu et al., 2021): `W x + (alpha / r) B A x` with small trained A and B, in PEFT's file format, so that
 * adapters trained here load in PEFT and the other way round. Adapters sit on the language model's linear layers.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Random, UsageError } from "../base/index.ts";
import type { Qwen25VLConfig } from "./config.ts";
import { checkpointName, languageLinears, moduleName, type ParamSpec } from "./param-names.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { type FloatTensor, floatTensor, type HostParams } from "./tensor.ts";

/** The linear layers that adapters can sit on. */
export const LORA_TARGETS = [
  "q_proj",
  "k_proj",
  "v_proj",
  "o_proj",
  "gate_proj",
  "up_proj",
  "down_proj",
] as const;

/** An adapter's settings; names as in PEFT's `adapter_config.json`. */
export interface LoraConfig {
  /** Rank of the added matrices. */
  readonly r: number;
  /** The added product is scaled by `lora_alpha / r`. */
  readonly lora_alpha: number;
  /** Fraction of an adapter's inputs that training zeroes. */
  readonly lora_dropout: number;
  /** Names of the linear layers that have an adapter, in every decoder layer. */
  readonly target_modules: readonly string[];
}

/**
 * Checks and completes an adapter's settings. Defaults: r 8, alpha r, no dropout, every linear layer.
 *
 * @throws UsageError `lora-config`
 */
export function loraConfig(options: Partial<LoraConfig> = {}): LoraConfig {
  const { r = 8, lora_alpha = r, lora_dropout = 0, target_modules = LORA_TARGETS } = options;
  if (!Number.isInteger(r) || r < 1)
    throw new UsageError("lora-config", `r: must be a positive integer, got ${r}`);
  if (!(lora_alpha > 0))
    throw new UsageError("lora-config", `lora_alpha: must be positive, got ${lora_alpha}`);
  if (!(lora_dropout >= 0 && lora_dropout < 1))
    throw new UsageError("lora-config", `lora_dropout: must be in [0, 1), got ${lora_dropout}`);
  const unknown = target_modules.find((name) => !(LORA_TARGETS as readonly string[]).includes(name));
  if (unknown !== undefined || target_modules.length === 0)
    throw new UsageError(
      "lora-config",
      `target_modules: must be of ${LORA_TARGETS.join(", ")}, got ${unknown ?? "none"}`,
    );
  return { r, lora_alpha, lora_dropout, target_modules };
}

/** The adapter's tensors, named `model.layers.N.self_attn.q_proj.lora_A.weight` and so on. */
export function loraSpecs({ text }: Qwen25VLConfig, lora: LoraConfig): ParamSpec[] {
  const targets = languageLinears(text).filter(({ name }) =>
    lora.target_modules.includes(name.replace(/.*\./, "")),
  );
  return Array.from({ length: text.num_hidden_layers }, (_, layer) =>
    targets.flatMap(({ name, out, into }): ParamSpec[] => [
      { name: `model.layers.${layer}.${name}.lora_A.weight`, shape: [lora.r, into], kind: "weight" },
      { name: `model.layers.${layer}.${name}.lora_B.weight`, shape: [out, lora.r], kind: "weight" },
    ]),
  ).flat();
}

/** A fresh adapter, which changes nothing: A uniform as PEFT's (Kaiming with a = √5), B zero. */
export function initLora(config: Qwen25VLConfig, lora: LoraConfig, seed: number): Map<string, FloatTensor> {
  const random = new Random(seed);
  return new Map(
    loraSpecs(config, lora).map(({ name, shape }) => {
      const [rows, columns] = shape as [number, number];
      const data = new Float32Array(rows * columns);
      if (name.endsWith("lora_A.weight")) {
        const own = random.fork(name);
        const bound = 1 / Math.sqrt(columns);
        for (let i = 0; i < data.length; i++) data[i] = bound * (2 * own.uniform() - 1);
      }
      return [name, floatTensor(data, shape)];
    }),
  );
}

/** An adapter: its settings and tensors. */
export interface Adapter {
  readonly config: LoraConfig;
  readonly params: HostParams;
}

/** What PEFT puts before the names of modules. */
export const ADAPTER_PREFIX = "base_model.model.";
/** The file of an adapter's tensors. */
export const ADAPTER_WEIGHTS = "adapter_model.safetensors";

const schema = z.object({
  peft_type: z.literal("LORA"),
  r: z.number(),
  lora_alpha: z.number(),
  lora_dropout: z.number().default(0),
  bias: z.literal("none").default("none"),
  use_dora: z.literal(false).optional(),
  use_rslora: z.literal(false).optional(),
  fan_in_fan_out: z.literal(false).optional(),
  rank_pattern: z.record(z.string(), z.number()).optional(),
  alpha_pattern: z.record(z.string(), z.number()).optional(),
});

/** `adapter_config.json` of a directory, parsed. @throws UsageError `lora-file` where there is none, or no JSON */
export function readAdapterJson(directory: string): { path: string; json: unknown } {
  const path = join(directory, "adapter_config.json");
  if (!existsSync(path))
    throw new UsageError("lora-file", `adapter: a directory with an adapter_config.json, got ${directory}`);
  try {
    return { path, json: JSON.parse(readFileSync(path, "utf8")) };
  } catch (cause) {
    throw new UsageError("lora-file", `${path}: must be JSON`, undefined, { cause });
  }
}

/**
 * Reads an adapter directory of PEFT's for a model of `config`.
 *
 * @throws UsageError `lora-file` where it is missing, of another kind, or does not fit the model
 */
export function readAdapter(directory: string, config: Qwen25VLConfig): Adapter {
  const { path, json } = readAdapterJson(directory);
  const result = schema.safeParse(json);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new UsageError(
      "lora-file",
      `${path}: ${issue?.path.join(".")}: ${issue?.message}`,
      "plain LoRA adapters are read",
    );
  }
  const patterns = { ...result.data.rank_pattern, ...result.data.alpha_pattern };
  if (Object.keys(patterns).length > 0)
    throw new UsageError(
      "lora-file",
      `${path}: every layer must have the same rank and alpha, got a pattern`,
    );
  const stored = readSafetensors(join(directory, ADAPTER_WEIGHTS));
  const params = new Map(
    [...stored].map(([name, tensor]) => [checkpointName(name.replace(ADAPTER_PREFIX, "")), tensor]),
  );
  // PEFT's target_modules may be a regular expression; what the file holds says the same more plainly.
  const found = LORA_TARGETS.filter((target) =>
    [...params.keys()].some((name) => name.includes(`.${target}.lora_A.`)),
  );
  const lora = loraConfig({ ...result.data, target_modules: found });
  const specs = new Map(loraSpecs(config, lora).map((spec) => [spec.name, spec.shape]));
  for (const [name, { shape }] of params)
    if (specs.get(name)?.join() !== shape.join())
      throw new UsageError(
        "lora-file",
        `${directory}: must fit the model, got ${name} [${shape.join(", ")}]`,
      );
  for (const name of specs.keys())
    if (!params.has(name)) throw new UsageError("lora-file", `${directory}: must hold ${name}`);
  return { config: lora, params };
}

/** Writes an adapter directory that PEFT reads. @param base the model it belongs to, a name or a path */
export function writeAdapter(directory: string, { config, params }: Adapter, base = ""): void {
  mkdirSync(directory, { recursive: true });
  const json = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: base,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    ...config,
    // A list would also match the vision tower's layers of the same names.
    target_modules: String.raw`.*language_model\.layers\..*\.(${config.target_modules.join("|")})`,
  };
  writeFileSync(join(directory, "adapter_config.json"), `${JSON.stringify(json, null, 2)}\n`);
  const named = [...params].map(([name, tensor]) => [ADAPTER_PREFIX + moduleName(name), tensor] as const);
  writeSafetensors(join(directory, ADAPTER_WEIGHTS), new Map(named));
}

/** The model with the adapter's products added to its weights; tensors without an adapter are shared. */
export function mergeLora(
  params: HostParams,
  { config, params: adapter }: Adapter,
): Map<string, FloatTensor> {
  const scale = config.lora_alpha / config.r;
  return new Map(
    [...params].map(([name, tensor]) => {
      const module = name.replace(/\.weight$/, "");
      const a = adapter.get(`${module}.lora_A.weight`);
      const b = adapter.get(`${module}.lora_B.weight`);
      return [name, a && b ? floatTensor(addProduct(tensor.data, a, b, scale), tensor.shape) : tensor];
    }),
  );
}

/** `weight + scale B A`. */
function addProduct(weight: Float32Array, a: FloatTensor, b: FloatTensor, scale: number): Float32Array {
  const [rank, columns] = a.shape as [number, number];
  const result = weight.slice();
  for (let row = 0; row * columns < weight.length; row++)
    for (let k = 0; k < rank; k++) {
      const factor = scale * (b.data[row * rank + k] as number);
      if (factor === 0) continue;
      for (let i = 0; i < columns; i++)
        result[row * columns + i] =
          (result[row * columns + i] as number) + factor * (a.data[k * columns + i] as number);
    }
  return result;
}
