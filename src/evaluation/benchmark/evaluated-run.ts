/** What reports know of a run, whoever made it. */

import type { Benchmark, BenchmarkResult, ScoredQuestion } from "../../benchmarks/index.ts";
import type { ComparableRun } from "../score-against.ts";
import type { ScoreSummary } from "../score-summary.ts";

/** What a run took; null where nobody wrote it down. */
export interface RunCost {
  questions: number;
  /** Questions whose video or request failed. */
  failed: number | null;
  frames: number | null;
  promptTokens: number | null;
  completionTokens: number | null;
  seconds: number | null;
}

/** A run of one benchmark with one model, whole or in parts. */
export interface EvaluatedRun {
  /** The model's name; with the folder's where two runs would be called alike. */
  label: string;
  benchmark: Benchmark;
  result: BenchmarkResult;
  scores: ScoreSummary;
  /** Its outputs, to be compared with another run's question by question. */
  comparable: ComparableRun;
  /** Questions that have a score by our scoring and by the released code's, and not the same; null where none has both. */
  differ: number | null;
  cost: RunCost;
  /** Where it lies; of parts, that of the first. */
  folder: string;
  /** Whether parts of it are not there. */
  incomplete: boolean;
  /** What there is to know about it; whole sentences. */
  notes: string[];
}

/** How many questions the two scorings judge differently; null where none has a score by both. */
export function countDiffering(scored: readonly ScoredQuestion[]): number | null {
  const both = scored.filter(
    ({ score: { robust, reference } }) => robust.score !== null && reference.score !== null,
  );
  if (both.length === 0) return null;
  return both.filter(({ score: { robust, reference } }) => robust.score !== reference.score).length;
}
