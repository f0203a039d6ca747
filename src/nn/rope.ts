/**
 * Positions: the three-part position ids of Qwen2.5-VL, and the tables of cosines and sines made from them.
 * All on the host, in float32 where transformers computes in float32, so that the same numbers come out.
 */

import { UsageError } from "../base/index.ts";
import { headDim, type Qwen25VLConfig, type TextConfig, type VisionConfig } from "./config.ts";
import { type FloatTensor, floatTensor } from "./tensor.ts";

/** Temporal, vertical and horizontal patches of an image (time 1) or a video, before merging. */
export type Grid = readonly [time: number, height: number, width: number];

/** An image or video of a prompt, in the order in which its tokens appear. */
export interface VisionItem {
  readonly kind: "image" | "video";
  readonly grid: Grid;
  /** Seconds that one temporal patch spans; default 1. Whole seconds count, as in transformers. */
  readonly secondPerGrid?: number;
}

/** Position ids of a batch. */
export interface PositionIds {
  /** Time, height and width positions, each row after row: `3 x B x S` values. */
  readonly ids: Int32Array;
  /** Per row, what must be added to a token's index to get its position, from the row's end on. */
  readonly deltas: Int32Array;
}

/** Tokens of the language model that a grid becomes: one per merged patch. */
export function gridTokens(grid: Grid, mergeSize: number): number {
  return (grid[0] * grid[1] * grid[2]) / mergeSize ** 2;
}

/**
 * The position ids of a batch, as transformers' `get_rope_index` gives them.
 *
 * @param inputIds `B x S` token ids
 * @param shape B and S
 * @param items the images and videos of each row, in order
 * @param attentionMask `B x S`, 0 where padded (position 1); default no padding
 * @throws UsageError `model-input` where tokens and items do not match
 */
export function positionIds(
  config: Qwen25VLConfig,
  inputIds: ArrayLike<number>,
  [rows, length]: readonly [number, number],
  items: readonly (readonly VisionItem[])[] = [],
  attentionMask?: ArrayLike<number>,
): PositionIds {
  const ids = new Int32Array(3 * rows * length).fill(1);
  const deltas = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const columns: number[] = [];
    for (let i = 0; i < length; i++) if ((attentionMask?.[row * length + i] ?? 1) !== 0) columns.push(i);
    const tokens = columns.map((i) => inputIds[row * length + i] as number);
    const { positions, next } = rowPositions(config, tokens, items[row] ?? [], row);
    positions.forEach((axis, a) => {
      columns.forEach((column, i) => {
        ids[(a * rows + row) * length + column] = axis[i] as number;
      });
    });
    deltas[row] = next - length;
  }
  return { ids, deltas };
}

/** Time, height and width positions of one row's tokens, and the position that comes after them. */
function rowPositions(
  config: Qwen25VLConfig,
  tokens: readonly number[],
  items: readonly VisionItem[],
  row: number,
): { positions: readonly number[][]; next: number } {
  const merge = config.vision.spatial_merge_size;
  const positions: [number[], number[], number[]] = [[], [], []];
  let next = 0;
  const text = (count: number): void => {
    for (let i = 0; i < count; i++, next++) for (const axis of positions) axis.push(next);
  };
  let at = 0;
  for (const item of items) {
    const id = item.kind === "image" ? config.image_token_id : config.video_token_id;
    const [time, height, width] = [item.grid[0], item.grid[1] / merge, item.grid[2] / merge];
    const count = time * height * width;
    const start = tokens.indexOf(id, at);
    const found = start < 0 ? 0 : tokens.slice(start, start + count).filter((token) => token === id).length;
    if (found !== count)
      throw new UsageError(
        "model-input",
        `prompt ${row}: must hold ${count} tokens for the ${item.kind} of grid ${item.grid.join("x")}, got ${found}`,
      );
    text(start - at);
    // transformers truncates the seconds to an integer before it multiplies; kept, to agree with it.
    const seconds = item.kind === "image" ? 0 : Math.trunc(item.secondPerGrid ?? 1);
    for (let t = 0; t < time; t++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          positions[0].push(next + Math.trunc(t * seconds * config.vision.tokens_per_second));
          positions[1].push(next + y);
          positions[2].push(next + x);
        }
    const last = Math.trunc((time - 1) * seconds * config.vision.tokens_per_second);
    next += Math.max(last, height - 1, width - 1) + 1;
    at = start + count;
  }
  text(tokens.length - at);
  return { positions, next };
}

/** How far channel `i` of `count` turns at each position: `theta ** (-i / count)`, in float32. */
export function frequencies(count: number, theta: number): Float32Array {
  const result = new Float32Array(count);
  for (let i = 0; i < count; i++) result[i] = 1 / Math.fround(theta ** Math.fround(i / count));
  return result;
}

/** Cosines and sines by which half a head's channels turn; each of shape `[..., headDim / 2]`. */
export interface RotaryTables {
  readonly cos: FloatTensor;
  readonly sin: FloatTensor;
}

/**
 * The multimodal rotary tables: each channel turns with time, height or width, as `mrope_section` says.
 *
 * @param ids time, height and width positions: `3 x B x S` values
 * @returns tables of shape `[B, S, headDim / 2]`
 */
export function languageRotary(
  text: TextConfig,
  ids: ArrayLike<number>,
  [rows, length]: readonly [number, number],
): RotaryTables {
  const half = headDim(text) / 2;
  const inverse = frequencies(half, text.rope_theta);
  const axisOf = text.mrope_section.flatMap((count, axis) => new Array<number>(count).fill(axis));
  const tokens = rows * length;
  const cos = new Float32Array(tokens * half);
  const sin = new Float32Array(tokens * half);
  for (let token = 0; token < tokens; token++)
    for (let i = 0; i < half; i++) {
      const position = ids[(axisOf[i] as number) * tokens + token] as number;
      const angle = Math.fround(position * (inverse[i] as number));
      cos[token * half + i] = Math.cos(angle);
      sin[token * half + i] = Math.sin(angle);
    }
  return { cos: floatTensor(cos, [rows, length, half]), sin: floatTensor(sin, [rows, length, half]) };
}

/**
 * The vision tower's rotary tables: half of the turning channels follow the row, half the column of a patch.
 *
 * @param rows of each patch
 * @param columns of each patch
 * @returns tables of shape `[N, headDim / 2]`
 */
export function visionRotary(vision: VisionConfig, rows: Int32Array, columns: Int32Array): RotaryTables {
  const half = vision.hidden_size / vision.num_heads / 2;
  const quarter = half / 2;
  const inverse = frequencies(quarter, 10000);
  const cos = new Float32Array(rows.length * half);
  const sin = new Float32Array(rows.length * half);
  for (let patch = 0; patch < rows.length; patch++)
    for (let i = 0; i < half; i++) {
      const position = (i < quarter ? rows[patch] : columns[patch]) as number;
      const angle = Math.fround(position * (inverse[i % quarter] as number));
      cos[patch * half + i] = Math.cos(angle);
      sin[patch * half + i] = Math.sin(angle);
    }
  return { cos: floatTensor(cos, [rows.length, half]), sin: floatTensor(sin, [rows.length, half]) };
}
