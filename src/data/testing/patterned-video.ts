/** Small videos whose pictures follow from a number: tiles of colour, of which some change as time goes on. */

import { Random } from "../../base/index.ts";
import { encodeVideo } from "../../video/index.ts";

/** How a video is made. */
export interface PatternOptions {
  /** What is to be seen; the same in any size. */
  seed: number;
  /** Default 2. */
  seconds?: number;
  /** Side in pixels, a multiple of 16. Default 64. */
  size?: number;
  /** Default 10. */
  fps?: number;
  /** Quality of x264. Default 18. */
  crf?: number;
}

/** Writes an MP4. */
export async function writePatternVideo(path: string, options: PatternOptions): Promise<void> {
  const { seed, seconds = 2, size = 64, fps = 10, crf = 18 } = options;
  const random = new Random(seed);
  const colours = Array.from({ length: 2 }, () =>
    Array.from({ length: 64 }, () => [0, 1, 2].map(() => random.integer(0, 256))),
  );
  const tile = size / 8;
  const frames = Array.from({ length: seconds * fps }, (_, t) => {
    const shown = colours[t < (seconds * fps) / 2 ? 0 : 1] as number[][];
    const frame = new Uint8Array(size * size * 3);
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++)
        frame.set(shown[Math.floor(y / tile) * 8 + Math.floor(x / tile)] as number[], (y * size + x) * 3);
    return frame;
  });
  await encodeVideo(path, frames, { width: size, height: size, fps, crf });
}
