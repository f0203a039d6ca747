/** A run's answers as lmms-eval logs them, one file for each task, so that other tools read them. */

import { sha256 } from "../../base/index.ts";
import type { Benchmark, BenchmarkQuestion, BenchmarkScore } from "../../benchmarks/index.ts";
import type { Answered } from "./answerer.ts";

/** An answered and scored question. */
export interface ScoredAnswer {
  question: BenchmarkQuestion;
  prompt: string;
  answered: Answered;
  score: BenchmarkScore;
}

/** How answers were generated, in lmms-eval's names. */
export interface GenerationArguments {
  max_new_tokens: number;
  temperature: number;
  do_sample: boolean;
  until: string[];
}

/** One line of `*_samples_*.jsonl`: an answer that there is none of has no response, and `failure` says why. */
export function logRow(
  { question, prompt, answered, score }: ScoredAnswer,
  generation: GenerationArguments,
): Record<string, unknown> {
  const responses = answered.text === null ? [] : [answered.text];
  return {
    doc_id: question.docId,
    doc: score.logged.doc,
    target: question.target,
    arguments: generation,
    resps: [responses],
    filtered_resps: responses,
    doc_hash: sha256(JSON.stringify(question.doc)),
    prompt_hash: sha256(prompt),
    target_hash: sha256(question.target),
    ...score.logged.fields,
    input: prompt,
    finish_reason: answered.finishReason,
    ...(answered.failure === undefined ? {} : { failure: answered.failure }),
    // What is ours, beside what lmms-eval has.
    video_r2: {
      id: question.id,
      subset: question.subset,
      categories: question.categories,
      together: question.together,
      robust: score.robust,
      reference: score.reference,
      others: score.others,
      frames: answered.frames,
      prompt_tokens: answered.promptTokens,
      completion_tokens: answered.completionTokens,
    },
  };
}

/** The name of a task's log. @param stamp when the run began, as `20261122_101500` */
export function logName(benchmark: Benchmark, subset: string | null, stamp: string): string {
  return `${stamp}_samples_${benchmark.taskName(subset)}.jsonl`;
}

/** The logs of a run: name to lines, made as they are taken, questions in the order of their split. */
export function lmmsLogs(
  benchmark: Benchmark,
  answers: readonly ScoredAnswer[],
  generation: GenerationArguments,
  stamp: string,
): Map<string, Iterable<string>> {
  const groups = new Map<string, ScoredAnswer[]>();
  for (const answer of answers) {
    const name = logName(benchmark, answer.question.subset, stamp);
    const group = groups.get(name) ?? [];
    groups.set(name, group);
    group.push(answer);
  }
  return new Map([...groups].map(([name, group]) => [name, linesOf(group, generation)]));
}

function* linesOf(answers: readonly ScoredAnswer[], generation: GenerationArguments): Generator<string> {
  for (const answer of answers) yield `${JSON.stringify(logRow(answer, generation))}\n`;
}
