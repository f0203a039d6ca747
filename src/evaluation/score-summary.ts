/** What all outputs come to: figures with their counts, over a stream. */

import type { JudgeUsage } from "../judges/index.ts";
import {
  type Figure,
  type FigureOptions,
  type Score,
  type ScoredSample,
  summarizeTac,
  type TacRow,
  type TacSummary,
  tacRunSummary,
  type VasReferenceSummary,
  vasReferenceSummary,
} from "../metrics/index.ts";
import type { Compat } from "../rewards/index.ts";
import { RunningFigure, RunningFigures } from "./running-figure.ts";
import { clusterOf, type SampleRecord } from "./score-record.ts";

/** How outputs were scored: what has to be the same for two summaries to be compared. */
export interface ScoreSettings {
  /** Name of the judge, with model and version of its prompts. */
  judge: string;
  /** Name of the embedder. */
  embedder: string;
  /** Smallest similarity of two claims that match, on the embedder's scale. */
  threshold: number;
  /** Largest time between them in seconds. */
  deltaSeconds: number;
  compat: Compat;
}

/** The figures of a run. Shares are 0 to 1, attention 0 to 10. */
export interface ScoreSummary {
  settings: ScoreSettings;
  /** Every file with the number of outputs it held. */
  files: { path: string; outputs: number }[];
  outputs: number;
  /** Outputs that were cut off, and outputs that the log does not hold. */
  truncated: number;
  missing: number;
  accuracy: Figure;
  accuracyByType: Record<string, Figure>;
  accuracyByBenchmark: Record<string, Figure>;
  accuracyByCategory: Record<string, Figure>;
  /** Among right answers, those whose reasoning concludes the right one too: the paper's TAC. */
  consistencyAccuracy: Figure;
  /** Answers that say what their reasoning concludes. */
  agreement: Figure;
  consistencyByBenchmark: Record<string, { consistencyAccuracy: Figure; agreement: Figure }>;
  /** Outputs with both known: answer right or wrong, reasoning right or wrong. */
  confusion: { bothRight: number; answerOnly: number; thinkingOnly: number; bothWrong: number };
  /** Temporal alignment, gated by consistency, and before the gate. */
  tar: Figure;
  claimPrecision: Figure;
  claimRecall: Figure;
  claimF1: Figure;
  /** Claims of an output. */
  claims: Figure;
  /** Attention to the video as judged, 0 to 10. */
  attention: Figure;
  attentionByBenchmark: Record<string, Figure>;
  format: Figure;
  /** What the logs say of themselves, and how many of their verdicts differ from ours. */
  logged: { accuracy: Figure; differs: number };
  /** The reference's own summaries, in its names; here what could not be judged counts as wrong. */
  reference: { tac: TacSummary; vas: VasReferenceSummary };
  usage: JudgeUsage;
  seconds: number;
}

const both = (score: Score, cluster: string): ScoredSample => ({ ...score, cluster });
const known = (value: number | null, why: string, cluster: string): ScoredSample =>
  value === null ? { score: null, reason: why, cluster } : { score: value, cluster };

/** The eight rows that the reference tells apart, with and without options: kept once, however many there are. */
const tacRows = new Map<number, TacRow>();
function tacRow(lmms: boolean, answer: boolean, thinking: boolean, choice: boolean): TacRow {
  const at = +lmms + 2 * +answer + 4 * +thinking + 8 * +choice;
  const row = tacRows.get(at) ?? { lmms, answer, thinking, choice };
  tacRows.set(at, row);
  return row;
}

const right = (score: Score) => (score.score === null ? null : score.score >= 1);

/** Adds up records as they come. */
export class SummaryBuilder {
  readonly #files = new Map<string, number>();
  readonly #accuracy = new RunningFigure();
  readonly #byType = new RunningFigures();
  readonly #byBenchmark = new RunningFigures();
  readonly #byCategory = new RunningFigures();
  readonly #consistent = new RunningFigures();
  readonly #agreement = new RunningFigures();
  readonly #consistentAll = new RunningFigure();
  readonly #agreementAll = new RunningFigure();
  readonly #confusion = { bothRight: 0, answerOnly: 0, thinkingOnly: 0, bothWrong: 0 };
  readonly #tar = new RunningFigure();
  readonly #precision = new RunningFigure();
  readonly #recall = new RunningFigure();
  readonly #f1 = new RunningFigure();
  readonly #claims = new RunningFigure();
  readonly #attention = new RunningFigure();
  readonly #attentionBy = new RunningFigures();
  readonly #format = new RunningFigure();
  readonly #logged = new RunningFigure();
  readonly #tacRows = new Map<string, TacRow[]>();
  readonly #vasScores: Record<string, number[]> = {};
  #outputs = 0;
  #truncated = 0;
  #missing = 0;
  #differs = 0;

  /** Outputs so far. */
  get outputs(): number {
    return this.#outputs;
  }

  /** Counts one record. */
  add(record: SampleRecord): void {
    const cluster = clusterOf(record);
    const benchmark = record.benchmark ?? "all";
    this.#outputs++;
    this.#files.set(record.file, (this.#files.get(record.file) ?? 0) + 1);
    if (record.truncated !== null) this.#truncated++;
    if (record.output === null) this.#missing++;
    this.#addAccuracy(record, benchmark, cluster);
    this.#addConsistency(record, benchmark, cluster);
    this.#addClaims(record, cluster);
    const attention = known(record.attention.value, record.attention.why, cluster);
    this.#attention.add(attention);
    this.#attentionBy.add(benchmark, attention);
    if (record.attention.value !== null) {
      const scores = this.#vasScores[benchmark] ?? [];
      this.#vasScores[benchmark] = scores;
      scores.push(record.attention.value);
    }
    this.#format.add(both(record.format, cluster));
  }

  #addAccuracy(record: SampleRecord, benchmark: string, cluster: string): void {
    const accuracy = both(record.accuracy, cluster);
    this.#accuracy.add(accuracy);
    this.#byType.add(record.type, accuracy);
    this.#byBenchmark.add(benchmark, accuracy);
    if (record.category !== null) this.#byCategory.add(record.category, accuracy);
    if (record.logged === null) return;
    const { score } = record.logged;
    this.#logged.add(known(score, "the log gives no score", cluster));
    if (score !== null && record.accuracy.score !== null && record.accuracy.score !== score) this.#differs++;
  }

  #addConsistency(record: SampleRecord, benchmark: string, cluster: string): void {
    const answer = right(record.accuracy);
    const thinking = right(record.thinking);
    if (answer !== null && thinking !== null)
      this.#confusion[
        answer ? (thinking ? "bothRight" : "answerOnly") : thinking ? "thinkingOnly" : "bothWrong"
      ]++;
    const { value, why } = record.consistent;
    const agreement = known(value === null ? null : +value, why, cluster);
    this.#agreement.add(benchmark, agreement);
    this.#agreementAll.add(agreement);
    if (answer !== false) {
      const sample: ScoredSample =
        answer === null
          ? known(null, record.accuracy.reason ?? "", cluster)
          : known(thinking === null ? null : +thinking, record.thinking.reason ?? "", cluster);
      this.#consistent.add(benchmark, sample);
      this.#consistentAll.add(sample);
    }
    const rows = this.#tacRows.get(benchmark) ?? [];
    this.#tacRows.set(benchmark, rows);
    const logged = record.logged?.score ?? record.accuracy.score;
    rows.push(tacRow(logged === 1, answer === true, thinking === true, record.options.length > 0));
  }

  #addClaims(record: SampleRecord, cluster: string): void {
    const { alignment, tar } = record;
    const why = tar.reason ?? "";
    this.#tar.add(both(tar, cluster));
    this.#precision.add(known(alignment?.precision ?? null, why, cluster));
    this.#recall.add(known(alignment?.recall ?? null, why, cluster));
    this.#f1.add(known(alignment?.f1 ?? null, why, cluster));
    const told = record.claimsWhy === "";
    this.#claims.add(known(told ? record.claims.length : null, record.claimsWhy, cluster));
  }

  /** The figures so far. */
  summary(
    settings: ScoreSettings,
    cost: { usage: JudgeUsage; seconds: number },
    options: FigureOptions = {},
  ): ScoreSummary {
    const consistent = this.#consistent.figures(options);
    const agreement = this.#agreement.figures(options);
    const kinds = new Set(["video_mmmu", "mmvu"]);
    const runs = [...this.#tacRows].map(
      ([name, rows]) => [name, tacRunSummary(rows, kinds.has(name) ? "mixed" : "choice")] as const,
    );
    return {
      settings,
      files: [...this.#files].map(([path, outputs]) => ({ path, outputs })),
      outputs: this.#outputs,
      truncated: this.#truncated,
      missing: this.#missing,
      accuracy: this.#accuracy.figure(options),
      accuracyByType: this.#byType.figures(options),
      accuracyByBenchmark: this.#byBenchmark.figures(options),
      accuracyByCategory: this.#byCategory.figures(options),
      consistencyAccuracy: this.#consistentAll.figure(options),
      agreement: this.#agreementAll.figure(options),
      consistencyByBenchmark: Object.fromEntries(
        Object.entries(agreement).map(([name, figure]) => [
          name,
          { consistencyAccuracy: consistent[name] ?? new RunningFigure().figure(), agreement: figure },
        ]),
      ),
      confusion: { ...this.#confusion },
      tar: this.#tar.figure(options),
      claimPrecision: this.#precision.figure(options),
      claimRecall: this.#recall.figure(options),
      claimF1: this.#f1.figure(options),
      claims: this.#claims.figure(options),
      attention: this.#attention.figure(options),
      attentionByBenchmark: this.#attentionBy.figures(options),
      format: this.#format.figure(options),
      logged: { accuracy: this.#logged.figure(options), differs: this.#differs },
      reference: {
        tac: summarizeTac(Object.fromEntries(runs)),
        vas: vasReferenceSummary(this.#vasScores),
      },
      ...cost,
    };
  }
}
