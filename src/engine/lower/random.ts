/**
 * Random bits: the Threefry 2x32 block cipher with 20 rounds (Salmon et al., "Parallel random numbers: as easy
 * as 1, 2, 3", 2011), over a counter of each element, as jax-js defines it: the same key gives the same bits.
 * Computed in int64, where 32-bit sums and rotations are exact.
 */

import { DTYPES, sizeOf } from "../dtype.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { type View, viewOf } from "../view.ts";
import { castView, fullView, inputAt, type LoweringRules, numbersOf, scalarView } from "./context.ts";
import { pointwise } from "./pointwise.ts";

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;
const PARITY = 0x1bd11bda;
const MASK = 0xffffffff;

function threefry(
  builder: GraphBuilder,
  keys: readonly [View, View],
  counters: readonly [View, View],
): [View, View] {
  const number = (n: number): View => scalarView(builder, n, "int64");
  const on = (op: string, a: View, b: View): View => pointwise(builder, op, [a, b]);
  const add = (a: View, b: View): View => on("BitwiseAnd", on("Add", a, b), number(MASK));
  const xor = (a: View, b: View): View => on("BitwiseXor", a, b);
  const rotate = (a: View, by: number): View => {
    const wide = on("Mul", a, number(2 ** by));
    return on("Add", on("BitwiseAnd", wide, number(MASK)), on("Div", wide, number(2 ** 32)));
  };
  const schedule = [keys[0], keys[1], xor(xor(keys[0], keys[1]), number(PARITY))] as const;
  let x = add(counters[0], schedule[0]);
  let y = add(counters[1], schedule[1]);
  for (let block = 0; block < 5; block++) {
    for (const by of ROTATIONS[(block % 2) as 0 | 1]) {
      x = add(x, y);
      y = xor(rotate(y, by), x);
    }
    x = add(x, schedule[((block + 1) % 3) as 0 | 1 | 2]);
    y = add(add(y, schedule[((block + 2) % 3) as 0 | 1 | 2]), number(block + 1));
  }
  return [x, y];
}

/** Rules of random numbers. */
export const randomRules: LoweringRules = {
  random_bits: (builder, inputs, equation) => {
    const shape = numbersOf(equation, "shape");
    const keys = [inputAt(inputs, 0), inputAt(inputs, 1)].map((view): View => {
      const extra = shape.length - view.shape.length;
      const wide = castView(builder, view, "int64");
      return {
        source: wide.source,
        shape: [...view.shape, ...Array.from({ length: extra }, () => 1)],
        axes: [...view.axes, ...Array.from({ length: extra }, () => -1)],
      };
    }) as [View, View];
    const generated = shape.slice(inputAt(inputs, 0).shape.length);
    const count = DTYPES.int64.allocate(sizeOf(generated)) as BigInt64Array;
    for (let i = 0; i < count.length; i++) count[i] = BigInt(i);
    const counter = viewOf(builder.constant(count, generated, "int64"));
    const [x, y] = threefry(builder, keys, [fullView(builder, 0, "int64", generated), counter]);
    const { mode } = equation.params;
    const bits = mode === 0 ? x : mode === 1 ? y : pointwise(builder, "BitwiseXor", [x, y]);
    return [castView(builder, bits, "uint32")];
  },
};
