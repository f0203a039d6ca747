/**
 * What generation computes, as functions over traced arrays: reading a piece of a prompt, and adding one token to each
 * row. Both attend to a cache of fixed capacity, whose free slots are masked.
 */

import { np } from "../engine/index.ts";
import type { TextConfig } from "./config.ts";
import { fewRowsLinear, type StepWeights, stepLayer, wholeRotary } from "./generate-step.ts";
import { widened } from "./generate-weights.ts";
import { causalBias, decoderLayer, type LayerCache } from "./language.ts";
import { linear, rmsNorm } from "./layers.ts";
import type { Tensor } from "./tensor.ts";

/** Weights inside a traced function. */
export interface WeightArrays {
  readonly layers: readonly StepWeights[];
  readonly norm: Tensor;
  readonly head: Tensor;
}

/** What both programs take besides weights. */
export interface StepArrays {
  /** `[1, S, D]` in prefill; in a step `[D, B]`, or `[B, D]` where weights are frozen. */
  readonly hidden: Tensor;
  /** `[B, S, C / 2]`. */
  readonly cos: Tensor;
  readonly sin: Tensor;
  /** `[B, S]`, 1 at the place whose logits are wanted; absent if S is 1. */
  readonly last?: Tensor;
  /** Earlier tokens; absent if there are none. */
  readonly cache?: { readonly bias: Tensor; readonly layers: readonly { key: Tensor; value: Tensor }[] };
}

/** The weights in float32. */
export function widenAll({ layers, norm, head }: WeightArrays): WeightArrays {
  const layer = (weights: StepWeights): StepWeights => ({
    qkv: widened(weights.qkv),
    qkvBias: weights.qkvBias,
    output: widened(weights.output),
    gateUp: widened(weights.gateUp),
    down: widened(weights.down),
  });
  return { layers: layers.map(layer), norm, head: widened(head) };
}

/** Runs the layers; returns hidden states, new keys and values, and the last layer's attention. */
function runLayers(text: TextConfig, step: StepArrays, weights: WeightArrays, wanted: boolean) {
  const length = step.hidden.shape[1] as number;
  const bias = causalBias(length);
  const caches = (layer: number): LayerCache[] => {
    const own = step.cache?.layers[layer];
    return own && step.cache ? [{ key: own.key, value: own.value, bias: step.cache.bias }] : [];
  };
  let hidden = step.hidden;
  let attention: Tensor | undefined;
  const cache: { key: Tensor; value: Tensor }[] = [];
  weights.layers.forEach((layer, i) => {
    const context = { rotary: step, bias, causal: true, caches: caches(i) };
    const last = i === weights.layers.length - 1;
    const output = decoderLayer(text, layer, hidden, context, { attention: wanted && last });
    hidden = output.hidden;
    cache.push({ key: output.key, value: output.value });
    attention = output.attention;
  });
  return { hidden, cache, attention };
}

function logitsOf(text: TextConfig, hidden: Tensor, weights: WeightArrays): Tensor {
  return linear(rmsNorm(hidden, weights.norm, text.rms_norm_eps), weights.head);
}

/**
 * Reads a piece of a prompt.
 *
 * @param step consumed, as are the weights
 * @param wanted also return the last layer's attention of the place whose logits are wanted
 * @returns `[B, V]` logits, and each layer's keys and values of the new tokens, `[B, KV, S, C]`
 */
export function prefillFunction(text: TextConfig, step: StepArrays, weights: WeightArrays, wanted: boolean) {
  const { hidden, cache, attention } = runLayers(text, step, weights, wanted);
  // A product with a row that is 1 at one place picks that place.
  const last = step.last as Tensor;
  const [rows, length] = last.shape as [number, number];
  const chosen = np.matmul(last.ref.reshape([rows, 1, length]), hidden).reshape([rows, -1]);
  const logits = logitsOf(text, chosen, weights);
  if (!attention) return { logits, cache };
  return { logits, cache, attention: np.matmul(last.reshape([rows, 1, 1, length]), attention) };
}

/**
 * Adds one token to each row.
 *
 * @param step consumed, as are the weights
 * @param wanted also return the last layer's attention
 * @param frozen whether weights are part of the program; hidden states are then `[B, D]`, else `[D, B]`
 * @returns `[B, V]` logits (`[V, B]` unless frozen), and each layer's key and value of the new token, `[B, KV, C]`
 */
export function stepFunction(
  text: TextConfig,
  step: StepArrays,
  weights: WeightArrays,
  wanted: boolean,
  frozen: boolean,
) {
  const cache = step.cache as NonNullable<StepArrays["cache"]>;
  const turned = (x: Tensor): Tensor => (frozen ? x : x.transpose([1, 0]));
  const rotary = wholeRotary(step);
  let hidden = turned(step.hidden);
  let attention: Tensor | undefined;
  const fresh: { key: Tensor; value: Tensor }[] = [];
  weights.layers.forEach((layer, i) => {
    const own = { ...(cache.layers[i] as { key: Tensor; value: Tensor }), bias: cache.bias };
    const last = i === weights.layers.length - 1;
    const output = stepLayer(text, layer, hidden, rotary, own, { wanted: wanted && last, frozen });
    hidden = output.hidden;
    fresh.push({ key: output.key, value: output.value });
    attention = output.attention;
  });
  rotary.cos.dispose();
  rotary.sin.dispose();
  const normal = rmsNorm(hidden, weights.norm, text.rms_norm_eps);
  const logits = turned(fewRowsLinear(normal, weights.head, frozen));
  return attention ? { logits, cache: fresh, attention } : { logits, cache: fresh };
}
