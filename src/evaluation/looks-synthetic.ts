/** Whether a video may be one of the synthetic world: what a model that knows nothing else is worth on it. */

import type { SampledVideo } from "../video/index.ts";

/** Difference of a colour channel that coding and small movements make. */
const noise = 24;

/** The share of pixels that stay as they are from one frame to the next. */
function stillShare(before: Uint8Array, after: Uint8Array): number {
  let still = 0;
  const pixels = before.length / 3;
  for (let i = 0; i < before.length; i += 3) {
    const moved =
      Math.abs((before[i] as number) - (after[i] as number)) > noise ||
      Math.abs((before[i + 1] as number) - (after[i + 1] as number)) > noise ||
      Math.abs((before[i + 2] as number) - (after[i + 2] as number)) > noise;
    if (!moved) still++;
  }
  return still / pixels;
}

/**
 * Whether a sampled video has what all videos of the synthetic world have: a square picture, and a ground that
 * does not move. Real footage seldom has both; false is therefore sure, true is not.
 */
export function looksSynthetic({ info, frames }: Pick<SampledVideo, "info" | "frames">): boolean {
  if (info.width !== info.height) return false;
  const shares = frames
    .slice(1)
    .map((frame, i) => stillShare((frames[i] as { data: Uint8Array }).data, frame.data));
  shares.sort((a, b) => a - b);
  // A quarter of the steps may move more: shapes cross the whole picture.
  return shares.length === 0 || (shares[Math.floor(shares.length / 4)] as number) >= 0.6;
}
