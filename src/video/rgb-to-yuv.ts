/**
 * RGB24 to planar YUV 4:2:0, BT.601 limited range, in integers: the same bytes on every machine, whichever
 * backend encodes them. Chroma is the mean of each 2x2 block.
 */

/**
 * Converts one frame.
 *
 * @param rgb RGB24, `width * height * 3` bytes
 * @param width in pixels, even
 * @param height in pixels, even
 * @param out `width * height * 3 / 2` bytes: plane Y, then U, then V
 */
export function rgbToYuv420(rgb: Uint8Array, width: number, height: number, out: Uint8Array): void {
  const chromaWidth = width >> 1;
  const cb = width * height;
  const cr = cb + chromaWidth * (height >> 1);
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let k = 0; k < 4; k++) {
        const pixel = (y + (k >> 1)) * width + x + (k & 1);
        const r = rgb[pixel * 3] ?? 0;
        const g = rgb[pixel * 3 + 1] ?? 0;
        const b = rgb[pixel * 3 + 2] ?? 0;
        // 65.481, 128.553, 24.966 over 255, times 2^16
        out[pixel] = ((16829 * r + 33039 * g + 6416 * b + 32768) >> 16) + 16;
        red += r;
        green += g;
        blue += b;
      }
      const chroma = (y >> 1) * chromaWidth + (x >> 1);
      // 37.797, 74.203, 112 / 112, 93.786, 18.214 over 255 and over 4 pixels, times 2^18 / 4
      out[cb + chroma] = ((-9714 * red - 19070 * green + 28784 * blue + 131072) >> 18) + 128;
      out[cr + chroma] = ((28784 * red - 24103 * green - 4681 * blue + 131072) >> 18) + 128;
    }
  }
}
