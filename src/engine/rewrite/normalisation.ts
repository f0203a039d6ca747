/**
 * RMSNorm where only its result is needed. (ReduceSumSquare is left out: ONNX Runtime's takes twice the time of
 * a product and a sum.)
 */

import type { Value } from "../graph.ts";
import type { Matcher, Rewrite } from "./matcher.ts";

/** `x / sqrt(mean(x x) + epsilon)`, if the reciprocal root serves nothing else (as gradients would). */
const rmsNorm: Rewrite = (match, node, inputs) => {
  for (const [x, root] of match.orders({ ...node, inputs })) {
    const last = x.shape.at(-1);
    if (last === undefined || x.dtype !== "float32" || root.shape.length !== x.shape.length) continue;
    if (!match.usedOnce(node.inputs[inputs.indexOf(root)])) continue;
    const epsilon = rootMeanSquareEpsilon(match, root, x, last);
    if (epsilon === undefined) continue;
    const ones = match.builder.constant(new Float32Array(last).fill(1), [last], "float32");
    const settings = { axis: x.shape.length - 1, epsilon, stash_type: 1 };
    return match.builder.emit("SimplifiedLayerNormalization", [x, ones], settings);
  }
  return undefined;
};

/** RMSNorm times a vector is RMSNorm with that scale. */
const scaled: Rewrite = (match, node, inputs) => {
  for (const [normal, scale] of match.orders({ ...node, inputs })) {
    const norm = match.from(normal, "SimplifiedLayerNormalization");
    const [x, before] = norm?.inputs ?? [];
    const last = x?.shape.at(-1);
    if (norm === undefined || x === undefined || before === undefined || last === undefined) continue;
    if (!match.usedOnce(node.inputs[inputs.indexOf(normal)]) || `${scale.shape}` !== `${[last]}`) continue;
    if (match.builder.constantOf(before)?.data.some((value) => Number(value) !== 1) !== false) continue;
    return match.builder.emit("SimplifiedLayerNormalization", [x, scale], norm.attributes);
  }
  return undefined;
};

/** The epsilon of `1 / sqrt(sum(x x) / n + epsilon)` over the last axis, or undefined. */
function rootMeanSquareEpsilon(match: Matcher, root: Value, x: Value, n: number): number | undefined {
  const variance = match.behind(match.behind(root, "Reciprocal"), "Sqrt");
  for (const [mean, added] of match.orders(match.from(variance, "Add"))) {
    const epsilon = match.scalar(added);
    if (epsilon === undefined) continue;
    for (const [sum, fraction] of match.orders(match.from(mean, "Mul"))) {
      const factor = match.scalar(fraction);
      const squares = match.from(sum, "ReduceSum");
      const axes = squares?.attributes.axes;
      if (factor === undefined || squares === undefined || !Array.isArray(axes)) continue;
      if (`${axes}` !== `${x.shape.length - 1}` || Math.abs(factor * n - 1) > 1e-6) continue;
      if (match.from(squares.inputs[0], "Mul")?.inputs.every((value) => value === x)) return epsilon;
    }
  }
  return undefined;
}

/** Rules by the operator they apply to. */
export const normalisationRewrites: Readonly<Record<string, readonly Rewrite[]>> = {
  Mul: [scaled, rmsNorm],
};
