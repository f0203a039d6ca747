/** What a judge adds to an output before it is scored. */

import type {
  Benchmark,
  BenchmarkOutput,
  BenchmarkQuestion,
  BenchmarkScore,
} from "../../benchmarks/index.ts";
import type { Judge } from "../../judges/index.ts";
import { parseTrace } from "../../trace/index.ts";

/**
 * Scores an output. A judge is asked whether a free answer in other words than the gold one's means the same, and
 * which number an answer to a question about an amount gives; nothing else of an output is for it.
 */
export async function scoreJudged(
  benchmark: Benchmark,
  question: BenchmarkQuestion,
  output: BenchmarkOutput,
  judge: Judge,
): Promise<BenchmarkScore> {
  const plain = benchmark.score(question, output);
  const { gold, type } = question;
  const isNumber = type === "number" && benchmark.judgesNumbers;
  if (output.text === null || gold === null || !(isNumber || type === "text")) return plain;
  const { answer } = parseTrace(output.text);
  if (answer === null || answer.trim() === "") return plain;
  const asked = { question: question.question, answer };
  if (isNumber) {
    const { value } = await judge.number(asked);
    return benchmark.score(question, { ...output, number: value });
  }
  if (plain.robust.score === 1) return plain;
  const { value } = await judge.equal({ ...asked, gold });
  return value === null ? plain : benchmark.score(question, { ...output, equal: value });
}
