/** The whole network as functions over traced arrays: logits, log-probabilities of targets, and the loss. */

import { lax, np } from "../engine/index.ts";
import type { Qwen25VLConfig } from "./config.ts";
import type { InputLayout } from "./inputs.ts";
import {
  type AdapterUse,
  type Context,
  causalBias,
  embed,
  type LanguageOutput,
  languageForward,
  outputLogits,
} from "./language.ts";
import type { Params, Tensor } from "./tensor.ts";
import { type VisionArrays, visionForward } from "./vision.ts";

/** `TokenTensors` inside a traced function. */
export interface TokenArrays {
  readonly index: Tensor;
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/** `InputTensors` inside a traced function. */
export interface InputArrays extends TokenArrays {
  readonly shared?: TokenArrays;
  readonly padding?: Tensor;
  readonly vision?: VisionArrays & { readonly pixelValues: Tensor };
}

/** `TargetTensors` inside a traced function. */
export interface TargetArrays {
  readonly places: Tensor;
  readonly ids: Tensor;
  readonly weights: Tensor;
}

/** What `forward` returns. */
export interface ForwardOutput extends LanguageOutput {
  /** `[B, S, V]`. */
  readonly logits: Tensor;
}

/** Input embeddings with the vision tokens in place: `[B, S, D]`. Keeps its arguments. */
export function inputEmbeddings(
  config: Qwen25VLConfig,
  layout: InputLayout,
  params: Params,
  inputs: InputArrays,
): Tensor {
  return embed(params, inputs.index.ref, visionTokens(config, layout, params, inputs));
}

/** The vision tokens of all images and videos, `[N, D]`; undefined where there are none. */
function visionTokens(
  config: Qwen25VLConfig,
  layout: InputLayout,
  params: Params,
  { vision }: InputArrays,
): Tensor | undefined {
  if (!vision || !layout.vision) return undefined;
  return visionForward(config.vision, layout.vision, params, vision.pixelValues.ref, vision);
}

/**
 * The hidden states of the rows' own tokens before the final norm. Where rows share openings, these go through the
 * layers first, once each, and the rows attend to their keys and values.
 */
function hiddenStates(
  config: Qwen25VLConfig,
  layout: InputLayout,
  params: Params,
  inputs: InputArrays,
  options: { attention?: boolean; adapter?: AdapterUse; places?: Tensor },
): LanguageOutput {
  const { text } = config;
  const context = (tokens: TokenArrays, length: number, padding?: Tensor): Context => ({
    rotary: tokens,
    bias: causalBias(length, padding?.ref),
    causal: true,
  });
  const own = context(inputs, layout.length, inputs.padding);
  const { shared } = inputs;
  if (!shared || !layout.shared) {
    return languageForward(text, params, inputEmbeddings(config, layout, params, inputs), own, options);
  }
  // One gather for both: its gradient is one pass over the table.
  const { openings, length } = layout.shared;
  const count = openings * length;
  const index = np.concatenate([shared.index.ref.reshape([count]), inputs.index.ref.reshape([-1])], 0);
  const embedded = embed(params, index, visionTokens(config, layout, params, inputs));
  const [before, after] = np.split(embedded, [count], 0) as [Tensor, Tensor];
  const { adapter } = options;
  const opened = languageForward(
    text,
    params,
    before.reshape([openings, length, text.hidden_size]),
    context(shared, length),
    adapter ? { adapter } : {},
  );
  opened.hidden.dispose();
  const output = languageForward(
    text,
    params,
    after.reshape([layout.rows, layout.length, text.hidden_size]),
    own,
    { ...options, caches: opened.cache.map((layer) => [layer]) },
  );
  for (const { key, value } of opened.cache) {
    key.dispose();
    value.dispose();
  }
  return output;
}

/**
 * Logits of every token (of a row's own ones, where rows share openings), and each layer's keys and values.
 *
 * @param layout from `buildInputs`
 * @param params by checkpoint name; kept
 * @param inputs from `buildInputs`; kept
 * @param options `attention`: also return the last layer's attention weights `[B, H, S, S]`; `adapter`: use the
 *   LoRA tensors among the parameters
 */
export function forward(
  config: Qwen25VLConfig,
  layout: InputLayout,
  params: Params,
  inputs: InputArrays,
  options: { attention?: boolean; adapter?: AdapterUse } = {},
): ForwardOutput {
  const output = hiddenStates(config, layout, params, inputs, options);
  return { ...output, logits: outputLogits(config.text, params, output.hidden.ref) };
}

/** How the distribution over the next token is read. */
export interface DistributionOptions {
  /** Use the LoRA tensors among the parameters; default no. */
  readonly adapter?: AdapterUse;
  /** Divides the logits, as sampling at that temperature does; default 1. */
  readonly temperature?: number;
}

/**
 * The log-probability of each target given what is before it: `[B, T]`. Only the places that predict a target
 * go through the last layer's queries and the output projection.
 *
 * @param params kept
 * @param inputs kept
 * @param targets kept; places without a target give values that mean nothing
 */
export function targetLogProbs(
  config: Qwen25VLConfig,
  layout: InputLayout,
  params: Params,
  inputs: InputArrays,
  targets: Pick<TargetArrays, "places" | "ids">,
  options: DistributionOptions = {},
): Tensor {
  return logProbabilities(targetLogits(config, layout, params, inputs, targets, options), targets.ids.ref);
}

/**
 * As `targetLogProbs`, with the entropy of the distribution that each target is from, in nats: `[B, T]`. No gradient
 * goes through the entropy.
 */
export function targetDistribution(
  config: Qwen25VLConfig,
  layout: InputLayout,
  params: Params,
  inputs: InputArrays,
  targets: Pick<TargetArrays, "places" | "ids">,
  options: DistributionOptions = {},
): { readonly logProbs: Tensor; readonly entropy: Tensor } {
  const logits = targetLogits(config, layout, params, inputs, targets, options);
  const entropy = entropyOf(lax.stopGradient(logits.ref));
  return { logProbs: logProbabilities(logits, targets.ids.ref), entropy };
}

/** Logits at the places of targets, divided by the temperature: `[B, T, V]`. */
function targetLogits(
  config: Qwen25VLConfig,
  layout: InputLayout,
  params: Params,
  inputs: InputArrays,
  targets: Pick<TargetArrays, "places">,
  { temperature = 1, ...options }: DistributionOptions,
): Tensor {
  const { hidden } = hiddenStates(config, layout, params, inputs, { ...options, places: targets.places });
  const logits = outputLogits(config.text, params, hidden);
  return temperature === 1 ? logits : logits.mul(1 / temperature);
}

/** `-sum p log p` of `softmax(logits)` over the last axis. */
function entropyOf(logits: Tensor): Tensor {
  const shifted = logits.ref.sub(np.max(logits, -1, { keepdims: true }));
  const powers = np.exp(shifted.ref);
  const sum = powers.ref.sum(-1);
  return np.log(sum.ref).sub(powers.mul(shifted).sum(-1).div(sum));
}

/** `logits[..., id] - logsumexp(logits)` over the last axis: `[..., V]` and `[...]` to `[...]`. */
function logProbabilities(logits: Tensor, ids: Tensor): Tensor {
  const vocabulary = logits.shape.at(-1) as number;
  const highest = lax.stopGradient(np.max(logits.ref, -1, { keepdims: true }));
  const shifted = logits.sub(highest);
  // Comparing with every id costs one pass and has a gradient of one pass; a gather's would be a scatter.
  const chosen = ids.reshape([...ids.shape, 1]).equal(np.arange(vocabulary));
  const logit = np.where(chosen, shifted.ref, 0).sum(-1);
  return logit.sub(np.log(np.exp(shifted).sum(-1)));
}

/**
 * Cross-entropy of the targets: `-sum(weights * log p) * scale`.
 *
 * @param scale a scalar; 1 / number of targets for the mean, also over several batches; consumed
 */
export function crossEntropy(
  config: Qwen25VLConfig,
  layout: InputLayout,
  params: Params,
  inputs: InputArrays,
  targets: TargetArrays,
  scale: Tensor,
  options: { adapter?: AdapterUse } = {},
): Tensor {
  const logProbs = targetLogProbs(config, layout, params, inputs, targets, options);
  return np.sum(logProbs.mul(targets.weights.ref)).mul(scale).neg();
}
