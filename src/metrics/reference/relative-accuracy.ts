/**
 * Mean relative accuracy of VSI-Bench: the share of thresholds c in 0.5, 0.55, ..., 0.95 with relative error at
 * most 1 - c. The reference computes it in three ways that differ at the edges, and with 9 thresholds once.
 */

/** `lmms`: 10 thresholds of numpy's linspace; `post`: 9; `tac`: 10 by adding 0.05 again and again. */
export type RelativeAccuracyVariant = "lmms" | "post" | "tac";

function linspace(points: number): number[] {
  const step = (0.95 - 0.5) / (points - 1);
  return Array.from({ length: points }, (_, i) => (i === points - 1 ? 0.95 : i * step + 0.5));
}

function summed(): number[] {
  const thresholds: number[] = [];
  for (let c = 0.5; c <= 0.95 + 1e-9; c += 0.05) thresholds.push(c);
  return thresholds;
}

const thresholds = { lmms: linspace(10), post: linspace(9), tac: summed() };

/**
 * Mean relative accuracy, 0 to 1; 0 where either is not a number. Null for a target of 0 with `lmms`, where the
 * reference fails.
 */
export function relativeAccuracy(
  predicted: number | null,
  target: number | null,
  variant: RelativeAccuracyVariant,
): number | null {
  if (predicted === null || target === null) return 0;
  if (target === 0) return variant === "lmms" ? null : 0;
  if (variant === "post" && !(Number.isFinite(predicted) && Number.isFinite(target))) return 0;
  const error = Math.abs(predicted - target) / (variant === "lmms" ? target : Math.abs(target));
  const list = thresholds[variant];
  return list.filter((c) => error <= 1 - c).length / list.length;
}

/** Whether a number counts as right in the table of VSI-Bench's TAC: a relative error of at most 5 %. */
export function isNearlyRight(predicted: number | null, target: number | null): boolean {
  if (predicted === null || target === null || target === 0) return false;
  return Math.abs(predicted - target) / Math.abs(target) <= 0.05;
}
