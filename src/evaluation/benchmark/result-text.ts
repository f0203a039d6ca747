/** A run in a few lines, for a terminal. */

import { alignedTable } from "../aligned-table.ts";
import type { BenchmarkRun } from "./run-benchmark.ts";

const shown = (value: number | null, digits = 1): string => (value === null ? "-" : value.toFixed(digits));

/** A table of runs: accuracy by both scorings, TAC, TAR, VAS, what failed, and how fast it went. */
export function runsText(titles: readonly string[], runs: readonly BenchmarkRun[]): string {
  const heads = ["", "questions", "accuracy", "as released", "TAC", "agreement", "TAR", "VAS", "failed", "s"];
  const percent = ({ value }: { value: number | null }): string => shown(value === null ? null : 100 * value);
  const rows = runs.map(({ record, result, scores }, i) => [
    titles[i] as string,
    String(record.questions),
    shown(result.robust.value),
    shown(result.reference.value),
    percent(scores.consistencyAccuracy),
    percent(scores.agreement),
    percent(scores.tar),
    scores.attention.value === null ? "-" : shown(10 * scores.attention.value),
    String(record.failed),
    shown(record.seconds, 0),
  ]);
  return alignedTable(heads, rows);
}
