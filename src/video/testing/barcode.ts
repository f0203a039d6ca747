/** Test pictures that carry their own number, so that a test can tell exactly which frame it was given. */

const bits = 12;

/**
 * A frame whose number stands in twelve black or white blocks over a ground that moves: blocks survive
 * compression and resizing.
 *
 * @param number 0 to 4095
 */
export function barcodeFrame(number: number, width: number, height: number): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      const bit = Math.floor((x * 4) / width) + 4 * Math.floor((y * 3) / height);
      const on = ((number >> bit) & 1) === 1;
      const ground = (x * 3 + y * 2 + number * 5) % 40;
      rgb[at] = on ? 235 - ground : ground;
      rgb[at + 1] = on ? 200 + ground : 20 + ground;
      rgb[at + 2] = on ? 240 - ground : ground;
    }
  }
  return rgb;
}

/** Frames 0 to `count - 1`. */
export function* barcodeFrames(count: number, width: number, height: number): Generator<Uint8Array> {
  for (let number = 0; number < count; number++) yield barcodeFrame(number, width, height);
}

/** The number in a frame, read from the middle of each block. */
export function readBarcode({
  width,
  height,
  data,
}: {
  width: number;
  height: number;
  data: Uint8Array;
}): number {
  let number = 0;
  for (let bit = 0; bit < bits; bit++) {
    const x = Math.floor(((bit % 4) + 0.5) * (width / 4));
    const y = Math.floor((Math.floor(bit / 4) + 0.5) * (height / 3));
    if ((data[(y * width + x) * 3 + 1] ?? 0) > 128) number |= 1 << bit;
  }
  return number;
}
