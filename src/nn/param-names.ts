/**
 * The names of Qwen2.5-VL's tensors. Two styles exist for the same tensor: that of checkpoint files
 * (`visual.*`, `model.layers.*`), which is used everywhere here, and that of transformers' modules
 * (`model.visual.*`, `model.language_model.*`), which PEFT adapters use.
 */

import type { Qwen25VLConfig, TextConfig } from "./config.ts";

/** A tensor's name in checkpoint files, from either style. */
export function checkpointName(name: string): string {
  return name.replace(/^model\.visual\./, "visual.").replace(/^model\.language_model\./, "model.");
}

/** A tensor's name among transformers' modules, from either style. */
export function moduleName(name: string): string {
  if (/^model\.(visual|language_model)\./.test(name)) return name;
  return name.replace(/^visual\./, "model.visual.").replace(/^model\.(?!visual\.)/, "model.language_model.");
}

/** What a tensor is for: decides how it is initialised and whether it decays. */
export type ParamKind = "weight" | "bias" | "norm" | "embedding";

/** A tensor that a model of some configuration has. */
export interface ParamSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly kind: ParamKind;
}

function linear(name: string, out: number, into: number, bias: boolean): ParamSpec[] {
  const weight: ParamSpec = { name: `${name}.weight`, shape: [out, into], kind: "weight" };
  return bias ? [weight, { name: `${name}.bias`, shape: [out], kind: "bias" }] : [weight];
}

function norm(name: string, size: number): ParamSpec {
  return { name: `${name}.weight`, shape: [size], kind: "norm" };
}

/** The language model's linear layers, under `model.layers.N.`, with their sizes and whether they have a bias. */
export function languageLinears(
  text: TextConfig,
): readonly { readonly name: string; readonly out: number; readonly into: number; readonly bias: boolean }[] {
  const { hidden_size, intermediate_size, num_attention_heads, num_key_value_heads } = text;
  const keyValue = (hidden_size / num_attention_heads) * num_key_value_heads;
  return [
    { name: "self_attn.q_proj", out: hidden_size, into: hidden_size, bias: true },
    { name: "self_attn.k_proj", out: keyValue, into: hidden_size, bias: true },
    { name: "self_attn.v_proj", out: keyValue, into: hidden_size, bias: true },
    { name: "self_attn.o_proj", out: hidden_size, into: hidden_size, bias: false },
    { name: "mlp.gate_proj", out: intermediate_size, into: hidden_size, bias: false },
    { name: "mlp.up_proj", out: intermediate_size, into: hidden_size, bias: false },
    { name: "mlp.down_proj", out: hidden_size, into: intermediate_size, bias: false },
  ];
}

/** Every tensor of a model, in the order in which it is saved; `lm_head.weight` only where it is not tied. */
export function paramSpecs({ vision, text }: Qwen25VLConfig): ParamSpec[] {
  const width = vision.hidden_size;
  const { patch_size: patch, spatial_merge_size: merge } = vision;
  const merged = width * merge ** 2;
  const specs: ParamSpec[] = [
    {
      name: "visual.patch_embed.proj.weight",
      shape: [width, vision.in_channels, vision.temporal_patch_size, patch, patch],
      kind: "weight",
    },
  ];
  for (let i = 0; i < vision.depth; i++) {
    const block = `visual.blocks.${i}`;
    specs.push(
      norm(`${block}.norm1`, width),
      norm(`${block}.norm2`, width),
      ...linear(`${block}.attn.qkv`, 3 * width, width, true),
      ...linear(`${block}.attn.proj`, width, width, true),
      ...linear(`${block}.mlp.gate_proj`, vision.intermediate_size, width, true),
      ...linear(`${block}.mlp.up_proj`, vision.intermediate_size, width, true),
      ...linear(`${block}.mlp.down_proj`, width, vision.intermediate_size, true),
    );
  }
  specs.push(
    norm("visual.merger.ln_q", width),
    ...linear("visual.merger.mlp.0", merged, merged, true),
    ...linear("visual.merger.mlp.2", vision.out_hidden_size, merged, true),
    { name: "model.embed_tokens.weight", shape: [text.vocab_size, text.hidden_size], kind: "embedding" },
  );
  for (let i = 0; i < text.num_hidden_layers; i++) {
    const layer = `model.layers.${i}`;
    for (const { name, out, into, bias } of languageLinears(text))
      specs.push(...linear(`${layer}.${name}`, out, into, bias));
    specs.push(norm(`${layer}.input_layernorm`, text.hidden_size));
    specs.push(norm(`${layer}.post_attention_layernorm`, text.hidden_size));
  }
  specs.push(norm("model.norm", text.hidden_size));
  if (!text.tie_word_embeddings)
    specs.push({ name: "lm_head.weight", shape: [text.vocab_size, text.hidden_size], kind: "weight" });
  return specs;
}

/** Number of trained values of a model. */
export function parameterCount(config: Qwen25VLConfig): number {
  return paramSpecs(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}
