/**
 * A checkpoint as ONNX files that ONNX Runtime runs without this package: vision tower, embeddings, prefill and
 * decoding, weights in one file beside them, and README.json, which says how they are used. Weights pass through memory
 * a layer at a time.
 */

import { copyFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { UsageError } from "../base/index.ts";
import type { NamedSpec, OnnxModel } from "../engine/index.ts";
import { Checkpoint } from "./checkpoint.ts";
import { headDim, type Qwen25VLConfig } from "./config.ts";
import { decodeGraph, type ExportedModel, embedGraph, prefillGraph, visionGraph } from "./export-graphs.ts";
import { type PlacedWeight, placeWeights, writeWeights } from "./export-weights.ts";
import { FREEZE_BYTES } from "./generate-runtime.ts";
import { layerWeightSpecs, type WeightDType } from "./generate-weights.ts";
import { writeFolder } from "./output-folder.ts";
import { parameterCount } from "./param-names.ts";
import { loadProcessor, processorJson } from "./processor.ts";
import { generationStops } from "./qwen-model.ts";

/** A size of frames in pixels, after resizing. */
export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** What is exported, and where to. */
export interface ExportModelOptions {
  /** Folder of the checkpoint. */
  readonly model: string;
  /** Folder to write; it appears when it is whole. */
  readonly out: string;
  /** Sizes of frames, each of which becomes a vision tower of its own: multiples of patch size times merge size. */
  readonly frames: readonly FrameSize[];
  /** Tokens that prefill reads at once; default 256. Longer prompts are read in pieces. */
  readonly prefill?: number;
  /** Tokens that the cache holds, prompt and answer together; default 2048, or as many as the model was made for. */
  readonly capacity?: number;
  /** What weights are stored as; default float32. Computation is in float32. */
  readonly dtype?: WeightDType;
  /** Replace an export at `out`; default no. */
  readonly force?: boolean;
  /** Ends the work; nothing is left behind. */
  readonly signal?: AbortSignal;
  /** Called as weights are written. */
  readonly onProgress?: (doneBytes: number, totalBytes: number, tensor: string) => void;
}

/** What was exported. */
export interface ExportModelResult {
  readonly out: string;
  /** Names of the .onnx files. */
  readonly files: readonly string[];
  /** Bytes of the weights' file. */
  readonly weightBytes: number;
}

const WEIGHTS = "weights.bin";
const MANIFEST = "README.json";
/** Files of the checkpoint that belong to tokenizer, template and settings. */
const COPIED =
  /^(config|generation_config|(video_)?preprocessor_config|(special_|added_)?tokens?.*|tokenizer.*|vocab|merges|chat_template)\.(json|txt|jinja|model)$/;

/**
 * Exports a checkpoint.
 *
 * @throws UsageError as `Checkpoint`; `export-option` for sizes that do not fit the model; `out-exists`, `out-source`,
 *   `out-space` for the place; the signal's reason where it was aborted
 */
export async function exportModel(options: ExportModelOptions): Promise<ExportModelResult> {
  const { model: directory, out, force = false } = options;
  const checkpoint = new Checkpoint(directory);
  try {
    const model = exportedModel(checkpoint.config, options);
    const settings = {
      processor: { ...processorJson(await loadProcessor(directory)), ...(await videoSettings(directory)) },
      stopTokenIds: (await generationStops(directory)) ?? checkpoint.config.text.eos_token_ids,
    };
    const weightBytes = [...model.weights.values()].reduce(
      (end, { place }) => Math.max(end, place.offset + place.length),
      0,
    );
    const place = { force, marker: MANIFEST, sources: [directory], bytes: weightBytes };
    const files = await writeFolder(out, place, (folder) =>
      write(folder, checkpoint, model, { ...settings, weightBytes }, options),
    );
    return { out, files, weightBytes };
  } finally {
    checkpoint.close();
  }
}

function exportedModel(config: Qwen25VLConfig, options: ExportModelOptions): ExportedModel {
  const { text, vision } = config;
  const { dtype = "float32", frames } = options;
  const longest = text.max_position_embeddings;
  const capacity = options.capacity ?? Math.min(2048, longest);
  const prefill = options.prefill ?? Math.min(256, capacity);
  const unit = vision.patch_size * vision.spatial_merge_size;
  const check = (holds: boolean, rule: string): void => {
    if (!holds) throw new UsageError("export-option", rule);
  };
  const isSize = (n: number): boolean => Number.isInteger(n) && n >= 1;
  check(isSize(capacity) && capacity <= longest, `capacity: must be from 1 to ${longest}, got ${capacity}`);
  check(
    isSize(prefill) && prefill <= capacity,
    `prefill: must be from 1 to the capacity (${capacity}), got ${prefill}`,
  );
  for (const { width, height } of frames)
    check(
      [width, height].every((side) => isSize(side) && side % unit === 0),
      `frame: both sides must be multiples of ${unit}, got ${width}x${height}`,
    );
  const weights = placeWeights(config, dtype, WEIGHTS);
  return { config, weights, prefill, capacity, frozen: stepBytes(config, weights) <= FREEZE_BYTES };
}

/** Bytes of the matrices that a step reads. */
function stepBytes({ text }: Qwen25VLConfig, weights: ReadonlyMap<string, PlacedWeight>): number {
  const names = Object.keys(layerWeightSpecs(text)).filter((name) => name !== "qkvBias");
  const all = Array.from({ length: text.num_hidden_layers }, (_, i) =>
    names.map((name) => `layers.${i}.${name}`),
  );
  return [...all.flat(), text.tie_word_embeddings ? "embedding" : "head"].reduce(
    (sum, name) => sum + (weights.get(name)?.place.length ?? 0),
    0,
  );
}

async function write(
  folder: string,
  checkpoint: Checkpoint,
  model: ExportedModel,
  settings: Settings,
  { frames, dtype = "float32", signal, onProgress }: ExportModelOptions,
): Promise<string[]> {
  for (const name of readdirSync(checkpoint.directory)) {
    const path = join(checkpoint.directory, name);
    if (COPIED.test(name) && statSync(path).isFile()) copyFileSync(path, join(folder, name));
  }
  const { patch_size: patch } = model.config.vision;
  const graphs: [string, () => OnnxModel][] = [
    ...frames.map(({ width, height }): [string, () => OnnxModel] => [
      visionFile({ width, height }),
      () => visionGraph(model, [height / patch, width / patch]),
    ]),
    ["embed.onnx", () => embedGraph(model)],
    ["prefill.onnx", () => prefillGraph(model)],
    ["decode.onnx", () => decodeGraph(model)],
  ];
  const files: Record<string, FileDescription> = {};
  for (const [name, build] of graphs) {
    signal?.throwIfAborted();
    const { bytes, inputs, outputs } = build();
    writeFileSync(join(folder, name), bytes);
    files[name] = { inputs: inputs.map(described), outputs: outputs.map(described) };
    await setImmediate();
  }
  const read = (name: string) => checkpoint.read(name);
  await writeWeights(join(folder, WEIGHTS), model.config, read, model.weights, dtype, async (name, bytes) => {
    onProgress?.(bytes, settings.weightBytes, name);
    await setImmediate();
    signal?.throwIfAborted();
  });
  const manifest = manifestOf(model, settings, { frames, dtype, files });
  writeFileSync(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  return Object.keys(files);
}

function visionFile({ width, height }: FrameSize): string {
  return `vision-${width}x${height}.onnx`;
}

/** What the manifest says besides sizes. */
interface Settings {
  readonly processor: object;
  readonly stopTokenIds: readonly number[];
  readonly weightBytes: number;
}

/** How the checkpoint wants frames sampled, as its own settings say it. */
async function videoSettings(directory: string): Promise<object> {
  const text = await readFile(join(directory, "preprocessor_config.json"), "utf8").catch(() => "{}");
  const { fps, min_frames, max_frames, video_r2 } = JSON.parse(text) as Record<string, unknown>;
  return { fps, min_frames, max_frames, video_r2 };
}

interface FileDescription {
  readonly inputs: readonly object[];
  readonly outputs: readonly object[];
}

/** What inputs and outputs are; those of a layer go by the name without its number. */
const MEANINGS: Readonly<Record<string, string>> = {
  pixel_values: "the patches of one temporal patch, normalised, in the processor's order",
  video_embeds: "the tokens of the temporal patch, in their order in the prompt",
  input_ids: "token ids; 0 where there is none",
  inputs_embeds: "embeddings of the tokens, with the video's in the places of its placeholders",
  position_ids: "time, height and width position of each token",
  past_length: "tokens that the cache holds, in its first slots",
  length: "tokens of this piece, in the first places",
  logits: "of the token after the last one",
  "past_key_values.key": "keys of a layer's earlier tokens",
  "past_key_values.value": "values of a layer's earlier tokens",
  "present.key": "keys of the tokens given, to be put into the cache behind its tokens",
  "present.value": "values of the tokens given, to be put into the cache behind its tokens",
};

function described({ name, dtype, shape }: NamedSpec): object {
  const meaning = MEANINGS[name.replace(/\.\d+\./, ".")];
  return { name, dtype, shape, meaning };
}

const STEPS = [
  "Resize, normalise and cut frames as `processor` says (transformers' Qwen2_5_VLProcessor does): pixel_values_videos, and a grid [T, H, W] of patches.",
  "For each of the T temporal patches run the vision file of its frame size on its H * W rows; the outputs behind each other are the video's tokens.",
  "Write the prompt by the chat template and tokenize it; a video is vision_start, one video_pad for each of its tokens, vision_end.",
  "Positions [3, S]: tokens of text count up in all three; a video that begins at p has p + trunc(t * trunc(seconds a temporal patch) * tokens_per_second), p + row, p + column of the merged patch; the next token follows the largest. transformers' get_rope_index gives them.",
  "Begin with a cache of zeros and past_length 0. For each piece of at most `prefill` tokens: embed.onnx, put the video's tokens in the places of video_pad, prefill.onnx; copy the first `length` places of present.N into past_key_values.N from slot past_length on, and add `length` to past_length.",
  "Choose a token by the last piece's logits. For each further token: decode.onnx with it, its position (one more each time, in all three) and the cache; copy present.N into slot past_length, and add 1 to past_length.",
];

function manifestOf(
  { config, prefill, capacity }: ExportedModel,
  { processor, stopTokenIds, weightBytes }: Settings,
  written: {
    frames: readonly FrameSize[];
    dtype: WeightDType;
    files: Readonly<Record<string, FileDescription>>;
  },
): object {
  const { text, vision, ...tokens } = config;
  const { frames, dtype, files } = written;
  const { patch_size: patch } = vision;
  return {
    about: "Qwen2.5-VL for ONNX Runtime, with operators that only it has. All sizes are fixed.",
    producer: "video-r2 export",
    model: {
      parameters: parameterCount(config),
      layers: text.num_hidden_layers,
      hidden_size: text.hidden_size,
      attention_heads: text.num_attention_heads,
      key_value_heads: text.num_key_value_heads,
      head_dim: headDim(text),
      vocabulary_size: text.vocab_size,
    },
    sizes: { batch: 1, prefill, capacity },
    frames: frames.map((size) => ({
      ...size,
      grid: [1, size.height / patch, size.width / patch],
      file: visionFile(size),
    })),
    weights: { file: WEIGHTS, dtype, bytes: weightBytes },
    tokens: { ...tokens, eos_token_id: stopTokenIds },
    positions: {
      tokens_per_second: vision.tokens_per_second,
      merge_size: vision.spatial_merge_size,
      temporal_patch_size: vision.temporal_patch_size,
    },
    processor,
    steps: STEPS,
    files,
  };
}
