/** Softmax over the last axis, and its gradient in terms of its result instead of the exponentials. */

import type { Value } from "../graph.ts";
import type { Matcher, Rewrite } from "./matcher.ts";

interface Parts {
  readonly scores: Value;
  /** `exp(scores - max)`. */
  readonly exponential: Value;
}

function isLastAxis(value: Value, axes: unknown): boolean {
  return Array.isArray(axes) && axes.length === 1 && axes[0] === value.shape.length - 1;
}

/** The parts of a softmax, from its exponentials and the reciprocal of their sum. */
function softmaxParts(match: Matcher, exponential: Value, reciprocal: Value): Parts | undefined {
  const sum = match.from(match.behind(reciprocal, "Reciprocal"), "ReduceSum");
  const shifted = match.from(match.behind(exponential, "Exp"), "Sub");
  const [scores, highest] = shifted?.inputs ?? [];
  const top = match.from(highest, "ReduceMax");
  if (sum?.inputs[0] !== exponential || scores === undefined || top?.inputs[0] !== scores) return undefined;
  if (!isLastAxis(scores, sum.attributes.axes) || !isLastAxis(scores, top.attributes.axes)) return undefined;
  return { scores, exponential };
}

const softmax: Rewrite = (match, node, inputs) => {
  for (const [exponential, reciprocal] of match.orders({ ...node, inputs })) {
    const parts = softmaxParts(match, exponential, reciprocal);
    if (parts !== undefined) return match.builder.emit("Softmax", [parts.scores], { axis: -1 });
  }
  return undefined;
};

/**
 * `e (c r - r r sum(e c))` with `r = 1 / sum(e)` and `p = e r` is `p (c - sum(p c))`.
 */
const softmaxGradient: Rewrite = (match, node, inputs) => {
  const { builder } = match;
  for (const [exponential, bracket] of match.orders({ ...node, inputs }))
    for (const [scaled, offset] of match.orders(match.from(bracket, "Add")))
      for (const [cotangent, reciprocal] of match.orders(match.from(scaled, "Mul"))) {
        const parts = softmaxParts(match, exponential, reciprocal);
        if (parts === undefined) continue;
        const { negative, factors } = match.factors(offset);
        const sum = factors.find((factor) => isWeightedSum(match, factor, exponential, cotangent));
        if (!negative || factors.length !== 3 || sum === undefined) continue;
        if (factors.filter((factor) => factor === reciprocal).length !== 2) continue;
        const p = builder.emit("Softmax", [parts.scores], { axis: -1 });
        const axes = [parts.scores.shape.length - 1];
        const mean = builder.emit("ReduceSum", [builder.emit("Mul", [p, cotangent])], { axes, keepdims: 1 });
        return builder.emit("Mul", [p, builder.emit("Sub", [cotangent, mean])]);
      }
  return undefined;
};

function isWeightedSum(match: Matcher, value: Value, exponential: Value, cotangent: Value): boolean {
  const sum = match.from(value, "ReduceSum");
  if (sum === undefined || !isLastAxis(exponential, sum.attributes.axes)) return false;
  return match
    .orders(match.from(sum.inputs[0], "Mul"))
    .some(([a, b]) => a === exponential && b === cotangent);
}

/** Rules by the operator they apply to. */
export const softmaxRewrites: Readonly<Record<string, readonly Rewrite[]>> = {
  Mul: [softmaxGradient, softmax],
};
