/** Frames to the model's pixels: transformers' video processor of Qwen2-VL and Qwen2.5-VL. */

import { UsageError } from "../base/index.ts";

/** How pixels become patches; Qwen2.5-VL's values are the defaults. */
export interface PatchOptions {
  /** Side of a patch in pixels; default 14. */
  patchSize?: number;
  /** Frames in a patch; default 2. */
  temporalPatchSize?: number;
  /** Patches merged to a token along each side; default 2. */
  mergeSize?: number;
  /** Mean of red, green and blue, of values in [0, 1]; default CLIP's. */
  mean?: readonly number[];
  /** Standard deviation of red, green and blue; default CLIP's. */
  std?: readonly number[];
}

/** Pixels of one video as the vision tower takes them. */
export interface Patches {
  /** `pixel_values_videos`: `[t * h * w, 3 * temporalPatchSize * patchSize^2]`. */
  pixelValues: { dtype: "float32"; shape: [number, number]; data: Float32Array };
  /** `video_grid_thw`: steps in time, patches down, patches across. */
  gridThw: [number, number, number];
}

/**
 * Normalises pixels, `(v / 255 - mean) / std`, and cuts them into patches: rows in the order (t, h / merge,
 * w / merge, merge, merge), columns (colour, time, y, x). The last frame is repeated to fill the last step in
 * time, as transformers does.
 *
 * @param frames of one size, both sides multiples of `patchSize * mergeSize`; at least one
 * @throws UsageError `video-frames` on no frames, differing sizes, or sides that do not fit
 */
export function toPatches(
  frames: readonly { readonly width: number; readonly height: number; readonly data: Uint8Array }[],
  options: PatchOptions = {},
): Patches {
  const { patchSize = 14, temporalPatchSize = 2, mergeSize = 2 } = options;
  const { mean = [0.48145466, 0.4578275, 0.40821073], std = [0.26862954, 0.26130258, 0.27577711] } = options;
  const { width, height } = checkFrames(frames, patchSize * mergeSize);
  const gridT = Math.ceil(frames.length / temporalPatchSize);
  const gridH = height / patchSize;
  const gridW = width / patchSize;
  const area = patchSize * patchSize;
  const length = 3 * temporalPatchSize * area;
  const data = new Float32Array(gridT * gridH * gridW * length);
  const tables = normalisationTables(mean, std);
  for (let t = 0; t < gridT; t++) {
    for (let step = 0; step < temporalPatchSize; step++) {
      const frame = frames[Math.min(t * temporalPatchSize + step, frames.length - 1)];
      if (!frame) continue;
      for (let h = 0; h < gridH; h++) {
        for (let w = 0; w < gridW; w++) {
          const block = Math.floor(h / mergeSize) * (gridW / mergeSize) + Math.floor(w / mergeSize);
          const inBlock = (h % mergeSize) * mergeSize + (w % mergeSize);
          const row = t * gridH * gridW + block * mergeSize * mergeSize + inBlock;
          const from = (h * patchSize * width + w * patchSize) * 3;
          copyPatch(
            frame.data,
            from,
            width * 3,
            patchSize,
            data,
            row * length + step * area,
            temporalPatchSize * area,
            tables,
          );
        }
      }
    }
  }
  return {
    pixelValues: { dtype: "float32", shape: [gridT * gridH * gridW, length], data },
    gridThw: [gridT, gridH, gridW],
  };
}

/** Copies one patch of one frame: pixels interleaved at `from`, colours `stride` apart at `to`. */
function copyPatch(
  rgb: Uint8Array,
  from: number,
  rowBytes: number,
  patchSize: number,
  out: Float32Array,
  to: number,
  stride: number,
  [red, green, blue]: readonly [Float32Array, Float32Array, Float32Array],
): void {
  for (let y = 0; y < patchSize; y++) {
    let at = from + y * rowBytes;
    const end = to + (y + 1) * patchSize;
    for (let target = to + y * patchSize; target < end; target++, at += 3) {
      out[target] = red[rgb[at] as number] as number;
      out[target + stride] = green[rgb[at + 1] as number] as number;
      out[target + 2 * stride] = blue[rgb[at + 2] as number] as number;
    }
  }
}

/** The normalised value of each byte: `(v - 255 mean) / (255 std)` in float32, as transformers fuses it. */
function normalisationTables(
  mean: readonly number[],
  std: readonly number[],
): [Float32Array, Float32Array, Float32Array] {
  const table = (c: number) => {
    const shift = Math.fround(Math.fround(mean[c] ?? 0) * 255);
    const scale = Math.fround(Math.fround(std[c] ?? 1) * 255);
    return Float32Array.from({ length: 256 }, (_, v) => Math.fround(v - shift) / scale);
  };
  return [table(0), table(1), table(2)];
}

function checkFrames(
  frames: readonly { width: number; height: number; data: Uint8Array }[],
  multiple: number,
): { width: number; height: number } {
  const bad = (text: string) => new UsageError("video-frames", text);
  const first = frames[0];
  if (!first) throw bad("video frames: must be at least one, got none");
  const { width, height } = first;
  if (width % multiple !== 0 || height % multiple !== 0) {
    throw bad(`video frames: both sides must be multiples of ${multiple}, got ${width}x${height}`);
  }
  for (const frame of frames) {
    if (frame.width !== width || frame.height !== height || frame.data.length !== width * height * 3) {
      throw bad(
        `video frames: must all be ${width}x${height} RGB24, got ${frame.width}x${frame.height} with ${frame.data.length} bytes`,
      );
    }
  }
  return { width, height };
}
