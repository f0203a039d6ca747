/** Figures of a benchmark: means in percent, that say over how many questions they are and what is not in them. */

import { countReasons } from "../../metrics/index.ts";
import { mean } from "../../stats/index.ts";
import type { BenchmarkFigure, ScoredQuestion, Verdict } from "../benchmark.ts";

/** Which of a question's verdicts counts. */
export type VerdictPick = (scored: ScoredQuestion) => Verdict;

/** The plain mean of verdicts, 0 to 100. */
export function percent(verdicts: readonly Verdict[]): BenchmarkFigure {
  const scores: number[] = [];
  const reasons: string[] = [];
  for (const { score, reason } of verdicts)
    if (score === null) reasons.push(reason ?? "no reason is given");
    else scores.push(score);
  const value = mean(scores);
  return {
    value: value === null ? null : 100 * value,
    n: scores.length,
    unscored: reasons.length,
    reasons: countReasons(reasons),
  };
}

/** The mean of figures, each counted once, of those that have a value; counts are added. */
export function meanOf(figures: readonly BenchmarkFigure[]): BenchmarkFigure {
  const reasons = figures.flatMap((figure) =>
    Object.entries(figure.reasons).flatMap(([reason, count]) => Array.from({ length: count }, () => reason)),
  );
  return {
    value: mean(figures.flatMap(({ value }) => (value === null ? [] : [value]))),
    n: figures.reduce((sum, { n }) => sum + n, 0),
    unscored: reasons.length,
    reasons: countReasons(reasons),
  };
}

/** Questions by a key, keys in the order in which they first occur; those without are left out. */
export function groupBy<T>(
  items: readonly T[],
  key: (item: T) => string | null | undefined,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    if (name === null || name === undefined) continue;
    const members = groups.get(name);
    if (members) members.push(item);
    else groups.set(name, [item]);
  }
  return groups;
}

/** A figure for each group. */
export function figuresOf(
  groups: ReadonlyMap<string, readonly ScoredQuestion[]>,
  pick: VerdictPick,
): Record<string, BenchmarkFigure> {
  return Object.fromEntries([...groups].map(([name, members]) => [name, percent(members.map(pick))]));
}

/** For every dimension in which questions have a category, a figure for each. */
export function figuresByDimension(
  scored: readonly ScoredQuestion[],
  pick: VerdictPick,
): Record<string, Record<string, BenchmarkFigure>> {
  const dimensions = new Set(scored.flatMap(({ question }) => Object.keys(question.categories)));
  return Object.fromEntries(
    [...dimensions].map((dimension) => [
      dimension,
      figuresOf(
        groupBy(scored, ({ question }) => question.categories[dimension]),
        pick,
      ),
    ]),
  );
}

/**
 * The share of groups of which every question is right. A group with a question that has no score has none either.
 */
export function allRight(
  groups: ReadonlyMap<string, readonly ScoredQuestion[]>,
  pick: VerdictPick,
): BenchmarkFigure {
  return percent(
    [...groups.values()].map((members): Verdict => {
      const verdicts = members.map(pick);
      const without = verdicts.find(({ score }) => score === null);
      if (without !== undefined) return without;
      return { parsed: null, score: verdicts.every(({ score }) => score === 1) ? 1 : 0, reason: null };
    }),
  );
}

/**
 * The plain mean, and where questions belong together, the share of groups that are right as a whole.
 *
 * @param name what such questions share, for the name of the figure
 */
export const allRightOf = (name: string) => (scored: readonly ScoredQuestion[], pick: VerdictPick) => {
  const groups = groupBy(scored, ({ question }) => question.together);
  const others = groups.size < scored.length ? { [`all_right_by_${name}`]: allRight(groups, pick) } : {};
  return { figure: percent(scored.map(pick)), definition: "mean of all questions", others };
};

/** Categories that the released code does not know, where it stops with a KeyError. */
export function unknownNotes(
  scored: readonly ScoredQuestion[],
  dimension: string,
  known: ReadonlySet<string>,
): string[] {
  const found = new Set(
    scored.flatMap(({ question }) => {
      const value = question.categories[dimension];
      return value === undefined || known.has(value) ? [] : [value];
    }),
  );
  return found.size === 0
    ? []
    : [`the released code stops at the ${dimension} ${[...found].join(", ")}, which it does not know`];
}

/** The figure of each subset that has questions. */
export function subsetFigures(
  scored: readonly ScoredQuestion[],
  pick: VerdictPick,
): Record<string, BenchmarkFigure> {
  return figuresOf(
    groupBy(scored, ({ question }) => question.subset),
    pick,
  );
}

/**
 * The mean of subsets, each counted alike.
 *
 * @param subsets how many there are in all, and what they are called
 */
export function meanOfSubsets(
  scored: readonly ScoredQuestion[],
  pick: VerdictPick,
  { count: all, noun }: { count: number; noun: string },
): { figure: BenchmarkFigure; definition: string; notes: string[] } {
  const figures = Object.values(subsetFigures(scored, pick));
  return {
    figure: meanOf(figures),
    definition: `mean of ${figures.length} ${noun}`,
    notes: figures.length < all ? [`${figures.length} of ${all} ${noun} have questions`] : [],
  };
}
