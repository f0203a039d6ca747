/** `1 / (1 + exp(-x))` is Sigmoid; the gradient of `x sigmoid(x)` needs no exponential of its own. */

import type { Value } from "../graph.ts";
import { type Matcher, type Rewrite, sameValues, without } from "./matcher.ts";

const sigmoid: Rewrite = (match, _node, [denominator]) => {
  for (const [exponential, one] of match.orders(match.from(denominator, "Add"))) {
    const x = match.behind(match.behind(exponential, "Exp"), "Neg");
    if (x !== undefined && match.scalar(one) === 1) return match.builder.emit("Sigmoid", [x]);
  }
  return undefined;
};

/** `g s + g x exp(-x) s s` with `s = sigmoid(x)` is `g (s + x s (1 - s))`, since `exp(-x) s = 1 - s`. */
function siluGradient(match: Matcher, sum: readonly [Value, Value], sign: 1 | -1): Value | undefined {
  const [left, right] = sum;
  const product = match.from(left, "Mul");
  for (const [g, s] of match.orders(product)) {
    const x = match.behind(s, "Sigmoid");
    if (x === undefined) continue;
    const other = match.factors(right);
    const own = match.factors(g);
    const exponential = other.factors.find((f) => match.behind(match.behind(f, "Exp"), "Neg") === x);
    if (exponential === undefined) continue;
    if ((other.negative !== own.negative) !== sign < 0) continue;
    const rest = without(other.factors, exponential, s, s, x);
    if (rest === undefined || !sameValues(rest, own.factors)) continue;
    const { builder } = match;
    const one = builder.scalar(1, x.dtype);
    const slope = builder.emit("Mul", [builder.emit("Mul", [x, s]), builder.emit("Sub", [one, s])]);
    return builder.emit("Mul", [g, builder.emit("Add", [s, slope])]);
  }
  return undefined;
}

const siluGradientOfSum: Rewrite = (match, node, inputs) => {
  const [a, b] = inputs as [Value, Value];
  if (node.op === "Sub") return siluGradient(match, [a, b], -1);
  return siluGradient(match, [a, b], 1) ?? siluGradient(match, [b, a], 1);
};

/** Where nothing else needs the sigmoid, `x sigmoid(x)` is one kernel. */
const silu: Rewrite = (match, node, inputs) => {
  for (const [x, s] of match.orders({ ...node, inputs })) {
    if (match.behind(s, "Sigmoid") !== x || x.dtype !== "float32") continue;
    const old = node.inputs[inputs.indexOf(s)];
    if (match.usedOnce(old)) return match.builder.emit("QuickGelu", [x], { alpha: 1 });
  }
  return undefined;
};

/** Rules by the operator they apply to. */
export const sigmoidRewrites: Readonly<Record<string, readonly Rewrite[]>> = {
  Reciprocal: [sigmoid],
  Add: [siluGradientOfSum],
  Sub: [siluGradientOfSum],
  Mul: [silu],
};
