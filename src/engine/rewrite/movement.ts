/** Sums of zero-padded pieces, as gradients of slices come, are joins. */

import type { Node, Value } from "../graph.ts";
import type { Rewrite } from "./matcher.ts";

interface Padding {
  readonly axis: number;
  readonly before: number;
  readonly after: number;
}

/** The one axis that a Pad pads, or undefined. */
function paddingOf(node: Node): Padding | undefined {
  const pads = node.attributes.pads as readonly number[];
  const rank = pads.length / 2;
  const axes = Array.from({ length: rank }, (_, i) => i).filter((i) => pads[i] !== 0 || pads[i + rank] !== 0);
  const [axis] = axes;
  if (axis === undefined || axes.length !== 1) return undefined;
  return { axis, before: pads[axis] as number, after: pads[axis + rank] as number };
}

/** `pad(a) + pad(b)` where the one's zeros are exactly where the other is. */
const joinPads: Rewrite = (match, node, inputs) => {
  for (const [left, right] of match.orders({ ...node, inputs })) {
    const [a, b] = [match.from(left, "Pad"), match.from(right, "Pad")];
    if (a === undefined || b === undefined) return undefined;
    const [p, q] = [paddingOf(a), paddingOf(b)];
    if (p === undefined || q === undefined || p.axis !== q.axis) return undefined;
    const [first, second] = [a.inputs[0] as Value, b.inputs[0] as Value];
    const fits =
      p.before === 0 && q.after === 0 && p.after === second.shape[p.axis] && q.before === first.shape[p.axis];
    if (fits) return match.builder.emit("Concat", [first, second], { axis: p.axis });
  }
  return undefined;
};

/** Rules by the operator they apply to. */
export const movementRewrites: Readonly<Record<string, readonly Rewrite[]>> = { Add: [joinPads] };
