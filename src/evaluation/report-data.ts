/** What the report's page is given. */

import type { SampleRecord } from "./score-record.ts";
import type { ScoreSummary } from "./score-summary.ts";

/** A piece of the reasoning that stands for something: a claim by its index, or the words that decide. */
export interface Mark {
  from: number;
  to: number;
  /** Index of the claim, or -1 for the words of the conclusion. */
  claim: number;
}

/** One output as the page shows it. */
export interface ReportSample extends Omit<SampleRecord, "key"> {
  /** The reasoning, or null. */
  think: string | null;
  /** Pieces of the reasoning, by offset; they may overlap only where one is the conclusion. */
  marks: Mark[];
}

/** What is embedded in the page. */
export interface ReportData {
  summary: ScoreSummary;
  /** At most as many as the page can show; `summary.outputs` says how many there are. */
  samples: ReportSample[];
}
