/**
 * The programs of an exported model. They are those of generation, with two things inside that generation does on the
 * host: token ids become embeddings, and positions become rotary tables. Sizes are fixed; what is shorter is padded.
 */

import { exportOnnx, type HostTensor, np, type OnnxModel, type TensorSpec } from "../engine/index.ts";
import { headDim, patchDim, type Qwen25VLConfig, type TextConfig } from "./config.ts";
import type { PlacedWeight } from "./export-weights.ts";
import { prefillFunction, stepFunction, type WeightArrays, widenAll } from "./generate-programs.ts";
import type { StepWeights } from "./generate-step.ts";
import { visionFunction } from "./generate-vision.ts";
import { widened } from "./generate-weights.ts";
import { type Rotary, rows } from "./layers.ts";
import { frequencies } from "./rope.ts";
import type { Params, Tensor } from "./tensor.ts";
import type { VisionArrays } from "./vision.ts";
import { buildVisionInputs, MASKED } from "./vision-inputs.ts";

/** A model whose programs are exported. */
export interface ExportedModel {
  readonly config: Qwen25VLConfig;
  /** Where its weights lie, from `placeWeights`. */
  readonly weights: ReadonlyMap<string, PlacedWeight>;
  /** Tokens that prefill reads at once. */
  readonly prefill: number;
  /** Tokens that the cache holds. */
  readonly capacity: number;
  /** Whether the step is written for weights that ONNX Runtime prepares when it loads them. */
  readonly frozen: boolean;
}

interface PastArrays {
  readonly position_ids: Tensor;
  readonly past_length: Tensor;
  readonly past_key_values: readonly { readonly key: Tensor; readonly value: Tensor }[];
}

interface TextWeights {
  readonly embedding: Tensor;
  readonly layers: readonly StepWeights[];
  readonly norm: Tensor;
  readonly head?: Tensor;
}

const int32 = (...shape: number[]): TensorSpec => ({ dtype: "int32", shape });
const float32 = (...shape: number[]): TensorSpec => ({ dtype: "float32", shape });

/** One temporal patch of frames of one size, in patches: `pixel_values` to `video_embeds`. */
export function visionGraph(model: ExportedModel, [height, width]: readonly [number, number]): OnnxModel {
  const { vision } = model.config;
  const { layout, tensors } = buildVisionInputs(vision, [[1, height, width]]);
  const fn = (...[inputs, weights, arrays]: unknown[]) => ({
    video_embeds: visionFunction(
      vision,
      layout,
      weights as Params,
      (inputs as { pixel_values: Tensor }).pixel_values,
      arrays as VisionArrays,
    ),
  });
  const weights = [...model.weights].filter(([name]) => name.startsWith("visual."));
  const inputs = { pixel_values: float32(layout.patches, patchDim(vision)) };
  return build(model, `vision ${height}x${width}`, fn, [inputs, specsOf(weights), tensors], [2]);
}

/** A piece's token ids to embeddings: `input_ids` to `inputs_embeds`. */
export function embedGraph(model: ExportedModel): OnnxModel {
  const fn = (...[inputs, weights]: unknown[]) => ({
    inputs_embeds: embeddings(weights as TextWeights, (inputs as { input_ids: Tensor }).input_ids),
  });
  const weights = textSpecs(model, ["embedding"]);
  return build(model, "embed", fn, [{ input_ids: int32(1, model.prefill) }, weights]);
}

/** Reads a piece of a prompt: `inputs_embeds` and the cache to `logits` and what is to be put into the cache. */
export function prefillGraph(model: ExportedModel): OnnxModel {
  const { text } = model.config;
  const { prefill: size } = model;
  const fn = (...[inputs, weights]: unknown[]) => {
    const { inputs_embeds, length, ...past } = inputs as PastArrays & {
      inputs_embeds: Tensor;
      length: Tensor;
    };
    const place = np.arange(size).reshape([1, size]);
    const last = place.equal(length.sub(1).reshape([1, 1])).astype(np.float32);
    const step = { hidden: inputs_embeds, last, ...pastOf(model, past) };
    const { logits, cache } = prefillFunction(text, step, textWeights(weights as TextWeights), false);
    return { logits, present: cache };
  };
  const inputs = {
    inputs_embeds: float32(1, size, text.hidden_size),
    length: int32(1),
    ...pastSpecs(model, size),
  };
  const weights = textSpecs(model, ["layers", "norm", outputName(text)]);
  return build(model, "prefill", fn, [inputs, weights]);
}

/** Reads one token: `input_ids` and the cache to `logits` and what is to be put into the cache. */
export function decodeGraph(model: ExportedModel): OnnxModel {
  const { text } = model.config;
  const fn = (...[inputs, weights]: unknown[]) => {
    const { input_ids, ...past } = inputs as PastArrays & { input_ids: Tensor };
    const all = weights as TextWeights;
    const row = embeddings(all, input_ids).reshape([1, text.hidden_size]);
    const hidden = model.frozen ? row : row.transpose([1, 0]);
    const step = { hidden, ...pastOf(model, past) };
    const { logits, cache } = stepFunction(text, step, textWeights(all), false, model.frozen);
    return {
      logits: logits.reshape([1, text.vocab_size]),
      present: cache.map(({ key, value }) => ({ key: asPast(text, key), value: asPast(text, value) })),
    };
  };
  const inputs = { input_ids: int32(1, 1), ...pastSpecs(model, 1) };
  const weights = textSpecs(model, ["embedding", "layers", "norm", outputName(text)]);
  return build(model, "decode", fn, [inputs, weights]);
}

/** Exports a function of inputs, weights and perhaps constants; the paths of inputs and outputs are their names. */
function build(
  { weights }: ExportedModel,
  name: string,
  fn: (...args: unknown[]) => unknown,
  example: readonly unknown[],
  frozen: readonly number[] = [],
): OnnxModel {
  const nameOf = (path: string): string => path.replace(/^(in\d+|out)\./, "");
  const external = (path: string) => (path.startsWith("in1.") ? weights.get(nameOf(path))?.place : undefined);
  return exportOnnx(fn, example as readonly HostTensor[], { name, frozen, nameOf, external });
}

function specsOf(weights: Iterable<readonly [string, PlacedWeight]>): Record<string, TensorSpec> {
  return Object.fromEntries([...weights].map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
}

/** The named weights of the language model as the tree that its programs take. */
function textSpecs({ config, weights }: ExportedModel, names: readonly (keyof TextWeights)[]) {
  const layers = Array.from({ length: config.text.num_hidden_layers }, (_, i) => {
    const start = `layers.${i}.`;
    const own = [...weights].filter(([name]) => name.startsWith(start));
    return specsOf(own.map(([name, weight]) => [name.slice(start.length), weight] as const));
  });
  const all = { ...specsOf(weights), layers } as unknown as Record<keyof TextWeights, object>;
  return Object.fromEntries(names.map((name) => [name, all[name]]));
}

function outputName(text: TextConfig): "embedding" | "head" {
  return text.tie_word_embeddings ? "embedding" : "head";
}

function textWeights({ embedding, layers, norm, head }: TextWeights): WeightArrays {
  return widenAll({ layers, norm, head: head ?? embedding.ref });
}

function embeddings({ embedding }: TextWeights, ids: Tensor): Tensor {
  return widened(rows(embedding.ref, ids));
}

function pastSpecs({ config: { text }, capacity }: ExportedModel, size: number) {
  const shape = [1, text.num_key_value_heads, capacity, headDim(text)];
  return {
    position_ids: int32(3, 1, size),
    past_length: int32(1),
    past_key_values: Array.from({ length: text.num_hidden_layers }, () => ({
      key: float32(...shape),
      value: float32(...shape),
    })),
  };
}

/** Rotary tables and cache as generation's programs take them. */
function pastOf({ config: { text }, capacity }: ExportedModel, past: PastArrays) {
  const { position_ids, past_length, past_key_values } = past;
  const taken = np
    .arange(capacity)
    .reshape([1, capacity])
    .less(past_length.reshape([1, 1]));
  return {
    ...rotaryOf(text, position_ids),
    cache: { bias: np.where(taken, 0, MASKED), layers: past_key_values },
  };
}

/** `languageRotary` inside a program: positions `[3, B, S]` to tables `[B, S, C / 2]`. */
function rotaryOf(text: TextConfig, positions: Tensor): Rotary {
  const [, batch, length] = positions.shape as [number, number, number];
  const inverse = frequencies(headDim(text) / 2, text.rope_theta);
  const axes = np.split(positions.astype(np.float32), 3, 0);
  let start = 0;
  const parts = text.mrope_section.flatMap((count, axis) => {
    const own = inverse.slice(start, start + count);
    start += count;
    if (count === 0) return [];
    const turns = np.array(own, { shape: [1, 1, count] });
    return [(axes[axis] as Tensor).reshape([batch, length, 1]).mul(turns)];
  });
  const angle = np.concatenate(parts, -1);
  return { cos: np.cos(angle.ref), sin: np.sin(angle) };
}

/** `[B, KV, C]` as the cache has it, `[B, KV, 1, C]`. */
function asPast(text: TextConfig, fresh: Tensor): Tensor {
  return fresh.reshape([1, text.num_key_value_heads, 1, headDim(text)]);
}
