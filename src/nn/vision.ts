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
  // The norm's weight and the scale of the scores go into the weight of the projection.
  const scale = np.array([channels ** -0.5, 1, 1]).reshape([3, 1, 1]);
  const weight = get("attn.qkv.weight").mul(get("norm1.weight")).reshape([3, width, width]);
  const bias = get("attn.qkv.bias").reshape([3, width, 1]);
  const scaled = weight.mul(scale.ref).reshape([3 * width, width]);
  let qkv = linear(normal, scaled, bias.mul(scale).reshape([3 * width]));
  let { cos, sin } = rotary;
  if (padding) {
    qkv = rows(qkv, padding.slots.ref);
    cos = rows(cos.ref, padding.slots.ref);
    sin = rows(sin.ref, padding.slots.ref);
  }
  const table = (t: Tensor): Tensor => (padding ? t : t.ref).reshape([count, 1, size, channels / 2]);
  const tables = { cos: table(cos), sin: table(sin) };
  const split = qkv.reshape([count, size, 3, heads, channels]).transpose([2, 0, 3, 1, 4]);
  const [q, k, v] = np.split(split, 3, 0).map((x) => x.reshape([count, heads, size, channels])) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  let scores = matmulNT(rotate(q, tables), rotate(k, tables));
  if (padding) scores = scores.add(padding.bias.ref);
  const mixed = matmul(softmax(scores), v)
    .transpose([0, 2, 1, 3])
    .reshape([count * size, width]);
  const placed = padding ? rows(mixed, padding.places.ref) : mixed;
  return linear(placed, get("attn.proj.weight"), get("attn.proj.bias"));
}
