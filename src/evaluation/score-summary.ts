/** What all outputs come to: figures with their counts, over a stream. */

import type { JudgeUsage } from "../judges/index.ts";
import {
  type Figure,
  type FigureOptions,
  isNearlyRight,
  relativeAccuracy,
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
import { parseNumber } from "../trace/index.ts";
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

/** The rows that the reference tells apart: each is kept once, however many outputs are like it. */
const tacRows = new Map<string, TacRow>();
function shared(row: TacRow): TacRow {
  const { lmms, answer, thinking, choice, scores } = row;
  const key = [lmms, answer, thinking, choice, scores?.lmms, scores?.answer, scores?.thinking].join();
  const known = tacRows.get(key);
  if (known) return known;
  tacRows.set(key, row);
  return row;
}

/** An output as the reference's scripts count it. What could not be read counts as wrong. */
function tacRow(record: SampleRecord): TacRow {
  const choice = record.options.length > 0;
  if (record.benchmark === "vsibench" && record.type === "number") return vsiNumberRow(record);
  const logged = record.logged?.score ?? record.accuracy.score;
  return shared({
    lmms: logged === 1,
    answer: right(record.accuracy) === true,
    thinking: right(record.thinking) === true,
    choice,
  });
}

/** Numbers of VSI-Bench: scored by how near they are, and right in the table within 5 %. */
function vsiNumberRow({ gold, logged, answer, concluded }: SampleRecord): TacRow {
  const number = (text: string | null): number | null => (text === null ? null : parseNumber(text));
  const target = number(gold);
  const given = {
    lmms: number(logged?.answer ?? answer),
    answer: number(answer),
    thinking: number(concluded.value),
  };
  const score = (value: number | null): number => relativeAccuracy(value, target, "tac") ?? 0;
  return shared({
    lmms: isNearlyRight(given.lmms, target),
    answer: isNearlyRight(given.answer, target),
    thinking: isNearlyRight(given.thinking, target),
    choice: false,
    scores: { lmms: score(given.lmms), answer: score(given.answer), thinking: score(given.thinking) },
  });
}

/** How the reference sums up each benchmark. */
const tacKinds: Record<string, "mixed" | "vsi"> = { video_mmmu: "mixed", mmvu: "mixed", vsibench: "vsi" };

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
    rows.push(tacRow(record));
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
    const runs = [...this.#tacRows].map(
      ([name, rows]) => [name, tacRunSummary(rows, tacKinds[name] ?? "choice")] as const,
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
