/** From prompts to the tensors that the network takes: padding, positions, where vision tokens go, targets. */

import { UsageError } from "../base/index.ts";
import { patchDim, type Qwen25VLConfig } from "./config.ts";
import { gridTokens, languageRotary, positionIds, type VisionItem } from "./rope.ts";
import { type FloatTensor, floatTensor, type IntTensor, intTensor } from "./tensor.ts";
import { buildVisionInputs, MASKED, type VisionLayout, type VisionTensors } from "./vision-inputs.ts";

/** An image or video of a prompt with its pixels. */
export interface VisionInput extends VisionItem {
  /** Flattened patches: `patches x patchDim` values, normalised, as the video layer's `toPatches` gives them. */
  readonly pixelValues: Float32Array;
}

/** One row of a batch. */
export interface Prompt {
  /** Token ids, with one placeholder per vision token. */
  readonly ids: ArrayLike<number>;
  /** The images and videos, in the order of their placeholders; rows may share one and the same object. */
  readonly vision?: readonly VisionInput[];
  /** The token id to learn at each place, -100 where none; aligned with `ids`, not shifted. */
  readonly labels?: ArrayLike<number>;
}

/** What is fixed when a program is compiled; programs for equal layouts are the same. */
export interface InputLayout {
  readonly rows: number;
  /** Tokens of a row, with padding. */
  readonly length: number;
  /** Whether scores against padding must be masked; padding on the right needs no mask in a causal model. */
  readonly masked: boolean;
  readonly vision?: VisionLayout;
}

/** The network's inputs; a tree of tensors. */
export interface InputTensors {
  /** `[B, S]`: each token's row in the token table, or behind the table its vision token's. */
  readonly index: IntTensor;
  /** `[B, S, headDim / 2]`. */
  readonly cos: FloatTensor;
  readonly sin: FloatTensor;
  /** `[B, S]`: 0 where a token counts, a large negative number where it is padding. Absent unless masked. */
  readonly padding?: FloatTensor;
  readonly vision?: VisionTensors & { readonly pixelValues: FloatTensor };
}

/** What a batch is to predict: up to T places of each row. */
export interface TargetTensors {
  /** `[B, T]`: the place whose output predicts the target, that is the place before it. */
  readonly places: IntTensor;
  /** `[B, T]`: the token ids to predict; 0 where there is none. */
  readonly ids: IntTensor;
  /** `[B, T]`: 1 where there is a target, 0 where there is none. */
  readonly weights: FloatTensor;
}

/** A batch ready to run. */
export interface Inputs {
  readonly layout: InputLayout;
  readonly tensors: InputTensors;
  /** Time, height and width positions, `3 x B x S`. */
  readonly positions: Int32Array;
  /** Per row, what must be added to the index of a token behind the row's end to get its position. */
  readonly deltas: Int32Array;
  /** `B x S`: 1 where there is a token, 0 where there is padding. */
  readonly attentionMask: Uint8Array;
}

/** How prompts become a batch. */
export interface InputOptions {
  /** On which side shorter rows are padded; default right. */
  readonly side?: "left" | "right";
  /** Tokens of a row; default the longest prompt's. */
  readonly length?: number;
  /** The id that padding holds; it is never looked at. Default 0. */
  readonly padId?: number;
}

/**
 * Makes the network's inputs from prompts.
 *
 * @throws UsageError `model-input` where a prompt does not fit its images and videos, or the length
 */
export function buildInputs(
  config: Qwen25VLConfig,
  prompts: readonly Prompt[],
  {
    side = "right",
    length = Math.max(...prompts.map(({ ids }) => ids.length)),
    padId = 0,
  }: InputOptions = {},
): Inputs {
  const rows = prompts.length;
  const ids = new Int32Array(rows * length).fill(padId);
  const attentionMask = new Uint8Array(rows * length);
  prompts.forEach((prompt, row) => {
    checkPrompt(config, prompt, row, length);
    const start = row * length + offset(prompt, length, side);
    ids.set(Array.from(prompt.ids), start);
    attentionMask.fill(1, start, start + prompt.ids.length);
  });
  const items = prompts.map(({ vision = [] }) => vision);
  const { ids: positions, deltas } = positionIds(config, ids, [rows, length], items, attentionMask);
  // Rows that hold the very same input, such as questions of one video, share its tokens and their cost.
  const all = [...new Set(items.flat())];
  const vision =
    all.length === 0
      ? undefined
      : buildVisionInputs(
          config.vision,
          all.map(({ grid }) => grid),
        );
  const masked = side === "left" && attentionMask.includes(0);
  return {
    layout: { rows, length, masked, ...(vision ? { vision: vision.layout } : {}) },
    tensors: {
      index: intTensor(tokenIndex(config, ids, attentionMask, items, all), [rows, length]),
      ...languageRotary(config.text, positions, [rows, length]),
      ...(masked
        ? {
            padding: floatTensor(
              Float32Array.from(attentionMask, (m) => (m ? 0 : MASKED)),
              [rows, length],
            ),
          }
        : {}),
      ...(vision ? { vision: { ...vision.tensors, pixelValues: joinPixels(config, all) } } : {}),
    },
    positions,
    deltas,
    attentionMask,
  };
}

function offset({ ids }: Prompt, length: number, side: "left" | "right"): number {
  return side === "left" ? length - ids.length : 0;
}

function checkPrompt(
  config: Qwen25VLConfig,
  { ids, vision = [] }: Prompt,
  row: number,
  length: number,
): void {
  const bad = (message: string): UsageError => new UsageError("model-input", `prompt ${row}: ${message}`);
  if (ids.length === 0 || ids.length > length)
    throw bad(`must have 1 to ${length} tokens, got ${ids.length}`);
  const { vocab_size } = config.text;
  let placeholders = 0;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    if (!(id >= 0 && id < vocab_size)) throw bad(`token ids must be below ${vocab_size}, got ${id}`);
    if (id === config.image_token_id || id === config.video_token_id) placeholders++;
  }
  let tokens = 0;
  for (const { kind, grid, pixelValues } of vision) {
    const values = grid[0] * grid[1] * grid[2] * patchDim(config.vision);
    if (pixelValues.length !== values)
      throw bad(
        `the ${kind} of grid ${grid.join("x")} must have ${values} pixel values, got ${pixelValues.length}`,
      );
    tokens += gridTokens(grid, config.vision.spatial_merge_size);
  }
  if (tokens !== placeholders)
    throw bad(
      `its images and videos give ${tokens} tokens, so it must hold as many placeholders, got ${placeholders}`,
    );
}

/** Each token's row in the table of token embeddings with the vision tokens behind it. */
function tokenIndex(
  config: Qwen25VLConfig,
  ids: Int32Array,
  mask: Uint8Array,
  items: readonly (readonly VisionInput[])[],
  all: readonly VisionInput[],
): Int32Array {
  const counts = all.map(({ grid }) => gridTokens(grid, config.vision.spatial_merge_size));
  let next = config.text.vocab_size;
  const starts = new Map(
    all.map((item, i) => {
      const start = next;
      next += counts[i] as number;
      return [item, { start, end: next }];
    }),
  );
  const length = ids.length / items.length;
  const index = Int32Array.from(ids);
  items.forEach((row, r) => {
    const places = row.map((item) => starts.get(item) as { start: number; end: number });
    let item = 0;
    let at = places[0]?.start ?? 0;
    for (let i = r * length; i < (r + 1) * length; i++) {
      const id = ids[i];
      if (mask[i] === 0 || (id !== config.image_token_id && id !== config.video_token_id)) continue;
      if (at === places[item]?.end) at = places[++item]?.start ?? 0;
      index[i] = at++;
    }
  });
  return index;
}

function joinPixels(config: Qwen25VLConfig, items: readonly VisionInput[]): FloatTensor {
  const width = patchDim(config.vision);
  const [only] = items;
  if (items.length === 1 && only)
    return floatTensor(only.pixelValues, [only.pixelValues.length / width, width]);
  const total = items.reduce((sum, { pixelValues }) => sum + pixelValues.length, 0);
  const joined = new Float32Array(total);
  let at = 0;
  for (const { pixelValues } of items) {
    joined.set(pixelValues, at);
    at += pixelValues.length;
  }
  return floatTensor(joined, [total / width, width]);
}

/**
 * The places of a batch that labels ask to learn.
 *
 * @param length of the batch's rows, `layout.length`
 * @param options `side` as given to `buildInputs`; `count`: T, default the most that a row has
 * @throws UsageError `model-input` where a row has more targets than `count`
 */
export function buildTargets(
  prompts: readonly Prompt[],
  length: number,
  { side = "right", count }: { side?: "left" | "right"; count?: number } = {},
): TargetTensors {
  const found = prompts.map((prompt) => {
    const labels = prompt.labels ?? [];
    const list: { place: number; id: number }[] = [];
    // The first token has nothing before it that could predict it.
    for (let i = 1; i < labels.length; i++)
      if (labels[i] !== -100)
        list.push({ place: offset(prompt, length, side) + i - 1, id: labels[i] as number });
    return list;
  });
  const most = Math.max(1, ...found.map((list) => list.length));
  const size = count ?? most;
  if (most > size) throw new UsageError("model-input", `targets: at most ${size} in a row, got ${most}`);
  const shape = [prompts.length, size];
  const places = new Int32Array(prompts.length * size);
  const ids = new Int32Array(prompts.length * size);
  const weights = new Float32Array(prompts.length * size);
  found.forEach((list, row) => {
    list.forEach(({ place, id }, i) => {
      places[row * size + i] = place;
      ids[row * size + i] = id;
      weights[row * size + i] = 1;
    });
  });
  return {
    places: intTensor(places, shape),
    ids: intTensor(ids, shape),
    weights: floatTensor(weights, shape),
  };
}
