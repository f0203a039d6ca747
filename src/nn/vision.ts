/**
 * Qwen2.5-VL's vision tower: patch embedding, blocks of attention within windows or whole temporal patches,
 * and the merger that turns 2 x 2 patches into one token. Upstream runs attention group by group; here equal
 * groups are one batched product, and nothing is ever quadratic in the number of all patches.
 */

import { np } from "../engine/index.ts";
import type { VisionConfig } from "./config.ts";
import {
  gelu,
  linear,
  matmul,
  matmulNT,
  normalise,
  type Rotary,
  rmsNorm,
  rotate,
  rows,
  silu,
  softmax,
} from "./layers.ts";
import type { Params, Tensor } from "./tensor.ts";
import type { GroupLayout, VisionLayout } from "./vision-inputs.ts";

/** `VisionTensors` inside a traced function. */
export interface VisionArrays {
  readonly cos: Tensor;
  readonly sin: Tensor;
  readonly order?: Tensor;
  readonly restore?: Tensor;
  readonly windows?: GroupArrays;
  readonly frames?: GroupArrays;
}

/** `GroupTensors` inside a traced function. */
export interface GroupArrays {
  readonly slots: Tensor;
  readonly places: Tensor;
  readonly bias: Tensor;
}

/** RMSNorm's epsilon in the vision tower, fixed upstream. */
const EPSILON = 1e-6;

/**
 * Turns patches into tokens for the language model.
 *
 * @param params the `visual.*` tensors; kept
 * @param pixelValues `[N, channels x frames x height x width]`, consumed
 * @param arrays from `buildVisionInputs`; kept
 * @returns `[N / merge², out_hidden_size]`, in the order of the pixel values
 */
export function visionForward(
  vision: VisionConfig,
  layout: VisionLayout,
  params: Params,
  pixelValues: Tensor,
  arrays: VisionArrays,
): Tensor {
  const width = vision.hidden_size;
  const unit = vision.spatial_merge_size ** 2;
  const get = (name: string): Tensor => param(params, `visual.${name}`);
  let hidden = linear(pixelValues, get("patch_embed.proj.weight").reshape([width, -1]));
  if (arrays.order)
    hidden = rows(hidden.reshape([-1, unit * width]), arrays.order.ref).reshape([layout.patches, width]);
  for (let i = 0; i < vision.depth; i++) {
    const whole = vision.fullatt_block_indexes.includes(i);
    const groups = whole ? layout.frames : layout.windows;
    const padding = whole ? arrays.frames : arrays.windows;
    hidden = block(vision, (name) => get(`blocks.${i}.${name}`), hidden, groups, arrays, padding);
  }
  const merged = rmsNorm(hidden, get("merger.ln_q.weight"), EPSILON).reshape([-1, unit * width]);
  const inner = gelu(linear(merged, get("merger.mlp.0.weight"), get("merger.mlp.0.bias")));
  const tokens = linear(inner, get("merger.mlp.2.weight"), get("merger.mlp.2.bias"));
  return arrays.restore ? rows(tokens, arrays.restore.ref) : tokens;
}

/** A kept parameter. */
function param(params: Params, name: string): Tensor {
  const tensor = params[name];
  if (tensor === undefined) throw new Error(`internal: the parameter ${name} must be given`);
  return tensor.ref;
}

function block(
  vision: VisionConfig,
  get: (name: string) => Tensor,
  hidden: Tensor,
  groups: GroupLayout,
  rotary: Rotary,
  padding: GroupArrays | undefined,
): Tensor {
  const attended = attention(vision, get, hidden.ref, groups, rotary, padding);
  const middle = hidden.add(attended);
  const normal = normalise(middle.ref, EPSILON);
  const scale = get("norm2.weight");
  const gate = linear(normal.ref, get("mlp.gate_proj.weight").mul(scale.ref), get("mlp.gate_proj.bias"));
  const up = linear(normal, get("mlp.up_proj.weight").mul(scale), get("mlp.up_proj.bias"));
  const down = linear(silu(gate).mul(up), get("mlp.down_proj.weight"), get("mlp.down_proj.bias"));
  return middle.add(down);
}

function attention(
  vision: VisionConfig,
  get: (name: string) => Tensor,
  hidden: Tensor,
  { count, size }: GroupLayout,
  rotary: Rotary,
  padding: GroupArrays | undefined,
): Tensor {
  const { hidden_size: width, num_heads: heads } = vision;
  const channels = width / heads;
  const normal = normalise(hidden, EPSILON);
  // The norm's weight and the scale of the scores go into the weights; cutting those apart is cheaper than
  // cutting apart a joined product.
  const weights = np.split(get("attn.qkv.weight").mul(get("norm1.weight")), 3, 0) as [Tensor, Tensor, Tensor];
  const biases = np.split(get("attn.qkv.bias"), 3, 0) as [Tensor, Tensor, Tensor];
  const scale = channels ** -0.5;
  const slotted = (x: Tensor): Tensor => (padding ? rows(x, padding.slots.ref) : x);
  const table = (t: Tensor): Tensor => slotted(t.ref).reshape([count, 1, size, channels / 2]);
  const tables = { cos: table(rotary.cos), sin: table(rotary.sin) };
  const separate = (x: Tensor): Tensor =>
    slotted(x).reshape([count, size, heads, channels]).transpose([0, 2, 1, 3]);
  const q = separate(linear(normal.ref, weights[0].mul(scale), biases[0].mul(scale)));
  const k = separate(linear(normal.ref, weights[1], biases[1]));
  const v = separate(linear(normal, weights[2], biases[2]));
  let scores = matmulNT(rotate(q, tables), rotate(k, tables));
  if (padding) scores = scores.add(padding.bias.ref);
  const mixed = matmul(softmax(scores), v)
    .transpose([0, 2, 1, 3])
    .reshape([count * size, width]);
  const placed = padding ? rows(mixed, padding.places.ref) : mixed;
  return linear(placed, get("attn.proj.weight"), get("attn.proj.bias"));
}
