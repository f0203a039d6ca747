/**
 * What a video looks like, small enough to be compared with every other: eight frames, evenly spread, each of 8 x 8
 * pixels. A copy in another size, quality, container or codec has nearly the same pixels. A part of a video, a mirrored or
 * a cropped one has not: those are not found.
 */

import type { Video } from "../../video/index.ts";

/** Frames of a fingerprint; fewer where a video has fewer. */
export const fingerprintFrames = 8;
const side = 8;
const frameBytes = side * side * 3;

/**
 * How far the frames of two files of one video may be apart, as the root of the mean squared difference of their 8 x 8
 * pixels, 0 to 255. Measured on 3 s clips of recordings and on the synthetic world, whose videos are much alike: of 60 pairs
 * of copies in other sizes, qualities and codecs all are within 6, of 75 at half the frame rate 57; of 1.15 million pairs of
 * different videos none is. With 8 it is 60, 64 and 3 false alarms; with 12 it is 60, 75 and 119. `bench/data.ts` measures
 * the part of it that needs no recordings.
 */
export const duplicateThreshold = 6;

/** The positions of the frames: the middles of eight equal parts. */
export function fingerprintIndices(frameCount: number): number[] {
  const count = Math.min(fingerprintFrames, frameCount);
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * frameCount) / count));
}

/**
 * Decodes the frames of a fingerprint.
 *
 * @returns RGB, frame after frame
 * @throws UsageError as `Video.frames`
 */
export async function fingerprintOf(video: Video): Promise<Uint8Array> {
  const indices = fingerprintIndices(video.info.frameCount);
  const found = new Uint8Array(indices.length * frameBytes);
  let frames = 0;
  for await (const { data } of video.frames(indices, { width: side, height: side }))
    found.set(data, frames++ * frameBytes);
  return found.subarray(0, frames * frameBytes);
}

/** The mean squared difference of one frame, or Infinity as soon as it is above `limit`. */
function frameDifference(a: Uint8Array, b: Uint8Array, from: number, limit: number): number {
  const most = limit * frameBytes;
  let sum = 0;
  for (let i = from; i < from + frameBytes; i++) {
    const d = (a[i] as number) - (b[i] as number);
    sum += d * d;
    if (sum > most) return Number.POSITIVE_INFINITY;
  }
  return sum / frameBytes;
}

/**
 * Whether two fingerprints are of one video: all frames but one are within `threshold`. One may be off because a frame
 * at another rate may lie on the other side of a cut. Of fewer than eight frames none may be off.
 *
 * @param threshold see `duplicateThreshold`
 */
export function sameVideo(a: Uint8Array, b: Uint8Array, threshold = duplicateThreshold): boolean {
  if (a.length !== b.length || a.length === 0) return false;
  let off = a.length === fingerprintFrames * frameBytes ? 1 : 0;
  for (let from = 0; from < a.length; from += frameBytes)
    if (frameDifference(a, b, from, threshold ** 2) === Number.POSITIVE_INFINITY && off-- === 0) return false;
  return true;
}
