/**
 * What a completion earns: accuracy, format and gated temporal alignment, by the same functions that score outputs,
 * with a sentence for each part.
 */

import { clockEnd, type DataRow, readGrounding } from "../data/index.ts";
import { claimSimilarities, type Embedder, type Judge } from "../judges/index.ts";
import {
  accuracyReward,
  formatReward,
  type RewardWeights,
  secondsApart,
  temporalAlignmentReward,
  totalReward,
} from "../rewards/index.ts";
import { mean } from "../stats/index.ts";
import { type Claim, parseTrace, type Trace } from "../trace/index.ts";

/** How completions are rewarded. */
export interface RewardSettings {
  /** What each part counts. */
  weights: RewardWeights;
  /** Whether TAR counts in consistent traces only. */
  gate: boolean;
  /** Largest time between claims that match, in seconds. */
  deltaSeconds: number;
  /** Smallest similarity of claims that match; default the embedder's own. */
  threshold?: number | undefined;
  /** What TAR is a share of: predicted claims, reference claims, or the harmonic mean of both. */
  mode: "precision" | "recall" | "f1";
}

/** A completion's reward; parts that could not be told are null. */
export interface CompletionReward {
  /** The weighted sum; null where a part that counts could not be told. */
  total: number | null;
  /** Why there is no total. */
  reason?: string;
  accuracy: number | null;
  format: number | null;
  /** TAR before the gate. */
  temporal: number | null;
  /** Whether reasoning and answer agree; null where the judge failed. */
  consistent: boolean | null;
  /** Claims that the completion makes. */
  claims: number;
  /** One sentence for each part, and for each claim. */
  explained: string[];
}

/** TAR after the gate, whatever the settings; null where TAR or consistency could not be told. */
export function gatedTar({ temporal, consistent }: CompletionReward): number | null {
  if (temporal === null || consistent === null) return null;
  return consistent ? temporal : 0;
}

/** Whether reasoning and answer agree, as 1 or 0; null where it could not be told. */
export function agreementOf({ consistent }: CompletionReward): number | null {
  return consistent === null ? null : Number(consistent);
}

/** The mean of what could be told; null over none. */
export function meanKnown(
  rewards: readonly CompletionReward[],
  pick: (reward: CompletionReward) => number | null,
): number | null {
  return mean(rewards.map(pick).filter((value) => value !== null));
}

/** Rewards completions of a data set's rows. */
export class CompletionRewarder {
  readonly #judge: Judge;
  readonly #embedder: Embedder;
  readonly #settings: RewardSettings;

  /** Judge and embedder stay the caller's. */
  constructor(judge: Judge, embedder: Embedder, settings: RewardSettings) {
    this.#judge = judge;
    this.#embedder = embedder;
    this.#settings = settings;
  }

  /**
   * Rewards one completion. Never throws for what a model or a judge did. Where the row has no grounding, TAR does
   * not count: it would be the same for all completions.
   *
   * @param truncated whether the completion was cut off
   */
  async reward(row: DataRow, text: string, truncated: boolean): Promise<CompletionReward> {
    const { weights, gate, mode } = this.#settings;
    const trace = parseTrace(text, { durationSeconds: clockEnd(row), truncated });
    const references = readGrounding(row.temporal_grounding) ?? [];
    const accuracy = accuracyReward(trace, { options: row.options, type: row.answerType, gold: row.answer });
    const format = formatReward(trace);
    const [consistency, temporal] = await Promise.all([
      this.#consistency(row, trace),
      this.#temporal(row, trace, references),
    ]);
    const total = totalReward(
      {
        accuracy: accuracy.score,
        format: format.score,
        temporal: temporal.score,
        consistent: gate ? consistency.value : true,
      },
      { ...weights, temporal: references.length === 0 ? 0 : weights.temporal },
    );
    const of = `${mode === "precision" ? "the completion's" : mode === "recall" ? "the reference's" : "both sides'"} claims`;
    return {
      total: total.score,
      ...(total.score === null ? { reason: total.reason } : {}),
      accuracy: accuracy.score,
      format: format.score,
      temporal: temporal.score,
      consistent: consistency.value,
      claims: temporal.claims,
      explained: [
        total.explained,
        `accuracy: ${accuracy.explained}`,
        `format: ${format.explained}`,
        `consistency: ${consistency.why}`,
        `temporal: ${temporal.score === null ? temporal.why : `${Number(temporal.score.toFixed(3))} of ${of}`}`,
        ...temporal.explained,
      ],
    };
  }

  /** Rules that find no conclusion find a fault of the trace; a model that gives no verdict has failed itself. */
  async #consistency(row: DataRow, trace: Trace): Promise<{ value: boolean | null; why: string }> {
    const judged = await this.#judge.consistency(judgeInput(row, trace));
    if (judged.value !== null) return { value: judged.value, why: judged.detail ?? "" };
    const why = "reason" in judged ? judged.reason : "";
    return { value: this.#judge.name === "rules" ? false : null, why };
  }

  async #temporal(
    row: DataRow,
    trace: Trace,
    references: readonly Claim[],
  ): Promise<{ score: number | null; claims: number; why: string; explained: string[] }> {
    const judged = await this.#judge.claims(judgeInput(row, trace));
    if (judged.value === null)
      return { score: null, claims: 0, why: "reason" in judged ? judged.reason : "", explained: [] };
    const claims = judged.value.length;
    if (references.length === 0)
      return { score: null, claims, why: "the row has no grounding", explained: [] };
    const { deltaSeconds, mode, threshold = this.#embedder.threshold } = this.#settings;
    const mayMatch = (a: Claim, b: Claim): boolean => secondsApart(a, b) <= deltaSeconds;
    const table = await claimSimilarities(judged.value, references, this.#embedder, mayMatch);
    const found = temporalAlignmentReward(judged.value, references, table, { deltaSeconds, mode, threshold });
    return { score: found.score, claims, why: "", explained: found.explained };
  }
}

function judgeInput(row: DataRow, trace: Trace) {
  const { id, question, options, answerType: type } = row;
  return { id, question, options, type, trace, durationSeconds: clockEnd(row) };
}
