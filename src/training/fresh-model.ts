/** A checkpoint made from nothing: a Qwen2.5-VL of any size with random weights and a tokenizer trained on texts. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import {
  DEFAULT_CHAT_TEMPLATE,
  initParams,
  parseConfig,
  processorJson,
  QWEN_PROCESSOR,
  saveCheckpoint,
  saveTokenizer,
  trainBpe,
} from "../nn/index.ts";

const count = z.number().int().positive();

/** The size of a fresh model; widths are in values, `heads` divide them. */
export const freshModelSchema = z.strictObject({
  /** Tokens of the vocabulary, at least 300. */
  vocabSize: count,
  language: z.strictObject({
    hiddenSize: count,
    intermediateSize: count,
    layers: count,
    heads: count,
    keyValueHeads: count,
    /** Base of the rotary embedding's wave lengths. */
    ropeTheta: z.number().positive(),
  }),
  vision: z.strictObject({
    hiddenSize: count,
    intermediateSize: count,
    layers: count,
    heads: count,
    /** Side of an attention window in pixels. */
    windowSize: count,
    /** Layers that attend to the whole frame. */
    fullAttentionLayers: z.array(z.number().int().min(0)),
  }),
  /** Standard deviation of the initial weights. */
  initializerRange: z.number().positive(),
  /** Fewest and most pixels of a frame. */
  minPixels: count,
  maxPixels: count,
  seed: z.number().int(),
});

/** The size of a fresh model. */
export type FreshModel = z.infer<typeof freshModelSchema>;

/**
 * Makes the checkpoint in a folder.
 *
 * @param folder made if needed
 * @param model its size
 * @param texts what the tokenizer is trained on
 */
export async function makeFreshModel(
  folder: string,
  model: FreshModel,
  texts: Iterable<string>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const trained = trainBpe(texts, {
    vocabSize: model.vocabSize,
    wholeTokens: ["<think>", "</think>", "<answer>", "</answer>"],
  });
  await saveTokenizer(folder, trained, { chat_template: DEFAULT_CHAT_TEMPLATE });
  const id = (content: string): number | undefined =>
    trained.tokenizer.added_tokens.find((token) => token.content === content)?.id;
  const { language, vision } = model;
  const half = language.hiddenSize / language.heads / 2;
  // Qwen2.5-VL splits a head's wave lengths 16 : 24 : 24 over time, height and width; so does this.
  const timeSection = Math.round(half / 4);
  const heightSection = Math.round((half - timeSection) / 2);
  const config = parseConfig({
    architectures: ["Qwen2_5_VLForConditionalGeneration"],
    model_type: "qwen2_5_vl",
    bos_token_id: id("<|endoftext|>"),
    eos_token_id: id("<|im_end|>"),
    image_token_id: id("<|image_pad|>"),
    video_token_id: id("<|video_pad|>"),
    vision_start_token_id: id("<|vision_start|>"),
    vision_end_token_id: id("<|vision_end|>"),
    vocab_size: Object.keys(trained.tokenizer.model.vocab).length + trained.tokenizer.added_tokens.length,
    hidden_size: language.hiddenSize,
    intermediate_size: language.intermediateSize,
    num_hidden_layers: language.layers,
    num_attention_heads: language.heads,
    num_key_value_heads: language.keyValueHeads,
    hidden_act: "silu",
    rms_norm_eps: 1e-6,
    rope_theta: language.ropeTheta,
    rope_scaling: {
      type: "mrope",
      mrope_section: [timeSection, heightSection, half - timeSection - heightSection],
    },
    max_position_embeddings: 4096,
    initializer_range: model.initializerRange,
    tie_word_embeddings: true,
    vision_config: {
      depth: vision.layers,
      hidden_size: vision.hiddenSize,
      num_heads: vision.heads,
      intermediate_size: vision.intermediateSize,
      out_hidden_size: language.hiddenSize,
      in_channels: 3,
      patch_size: 14,
      spatial_merge_size: 2,
      temporal_patch_size: 2,
      window_size: vision.windowSize,
      fullatt_block_indexes: vision.fullAttentionLayers,
      tokens_per_second: 2,
      hidden_act: "silu",
      initializer_range: model.initializerRange,
    },
  });
  saveCheckpoint(folder, config, initParams(config, model.seed));
  const write = (name: string, value: unknown): Promise<void> =>
    writeFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  await write(
    "preprocessor_config.json",
    processorJson({ ...QWEN_PROCESSOR, minPixels: model.minPixels, maxPixels: model.maxPixels }),
  );
  await write("generation_config.json", {
    bos_token_id: id("<|endoftext|>"),
    eos_token_id: [id("<|im_end|>"), id("<|endoftext|>")],
    pad_token_id: id("<|endoftext|>"),
    do_sample: false,
  });
  await writeFile(join(folder, "chat_template.jinja"), DEFAULT_CHAT_TEMPLATE);
}
