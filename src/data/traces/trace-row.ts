/** One model output with what is known about the question it answers, whatever log it was read from. */

import type { AnswerType, Claim, Option } from "../../trace/index.ts";

/** What a log says about a row's score, to be shown beside ours. */
export interface LoggedScore {
  /** The answer as the log's own scorer read it. */
  answer: string | null;
  /** Whether that scorer took it for right, in [0, 1]; null where the log does not say. */
  score: number | null;
}

/** A row of a log of outputs. */
export interface TraceRow {
  /** The question's name in its log; several rows may share it. */
  id: string;
  /** The file it was read from. */
  file: string;
  /** The line it begins on, from 1. */
  line: number;
  /** The benchmark, such as `mvbench`, or null where neither row nor file name says. */
  benchmark: string | null;
  /** The kind of question in that benchmark, such as `action_antonym`, or null. */
  category: string | null;
  /** The video as the log names it, or null; rows about one video are not independent. */
  video: string | null;
  /** The question without options; empty where the log does not hold it. */
  question: string;
  /** The options, empty for an open question. */
  options: Option[];
  /** How the answer is written. */
  type: AnswerType;
  /** The right answer (choice: the letter), or null where the log does not hold it. */
  gold: string | null;
  /** What the model wrote, or null where the log holds no text, as after a failed request. */
  output: string | null;
  /** Why the model stopped (`stop`, `length`, ...), or null where the log does not say. */
  finishReason: string | null;
  /** The whole prompt as the model saw it, or null. */
  prompt: string | null;
  /** Length of the video in seconds, or null. */
  durationSeconds: number | null;
  /** What is to be seen when, or null where there is no reference; see `readGrounding`. */
  references: Claim[] | null;
  /** The same as the log writes it, for whoever reads it otherwise; null likewise. */
  grounding: unknown;
  /** What the log says about the score, or null. */
  logged: LoggedScore | null;
  /** Position in the benchmark's split (lmms-eval's `doc_id`), or null. */
  docId: string | null;
  /** SHA-256 of the prompt, where the log holds it. */
  promptHash: string | null;
}
