/**
 * Antialiased bicubic resizing in float32, the same numbers as torchvision's `resize(BICUBIC, antialias=True)`
 * on a uint8 tensor: first across, then down, clamped and rounded at the end (halves to even).
 */

/** For every output position: the first input position and the float32 weights from there on. */
interface Taps {
  readonly first: Int32Array;
  /** Number of weights of each output position. */
  readonly size: Int32Array;
  /** `output size x stride`. */
  readonly weights: Float32Array;
  readonly stride: number;
}

/** Keys' cubic with a = -0.5, the kernel of Pillow and of torch's antialiased bicubic. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

function taps(input: number, output: number): Taps {
  const scale = Math.fround(input / output);
  const support = Math.fround(scale >= 1 ? 2 * scale : 2);
  const inverse = scale >= 1 ? 1 / scale : 1;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(output);
  const size = new Int32Array(output);
  const weights = new Float32Array(output * stride);
  for (let i = 0; i < output; i++) {
    const centre = Math.fround(scale * (i + 0.5));
    const from = Math.max(Math.trunc(centre - support + 0.5), 0);
    const count = Math.max(Math.min(Math.trunc(centre + support + 0.5), input) - from, 0);
    let total = 0;
    for (let j = 0; j < count; j++) {
      const weight = Math.fround(cubic((j + from - centre + 0.5) * inverse));
      weights[i * stride + j] = weight;
      total = Math.fround(total + weight);
    }
    for (let j = 0; j < count; j++) {
      const at = i * stride + j;
      weights[at] = (weights[at] ?? 0) / total;
    }
    first[i] = from;
    size[i] = count;
  }
  return { first, size, weights, stride };
}

/** A function that resizes RGB24 pictures of one size to another; weights and buffers are kept between calls. */
export function createResizer(
  width: number,
  height: number,
  toWidth: number,
  toHeight: number,
): (rgb: Uint8Array) => Uint8Array {
  if (width === toWidth && height === toHeight) return (rgb) => rgb.slice();
  const across = taps(width, toWidth);
  const down = taps(height, toHeight);
  const rows = new Float32Array(height * toWidth * 3);
  return (rgb) => {
    resizeRows(rgb, width, height, across, toWidth, rows);
    return resizeColumns(rows, toWidth, toHeight, down);
  };
}

function resizeRows(
  rgb: Uint8Array,
  width: number,
  height: number,
  t: Taps,
  toWidth: number,
  out: Float32Array,
) {
  for (let x = 0; x < toWidth; x++) {
    const from = (t.first[x] as number) * 3;
    const count = t.size[x] as number;
    const weightsAt = x * t.stride;
    for (let y = 0; y < height; y++) {
      let at = y * width * 3 + from;
      let r = 0;
      let g = 0;
      let b = 0;
      for (let j = 0; j < count; j++, at += 3) {
        const weight = t.weights[weightsAt + j] as number;
        r = Math.fround(r + Math.fround((rgb[at] as number) * weight));
        g = Math.fround(g + Math.fround((rgb[at + 1] as number) * weight));
        b = Math.fround(b + Math.fround((rgb[at + 2] as number) * weight));
      }
      const to = (y * toWidth + x) * 3;
      out[to] = r;
      out[to + 1] = g;
      out[to + 2] = b;
    }
  }
}

function resizeColumns(rows: Float32Array, toWidth: number, toHeight: number, t: Taps): Uint8Array {
  const rowLength = toWidth * 3;
  const sums = new Float32Array(rowLength);
  const out = new Uint8Array(toHeight * rowLength);
  for (let y = 0; y < toHeight; y++) {
    sums.fill(0);
    const from = t.first[y] as number;
    const count = t.size[y] as number;
    for (let j = 0; j < count; j++) {
      const weight = t.weights[y * t.stride + j] as number;
      const at = (from + j) * rowLength;
      for (let x = 0; x < rowLength; x++) {
        sums[x] = (sums[x] as number) + Math.fround((rows[at + x] as number) * weight);
      }
    }
    for (let x = 0; x < rowLength; x++) {
      const value = Math.min(Math.max(sums[x] as number, 0), 255);
      const floor = Math.floor(value);
      const rest = value - floor;
      out[y * rowLength + x] = rest > 0.5 || (rest === 0.5 && (floor & 1) === 1) ? floor + 1 : floor;
    }
  }
  return out;
}
