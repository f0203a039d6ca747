/** What answers a benchmark's questions: a server with many requests in flight, or a checkpoint in this process. */

import type { BenchmarkQuestion } from "../../benchmarks/index.ts";
import type { FrameSampling } from "../../models/index.ts";

/** A question as it is put. */
export interface AskedQuestion {
  question: BenchmarkQuestion;
  /** The text that follows the video. */
  prompt: string;
  maxNewTokens: number;
}

/** What came of a question. */
export interface Answered {
  /** What the model wrote; null where there is nothing, and then `failure` says why. */
  text: string | null;
  finishReason: string | null;
  failure?: string;
  /** Frames that the model was shown. */
  frames: number;
  promptTokens: number | null;
  completionTokens: number | null;
}

/** What is known of who answers, for the run's record. */
export interface AnswererInfo {
  name: string;
  kind: "in-process" | "server";
  /** The device in process, or the server's URL. */
  device: string;
  sampling: FrameSampling;
  /** The weights' SHA-256 in process, null of a server. */
  weights: string | null;
}

/** Who answers. */
export interface Answerer {
  readonly info: AnswererInfo;
  /** Questions that are answered as one: a batch, whose numbers may depend on who is in it. */
  readonly together: number;
  /** Such sets in flight at once. */
  readonly inFlight: number;
  /**
   * Answers questions. What goes wrong with a question's video or request is in its own answer.
   *
   * @throws UsageError for what is wrong with all of them, such as a server that is not there; the signal's reason
   */
  answer(asked: readonly AskedQuestion[], signal: AbortSignal): Promise<Answered[]>;
  close(): Promise<void>;
}

/** An answer that is none. */
export function failed(failure: string): Answered {
  return {
    text: null,
    finishReason: null,
    failure,
    frames: 0,
    promptTokens: null,
    completionTokens: null,
  };
}
