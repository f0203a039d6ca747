/** The size a frame is resized to: the reference's `smart_resize`. */

import { UsageError } from "../base/index.ts";
import { roundHalfEven } from "./sample-indices.ts";

/** Bounds of the size. */
export interface ResizeOptions {
  /** Both sides become multiples of it: patch size times merge size; default 28. */
  factor?: number;
  /** Least height times width; default 3,136 (4 tokens of 28x28). */
  minPixels?: number;
  /** Greatest height times width; default 151,200 (360 x 420). */
  maxPixels?: number;
}

/**
 * Rounds each side to a multiple of `factor` and, where the product is out of bounds, scales both sides by the
 * same number first: `beta = sqrt(height * width / maxPixels)`, `floor(side / beta / factor) * factor` (above),
 * the same with ceil (below).
 *
 * @param height in pixels
 * @param width in pixels
 * @throws UsageError `video-aspect-ratio` if one side is more than 200 times the other, `resize-options` if the
 * bounds cross
 */
export function smartResize(
  height: number,
  width: number,
  { factor = 28, minPixels = 3136, maxPixels = 151_200 }: ResizeOptions = {},
): { height: number; width: number } {
  if (!(factor >= 1 && minPixels > 0 && maxPixels >= minPixels)) {
    throw new UsageError(
      "resize-options",
      `maxPixels: must not be below minPixels, got ${maxPixels} and ${minPixels} (factor ${factor})`,
    );
  }
  const ratio = Math.max(height, width) / Math.min(height, width);
  if (!(ratio <= 200)) {
    throw new UsageError(
      "video-aspect-ratio",
      `video: one side must be at most 200 times the other, got ${width}x${height}`,
    );
  }
  const each = (side: (value: number) => number) => ({ height: side(height), width: side(width) });
  const rounded = each((value) => Math.max(factor, roundHalfEven(value / factor) * factor));
  if (rounded.height * rounded.width > maxPixels) {
    const beta = Math.sqrt((height * width) / maxPixels);
    return each((value) => Math.max(factor, Math.floor(value / beta / factor) * factor));
  }
  if (rounded.height * rounded.width < minPixels) {
    const beta = Math.sqrt(minPixels / (height * width));
    return each((value) => Math.ceil((value * beta) / factor) * factor);
  }
  return rounded;
}
