/**
 * The contract of a judge: what reads a trace and decides. Every question gets an answer or a null with the
 * reason why there is none; nothing a model or a server does makes a judge throw.
 */

import type { AnswerType, Claim, Option, Trace } from "../trace/index.ts";

/** What a judge is given. */
export interface JudgeInput {
  /** Names the sample in errors; no part of what is judged. */
  id: string;
  /** The question as it was asked, without options; may be empty where only the prompt is known. */
  question: string;
  /** The options, empty for an open question. */
  options: readonly Option[];
  /** How the answer is written. */
  type: AnswerType;
  /** The output that is judged, parsed. */
  trace: Pick<Trace, "raw" | "think" | "answer" | "claims">;
  /** The full prompt text as the model saw it, where it is known; without, question and options stand for it. */
  prompt?: string | undefined;
  /** Where the question comes from; `compat: "reference"` reads replies to some benchmarks in their own ways. */
  benchmark?: string | undefined;
  /** How long the video is; `at the end` then is a time. */
  durationSeconds?: number | undefined;
}

/** What a judge found, or null with the reason; `raw` is the reply it was read from, where a model gave one. */
export type Judged<T> =
  | { value: T; detail?: string | undefined; raw?: string | undefined }
  | { value: null; reason: string; raw?: string | undefined };

/** A verdict on consistency with the words of the reasoning that it rests on, or null where none were named. */
export type JudgedConsistency = Judged<boolean> & { words?: string | null | undefined };

/** How much a reasoning attends to the video, as a judge sees it (the paper's VAS). */
export interface Attention {
  /** An integer from 0 (no sign of the video) to 10; printed times ten. */
  score: number;
  /** Why, in a sentence or two; empty where the judge gave no reason. */
  rationale: string;
}

/** An open question with two answers to compare. */
export interface EqualityInput {
  /** The question, maybe empty. */
  question: string;
  /** The right answer. */
  gold: string;
  /** The answer that was given. */
  answer: string;
}

/** An answer that should hold a number. */
export interface NumberInput {
  /** The question, maybe empty. */
  question: string;
  /** The answer that was given. */
  answer: string;
}

/** What judging has cost so far. */
export interface JudgeUsage {
  /** Requests that were sent, tries again included. */
  requests: number;
  /** Questions answered from the cache. */
  cached: number;
  /** Requests that were sent again after a failure. */
  retried: number;
  /** Questions for which there was no usable reply in the end. */
  failed: number;
  /** Tokens read by the model, as the server counts them; 0 where it does not. */
  promptTokens: number;
  /** Tokens written by the model. */
  completionTokens: number;
}

/** Reads traces and decides. All methods may be called at once; a judge bounds its own requests in flight. */
export interface Judge {
  /** What judged, for reports: `rules`, or server, model and version of the prompts. */
  readonly name: string;
  /** What the reasoning concludes: an upper-case letter where there are options, else a number, time or text. */
  concluded(input: JudgeInput): Promise<Judged<string>>;
  /** What the answer says, in the same form. */
  answered(input: JudgeInput): Promise<Judged<string>>;
  /** Whether the reasoning concludes what the answer says. */
  consistency(input: JudgeInput): Promise<JudgedConsistency>;
  /** What the reasoning says happens when; an empty list is a finding, not a failure. */
  claims(input: JudgeInput): Promise<Judged<Claim[]>>;
  /** The Video Attention Score of the reasoning. */
  attention(input: JudgeInput): Promise<Judged<Attention>>;
  /** Whether two answers to an open question mean the same. */
  equal(input: EqualityInput): Promise<Judged<boolean>>;
  /** The number that an answer to a question about an amount gives, in digits. */
  number(input: NumberInput): Promise<Judged<number>>;
  /** What judging has cost so far. */
  usage(): JudgeUsage;
  /** Ends requests in flight, which then are null, and closes what is open. */
  close(): Promise<void>;
}

/** A usage of zero. */
export function noUsage(): JudgeUsage {
  return { requests: 0, cached: 0, retried: 0, failed: 0, promptTokens: 0, completionTokens: 0 };
}
