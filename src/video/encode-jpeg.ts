/** Frames as JPEG files, for servers that take images. */

import { createRequire } from "node:module";

type Canvas = typeof import("@napi-rs/canvas");
let canvasModule: Canvas | undefined;

/**
 * A frame as JPEG.
 *
 * @param frame RGB24
 * @param quality 1 (worst) to 100; default 90
 */
export function encodeJpeg(
  frame: { readonly width: number; readonly height: number; readonly data: Uint8Array },
  quality = 90,
): Uint8Array {
  return draw(frame).toBuffer("image/jpeg", quality);
}

/** A frame as PNG, without loss. */
export function encodePng(frame: {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}): Uint8Array {
  return draw(frame).toBuffer("image/png");
}

function draw(frame: { readonly width: number; readonly height: number; readonly data: Uint8Array }) {
  canvasModule ??= createRequire(import.meta.url)("@napi-rs/canvas") as Canvas;
  const { width, height, data } = frame;
  const canvas = canvasModule.createCanvas(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0, j = 0; i < data.length; i += 3, j += 4) {
    image.data[j] = data[i] as number;
    image.data[j + 1] = data[i + 1] as number;
    image.data[j + 2] = data[i + 2] as number;
    image.data[j + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
