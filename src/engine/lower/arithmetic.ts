/**
 * Arithmetic, comparison, conversion and bit operations. ONNX Runtime computes with float32, float64, int32
 * and int64; uint32 is computed in int64 modulo 2^32, bool sums and products are `or` and `and`.
 */

import { invariant } from "../../base/index.ts";
import { type GraphDType, isFloat } from "../dtype.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Attributes } from "../operators.ts";
import { dtypeOf, type View } from "../view.ts";
import { castView, inputAt, type LoweringRule, type LoweringRules, outputOf, scalarView } from "./context.ts";
import { pointwise } from "./pointwise.ts";

const MASK = 0xffffffff;

/** Wraps an int64 view to 32 unsigned bits and stores it as uint32. */
export function wrapUint32(builder: GraphBuilder, view: View): View {
  const mask = scalarView(builder, MASK, "int64");
  return castView(builder, pointwise(builder, "BitwiseAnd", [view, mask]), "uint32");
}

/**
 * The larger or smaller of two int64 views. ONNX Runtime 1.30's own Max and Min compare the low 32 bits of
 * int64 as signed numbers on some processors: Max(4179933003, 462512284) gives 462512284.
 */
function extreme(builder: GraphBuilder, op: "Max" | "Min", x: View, y: View): View {
  const smaller = pointwise(builder, "Less", [x, y]);
  return pointwise(builder, "Where", op === "Max" ? [smaller, y, x] : [smaller, x, y]);
}

/** A binary operator on operands of one type, whichever ONNX Runtime lacks emulated. */
function arithmetic(builder: GraphBuilder, op: string, x: View, y: View): View {
  const dtype = dtypeOf(x);
  const attributes: Attributes = op === "Mod" ? { fmod: 1 } : {};
  if (dtype === "bool") {
    const logical = ({ Add: "Or", Max: "Or", Mul: "And", Min: "And" } as const)[op as "Add"];
    invariant(logical !== undefined, `${op} of booleans`);
    return pointwise(builder, logical, [x, y]);
  }
  if (dtype === "uint32") {
    const [a, b] = [castView(builder, x, "int64"), castView(builder, y, "int64")];
    if (op === "Max" || op === "Min") return castView(builder, extreme(builder, op, a, b), "uint32");
    return wrapUint32(builder, pointwise(builder, op, [a, b], attributes));
  }
  return pointwise(builder, op, [x, y], attributes);
}

function binaryRule(op: string): LoweringRule {
  return (builder, inputs, equation) => {
    const { dtype } = outputOf(equation);
    const x = castView(builder, inputAt(inputs, 0), dtype);
    const y = castView(builder, inputAt(inputs, 1), dtype);
    return [arithmetic(builder, op, x, y)];
  };
}

function unaryRule(op: string): LoweringRule {
  return (builder, inputs) => {
    const x = inputAt(inputs, 0);
    return [pointwise(builder, op, [x])];
  };
}

/** Floor and Ceil leave integers alone. */
function roundingRule(op: string): LoweringRule {
  return (builder, inputs) => {
    const x = inputAt(inputs, 0);
    return [isFloat(dtypeOf(x)) ? pointwise(builder, op, [x]) : x];
  };
}

const idiv: LoweringRule = (builder, inputs, equation) => {
  const [quotient] = binaryRule("Div")(builder, inputs, equation) as [View];
  if (!isFloat(outputOf(equation).dtype)) return [quotient];
  const zero = scalarView(builder, 0, dtypeOf(quotient));
  const negative = pointwise(builder, "Less", [quotient, zero]);
  const down = pointwise(builder, "Floor", [quotient]);
  return [pointwise(builder, "Where", [negative, pointwise(builder, "Ceil", [quotient]), down])];
};

const neg: LoweringRule = (builder, inputs) => {
  const x = inputAt(inputs, 0);
  if (dtypeOf(x) !== "uint32") return [pointwise(builder, "Neg", [x])];
  return [wrapUint32(builder, pointwise(builder, "Neg", [castView(builder, x, "int64")]))];
};

/** The type in which two operands are compared. */
function commonType(x: View, y: View): GraphDType {
  const [a, b] = [dtypeOf(x), dtypeOf(y)];
  if (a === b) return a === "uint32" ? "int64" : a;
  for (const dtype of ["float64", "float32", "float16"] as const)
    if (a === dtype || b === dtype) return dtype;
  return "int64";
}

const compare: LoweringRule = (builder, inputs, equation) => {
  let [x, y] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  const kind = equation.params.op as string;
  let dtype = commonType(x, y);
  if (dtype === "bool" && kind.startsWith("less")) dtype = "int32";
  [x, y] = [castView(builder, x, dtype), castView(builder, y, dtype)];
  const op = { less: "Less", less_equal: "LessOrEqual", equal: "Equal", not_equal: "Equal" }[kind];
  invariant(op !== undefined, `comparison ${kind}`);
  const result = pointwise(builder, op, [x, y]);
  return [kind === "not_equal" ? pointwise(builder, "Not", [result]) : result];
};

const where: LoweringRule = (builder, inputs, equation) => {
  const { dtype } = outputOf(equation);
  const condition = inputAt(inputs, 0);
  const inner = dtype === "bool" ? "int32" : dtype === "uint32" ? "int64" : dtype;
  const [x, y] = [inputAt(inputs, 1), inputAt(inputs, 2)].map((v) =>
    castView(builder, castView(builder, v, dtype), inner),
  ) as [View, View];
  return [castView(builder, pointwise(builder, "Where", [condition, x, y]), dtype)];
};

/** Converts element types as jax-js does: floats saturate when they become integers. */
export function convert(builder: GraphBuilder, x: View, dtype: GraphDType): View {
  const from = dtypeOf(x);
  if (!isFloat(from) || isFloat(dtype) || dtype === "bool") return castView(builder, x, dtype);
  const [low, high] = dtype === "int32" ? [-(2 ** 31), 2 ** 31 - 1] : [0, MASK];
  const wide = castView(builder, x, "int64");
  const above = extreme(builder, "Max", wide, scalarView(builder, low, "int64"));
  return castView(builder, extreme(builder, "Min", above, scalarView(builder, high, "int64")), dtype);
}

const bitcast: LoweringRule = (builder, inputs, equation) => {
  const x = inputAt(inputs, 0);
  const { dtype } = outputOf(equation);
  return [dtypeOf(x) === dtype ? x : pointwise(builder, "BitCast", [x], { to: dtype })];
};

const bitCombine: LoweringRule = (builder, inputs, equation) => {
  const { dtype } = outputOf(equation);
  const kind = equation.params.op as "and" | "or" | "xor";
  const name = { and: "And", or: "Or", xor: "Xor" }[kind];
  const [x, y] = [inputAt(inputs, 0), inputAt(inputs, 1)].map((v) => castView(builder, v, dtype)) as [
    View,
    View,
  ];
  return [pointwise(builder, dtype === "bool" ? name : `Bitwise${name}`, [x, y])];
};

const bitShift: LoweringRule = (builder, inputs, equation) => {
  const { dtype } = outputOf(equation);
  const direction = equation.params.op === "shl" ? "LEFT" : "RIGHT";
  const [x, y] = [inputAt(inputs, 0), inputAt(inputs, 1)].map((v) => castView(builder, v, "uint32")) as [
    View,
    View,
  ];
  return [castView(builder, pointwise(builder, "BitShift", [x, y], { direction }), dtype)];
};

/** Population count by the usual sums of ever larger fields, in int64. */
const bitCount: LoweringRule = (builder, inputs) => {
  const number = (n: number): View => scalarView(builder, n, "int64");
  const on = (op: string, a: View, b: View): View => pointwise(builder, op, [a, b]);
  const field = (a: View, shift: number, mask: number): View =>
    on("BitwiseAnd", shift === 0 ? a : on("Div", a, number(2 ** shift)), number(mask));
  let x = castView(builder, castView(builder, inputAt(inputs, 0), "uint32"), "int64");
  for (const [shift, mask] of [
    [1, 0x55555555],
    [2, 0x33333333],
    [4, 0x0f0f0f0f],
    [8, 0x00ff00ff],
    [16, 0x0000ffff],
  ] as const)
    x = on("Add", field(x, 0, mask), field(x, shift, mask));
  return [castView(builder, x, "int32")];
};

const erfc: LoweringRule = (builder, inputs) => {
  const x = inputAt(inputs, 0);
  const one = scalarView(builder, 1, dtypeOf(x));
  return [pointwise(builder, "Sub", [one, pointwise(builder, "Erf", [x])])];
};

/** Rules of element-wise primitives. */
export const arithmeticRules: LoweringRules = {
  add: binaryRule("Add"),
  mul: binaryRule("Mul"),
  min: binaryRule("Min"),
  max: binaryRule("Max"),
  mod: binaryRule("Mod"),
  idiv,
  neg,
  compare,
  where,
  bitcast,
  erfc,
  cast: (builder, inputs, equation) => [convert(builder, inputAt(inputs, 0), outputOf(equation).dtype)],
  bit_combine: bitCombine,
  bit_shift: bitShift,
  bit_count: bitCount,
  stop_gradient: (_, inputs) => [inputAt(inputs, 0)],
  floor: roundingRule("Floor"),
  ceil: roundingRule("Ceil"),
  reciprocal: unaryRule("Reciprocal"),
  sin: unaryRule("Sin"),
  cos: unaryRule("Cos"),
  asin: unaryRule("Asin"),
  atan: unaryRule("Atan"),
  exp: unaryRule("Exp"),
  log: unaryRule("Log"),
  erf: unaryRule("Erf"),
  sqrt: unaryRule("Sqrt"),
};
