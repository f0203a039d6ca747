/** Rows that are set aside, with why. */

/** Why a row is set aside. */
export interface Rejection {
  /** A stable, kebab-case word, such as `video-duplicate`. */
  reason: string;
  /** What exactly, as a sentence without an end. */
  detail: string;
}

/** A row as `rejected.jsonl` has it. */
export function rejectedRow<T extends object>(row: T, rejection: Rejection): T & { rejected: Rejection } {
  return { ...row, rejected: rejection };
}

/** Counts by name, the most frequent first, equal ones by name. */
export function sortedCounts(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)));
}

/** Adds one, or more, to a count. */
export function tally(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
