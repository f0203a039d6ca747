/**
 * The configuration of a Qwen2.5-VL checkpoint: `config.json` as Hugging Face writes it, read into one shape.
 * Two layouts are in use, both are read: text fields at the top level (the published checkpoints) and text
 * fields under `text_config` (what transformers writes since 4.52).
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { UsageError } from "../base/index.ts";

const positive = z.number().int().positive();
const tokenId = z.number().int().nonnegative();

const visionSchema = z.object({
  depth: positive.default(32),
  hidden_size: positive.default(3584),
  hidden_act: z.literal("silu").default("silu"),
  intermediate_size: positive.default(3420),
  num_heads: positive.default(16),
  in_channels: positive.optional(),
  in_chans: positive.optional(),
  patch_size: positive.default(14),
  spatial_merge_size: positive.default(2),
  temporal_patch_size: positive.default(2),
  tokens_per_second: z.number().positive().default(4),
  window_size: positive.default(112),
  out_hidden_size: positive.default(3584),
  fullatt_block_indexes: z.array(z.number().int().nonnegative()).default([7, 15, 23, 31]),
  initializer_range: z.number().positive().default(0.02),
});

const ropeScalingSchema = z.object({
  type: z.string().optional(),
  rope_type: z.string().optional(),
  mrope_section: z.array(z.number().int().nonnegative()).length(3),
});

const textSchema = z.object({
  vocab_size: positive,
  hidden_size: positive,
  intermediate_size: positive,
  num_hidden_layers: positive,
  num_attention_heads: positive,
  num_key_value_heads: positive.nullish(),
  hidden_act: z.literal("silu").default("silu"),
  max_position_embeddings: positive.default(32768),
  initializer_range: z.number().positive().default(0.02),
  rms_norm_eps: z.number().positive().default(1e-5),
  rope_theta: z.number().positive().default(1_000_000),
  rope_scaling: ropeScalingSchema,
  use_sliding_window: z.boolean().default(false),
  bos_token_id: tokenId.nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
  pad_token_id: tokenId.nullish(),
});

const tokensSchema = z.object({
  model_type: z.literal("qwen2_5_vl"),
  tie_word_embeddings: z.boolean().optional(),
  image_token_id: tokenId.default(151655),
  video_token_id: tokenId.default(151656),
  vision_start_token_id: tokenId.default(151652),
  vision_end_token_id: tokenId.default(151653),
});

/** The vision tower's configuration; names as in `config.json`. Sizes in pixels, patches or channels. */
export interface VisionConfig {
  readonly depth: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_heads: number;
  readonly in_channels: number;
  readonly patch_size: number;
  readonly spatial_merge_size: number;
  readonly temporal_patch_size: number;
  /** Position ids that one second of video spans. */
  readonly tokens_per_second: number;
  /** Side of an attention window, in pixels. */
  readonly window_size: number;
  /** Width of the language model that receives the merged patches. */
  readonly out_hidden_size: number;
  /** Blocks whose attention spans a whole temporal patch; the others attend within windows. */
  readonly fullatt_block_indexes: readonly number[];
  readonly initializer_range: number;
}

/** The language model's configuration; names as in `config.json`. */
export interface TextConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly max_position_embeddings: number;
  readonly initializer_range: number;
  readonly rms_norm_eps: number;
  readonly rope_theta: number;
  /** Channels of half a head that turn with time, height and width. */
  readonly mrope_section: readonly [number, number, number];
  readonly tie_word_embeddings: boolean;
  readonly bos_token_id: number | undefined;
  readonly eos_token_ids: readonly number[];
  readonly pad_token_id: number | undefined;
}

/** A whole Qwen2.5-VL configuration. */
export interface Qwen25VLConfig {
  readonly vision: VisionConfig;
  readonly text: TextConfig;
  readonly image_token_id: number;
  readonly video_token_id: number;
  readonly vision_start_token_id: number;
  readonly vision_end_token_id: number;
}

/** Channels of one attention head of the language model. */
export function headDim(text: TextConfig): number {
  return text.hidden_size / text.num_attention_heads;
}

/** Values in one flattened patch: channels x frames x height x width. */
export function patchDim(vision: VisionConfig): number {
  return vision.in_channels * vision.temporal_patch_size * vision.patch_size ** 2;
}

/**
 * Reads a parsed `config.json` of either layout.
 *
 * @param json the parsed file
 * @param source what to call it in errors
 * @throws UsageError `model-config` where a field is missing, malformed or contradicts another
 */
export function parseConfig(json: unknown, source = "config.json"): Qwen25VLConfig {
  const check = <T>(schema: z.ZodType<T>, value: unknown, where: string): T => {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const issue = result.error.issues[0];
    const path = [where, ...(issue?.path.map(String) ?? [])].filter(Boolean).join(".");
    throw new UsageError(
      "model-config",
      `${source}: ${path || "the document"}: ${issue?.message ?? "invalid"}`,
      "give a Qwen2.5-VL config.json as Hugging Face publishes it",
    );
  };
  const root = check(z.looseObject({}), json, "");
  const tokens = check(tokensSchema, root, "");
  const nested = root.text_config;
  const text = check(textSchema, nested ?? root, nested === undefined ? "" : "text_config");
  const vision = check(visionSchema, root.vision_config, "vision_config");
  const tied =
    tokens.tie_word_embeddings ??
    (nested as { tie_word_embeddings?: unknown } | undefined)?.tie_word_embeddings === true;
  const config: Qwen25VLConfig = {
    vision: {
      depth: vision.depth,
      hidden_size: vision.hidden_size,
      intermediate_size: vision.intermediate_size,
      num_heads: vision.num_heads,
      in_channels: vision.in_channels ?? vision.in_chans ?? 3,
      patch_size: vision.patch_size,
      spatial_merge_size: vision.spatial_merge_size,
      temporal_patch_size: vision.temporal_patch_size,
      tokens_per_second: vision.tokens_per_second,
      window_size: vision.window_size,
      out_hidden_size: vision.out_hidden_size,
      fullatt_block_indexes: vision.fullatt_block_indexes,
      initializer_range: vision.initializer_range,
    },
    text: {
      vocab_size: text.vocab_size,
      hidden_size: text.hidden_size,
      intermediate_size: text.intermediate_size,
      num_hidden_layers: text.num_hidden_layers,
      num_attention_heads: text.num_attention_heads,
      num_key_value_heads: text.num_key_value_heads ?? text.num_attention_heads,
      max_position_embeddings: text.max_position_embeddings,
      initializer_range: text.initializer_range,
      rms_norm_eps: text.rms_norm_eps,
      rope_theta: text.rope_theta,
      mrope_section: text.rope_scaling.mrope_section as unknown as readonly [number, number, number],
      tie_word_embeddings: tied,
      bos_token_id: text.bos_token_id ?? undefined,
      eos_token_ids: [text.eos_token_id ?? []].flat(),
      pad_token_id: text.pad_token_id ?? undefined,
    },
    image_token_id: tokens.image_token_id,
    video_token_id: tokens.video_token_id,
    vision_start_token_id: tokens.vision_start_token_id,
    vision_end_token_id: tokens.vision_end_token_id,
  };
  const ropeType = text.rope_scaling.rope_type ?? text.rope_scaling.type ?? "default";
  checkConsistency(config, { ropeType, sliding: text.use_sliding_window }, source);
  return config;
}

function checkConsistency(
  { vision, text, ...tokens }: Qwen25VLConfig,
  { ropeType, sliding }: { ropeType: string; sliding: boolean },
  source: string,
): void {
  const require = (holds: boolean, rule: string): void => {
    if (!holds) throw new UsageError("model-config", `${source}: ${rule}`);
  };
  const { hidden_size, num_attention_heads, num_key_value_heads, mrope_section } = text;
  require(hidden_size % num_attention_heads ===
    0, `hidden_size must be a multiple of num_attention_heads, got ${hidden_size} and ${num_attention_heads}`);
  require(num_attention_heads % num_key_value_heads ===
    0, `num_attention_heads must be a multiple of num_key_value_heads, got ${num_attention_heads} and ${num_key_value_heads}`);
  const half = headDim(text) / 2;
  const sections = mrope_section.reduce((a, b) => a + b, 0);
  require(Number.isInteger(half) &&
    sections === half, `mrope_section must add up to half a head (${half}), got ${mrope_section.join("+")}`);
  require(ropeType === "default" ||
    ropeType === "mrope", `rope_scaling.type must be "mrope" or "default", got "${ropeType}"`);
  require(!sliding, "use_sliding_window must be false, got true");
  require(vision.hidden_size % vision.num_heads ===
    0, `vision_config.hidden_size must be a multiple of num_heads, got ${vision.hidden_size} and ${vision.num_heads}`);
  require((vision.hidden_size / vision.num_heads) % 4 ===
    0, `vision_config: a head must have a multiple of 4 channels, got ${vision.hidden_size / vision.num_heads}`);
  require(vision.out_hidden_size ===
    hidden_size, `vision_config.out_hidden_size must equal hidden_size (${hidden_size}), got ${vision.out_hidden_size}`);
  const unit = vision.patch_size * vision.spatial_merge_size;
  require(vision.window_size % unit ===
    0, `vision_config.window_size must be a multiple of ${unit} pixels, got ${vision.window_size}`);
  require(vision.fullatt_block_indexes.every(
    (i) => i < vision.depth,
  ), `vision_config.fullatt_block_indexes must be below depth (${vision.depth}), got ${vision.fullatt_block_indexes.join(", ")}`);
  for (const [name, id] of Object.entries(tokens))
    require(id < text.vocab_size, `${name} must be below vocab_size (${text.vocab_size}), got ${id}`);
}

/**
 * Reads `config.json` of a checkpoint directory.
 *
 * @throws UsageError `model-missing` where there is none, `model-config` where it is not a Qwen2.5-VL's
 */
export function loadConfig(directory: string): Qwen25VLConfig {
  const path = join(directory, "config.json");
  if (!existsSync(path))
    throw new UsageError("model-missing", `model: a directory with a config.json, got ${directory}`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new UsageError("model-config", `${path}: must be JSON`, undefined, { cause });
  }
  return parseConfig(json, path);
}

/**
 * The `config.json` that Hugging Face's tools read, in the published checkpoints' layout.
 *
 * @param dtype of the weights saved beside it
 */
export function configToJson(
  { vision, text, ...tokens }: Qwen25VLConfig,
  dtype: "float32" | "bfloat16" | "float16" = "float32",
): Record<string, unknown> {
  const { mrope_section, eos_token_ids, bos_token_id, pad_token_id, ...fields } = text;
  const eos = eos_token_ids.length === 1 ? eos_token_ids[0] : eos_token_ids;
  return {
    architectures: ["Qwen2_5_VLForConditionalGeneration"],
    model_type: "qwen2_5_vl",
    attention_dropout: 0,
    hidden_act: "silu",
    ...fields,
    rope_scaling: { type: "mrope", mrope_section },
    sliding_window: null,
    use_sliding_window: false,
    use_cache: true,
    torch_dtype: dtype,
    ...(bos_token_id === undefined ? {} : { bos_token_id }),
    ...(eos_token_ids.length === 0 ? {} : { eos_token_id: eos }),
    ...(pad_token_id === undefined ? {} : { pad_token_id }),
    ...tokens,
    vision_config: {
      model_type: "qwen2_5_vl",
      hidden_act: "silu",
      spatial_patch_size: vision.patch_size,
      ...vision,
    },
  };
}
