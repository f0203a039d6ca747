/** Scales of products become FusedMatMul's `alpha`, which costs nothing; a bias becomes Gemm's. */

import type { Node, Value } from "../graph.ts";
import type { Matcher, Rewrite } from "./matcher.ts";

const PRODUCTS = ["MatMul", "FusedMatMul"];

function scaledProduct(match: Matcher, product: Node, inputs: readonly Value[], scale: number): Value {
  const plain = { transA: 0, transB: 0, transBatchA: 0, transBatchB: 0 };
  const attributes = product.op === "MatMul" ? plain : product.attributes;
  const alpha = ((product.attributes.alpha as number | undefined) ?? 1) * scale;
  return match.builder.emit("FusedMatMul", inputs, { ...attributes, alpha });
}

/** `(a b) c` for a scalar `c`, if only this uses `a b`. */
const scaleAfter: Rewrite = (match, node, inputs) => {
  for (const [value, factor] of match.orders({ ...node, inputs })) {
    const scale = match.scalar(factor);
    if (scale === undefined || value.dtype !== "float32") continue;
    if (!match.usedOnce(node.inputs[inputs.indexOf(value)])) continue;
    const direct = match.from(value, ...PRODUCTS);
    if (direct !== undefined) return scaledProduct(match, direct, direct.inputs, scale);
    const behind = match.from(match.behind(value, "Reshape"), ...PRODUCTS);
    if (behind === undefined || !onlyReshaped(match, node, inputs.indexOf(value))) continue;
    return match.builder.reshape(scaledProduct(match, behind, behind.inputs, scale), value.shape);
  }
  return undefined;
};

/** Whether the product behind the reshape at an input has no other user; known from the old graph's reshape. */
function onlyReshaped(match: Matcher, node: Node, index: number): boolean {
  const reshape = match.oldProducer(node.inputs[index]);
  return reshape?.op === "Reshape" && match.usedOnce(reshape.inputs[0]);
}

/** `(x c) y` for a scalar `c`, if products alone use `x c`. */
const scaleBefore: Rewrite = (match, node, inputs) => {
  if (inputs[0]?.dtype !== "float32") return undefined;
  for (const [index, input] of inputs.entries()) {
    const old = node.inputs[index] as Value;
    const found = scaledBehind(match, input, old);
    if (found === undefined) continue;
    return scaledProduct(match, node, inputs.with(index, found.value), found.scale);
  }
  return undefined;
};

function scaledBehind(match: Matcher, value: Value, old: Value): { value: Value; scale: number } | undefined {
  const reshaped = match.from(value, "Reshape");
  const inner = reshaped === undefined ? value : (reshaped.inputs[0] as Value);
  const oldInner = reshaped === undefined ? old : match.oldProducer(old)?.inputs[0];
  if (oldInner === undefined || !onlyProductsUse(match, oldInner)) return undefined;
  for (const [x, factor] of match.orders(match.from(inner, "Mul"))) {
    const scale = match.scalar(factor);
    if (scale === undefined) continue;
    return { value: reshaped === undefined ? x : match.builder.reshape(x, value.shape), scale };
  }
  return undefined;
}

function onlyProductsUse(match: Matcher, old: Value): boolean {
  if (match.isOutput(old)) return false;
  return match
    .usersOf(old)
    .every((user) =>
      user.op === "Reshape" ? onlyProductsUse(match, user.outputs[0] as Value) : PRODUCTS.includes(user.op),
    );
}

/** `a b + bias` for matrices and a vector along their columns, if only this uses `a b`. */
const bias: Rewrite = (match, node, inputs) => {
  for (const [sum, vector] of match.orders({ ...node, inputs })) {
    if (vector.shape.length !== 1 || vector.shape[0] !== sum.shape.at(-1) || sum.dtype !== "float32")
      continue;
    const index = inputs.indexOf(sum);
    if (!match.usedOnce(node.inputs[index])) continue;
    const reshaped = match.from(sum, "Reshape");
    if (reshaped !== undefined && !onlyReshaped(match, node, index)) continue;
    const product = match.from(reshaped === undefined ? sum : reshaped.inputs[0], ...PRODUCTS);
    const [a, b] = product?.inputs ?? [];
    if (product === undefined || a?.shape.length !== 2 || b?.shape.length !== 2) continue;
    if (product.outputs[0]?.shape[1] !== vector.shape[0]) continue;
    const { transA = 0, transB = 0, alpha = 1 } = product.attributes;
    const gemm = match.builder.emit("Gemm", [a, b, vector], { transA, transB, alpha });
    return match.builder.reshape(gemm, sum.shape);
  }
  return undefined;
};

/** Rules by the operator they apply to. */
export const productRewrites: Readonly<Record<string, readonly Rewrite[]>> = {
  Add: [bias],
  Mul: [scaleAfter],
  MatMul: [scaleBefore],
  FusedMatMul: [scaleBefore],
};
