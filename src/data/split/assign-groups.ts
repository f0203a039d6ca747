/**
 * Parts of given sizes from groups that stay whole, alike in every stratum: the largest groups first, equal ones in
 * random order, each to the part that it brings nearest to its share of the strata (after Sechidis, Tsoumakas and
 * Vlahavas, On the Stratification of Multi-label Data, 2011, for groups of rows).
 */

import type { Random } from "../../base/index.ts";

/** A group, with how many rows it has in each stratum. */
export type GroupStrata = ReadonlyMap<string, number>;

const total = (counts: Iterable<number>) => [...counts].reduce((sum, count) => sum + count, 0);

/**
 * Gives each group a part.
 *
 * @param groups a row may be in several strata, and in all groups in as many
 * @param shares of the parts, above 0; only their ratio counts
 * @returns the number of a part for each group
 */
export function assignGroups(
  groups: readonly GroupStrata[],
  shares: readonly number[],
  random: Random,
): number[] {
  const whole = total(shares);
  const totals = new Map<string, number>();
  for (const group of groups)
    for (const [stratum, rows] of group) totals.set(stratum, (totals.get(stratum) ?? 0) + rows);
  const have = shares.map(() => new Map<string, number>());
  const sizes = groups.map((group) => total(group.values()));
  const order = random
    .shuffle(groups.map((_, i) => i))
    .sort((a, b) => (sizes[b] as number) - (sizes[a] as number));
  const parts = new Array<number>(groups.length).fill(0);
  for (const i of order) {
    const group = groups[i] as GroupStrata;
    const costs = shares.map((share, part) => {
      let cost = 0;
      for (const [stratum, rows] of group) {
        const all = totals.get(stratum) as number;
        const over = (have[part]?.get(stratum) ?? 0) - (all * share) / whole;
        // The growth of the squared distance from the share, in parts of the stratum.
        cost += (rows * (2 * over + rows)) / all;
      }
      return cost;
    });
    const best = costs.indexOf(Math.min(...costs));
    parts[i] = best;
    const counts = have[best] as Map<string, number>;
    for (const [stratum, rows] of group) counts.set(stratum, (counts.get(stratum) ?? 0) + rows);
  }
  return parts;
}
