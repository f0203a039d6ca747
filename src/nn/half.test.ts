import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "./half.ts";

const all = Uint16Array.from({ length: 65536 }, (_, i) => i);

describe("half-precision floats", () => {
  it("survives a round trip bit for bit, NaN payloads too", () => {
    expect(toBfloat16(fromBfloat16(all))).toEqual(all);
    expect(toFloat16(fromFloat16(all))).toEqual(all);
  });

  it("widens known values", () => {
    expect([...fromFloat16(Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x7c00))]).toEqual([
      1,
      -2,
      65504,
      2 ** -24,
      2 ** -14,
      Number.POSITIVE_INFINITY,
    ]);
    expect([...fromBfloat16(Uint16Array.of(0x3f80, 0xc000, 0x4049))]).toEqual([1, -2, 3.140625]);
  });

  it("rounds to nearest, ties to even", () => {
    // Half's neighbours of 1 are 2^-11 below and 2^-10 above.
    expect([
      ...toFloat16(Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 3 * 2 ** -26)),
    ]).toEqual([0x3c00, 0x3c02, 0x7bff, 0x7c00, 0, 1]);
    expect([...toBfloat16(Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8))]).toEqual([0x3f80, 0x3f82]);
  });

  it("is never further off than half a step", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -60000, max: 60000 }), (x) => {
        const [half] = fromFloat16(toFloat16(Float32Array.of(x))) as unknown as [number];
        const [brain] = fromBfloat16(toBfloat16(Float32Array.of(x))) as unknown as [number];
        expect(Math.abs(half - x)).toBeLessThanOrEqual(Math.max(2 ** -25, Math.abs(x) * 2 ** -11));
        expect(Math.abs(brain - x)).toBeLessThanOrEqual(Math.max(2 ** -134, Math.abs(x) * 2 ** -8));
      }),
    );
  });
});
