/**
 * What the vision tower must know of its patches besides their pixels: which attend to which, and where each
 * lies. Patches are handled in window order, as upstream. Attention runs over groups of equal size, windows or
 * whole temporal patches, as one batched product; where groups differ in size, the smaller ones are padded.
 */

import { UsageError } from "../base/index.ts";
import type { VisionConfig } from "./config.ts";
import { type Grid, visionRotary } from "./rope.ts";
import { type FloatTensor, floatTensor, type IntTensor, intTensor } from "./tensor.ts";

/** Attention groups: `count` groups of `size` patches. `padded` where some have fewer. */
export interface GroupLayout {
  readonly count: number;
  readonly size: number;
  readonly padded: boolean;
}

/** What is fixed when a program is compiled; programs for equal layouts are the same. */
export interface VisionLayout {
  /** Patches of all grids together. */
  readonly patches: number;
  /** Whether window order differs from the order of the pixel values. */
  readonly reordered: boolean;
  readonly windows: GroupLayout;
  readonly frames: GroupLayout;
}

/** Tensors of padded groups: `G` groups of `L` slots over `N` patches. */
export interface GroupTensors {
  /** `[G * L]`: the patch in each slot; padding repeats a patch. */
  readonly slots: IntTensor;
  /** `[N]`: the slot of each patch. */
  readonly places: IntTensor;
  /** `[G, 1, 1, L]`: 0, or a large negative number where the slot is padding. */
  readonly bias: FloatTensor;
}

/** The vision tower's inputs besides the pixel values; a tree of tensors. */
export interface VisionTensors {
  /** `[N, headDim / 2]`, in window order. */
  readonly cos: FloatTensor;
  readonly sin: FloatTensor;
  /** `[N / merge²]`: the merged patch at each place of the window order. Absent unless reordered. */
  readonly order?: IntTensor;
  /** `[N / merge²]`: the inverse of `order`. Absent unless reordered. */
  readonly restore?: IntTensor;
  /** Absent unless padded. */
  readonly windows?: GroupTensors;
  /** Absent unless padded. */
  readonly frames?: GroupTensors;
}

/** Added to attention scores that must not count. */
export const MASKED = -1e9;

/**
 * Lays out the patches of some grids.
 *
 * @param grids temporal, vertical and horizontal patches of each image or video, in the pixel values' order
 * @throws UsageError `model-input` where a side is no multiple of the merge size
 */
export function buildVisionInputs(
  vision: VisionConfig,
  grids: readonly Grid[],
): { layout: VisionLayout; tensors: VisionTensors } {
  const merge = vision.spatial_merge_size;
  for (const grid of grids)
    if (grid.some((n) => !Number.isInteger(n) || n < 1) || grid[1] % merge !== 0 || grid[2] % merge !== 0)
      throw new UsageError(
        "model-input",
        `grid: height and width must be multiples of ${merge}, got ${grid.join("x")}`,
      );
  const unit = merge * merge;
  const order: number[] = [];
  const windowSizes: number[] = [];
  const frameSizes: number[] = [];
  const rows: number[] = [];
  const columns: number[] = [];
  const side = vision.window_size / merge / vision.patch_size;
  let base = 0;
  for (const [time, height, width] of grids) {
    const [unitRows, unitColumns] = [height / merge, width / merge];
    for (let t = 0; t < time; t++, base += unitRows * unitColumns) {
      frameSizes.push(height * width);
      for (let top = 0; top < unitRows; top += side)
        for (let left = 0; left < unitColumns; left += side) {
          const [bottom, right] = [Math.min(top + side, unitRows), Math.min(left + side, unitColumns)];
          windowSizes.push((bottom - top) * (right - left) * unit);
          for (let y = top; y < bottom; y++)
            for (let x = left; x < right; x++) {
              order.push(base + y * unitColumns + x);
              for (let i = 0; i < unit; i++) {
                rows.push(y * merge + Math.floor(i / merge));
                columns.push(x * merge + (i % merge));
              }
            }
        }
    }
  }
  const restore = new Int32Array(order.length);
  order.forEach((from, to) => {
    restore[from] = to;
  });
  const reordered = order.some((from, to) => from !== to);
  const windows = groups(windowSizes);
  const frames = groups(frameSizes);
  const index = [order.length];
  return {
    layout: { patches: order.length * unit, reordered, windows: windows.layout, frames: frames.layout },
    tensors: {
      ...visionRotary(vision, Int32Array.from(rows), Int32Array.from(columns)),
      ...(reordered
        ? { order: intTensor(Int32Array.from(order), index), restore: intTensor(restore, index) }
        : {}),
      ...(windows.tensors ? { windows: windows.tensors } : {}),
      ...(frames.tensors ? { frames: frames.tensors } : {}),
    },
  };
}

function groups(sizes: readonly number[]): { layout: GroupLayout; tensors?: GroupTensors } {
  const size = Math.max(...sizes);
  const padded = sizes.some((s) => s !== size);
  const layout = { count: sizes.length, size, padded };
  if (!padded) return { layout };
  const slots = new Int32Array(sizes.length * size);
  const bias = new Float32Array(sizes.length * size).fill(MASKED);
  const places: number[] = [];
  sizes.forEach((own, group) => {
    const first = places.length;
    slots.fill(first, group * size, (group + 1) * size);
    for (let i = 0; i < own; i++) {
      slots[group * size + i] = first + i;
      bias[group * size + i] = 0;
      places.push(group * size + i);
    }
  });
  const tensors = {
    slots: intTensor(slots, [slots.length]),
    places: intTensor(Int32Array.from(places), [places.length]),
    bias: floatTensor(bias, [sizes.length, 1, 1, size]),
  };
  return { layout, tensors };
}
