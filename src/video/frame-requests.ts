/** Validation of what frames are asked for; shared by both backends. */

import { UsageError } from "../base/index.ts";
import type { FrameOptions, VideoInfo } from "./video.ts";

/** The size frames are delivered in, or undefined for the file's own. */
export interface FrameRequest {
  readonly size: { readonly width: number; readonly height: number } | undefined;
  readonly exact: boolean;
}

/**
 * Checks indices and options.
 *
 * @throws UsageError `video-frames`
 */
export function checkRequest(
  info: VideoInfo,
  indices: readonly number[],
  options: FrameOptions,
): FrameRequest {
  let before = -1;
  for (const index of indices) {
    if (!Number.isInteger(index) || index <= before || index >= info.frameCount) {
      throw new UsageError(
        "video-frames",
        `frame indices: must be whole numbers from 0 to ${info.frameCount - 1}, strictly ascending, got ${index} after ${before}`,
      );
    }
    before = index;
  }
  const { width = info.width, height = info.height, exact = false } = options;
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isInteger(value) || value < 1 || value > 16_384) {
      throw new UsageError(
        "video-frames",
        `frame ${name}: must be a whole number from 1 to 16384, got ${value}`,
      );
    }
  }
  const same = width === info.width && height === info.height;
  return { size: same ? undefined : { width, height }, exact };
}
