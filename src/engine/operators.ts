/**
 * The ONNX operators that graphs are made of: what types and shapes they accept and give, and how each is
 * written to a file. A graph that uses an operator outside this table, or breaks its rule, does not verify.
 *
 * Shapes are static, so what ONNX passes as constant inputs (axes, target shapes, slice bounds) is an attribute
 * here; `operands` lists those, and the encoder turns them into constants.
 */

import { invariant } from "../base/index.ts";
import { type GraphDType, isFloat, sizeOf } from "./dtype.ts";

/** An attribute's value. */
export type Attribute = number | string | readonly number[];

/** Attributes by name. */
export type Attributes = Readonly<Record<string, Attribute>>;

/** Type and shape of a value in a graph. */
export interface ValueType {
  readonly dtype: GraphDType;
  readonly shape: readonly number[];
}

/** One operator's rule. */
export interface OperatorRule {
  /** The operator set, default ONNX's own. */
  readonly domain?: "com.microsoft";
  /** Output types. @throws Error marked `internal:` if inputs or attributes break the rule */
  readonly infer: (inputs: readonly ValueType[], attributes: Attributes) => ValueType[];
  /** Attributes written as constant int64 inputs after the node's own inputs, in this order. */
  readonly operands?: readonly string[];
  /** Attributes written as floats. */
  readonly floats?: readonly string[];
  /** Attributes of ours that files do not carry. */
  readonly hidden?: readonly string[];
}

const list = (attributes: Attributes, name: string): readonly number[] => {
  const value = attributes[name];
  invariant(Array.isArray(value), `attribute ${name} must be a list`);
  return value as readonly number[];
};
const integer = (attributes: Attributes, name: string, fallback?: number): number => {
  const value = attributes[name] ?? fallback;
  invariant(typeof value === "number", `attribute ${name} must be a number`);
  return value;
};
const arity = (inputs: readonly ValueType[], count: number): void =>
  invariant(inputs.length === count, `must have ${count} inputs, got ${inputs.length}`);
const same = (inputs: readonly ValueType[]): GraphDType => {
  const [first] = inputs;
  invariant(first !== undefined, "must have inputs");
  for (const input of inputs)
    invariant(
      input.dtype === first.dtype,
      `inputs must share a dtype, got ${first.dtype} and ${input.dtype}`,
    );
  return first.dtype;
};

/** The shape to which shapes broadcast, as ONNX and NumPy do. @throws Error marked `internal:` if they do not */
export function broadcastShapes(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) => {
    let size = 1;
    for (const shape of shapes) {
      const d = shape[i - rank + shape.length] ?? 1;
      invariant(
        d === size || d === 1 || size === 1,
        `shapes must broadcast, got [${shapes.join("] and [")}]`,
      );
      if (d !== 1) size = d;
    }
    return size;
  });
}

const unary = (accepts: (dtype: GraphDType) => boolean): OperatorRule["infer"] => {
  return (inputs) => {
    arity(inputs, 1);
    const [x] = inputs as [ValueType];
    invariant(accepts(x.dtype), `must not be given ${x.dtype}`);
    return [x];
  };
};
const binary = (accepts: (dtype: GraphDType) => boolean, result?: GraphDType): OperatorRule["infer"] => {
  return (inputs) => {
    arity(inputs, 2);
    const dtype = same(inputs);
    invariant(accepts(dtype), `must not be given ${dtype}`);
    return [{ dtype: result ?? dtype, shape: broadcastShapes(...inputs.map((x) => x.shape)) }];
  };
};
const anything = (): boolean => true;
const isBool = (dtype: GraphDType): boolean => dtype === "bool";
const isNumber = (dtype: GraphDType): boolean => isFloat(dtype) || dtype === "int32" || dtype === "int64";
const isInteger = (dtype: GraphDType): boolean => !isFloat(dtype) && dtype !== "bool";

const reduction: OperatorRule = {
  operands: ["axes"],
  infer: (inputs, attributes) => {
    arity(inputs, 1);
    const [x] = inputs as [ValueType];
    invariant(isNumber(x.dtype), `must not be given ${x.dtype}`);
    const axes = new Set(list(attributes, "axes"));
    for (const axis of axes) invariant(axis >= 0 && axis < x.shape.length, `axis ${axis} of [${x.shape}]`);
    const keep = integer(attributes, "keepdims", 1) === 1;
    const shape = x.shape.map((d, i) => (axes.has(i) ? 1 : d));
    return [{ dtype: x.dtype, shape: keep ? shape : shape.filter((_, i) => !axes.has(i)) }];
  },
};

/** Permutes `shape` as FusedMatMul's `transBatch` does: the first axis moves behind the batch axes. */
const unbatch = (shape: readonly number[]): number[] => [
  ...shape.slice(1, -1),
  shape[0] as number,
  shape.at(-1) as number,
];

function inferMatMul(inputs: readonly ValueType[], attributes: Attributes): ValueType[] {
  arity(inputs, 2);
  const dtype = same(inputs);
  invariant(isNumber(dtype), `must not be given ${dtype}`);
  const [x, y] = inputs as [ValueType, ValueType];
  invariant(x.shape.length >= 2 && y.shape.length >= 2, "must be given matrices");
  const matrix = (shape: readonly number[], transposed: number, batched: number): number[] => {
    const s = batched ? unbatch(shape) : [...shape];
    return transposed ? [...s.slice(0, -2), s.at(-1) as number, s.at(-2) as number] : s;
  };
  const a = matrix(x.shape, integer(attributes, "transA", 0), integer(attributes, "transBatchA", 0));
  const b = matrix(y.shape, integer(attributes, "transB", 0), integer(attributes, "transBatchB", 0));
  invariant(a.at(-1) === b.at(-2), `inner sizes must agree, got [${a}] and [${b}]`);
  const batch = broadcastShapes(a.slice(0, -2), b.slice(0, -2));
  return [{ dtype, shape: [...batch, a.at(-2) as number, b.at(-1) as number] }];
}

const FLOAT_UNARY = [
  "Reciprocal",
  "Floor",
  "Ceil",
  "Sin",
  "Cos",
  "Asin",
  "Atan",
  "Exp",
  "Log",
  "Erf",
  "Sqrt",
  "Sigmoid",
  "Tanh",
  "Round",
];
const rules: Record<string, OperatorRule> = {
  Identity: { hidden: ["copy"], infer: unary(anything) },
  Neg: { infer: unary(isNumber) },
  Abs: { infer: unary(isNumber) },
  Not: { infer: unary(isBool) },
  BitwiseNot: { infer: unary(isInteger) },
  QuickGelu: { domain: "com.microsoft", floats: ["alpha"], infer: unary(isFloat) },
  Softmax: { infer: unary(isFloat) },
  And: { infer: binary(isBool) },
  Or: { infer: binary(isBool) },
  Xor: { infer: binary(isBool) },
  BitwiseAnd: { infer: binary(isInteger) },
  BitwiseOr: { infer: binary(isInteger) },
  BitwiseXor: { infer: binary(isInteger) },
  BitShift: { infer: binary((d) => d === "uint32" || d === "uint64") },
  Equal: { infer: binary(anything, "bool") },
  ReduceSum: reduction,
  ReduceProd: reduction,
  ReduceMax: reduction,
  ReduceMin: reduction,
  ReduceMean: reduction,
  ReduceSumSquare: reduction,
  Where: {
    infer: (inputs) => {
      arity(inputs, 3);
      const [c, x, y] = inputs as [ValueType, ValueType, ValueType];
      invariant(c.dtype === "bool", `condition must be bool, got ${c.dtype}`);
      return [{ dtype: same([x, y]), shape: broadcastShapes(c.shape, x.shape, y.shape) }];
    },
  },
  Cast: {
    infer: (inputs, attributes) => {
      arity(inputs, 1);
      return [{ dtype: attributes.to as GraphDType, shape: (inputs[0] as ValueType).shape }];
    },
  },
  BitCast: {
    infer: (inputs, attributes) => {
      arity(inputs, 1);
      return [{ dtype: attributes.to as GraphDType, shape: (inputs[0] as ValueType).shape }];
    },
  },
  MatMul: { infer: inferMatMul },
  FusedMatMul: { domain: "com.microsoft", floats: ["alpha"], infer: inferMatMul },
  Gemm: {
    floats: ["alpha"],
    infer: (inputs, attributes) => {
      arity(inputs, 3);
      const [a, b, bias] = inputs as [ValueType, ValueType, ValueType];
      same(inputs);
      const [product] = inferMatMul([a, b], attributes);
      invariant(product?.shape.length === 2, "must be given matrices");
      invariant(`${bias.shape}` === `${[product.shape[1]]}`, `bias is [${bias.shape}]`);
      return [product];
    },
  },
  Transpose: {
    infer: (inputs, attributes) => {
      arity(inputs, 1);
      const [x] = inputs as [ValueType];
      const perm = list(attributes, "perm");
      invariant(
        perm.length === x.shape.length && new Set(perm).size === perm.length,
        `perm [${perm}] must permute [${x.shape}]`,
      );
      return [{ dtype: x.dtype, shape: perm.map((p) => x.shape[p] as number) }];
    },
  },
  Reshape: {
    operands: ["shape"],
    infer: (inputs, attributes) => {
      arity(inputs, 1);
      const [x] = inputs as [ValueType];
      const shape = list(attributes, "shape");
      invariant(sizeOf(shape) === sizeOf(x.shape), `[${x.shape}] does not reshape to [${shape}]`);
      return [{ dtype: x.dtype, shape }];
    },
  },
  Expand: {
    operands: ["shape"],
    infer: (inputs, attributes) => {
      arity(inputs, 1);
      const [x] = inputs as [ValueType];
      return [{ dtype: x.dtype, shape: broadcastShapes(x.shape, list(attributes, "shape")) }];
    },
  },
  Slice: {
    operands: ["starts", "ends", "axes", "steps"],
    infer: (inputs, attributes) => {
      arity(inputs, 1);
      const [x] = inputs as [ValueType];
      const shape = [...x.shape];
      const [starts, ends, steps] = ["starts", "ends", "steps"].map((k) => list(attributes, k));
      list(attributes, "axes").forEach((axis, i) => {
        const [start, end, step] = [starts?.[i] as number, ends?.[i] as number, steps?.[i] as number];
        shape[axis] = step < 0 ? (x.shape[axis] as number) : Math.ceil((end - start) / step);
        invariant(
          step < 0 || (start >= 0 && start <= end && end <= (x.shape[axis] as number)),
          "slice bounds",
        );
      });
      return [{ dtype: x.dtype, shape }];
    },
  },
  Pad: {
    operands: ["pads"],
    infer: (inputs, attributes) => {
      arity(inputs, 1);
      const [x] = inputs as [ValueType];
      const pads = list(attributes, "pads");
      const rank = x.shape.length;
      invariant(pads.length === 2 * rank, `pads must have ${2 * rank} entries`);
      const shape = x.shape.map((d, i) => d + (pads[i] as number) + (pads[i + rank] as number));
      return [{ dtype: x.dtype, shape }];
    },
  },
  Concat: {
    infer: (inputs, attributes) => {
      const dtype = same(inputs);
      const axis = integer(attributes, "axis");
      const [first] = inputs as [ValueType];
      for (const { shape } of inputs)
        invariant(
          shape.length === first.shape.length && shape.every((d, i) => i === axis || d === first.shape[i]),
          `inputs must agree except on axis ${axis}, got [${first.shape}] and [${shape}]`,
        );
      const size = inputs.reduce((n, x) => n + (x.shape[axis] as number), 0);
      return [{ dtype, shape: first.shape.map((d, i) => (i === axis ? size : d)) }];
    },
  },
  Split: {
    operands: ["sizes"],
    infer: (inputs, attributes) => {
      arity(inputs, 1);
      const [x] = inputs as [ValueType];
      const axis = integer(attributes, "axis");
      const sizes = list(attributes, "sizes");
      invariant(sizes.reduce((a, b) => a + b, 0) === x.shape[axis], `sizes [${sizes}] of [${x.shape}]`);
      return sizes.map((n) => ({ dtype: x.dtype, shape: x.shape.map((d, i) => (i === axis ? n : d)) }));
    },
  },
  Gather: {
    infer: (inputs, attributes) => {
      arity(inputs, 2);
      const [x, indices] = inputs as [ValueType, ValueType];
      const axis = integer(attributes, "axis");
      invariant(indices.dtype === "int32" || indices.dtype === "int64", `indices are ${indices.dtype}`);
      return [
        { dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] },
      ];
    },
  },
  GatherND: {
    infer: (inputs) => {
      arity(inputs, 2);
      const [x, indices] = inputs as [ValueType, ValueType];
      invariant(indices.dtype === "int64", `indices are ${indices.dtype}`);
      return [
        {
          dtype: x.dtype,
          shape: [...indices.shape.slice(0, -1), ...x.shape.slice(indices.shape.at(-1) as number)],
        },
      ];
    },
  },
  ScatterND: {
    infer: (inputs) => {
      arity(inputs, 3);
      const [x, indices, updates] = inputs as [ValueType, ValueType, ValueType];
      same([x, updates]);
      const expected = [...indices.shape.slice(0, -1), ...x.shape.slice(indices.shape.at(-1) as number)];
      invariant(`${expected}` === `${updates.shape}`, `updates are [${updates.shape}], not [${expected}]`);
      return [x];
    },
  },
  ScatterElements: {
    infer: (inputs) => {
      arity(inputs, 3);
      const [x, indices, updates] = inputs as [ValueType, ValueType, ValueType];
      same([x, updates]);
      invariant(indices.dtype === "int64", `indices are ${indices.dtype}`);
      invariant(
        `${indices.shape}` === `${updates.shape}`,
        `updates are [${updates.shape}], not [${indices.shape}]`,
      );
      return [x];
    },
  },
  TopK: {
    operands: ["k"],
    infer: (inputs, attributes) => {
      arity(inputs, 1);
      const [x] = inputs as [ValueType];
      const axis = integer(attributes, "axis");
      const shape = x.shape.map((d, i) => (i === axis ? (list(attributes, "k")[0] as number) : d));
      return [
        { dtype: x.dtype, shape },
        { dtype: "int64", shape },
      ];
    },
  },
  Conv: {
    infer: (inputs, attributes) => {
      arity(inputs, 2);
      const [x, w] = inputs as [ValueType, ValueType];
      const [strides, dilations, pads] = ["strides", "dilations", "pads"].map((k) => list(attributes, k));
      const n = x.shape.length - 2;
      const spatial = x.shape.slice(2).map((d, i) => {
        const kernel = ((w.shape[i + 2] as number) - 1) * (dilations?.[i] as number) + 1;
        const size = d + (pads?.[i] as number) + (pads?.[i + n] as number);
        return Math.floor((size - kernel) / (strides?.[i] as number)) + 1;
      });
      invariant(
        (w.shape[1] as number) * integer(attributes, "group") === x.shape[1],
        `channels of [${x.shape}] and [${w.shape}]`,
      );
      return [{ dtype: same(inputs), shape: [x.shape[0] as number, w.shape[0] as number, ...spatial] }];
    },
  },
  SimplifiedLayerNormalization: {
    floats: ["epsilon"],
    infer: (inputs, attributes) => {
      arity(inputs, 2);
      const [x, scale] = inputs as [ValueType, ValueType];
      const axis = integer(attributes, "axis");
      invariant(
        axis === x.shape.length - 1 && `${scale.shape}` === `${x.shape.slice(axis)}`,
        "scale's shape",
      );
      return [x];
    },
  },
};
for (const name of FLOAT_UNARY) rules[name] = { infer: unary(isFloat) };
for (const name of ["Add", "Sub", "Mul", "Div", "Mod", "Min", "Max"])
  rules[name] = { infer: binary(isNumber) };
rules.Pow = { infer: binary(isFloat) };
for (const name of ["Less", "LessOrEqual", "Greater", "GreaterOrEqual"])
  rules[name] = { infer: binary(isNumber, "bool") };

/** The rule of each operator, by its ONNX name. */
export const OPERATORS: Readonly<Record<string, OperatorRule>> = rules;
