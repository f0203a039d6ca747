/**
 * BERT's encoder with mean pooling, the network of all-MiniLM-L6-v2, as a function over traced arrays. Embeddings are
 * looked up on the host; everything after is one program per shape. Post-norm layers with GELU; no dropout, no pooler.
 */

import { z } from "zod";
import { np } from "../engine/index.ts";
import { gelu, linear, matmul, matmulNT, type Params, softmax, type Tensor } from "../nn/index.ts";

/** What of `config.json` the encoder is built by. */
export const bertConfig = z.object({
  model_type: z.literal("bert"),
  hidden_act: z.literal("gelu"),
  hidden_size: z.int().positive(),
  num_hidden_layers: z.int().positive(),
  num_attention_heads: z.int().positive(),
  max_position_embeddings: z.int().positive(),
  layer_norm_eps: z.number().positive(),
  position_embedding_type: z.literal("absolute").default("absolute"),
});

/** A BERT's configuration. */
export type BertConfig = z.infer<typeof bertConfig>;

/** What is added to the scores of keys that are padding. */
const MASKED = -1e9;

function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon: number): Tensor {
  const centred = x.ref.sub(x.mean(-1, { keepdims: true }));
  const variance = centred.ref.mul(centred.ref).mean(-1, { keepdims: true });
  return centred
    .mul(np.reciprocal(np.sqrt(variance.add(epsilon))))
    .mul(weight)
    .add(bias);
}

/** The parameters of one layer that the program takes, by their name in the checkpoint. */
export function layerNames(layer: number): string[] {
  const parts = [
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "attention.output.LayerNorm",
    "intermediate.dense",
    "output.dense",
    "output.LayerNorm",
  ];
  return parts.flatMap((part) => [
    `encoder.layer.${layer}.${part}.weight`,
    `encoder.layer.${layer}.${part}.bias`,
  ]);
}

/**
 * Texts to unit vectors.
 *
 * @param params `embeddings.LayerNorm.*` and those of `layerNames`; kept
 * @param embedded sums of word, position and type embeddings, `[B, S, D]`
 * @param mask 1 for tokens and 0 for padding, `[B, S]`
 * @returns means over each text's tokens, of length 1: `[B, D]`
 */
export function bertForward(config: BertConfig, params: Params, embedded: Tensor, mask: Tensor): Tensor {
  const get = (name: string): Tensor => {
    const tensor = params[name];
    if (tensor === undefined) throw new Error(`internal: the parameter ${name} must be given`);
    return tensor.ref;
  };
  const { layer_norm_eps: epsilon, hidden_size: width } = config;
  const norm = (x: Tensor, name: string) => layerNorm(x, get(`${name}.weight`), get(`${name}.bias`), epsilon);
  const [batch, length] = mask.shape as [number, number];
  const bias = mask.ref.sub(1).mul(-MASKED).reshape([batch, 1, 1, length]);
  let hidden = norm(embedded, "embeddings.LayerNorm");
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const at = (name: string) => `encoder.layer.${i}.${name}`;
    const dense = (x: Tensor, name: string) => linear(x, get(at(`${name}.weight`)), get(at(`${name}.bias`)));
    const attended = attention(config, dense, hidden.ref, bias.ref, [batch, length]);
    hidden = norm(hidden.add(dense(attended, "attention.output.dense")), at("attention.output.LayerNorm"));
    const inner = gelu(dense(hidden.ref, "intermediate.dense"));
    hidden = norm(hidden.add(dense(inner, "output.dense")), at("output.LayerNorm"));
  }
  bias.dispose();
  // The mean's divisor is a positive number for each text, so it has no part in the direction.
  const sum = hidden.mul(mask.reshape([batch, length, 1])).sum(1);
  const square = sum.ref.mul(sum.ref).sum(-1, { keepdims: true });
  return sum.mul(np.reciprocal(np.sqrt(square.add(1e-24)))).reshape([batch, width]);
}

function attention(
  { hidden_size: width, num_attention_heads: heads }: BertConfig,
  dense: (x: Tensor, name: string) => Tensor,
  hidden: Tensor,
  bias: Tensor,
  [batch, length]: [number, number],
): Tensor {
  const channels = width / heads;
  const separate = (x: Tensor) => x.reshape([batch, length, heads, channels]).transpose([0, 2, 1, 3]);
  const q = separate(dense(hidden.ref, "attention.self.query").mul(channels ** -0.5));
  const k = separate(dense(hidden.ref, "attention.self.key"));
  const v = separate(dense(hidden, "attention.self.value"));
  const weights = softmax(matmulNT(q, k).add(bias));
  return matmul(weights, v).transpose([0, 2, 1, 3]).reshape([batch, length, width]);
}
