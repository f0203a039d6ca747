/** Conversion between float32 and the 16-bit floats that checkpoints are stored in, rounding to nearest even. */

const bits = new Uint32Array(1);
const value = new Float32Array(bits.buffer);

/** Widens bfloat16 bit patterns; exact. */
export function fromBfloat16(source: Uint16Array, target = new Float32Array(source.length)): Float32Array {
  const out = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < source.length; i++) out[i] = (source[i] as number) << 16;
  return target;
}

/** Narrows to bfloat16 bit patterns, to nearest, ties to even; NaN stays NaN. */
export function toBfloat16(source: Float32Array): Uint16Array {
  const from = new Uint32Array(source.buffer, source.byteOffset, source.length);
  const target = new Uint16Array(source.length);
  for (let i = 0; i < source.length; i++) {
    const x = from[i] as number;
    const high = x >>> 16;
    const missing = (x & 0x7fffffff) > 0x7f800000;
    // A NaN must not become an infinity; if its high bits already say NaN, they are kept.
    target[i] = missing ? high | (high & 0x7f ? 0 : 0x40) : (x + 0x7fff + (high & 1)) >>> 16;
  }
  return target;
}

let widened: Uint32Array | undefined;

/** The float32 bit patterns of all 65,536 half-precision values, made on first use. */
function halfTable(): Uint32Array {
  if (widened) return widened;
  widened = new Uint32Array(65536);
  for (let h = 0; h < 65536; h++) {
    const sign = (h & 0x8000) << 16;
    const exponent = (h >>> 10) & 31;
    const fraction = h & 1023;
    if (exponent === 31) widened[h] = sign | 0x7f800000 | (fraction << 13);
    else if (exponent > 0) widened[h] = sign | ((exponent + 112) << 23) | (fraction << 13);
    else {
      value[0] = fraction * 2 ** -24;
      widened[h] = sign | (bits[0] as number);
    }
  }
  return widened;
}

/** Widens float16 bit patterns; exact. */
export function fromFloat16(
  source: Uint16Array,
  target: Float32Array = new Float32Array(source.length),
): Float32Array {
  const table = halfTable();
  const out = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < source.length; i++) out[i] = table[source[i] as number] as number;
  return target;
}

function halfOf(b: number): number {
  const sign = (b >>> 16) & 0x8000;
  const magnitude = b & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7c00 | ((magnitude >>> 13) & 1023 || 1);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below 2^-14 a half counts units of 2^-24; scaling by a power of two is exact, so only this rounds.
    bits[0] = magnitude;
    const units = (value[0] as number) * 2 ** 24;
    const floor = Math.floor(units);
    const rest = units - floor;
    return sign | (floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0));
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/** Narrows to float16 bit patterns, to nearest, ties to even; beyond 65,504 to infinity. */
export function toFloat16(source: Float32Array): Uint16Array {
  const from = new Uint32Array(source.buffer, source.byteOffset, source.length);
  const target = new Uint16Array(source.length);
  for (let i = 0; i < source.length; i++) target[i] = halfOf(from[i] as number);
  return target;
}
