/**
 * A PEFT LoRA adapter as what it changes in its base: products that are added to tensors, and tensors that take
 * others' places. Ranks and scales by layer, rank-stabilised scales, embeddings, biases and modules saved whole are
 * understood; what computes otherwise (DoRA and other variants) is refused. Matrices are read when they are asked for.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { UsageError } from "../base/index.ts";
import { ADAPTER_PREFIX, ADAPTER_WEIGHTS, readAdapterJson } from "./lora.ts";
import { checkpointName } from "./param-names.ts";
import { SafetensorsFile } from "./safetensors.ts";
import { type FloatTensor, floatTensor } from "./tensor.ts";

/** `scale * left right`, to be added to a tensor. */
export interface AdapterProduct {
  /** Of the tensor. */
  readonly shape: readonly number[];
  readonly scale: number;
  /** Reads `left` `[rows, r]` and `right` `[r, columns]`. */
  readonly load: () => { readonly left: FloatTensor; readonly right: FloatTensor };
}

/** A tensor that takes the place of the base's. */
export interface AdapterReplacement {
  readonly shape: readonly number[];
  /** Reads values from index `start` on, as many as `target` holds. */
  readonly read: (start: number, target: Float32Array<ArrayBuffer>) => void;
}

const patterns = z.record(z.string(), z.number().positive()).nullish();

const schema = z.object({
  r: z.number().int().positive(),
  lora_alpha: z.number(),
  use_rslora: z.boolean().nullish(),
  fan_in_fan_out: z.boolean().nullish(),
  rank_pattern: patterns,
  alpha_pattern: patterns,
  modules_to_save: z.array(z.string()).nullish(),
  base_model_name_or_path: z.string().nullish(),
});

type Settings = z.infer<typeof schema>;

/** Fields of PEFT's that change what an adapter computes, and what is said of them. */
const VARIANTS: Readonly<Record<string, string>> = {
  use_dora: "DoRA, which scales weights by their norms",
  use_qalora: "QA-LoRA",
  use_bdlora: "block-diagonal LoRA",
  kasa_config: "KaSA",
  monteclora_config: "MonteCLoRA",
  arrow_config: "Arrow, which chooses among adapters",
  alora_invocation_tokens: "activated LoRA, which begins in the middle of a prompt",
  trainable_token_indices: "trained tokens",
  target_parameters: "adapters on bare parameters",
  layer_replication: "layers used more than once",
};

/** First weights that leave the base as it is; the others also change the base. */
const PLAIN_STARTS: readonly unknown[] = [undefined, null, true, false, "gaussian", "eva", "orthogonal"];

/** An open adapter. Close it when done. */
export class PeftAdapter {
  /** Where it is. */
  readonly directory: string;
  /** The base that it says it was trained on. */
  readonly base: string | undefined;
  /** What is added, by the tensor's name in checkpoint files. */
  readonly products = new Map<string, AdapterProduct>();
  /** What is put in place, by the tensor's name in checkpoint files; products are added to it. */
  readonly replacements = new Map<string, AdapterReplacement>();
  /** Last parts of the names of modules that are saved whole. */
  readonly savedModules: readonly string[];
  readonly #file: SafetensorsFile;
  readonly #settings: Settings;

  /**
   * Opens an adapter directory.
   *
   * @throws UsageError `lora-file` where it is missing or malformed, `lora-variant` where it is not plain LoRA
   */
  constructor(directory: string) {
    this.directory = directory;
    this.#settings = readSettings(directory);
    this.base = this.#settings.base_model_name_or_path || undefined;
    this.savedModules = this.#settings.modules_to_save ?? [];
    this.#file = openWeights(directory);
    try {
      for (const stored of this.#file.tensors.keys()) this.#take(stored);
      if (this.products.size + this.replacements.size === 0) throw this.#wrong("hold tensors, got none");
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Closes its file. */
  close(): void {
    this.#file.close();
  }

  #take(stored: string): void {
    const path = stored.startsWith(ADAPTER_PREFIX) ? stored.slice(ADAPTER_PREFIX.length) : stored;
    if (path.includes("lora_magnitude_vector")) throw variant(this.directory, VARIANTS.use_dora as string);
    const linear = /^(.+)\.lora_([AB])\.weight$/.exec(path);
    const embedding = /^(.+)\.lora_embedding_([AB])$/.exec(path);
    const bias = /^(.+)\.lora_B\.bias$/.exec(path);
    const whole = /^(.+?)(?:\.base_layer)?\.(weight|bias)$/.exec(path);
    if (linear) {
      if (linear[2] === "B") this.#partner(stored, "lora_B.weight", "lora_A.weight");
      else this.#addProduct(stored, linear[1] as string, "lora_A.weight", "lora_B.weight", this.#isTurned());
    } else if (embedding) {
      if (embedding[2] === "B") this.#partner(stored, "lora_embedding_B", "lora_embedding_A");
      else this.#addProduct(stored, embedding[1] as string, "lora_embedding_A", "lora_embedding_B", true);
    } else if (bias) this.#addBias(stored, bias[1] as string);
    else if (whole && !path.includes(".lora_")) this.#replace(stored, `${whole[1]}.${whole[2]}`);
    else throw this.#wrong(`hold nothing but what plain LoRA has, got ${stored}`);
  }

  #isTurned(): boolean {
    return this.#settings.fan_in_fan_out === true;
  }

  /** `B A`, or its transpose where the weight is stored as `[in, out]`. */
  #addProduct(stored: string, module: string, a: string, b: string, turned: boolean): void {
    const other = this.#partner(stored, a, b);
    const shapeA = this.#matrixShape(stored);
    const shapeB = this.#matrixShape(other);
    const rank = shapeA[0];
    const wanted = pattern(this.#settings.rank_pattern, module) ?? this.#settings.r;
    if (rank !== shapeB[1] || rank !== wanted)
      throw this.#wrong(`have the rank ${wanted} at ${module}, got [${shapeA}] and [${shapeB}]`);
    const shape = turned ? [shapeA[1], shapeB[0]] : [shapeB[0], shapeA[1]];
    const load = () => {
      const [low, high] = [this.#file.read(stored), this.#file.read(other)];
      return turned ? { left: transposed(low), right: transposed(high) } : { left: high, right: low };
    };
    this.products.set(checkpointName(`${module}.weight`), { shape, scale: this.#scale(module, rank), load });
  }

  #addBias(stored: string, module: string): void {
    const { shape } = this.#file.tensors.get(stored) as { shape: readonly number[] };
    const rank = pattern(this.#settings.rank_pattern, module) ?? this.#settings.r;
    const load = () => {
      const { data } = this.#file.read(stored);
      return { left: floatTensor(data, [data.length, 1]), right: floatTensor(Float32Array.of(1), [1, 1]) };
    };
    this.products.set(checkpointName(`${module}.bias`), { shape, scale: this.#scale(module, rank), load });
  }

  #replace(stored: string, name: string): void {
    const { shape } = this.#file.tensors.get(stored) as { shape: readonly number[] };
    const read = (start: number, target: Float32Array<ArrayBuffer>) =>
      this.#file.readPart(stored, start, target);
    this.replacements.set(checkpointName(name), { shape, read });
  }

  /** `alpha / r`, or `alpha / sqrt(r)` (Kalajdzievski, 2023), with the layer's own alpha. */
  #scale(module: string, rank: number): number {
    const { lora_alpha, alpha_pattern, use_rslora } = this.#settings;
    const alpha = pattern(alpha_pattern, module) ?? lora_alpha;
    return alpha / (use_rslora ? Math.sqrt(rank) : rank);
  }

  #partner(stored: string, own: string, other: string): string {
    const name = stored.slice(0, -own.length) + other;
    if (!this.#file.tensors.has(name)) throw this.#wrong(`hold ${name} beside ${stored}, got none`);
    return name;
  }

  #matrixShape(stored: string): readonly [number, number] {
    const { shape } = this.#file.tensors.get(stored) as { shape: readonly number[] };
    if (shape.length !== 2)
      throw variant(this.directory, `an adapter on a convolution, ${stored} [${shape.join(", ")}]`);
    return shape as readonly [number, number];
  }

  #wrong(rule: string): UsageError {
    return new UsageError("lora-file", `${this.directory}: must ${rule}`);
  }
}

function variant(directory: string, what: string): UsageError {
  return new UsageError(
    "lora-variant",
    `${directory}: must be plain LoRA, got ${what}`,
    "Merge it with PEFT's merge_and_unload.",
  );
}

function readSettings(directory: string): Settings {
  const { path, json } = readAdapterJson(directory);
  const fields = (json ?? {}) as Record<string, unknown>;
  if (fields.peft_type !== "LORA") throw variant(path, `peft_type ${JSON.stringify(fields.peft_type)}`);
  for (const [field, what] of Object.entries(VARIANTS)) if (isSet(fields[field])) throw variant(path, what);
  if (!PLAIN_STARTS.includes(fields.init_lora_weights))
    throw variant(
      path,
      `init_lora_weights ${JSON.stringify(fields.init_lora_weights)}, which changes the base too`,
    );
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new UsageError("lora-file", `${path}: ${issue?.path.join(".")}: ${issue?.message}`);
}

/** Whether a field is there and says anything but no. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return !(typeof value === "object" && Object.keys(value).length === 0);
}

function openWeights(directory: string): SafetensorsFile {
  const path = join(directory, ADAPTER_WEIGHTS);
  if (existsSync(path)) return new SafetensorsFile(path);
  const old = existsSync(join(directory, "adapter_model.bin"));
  throw new UsageError(
    "lora-file",
    `${directory}: must hold ${ADAPTER_WEIGHTS}, got ${old ? "adapter_model.bin" : "none"}`,
    old ? "Load it with PEFT and save it again, which writes safetensors." : undefined,
  );
}

/** The value of the first pattern that the end of a module's path matches, as PEFT matches them. */
function pattern(
  values: Readonly<Record<string, number>> | null | undefined,
  module: string,
): number | undefined {
  for (const [key, value] of Object.entries(values ?? {})) {
    let expression: RegExp;
    try {
      expression = new RegExp(`^(.*\\.)?(${key})$`);
    } catch (cause) {
      throw new UsageError(
        "lora-file",
        `rank_pattern and alpha_pattern: must be regular expressions, got ${key}`,
        undefined,
        {
          cause,
        },
      );
    }
    if (expression.test(module)) return value;
  }
  return undefined;
}

function transposed({ shape, data }: FloatTensor): FloatTensor {
  const [rows, columns] = shape as [number, number];
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = data[row * columns + column] as number;
  return floatTensor(result, [columns, rows]);
}
