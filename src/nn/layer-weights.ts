/**
 * A decoder layer's weights in the form in which it uses them, with adapters beside them, and its projections.
 * Scales go into weights, which are small beside a batch of activations.
 */

import { np } from "../engine/index.ts";
import { headDim, type TextConfig } from "./config.ts";
import { dropped, linear } from "./layers.ts";
import type { Params, Tensor } from "./tensor.ts";

/**
 * One decoder layer's weights, in the form in which the layer uses them. Projections of one input are a list in
 * training, since cutting their outputs apart would cost more than a joined product saves; a decoder that runs
 * one token at a time joins them ahead, under each other in one tensor.
 */
export interface LayerWeights {
  /** Query, key and value projections, scaled as `layerWeights` does: `[H C, D]` and twice `[KV C, D]`. */
  readonly qkv: Tensor | readonly Tensor[];
  /** `[H C]` and twice `[KV C]`. */
  readonly qkvBias: Tensor | readonly Tensor[];
  /** `[D, H C]`. */
  readonly output: Tensor;
  /** Gate and up projections, scaled: twice `[F, D]`. */
  readonly gateUp: Tensor | readonly Tensor[];
  /** `[D, F]`. */
  readonly down: Tensor;
  /** What adapters add to each of the four groups of projections, which must be lists. */
  readonly adapters?: { readonly [K in Projection]?: LowRank };
}

/** The groups of projections that share an input. */
export const PROJECTIONS = ["qkv", "output", "gateUp", "down"] as const;
type Projection = (typeof PROJECTIONS)[number];

/** Products of low rank that are added to a group of projections of one input. */
export interface LowRank {
  /** `[R, in]`: the A of those that have an adapter, under each other. */
  readonly a: Tensor;
  /** For each projection its scaled B, `[out, r]`, or undefined where it has no adapter. */
  readonly b: readonly (Tensor | undefined)[];
}

/** How LoRA tensors among the parameters are used. */
export interface AdapterUse {
  /** `lora_alpha / r`. */
  readonly scale: number;
  /** In training: the fraction of inputs that are zeroed, and a scalar that differs from step to step; kept. */
  readonly dropout?: { readonly rate: number; readonly seed: Tensor };
}

/**
 * A layer's weights from the checkpoint's tensors: the norm before projections goes into their columns, the
 * scale of the scores into the queries' rows, which is cheap beside a batch of tokens.
 */
export function layerWeights(
  text: TextConfig,
  params: Params,
  layer: number,
  adapter?: AdapterUse,
): LayerWeights {
  const get = (name: string): Tensor => parameter(params, `model.layers.${layer}.${name}`);
  const scale = headDim(text) ** -0.5;
  const before = (name: string): Tensor => get(`${name}.weight`).mul(get("input_layernorm.weight"));
  const after = (name: string): Tensor => get(`${name}.weight`).mul(get("post_attention_layernorm.weight"));
  return {
    qkv: [before("self_attn.q_proj").mul(scale), before("self_attn.k_proj"), before("self_attn.v_proj")],
    qkvBias: [
      get("self_attn.q_proj.bias").mul(scale),
      get("self_attn.k_proj.bias"),
      get("self_attn.v_proj.bias"),
    ],
    output: get("self_attn.o_proj.weight"),
    gateUp: [after("mlp.gate_proj"), after("mlp.up_proj")],
    down: get("mlp.down_proj.weight"),
    ...(adapter ? { adapters: layerAdapters(text, params, layer, adapter.scale) } : {}),
  };
}

/** A layer's LoRA tensors, with the same norms and scales as the weights that they are added to. */
function layerAdapters(
  text: TextConfig,
  params: Params,
  layer: number,
  scale: number,
): NonNullable<LayerWeights["adapters"]> {
  const prefix = `model.layers.${layer}`;
  const group = (names: readonly string[], norm?: string): LowRank | undefined => {
    const has = (name: string): boolean => params[`${prefix}.${name}.lora_A.weight`] !== undefined;
    const parts = names.filter(has).map((name) => parameter(params, `${prefix}.${name}.lora_A.weight`));
    if (parts.length === 0) return undefined;
    const stacked = parts.length === 1 ? (parts[0] as Tensor) : np.concatenate(parts, 0);
    const factor = (name: string): number =>
      name === "self_attn.q_proj" ? scale * headDim(text) ** -0.5 : scale;
    return {
      a: norm === undefined ? stacked : stacked.mul(parameter(params, `${prefix}.${norm}.weight`)),
      b: names.map((name) =>
        has(name) ? parameter(params, `${prefix}.${name}.lora_B.weight`).mul(factor(name)) : undefined,
      ),
    };
  };
  const adapters = {
    qkv: group(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"], "input_layernorm"),
    output: group(["self_attn.o_proj"]),
    gateUp: group(["mlp.gate_proj", "mlp.up_proj"], "post_attention_layernorm"),
    down: group(["mlp.down_proj"]),
  };
  const entries = PROJECTIONS.flatMap((name) => (adapters[name] ? [[name, adapters[name]] as const] : []));
  return Object.fromEntries(entries);
}

/** Dropout of adapters' inputs. */
export interface Dropout {
  readonly rate: number;
  readonly seed: Tensor;
}

/**
 * One group of a layer's projections of `x`, with what adapters add: one tensor where they are joined.
 *
 * @param first computed from this in place of `x` where given; consumed
 */
export function project(
  weights: LayerWeights,
  which: Projection,
  x: Tensor,
  dropout: Dropout | undefined,
  first?: (x: Tensor) => Tensor,
): Tensor[] {
  const matrices = [weights[which]].flat() as Tensor[];
  const biases = which === "qkv" ? ([weights.qkvBias].flat() as Tensor[]) : [];
  const inputOf = (value: Tensor, i: number): Tensor => (i === 0 && first ? first(value) : value);
  const outputs = matrices.map((matrix, i) => linear(inputOf(x.ref, i), matrix, biases[i]));
  const low = weights.adapters?.[which];
  if (!low) {
    x.dispose();
    return outputs;
  }
  const seed = dropout?.seed.ref.add(PROJECTIONS.indexOf(which));
  const narrow = linear(dropout && seed ? dropped(x, dropout.rate, seed) : x, low.a);
  const count = low.b.filter((b) => b !== undefined).length;
  const pieces = count === 1 ? [narrow] : np.split(narrow, count, -1);
  let next = 0;
  return outputs.map((output, i) => {
    const b = low.b[i];
    return b === undefined ? output : output.add(linear(inputOf(pieces[next++] as Tensor, i), b));
  });
}

/** A kept parameter of a traced function, by its checkpoint name. */
export function parameter(params: Params, name: string): Tensor {
  const tensor = params[name];
  if (tensor === undefined) throw new Error(`internal: the parameter ${name} must be given`);
  return tensor.ref;
}
