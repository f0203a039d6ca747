/**
 * Which frames of a video a model is shown: the reference's rule (qwen-vl-utils: `smart_nframes` and
 * `linspace`), in the same float32 arithmetic as torch.
 */

import { UsageError } from "../base/index.ts";

/** How many frames are taken. */
export interface SamplingOptions {
  /** Frames wanted per second of video; default 2. */
  fps?: number;
  /** At least so many, rounded up to even; default 4. */
  minFrames?: number;
  /** At most so many, rounded down to even; default 128. */
  maxFrames?: number;
}

/**
 * Uniformly spaced frame indices from the first to the last frame:
 * `n = floor2(clamp(frameCount / videoFps * fps, minFrames, maxFrames, frameCount))`,
 * `indices = round(linspace(0, frameCount - 1, n))`, `sampleFps = n / frameCount * videoFps`.
 * A video of one frame gives that frame (the reference refuses it).
 *
 * @param frameCount frames in the video, at least 1
 * @param videoFps frames per second of the video
 * @throws UsageError `sampling-options` on a rate or bound that is not positive, or bounds that cross
 */
export function sampleIndices(
  frameCount: number,
  videoFps: number,
  options: SamplingOptions = {},
): { indices: number[]; sampleFps: number } {
  const { fps = 2, minFrames = 4, maxFrames = 128 } = options;
  for (const [name, value] of Object.entries({ fps, minFrames, maxFrames })) {
    if (!(value > 0 && Number.isFinite(value))) {
      throw new UsageError("sampling-options", `${name}: must be above 0, got ${value}`);
    }
  }
  const atLeast = Math.ceil(minFrames / 2) * 2;
  const atMost = Math.floor(Math.min(maxFrames, Math.max(frameCount, 2)) / 2) * 2;
  if (maxFrames < minFrames || maxFrames < 2) {
    throw new UsageError(
      "sampling-options",
      `maxFrames: must be at least 2 and not below minFrames ${minFrames}, got ${maxFrames}`,
    );
  }
  const wanted = Math.min(Math.max((frameCount / videoFps) * fps, atLeast), atMost, frameCount);
  const count = Math.max(Math.floor(wanted / 2) * 2, Math.min(2, frameCount));
  const indices = roundedLinspace(0, frameCount - 1, count);
  return { indices, sampleFps: (count / frameCount) * videoFps };
}

/**
 * `torch.linspace(first, last, count).round()`: float32, counted from both ends towards the middle, halves to
 * even. Above 20,000 frames torch's own result depends on the CPU in isolated indices.
 */
export function roundedLinspace(first: number, last: number, count: number): number[] {
  if (count === 1) return [first];
  const step = Math.fround(Math.fround(last - first) / Math.fround(count - 1));
  const middle = Math.floor(count / 2);
  return Array.from({ length: count }, (_, i) => {
    const value =
      i < middle
        ? Math.fround(first + Math.fround(step * i))
        : Math.fround(last - Math.fround(step * (count - i - 1)));
    return roundHalfEven(value);
  });
}

/** Rounds to the nearest whole number, halves to the even one, as Python and torch do. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
