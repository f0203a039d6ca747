/** A Qwen2.5-VL checkpoint with random weights, small enough to make and run in a test. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { samplingJson } from "../src/models/index.ts";
import {
  initParams,
  parseConfig,
  processorJson,
  QWEN_PROCESSOR,
  saveCheckpoint,
  saveTokenizer,
  Tokenizer,
  trainBpe,
} from "../src/nn/index.ts";

const texts = [
  "<think>At 00:01 a red circle appears.</think><answer>A</answer>",
  "What is seen? Think, then answer.",
];

/** Writes the checkpoint to a folder. Its answers are noise, and the same for the same seed. */
export async function writeTinyCheckpoint(dir: string, seed = 1): Promise<void> {
  const trained = trainBpe(texts, { vocabSize: 320 });
  const tokenizer = Tokenizer.fromJson(trained.tokenizer, trained.config);
  const id = (token: string) => tokenizer.id(token) as number;
  const config = parseConfig({
    architectures: ["Qwen2_5_VLForConditionalGeneration"],
    model_type: "qwen2_5_vl",
    vocab_size: tokenizer.size,
    hidden_size: 32,
    intermediate_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    max_position_embeddings: 2048,
    // Wide, so that the likeliest token is clear whatever the order of additions.
    initializer_range: 0.5,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    rope_scaling: { type: "mrope", mrope_section: [2, 3, 3] },
    tie_word_embeddings: true,
    eos_token_id: id("<|im_end|>"),
    image_token_id: id("<|image_pad|>"),
    video_token_id: id("<|video_pad|>"),
    vision_start_token_id: id("<|vision_start|>"),
    vision_end_token_id: id("<|vision_end|>"),
    vision_config: {
      depth: 2,
      hidden_size: 32,
      intermediate_size: 64,
      num_heads: 2,
      out_hidden_size: 32,
      patch_size: 14,
      spatial_merge_size: 2,
      temporal_patch_size: 2,
      tokens_per_second: 2,
      window_size: 112,
      fullatt_block_indexes: [1],
    },
  });
  saveCheckpoint(dir, config, initParams(config, seed));
  await saveTokenizer(dir, trained);
  const processor = processorJson({ ...QWEN_PROCESSOR, minPixels: 28 * 28, maxPixels: 56 * 56 });
  const sampling = samplingJson({ fps: 2, minFrames: 4, maxFrames: 8, timestamps: true }, true);
  await writeFile(join(dir, "preprocessor_config.json"), JSON.stringify({ ...processor, ...sampling }));
}
