/**
 * Our way of scoring: the last answer counts, in whatever shape it is written, and nothing is guessed. An output that
 * was cut off before its answer is a miss and says so; what cannot be read has no score.
 */

import { type Score, scoreAnswer } from "../../metrics/index.ts";
import { parseLetter, parseNumber, parseTrace, type Trace, truncationOf } from "../../trace/index.ts";
import type { BenchmarkOutput, BenchmarkQuestion, Verdict } from "../benchmark.ts";

/** What of a question scoring looks at. */
export type ScoringKey = Pick<BenchmarkQuestion, "options" | "type" | "gold" | "durationSeconds">;

/** An output, read. */
export interface ReadOutput {
  trace: Trace;
  /** Why it counts as cut off, else null. */
  cut: string | null;
}

/** Parses an output; null where there is no text. */
export function readOutput(
  { text, finishReason = null }: BenchmarkOutput,
  durationSeconds: number | null,
): ReadOutput | null {
  if (text === null) return null;
  const times = durationSeconds === null ? {} : { durationSeconds };
  const trace = parseTrace(text, times);
  const cut = truncationOf(trace, finishReason);
  return { trace: cut === null ? trace : parseTrace(text, { ...times, truncated: true }), cut };
}

/** What the answer is taken to say: a letter, a number in digits, else the words. */
function readAnswer(answer: string, { options, type }: ScoringKey): string | null {
  if (options.length > 0 || type === "choice") return parseLetter(answer, options);
  if (type !== "number") return answer === "" ? null : answer;
  const value = parseNumber(answer);
  return value === null ? null : String(value);
}

/** Half a unit of the last decimal that the gold number has, relative to it; 0 for whole numbers. */
export function roundingTolerance(gold: string): number {
  const decimals = /\.(\d+)\D*$/.exec(gold)?.[1]?.length ?? 0;
  const value = Math.abs(parseNumber(gold) ?? 0);
  return decimals === 0 || value === 0 ? 0 : (0.5 * 10 ** -decimals) / value + 1e-9;
}

/**
 * Scores one output our way. A number may differ from the gold one by the rounding of its last decimal.
 *
 * @param judge another way to score an answer that is there; default `scoreAnswer`
 */
export function robustVerdict(
  key: ScoringKey,
  output: BenchmarkOutput,
  judge?: (answer: string) => Score,
): Verdict {
  const read = readOutput(output, key.durationSeconds);
  const none = (reason: string): Verdict => ({ parsed: null, score: null, reason });
  if (read === null) return none(output.failure ?? "there is no output");
  if (key.gold === null) return none("no gold answer is known");
  if (read.cut !== null) return { parsed: null, score: 0, reason: read.cut };
  const { answer } = read.trace;
  if (answer === null) return none("the output has no answer");
  const parsed = readAnswer(answer, key);
  const { score, reason } =
    judge?.(answer) ??
    scoreAnswer(answer, key, { relativeTolerance: roundingTolerance(key.gold), equal: output.equal });
  if (score === null) return { parsed, score, reason };
  return { parsed, score, reason: parsed === null ? unread(answer, key) : null };
}

/** Why an answer that is there says nothing. */
function unread(answer: string, { options, type }: ScoringKey): string {
  if (answer === "") return "the answer is empty";
  if (options.length > 0 || type === "choice") return "the answer names no single option";
  return type === "number" ? "the answer holds no number" : "the answer cannot be read";
}
