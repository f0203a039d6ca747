/**
 * Writes a checkpoint of Qwen2.5-VL-3B's real configuration with random weights: sharded bfloat16 safetensors, and
 * a tokenizer whose special tokens have the real ids. It answers noise; it is for measuring.
 *
 *     npx tsx scripts/make-random-checkpoint.ts DIR
 *
 * Memory stays flat: every tensor is cut from one block of normal numbers, beginning elsewhere for each.
 */

import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Random } from "../src/base/index.ts";
import {
  configToJson,
  type ParamSpec,
  paramSpecs,
  parseConfig,
  processorJson,
  QWEN_PROCESSOR,
  QWEN_SPECIAL_TOKENS,
  saveTokenizer,
  trainBpe,
} from "../src/nn/index.ts";

/** Qwen2.5-VL-3B's `config.json`. */
const CONFIG = {
  model_type: "qwen2_5_vl",
  vocab_size: 151936,
  hidden_size: 2048,
  intermediate_size: 11008,
  num_hidden_layers: 36,
  num_attention_heads: 16,
  num_key_value_heads: 2,
  max_position_embeddings: 128000,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  rope_scaling: { type: "mrope", mrope_section: [16, 24, 24] },
  tie_word_embeddings: true,
  bos_token_id: 151643,
  eos_token_id: 151645,
  image_token_id: 151655,
  video_token_id: 151656,
  vision_start_token_id: 151652,
  vision_end_token_id: 151653,
  vision_config: {
    depth: 32,
    hidden_size: 1280,
    intermediate_size: 3420,
    num_heads: 16,
    out_hidden_size: 2048,
    patch_size: 14,
    spatial_merge_size: 2,
    temporal_patch_size: 2,
    tokens_per_second: 2,
    window_size: 112,
    fullatt_block_indexes: [7, 15, 23, 31],
  },
};

const SHARD_BYTES = 2 ** 31;
/** A prime, so that rows of a matrix do not repeat one another. */
const BLOCK = 4_194_301;
/** The ids between `<|im_end|>` and `<|vision_start|>`, which mark objects in Qwen's files. */
const OBJECT_TOKENS = [
  "object_ref_start",
  "object_ref_end",
  "box_start",
  "box_end",
  "quad_start",
  "quad_end",
];

/** Writes the checkpoint into a folder, which is made if needed. */
export async function makeRandomCheckpoint(directory: string, seed = 0): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const config = parseConfig(CONFIG);
  const json = (name: string, value: unknown) =>
    writeFileSync(join(directory, name), `${JSON.stringify(value, null, 2)}\n`);
  json("config.json", configToJson(config, "bfloat16"));
  json("generation_config.json", { bos_token_id: 151643, eos_token_id: [151645, 151643] });
  json("preprocessor_config.json", processorJson(QWEN_PROCESSOR));
  await saveTokenizer(directory, syntheticTokenizer());
  const shards = cut(paramSpecs(config));
  const block = normalBlock(seed, config.text.initializer_range);
  const label = (i: number) => String(i).padStart(5, "0");
  const weightMap: Record<string, string> = {};
  shards.forEach((specs, i) => {
    const file = `model-${label(i + 1)}-of-${label(shards.length)}.safetensors`;
    writeShard(join(directory, file), specs, block);
    for (const { name } of specs) weightMap[name] = file;
  });
  const total = shards.flat().reduce((sum, spec) => sum + bytesOf(spec), 0);
  json("model.safetensors.index.json", { metadata: { total_size: total }, weight_map: weightMap });
}

function bytesOf({ shape }: ParamSpec): number {
  return 2 * shape.reduce((a, b) => a * b, 1);
}

function cut(specs: readonly ParamSpec[]): ParamSpec[][] {
  const shards: ParamSpec[][] = [[]];
  let size = 0;
  for (const spec of specs) {
    if (size > 0 && size + bytesOf(spec) > SHARD_BYTES) {
      shards.push([]);
      size = 0;
    }
    shards.at(-1)?.push(spec);
    size += bytesOf(spec);
  }
  return shards;
}

/** Normal numbers as bfloat16 bits. */
function normalBlock(seed: number, deviation: number): Uint16Array {
  const random = new Random(seed);
  const block = new Uint16Array(BLOCK);
  const value = new Float32Array(1);
  const bits = new Uint32Array(value.buffer);
  for (let i = 0; i < BLOCK; i++) {
    value[0] = deviation * random.normal();
    block[i] = ((bits[0] as number) + 0x8000) >>> 16;
  }
  return block;
}

function writeShard(path: string, specs: readonly ParamSpec[], block: Uint16Array): void {
  let offset = 0;
  const entries = specs.map((spec) => {
    const begin = offset;
    offset += bytesOf(spec);
    return [spec.name, { dtype: "BF16", shape: spec.shape, data_offsets: [begin, offset] }];
  });
  const header = JSON.stringify({ __metadata__: { format: "pt" }, ...Object.fromEntries(entries) });
  const text = new TextEncoder().encode(header.padEnd(Math.ceil(header.length / 8) * 8));
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(text.length), true);
  const file = openSync(path, "w");
  try {
    for (const bytes of [prefix, text]) writeFully(file, bytes);
    for (const spec of specs) writeTensor(file, spec, block);
  } finally {
    closeSync(file);
  }
}

function writeTensor(file: number, spec: ParamSpec, block: Uint16Array): void {
  let left = bytesOf(spec) / 2;
  // 0x3f80 is 1 and 0 is 0 in bfloat16; norms and biases begin there, as in training.
  const source =
    spec.kind === "norm"
      ? new Uint16Array(left).fill(0x3f80)
      : spec.kind === "bias"
        ? new Uint16Array(left)
        : block;
  let start = source === block ? new Random(spec.name).integer(0, BLOCK) : 0;
  while (left > 0) {
    const part = source.subarray(start, start + left);
    writeFully(file, new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    left -= part.length;
    start = 0;
  }
}

function writeFully(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

/** Bytes, made-up words up to id 151642, and Qwen's special tokens from 151643 on. */
function syntheticTokenizer() {
  const special = [...QWEN_SPECIAL_TOKENS];
  special.splice(3, 0, ...OBJECT_TOKENS.map((name) => `<|${name}|>`));
  const trained = trainBpe([], { vocabSize: 256 + special.length, specialTokens: special });
  const { vocab } = trained.tokenizer.model;
  for (let id = 256; id < 151643; id++) vocab[`\u0120w${id}`] = id;
  trained.tokenizer.added_tokens.forEach((token, i) => {
    token.id = 151643 + i;
  });
  const tokens = trained.tokenizer.added_tokens.map(({ id, ...token }) => [id, token]);
  return { ...trained, config: { ...trained.config, added_tokens_decoder: Object.fromEntries(tokens) } };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const directory = process.argv[2];
  if (directory === undefined) {
    process.stderr.write("usage: npx tsx scripts/make-random-checkpoint.ts DIR\n");
    process.exit(2);
  }
  await makeRandomCheckpoint(directory);
}
