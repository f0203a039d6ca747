/** Two sets of per-sample records of the same questions: which is better, and could it be chance? */

import { type IntervalOptions, type PairedDifference, pairedDifference } from "../stats/index.ts";
import type { ScoredSample } from "./figure.ts";

/** A record that can be compared. */
export type ComparableSample = ScoredSample & { id: string };

/** The second set against the first. */
export interface Comparison extends PairedDifference {
  /** Mean of each over the pairs, null without any. */
  first: number | null;
  second: number | null;
  /** Pairs in which the second is better, worse, the same. */
  better: number;
  worse: number;
  same: number;
  /** Ids in one set only, and pairs in which one side has no score: neither is in the difference. */
  onlyFirst: number;
  onlySecond: number;
  unscored: number;
}

/** A question that both sets have a score for. */
export interface ScoredPair {
  a: number;
  b: number;
  cluster: string | number;
}

/**
 * Puts two sets together by id; the clusters are those of the first set.
 *
 * @throws RangeError if an id occurs twice in one set
 */
export function pairSamples(
  first: readonly ComparableSample[],
  second: readonly ComparableSample[],
): { pairs: ScoredPair[]; onlyFirst: number; onlySecond: number; unscored: number } {
  const [left, right] = [byId(first), byId(second)];
  const common = [...left].flatMap(([id, a]) => {
    const b = right.get(id);
    return b ? [{ id, a, b }] : [];
  });
  const pairs = common.flatMap(({ id, a, b }) =>
    a.score === null || b.score === null
      ? []
      : [{ a: a.score, b: b.score, cluster: a.cluster ?? `sample ${id}` }],
  );
  return {
    pairs,
    onlyFirst: left.size - common.length,
    onlySecond: right.size - common.length,
    unscored: common.length - pairs.length,
  };
}

/**
 * Compares two sets by id; the clusters are those of the first set.
 *
 * @throws RangeError if an id occurs twice in one set
 */
export function compareSamples(
  first: readonly ComparableSample[],
  second: readonly ComparableSample[],
  options: Omit<IntervalOptions, "clusters"> = {},
): Comparison {
  const { pairs, ...rest } = pairSamples(first, second);
  const difference = pairedDifference(
    pairs.map((pair) => pair.a),
    pairs.map((pair) => pair.b),
    { ...options, clusters: pairs.map((pair) => pair.cluster) },
  );
  const average = (side: "a" | "b") =>
    pairs.length > 0 ? pairs.reduce((sum, pair) => sum + pair[side], 0) / pairs.length : null;
  const count = (test: (difference: number) => boolean) => pairs.filter(({ a, b }) => test(b - a)).length;
  return {
    ...difference,
    first: average("a"),
    second: average("b"),
    better: count((d) => d > 0),
    worse: count((d) => d < 0),
    same: count((d) => d === 0),
    ...rest,
  };
}

function byId(samples: readonly ComparableSample[]): Map<string, ComparableSample> {
  const map = new Map<string, ComparableSample>();
  for (const sample of samples) {
    if (map.has(sample.id)) throw new RangeError(`id: must occur once, got ${sample.id} again`);
    map.set(sample.id, sample);
  }
  return map;
}
