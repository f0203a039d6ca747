/** What is known about one output after it was scored: one line of `samples.jsonl`. */

import type { TraceRow } from "../data/index.ts";
import type { Score } from "../metrics/index.ts";
import type { ClaimMatch } from "../rewards/index.ts";
import type { Claim, TraceProblem } from "../trace/index.ts";

/** Something judged: a value, or why there is none. */
export interface Verdict<T> {
  value: T | null;
  /** Why there is no value, or what the value rests on; may be empty. */
  why: string;
  /** The words of the reasoning it rests on, or null. */
  words?: string | null;
}

/** How the claims of an output compare with the reference's. */
export interface Alignment {
  /** Share of the output's claims that match, before the gate. */
  precision: number;
  /** Share of the reference's claims that are matched. */
  recall: number;
  f1: number;
  matches: ClaimMatch[];
  /** One sentence for each claim. */
  explained: string[];
}

/** What a record keeps of the row it scores. */
type KeptOfRow =
  | "id"
  | "file"
  | "line"
  | "benchmark"
  | "category"
  | "video"
  | "question"
  | "options"
  | "type"
  | "gold"
  | "durationSeconds"
  | "output"
  | "logged";

/** One output, scored. */
export interface SampleRecord extends Pick<TraceRow, KeptOfRow> {
  /** What the scores depend on, as a hash: the row and how it was scored; empty where nothing is kept. */
  key: string;
  /** The answer as it was read, or null. */
  answer: string | null;
  /** Why the output counts as cut off, or null where it is whole. */
  truncated: string | null;
  problems: TraceProblem[];
  /** Right or wrong, 0 to 1. */
  accuracy: Score;
  /** Whether the format is as asked, 0 or 1. */
  format: Score;
  /** What the reasoning concludes. */
  concluded: Verdict<string>;
  /** Whether that is right. */
  thinking: Score;
  /** Whether the answer says what the reasoning concludes. */
  consistent: Verdict<boolean>;
  /** The output's claims, and why there are none where they could not be told. */
  claims: Claim[];
  claimsWhy: string;
  references: Claim[] | null;
  alignment: Alignment | null;
  /** TAR: precision where the trace is consistent, else 0. */
  tar: Score;
  /** The judged attention score, 0 to 10, with the judge's reason. */
  attention: Verdict<number>;
  /** Whether a judge failed where it might not fail again. */
  retry: boolean;
}

/** What is drawn together in resampling: the outputs about one video. */
export function clusterOf({ video, benchmark, file, line, id }: SampleRecord): string {
  return video === null ? `${file}:${line}:${id}` : `${benchmark ?? ""}/${video}`;
}
