/** A small video file: a square that moves over a grey ground. */

import { encodeVideo } from "../src/video/index.ts";

/** Writes an MP4 of `seconds` at 10 frames a second, 64 x 64 pixels. */
export async function writeTinyVideo(path: string, seconds = 2): Promise<void> {
  const size = 64;
  const frames = Array.from({ length: seconds * 10 }, (_, t) => {
    const frame = new Uint8Array(size * size * 3).fill(90);
    for (let y = 20; y < 36; y++)
      for (let x = 0; x < 16; x++) frame.set([220, 40, 40], (y * size + ((x + t) % size)) * 3);
    return frame;
  });
  await encodeVideo(path, frames, { width: size, height: size, fps: 10 });
}
