/** From prompts to the tensors that the network takes: padding, positions, where vision tokens go, targets. */

import { invariant, UsageError } from "../base/index.ts";
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

/** A prompt with tokens behind it that are to be learnt, and nothing else of it. */
export function withTarget(prompt: Pick<Prompt, "ids" | "vision">, target: ArrayLike<number>): Prompt {
  const [before, behind] = [Array.from(prompt.ids), Array.from(target)];
  const labels = [...new Array<number>(before.length).fill(-100), ...behind];
  return { ...prompt, ids: [...before, ...behind], labels };
}

/** What is fixed when a program is compiled; programs for equal layouts are the same. */
export interface InputLayout {
  readonly rows: number;
  /** Tokens of a row, with padding; without those of `shared`. */
  readonly length: number;
  /** Whether scores against padding must be masked; padding on the right needs no mask in a causal model. */
  readonly masked: boolean;
  /** Openings that groups of `rows / openings` consecutive rows have in common, of so many tokens each. */
  readonly shared?: { readonly openings: number; readonly length: number };
  readonly vision?: VisionLayout;
}

/** Tokens with their positions. */
export interface TokenTensors {
  /** `[B, S]`: each token's row in the token table, or behind the table its vision token's. */
  readonly index: IntTensor;
  /** `[B, S, headDim / 2]`. */
  readonly cos: FloatTensor;
  readonly sin: FloatTensor;
}

/** The network's inputs; a tree of tensors. */
export interface InputTensors extends TokenTensors {
  /** The openings that rows share, where the layout has some. */
  readonly shared?: TokenTensors;
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
  /** Tokens of a row, shared ones too; default the longest prompt's. */
  readonly length?: number;
  /**
   * So many consecutive rows are about the same video: what they have in common, up to the video's last token, goes
   * through the network once for all of them. Divides the number of rows; default 1. Padding must be on the right.
   */
  readonly share?: number;
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
    share = 1,
  }: InputOptions = {},
): Inputs {
  const rows = prompts.length;
  const opening = share > 1 ? openingLength(config, prompts, share, side) : 0;
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
  const tokens: TokenTensors = {
    index: intTensor(tokenIndex(config, ids, attentionMask, items, all), [rows, length]),
    ...languageRotary(config.text, positions, [rows, length]),
  };
  return {
    layout: {
      rows,
      length: length - opening,
      masked,
      ...(opening > 0 ? { shared: { openings: rows / share, length: opening } } : {}),
      ...(vision ? { vision: vision.layout } : {}),
    },
    tensors: {
      ...(opening > 0
        ? { ...pickTokens(tokens, 1, opening, length), shared: pickTokens(tokens, share, 0, opening) }
        : tokens),
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

/** Tokens that the rows of each group have in common, before any that is to be learnt; the least of all groups. */
function openingLength(
  config: Qwen25VLConfig,
  prompts: readonly Prompt[],
  share: number,
  side: "left" | "right",
): number {
  invariant(side === "right", "rows share openings only where padding is on the right");
  invariant(prompts.length % share === 0, `${prompts.length} rows must be groups of ${share}`);
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < prompts.length; at += share) {
    const [first, ...others] = prompts.slice(at, at + share) as [Prompt, ...Prompt[]];
    const { ids, vision = [] } = first;
    for (const { vision: theirs = [] } of others)
      if (theirs.length !== vision.length || theirs.some((item, i) => item !== vision[i]))
        throw new UsageError(
          "model-input",
          `prompts ${at} to ${at + share - 1}: must be about the same video`,
        );
    // The last token of the shortest row stays its own, and so do the tokens from the one before the first target.
    const own = [first, ...others].map((prompt) => {
      const learnt = Array.from(prompt.labels ?? []).findIndex((label, i) => i > 0 && label !== -100);
      return Math.min(prompt.ids.length, learnt < 0 ? Number.POSITIVE_INFINITY : learnt) - 1;
    });
    const seen = Array.from(ids).findLastIndex(
      (id) => id === config.image_token_id || id === config.video_token_id,
    );
    const end = Math.min(...own, seen < 0 ? Number.POSITIVE_INFINITY : seen + 1);
    let common = 0;
    while (common < end && others.every((other) => other.ids[common] === ids[common])) common++;
    least = Math.min(least, common);
  }
  return least;
}

/** Places `from` to `to` of every `step`th row. */
function pickTokens({ index, cos, sin }: TokenTensors, step: number, from: number, to: number): TokenTensors {
  const pick = <T extends FloatTensor | IntTensor>(tensor: T): T => {
    const [rows, length, width = 1] = tensor.shape as [number, number, number?];
    const size = (to - from) * width;
    const data = new (tensor.data.constructor as new (size: number) => T["data"])((rows / step) * size);
    for (let row = 0, at = 0; row < rows; row += step, at += size) {
      const start = (row * length + from) * width;
      data.set(tensor.data.subarray(start, start + size), at);
    }
    return { ...tensor, shape: [rows / step, to - from, ...tensor.shape.slice(2)], data };
  };
  return { index: pick(index), cos: pick(cos), sin: pick(sin) };
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
 * @param options `side` as given to `buildInputs`; `count`: T, default the most that a row has; `skip`: tokens at the
 *   start of each row that are not in it but in `layout.shared`, default 0
 * @throws UsageError `model-input` where a row has more targets than `count`
 */
export function buildTargets(
  prompts: readonly Prompt[],
  length: number,
  { side = "right", count, skip = 0 }: { side?: "left" | "right"; count?: number; skip?: number } = {},
): TargetTensors {
  const found = prompts.map((prompt) => {
    const labels = prompt.labels ?? [];
    const list: { place: number; id: number }[] = [];
    // The first token has nothing before it that could predict it.
    for (let i = 1; i < labels.length; i++)
      if (labels[i] !== -100)
        list.push({ place: offset(prompt, length, side) + i - 1 - skip, id: labels[i] as number });
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
