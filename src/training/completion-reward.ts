/**
 * What a completion earns: accuracy, format and gated temporal alignment, by the same functions that score outputs,
 * with a sentence for each part.
 */

import { clockEnd, type DataRow, readGrounding } from "../data/index.ts";
import { claimSimilarities, type Embedder, type Judge, type JudgeInput } from "../judges/index.ts";
import type { AnswerKey } from "../metrics/index.ts";
import {
  accuracyReward,
  type Compat,
  claimsFromReply,
  formatReward,
  type Reward,
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
  /** `reference`: accuracy, format, claims of a judge's reply and their matching as the released code has them. */
  compat?: Compat | undefined;
}

/** What is known of the question that a completion answers. */
export interface RewardedQuestion extends AnswerKey {
  /** Names it in errors. */
  id: string;
  /** As it was asked, without options. */
  question: string;
  /** What is to be seen when; empty where nobody says. */
  references: readonly Claim[];
  /** What the clock shows at the end of the video. */
  durationSeconds?: number | undefined;
}

/** Whether reasoning and answer agree; null, with the reason in `why`, where a judge failed. */
export interface ConsistencyPart {
  value: boolean | null;
  /** One sentence. */
  why: string;
}

/** TAR before the gate; null, with the reason in `why`, where a judge failed or the question has no references. */
export interface TemporalPart {
  score: number | null;
  /** Claims that the completion makes. */
  claims: number;
  /** One sentence. */
  why: string;
  /** One sentence for each claim. */
  explained: string[];
}

/** A reward that was begun: what needs nobody else, and what a judge and an embedder will tell. */
export interface BegunReward {
  /** The completion, parsed. */
  trace: Trace;
  /** Whether TAR counts: without references it would be the same for all completions. */
  grounded: boolean;
  accuracy: Reward;
  format: Reward;
  consistency: Promise<ConsistencyPart>;
  /** Rejects with what the embedder throws. */
  temporal: Promise<TemporalPart>;
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
   * @throws what the embedder throws
   */
  async reward(row: DataRow, text: string, truncated: boolean): Promise<CompletionReward> {
    const { weights, gate } = this.#settings;
    const { grounded, accuracy, format, ...begun } = this.begin(questionOf(row), text, truncated);
    const [consistency, temporal] = await Promise.all([begun.consistency, begun.temporal]);
    const total = totalReward(
      {
        accuracy: accuracy.score,
        format: format.score,
        temporal: temporal.score,
        consistent: gate ? consistency.value : true,
      },
      { ...weights, temporal: grounded ? weights.temporal : 0 },
    );
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
        `temporal: ${temporal.why}`,
        ...temporal.explained,
      ],
    };
  }

  /** Begins to reward a completion, for callers that may not be able to wait for all of it; see `reward`. */
  begin(question: RewardedQuestion, text: string, truncated: boolean): BegunReward {
    const { durationSeconds, references } = question;
    const { compat } = this.#settings;
    const trace = parseTrace(text, { durationSeconds, truncated });
    return {
      trace,
      grounded: references.length > 0 || compat === "reference",
      accuracy: accuracyReward(trace, question, { compat }),
      format: formatReward(trace, { compat }),
      consistency: this.#consistency(question, trace),
      temporal: this.#temporal(question, trace),
    };
  }

  /** Rules that find no conclusion find a fault of the trace; a model that gives no verdict has failed itself. */
  async #consistency(question: RewardedQuestion, trace: Trace): Promise<ConsistencyPart> {
    const judged = await this.#judge.consistency(judgeInput(question, trace));
    if (judged.value !== null) return { value: judged.value, why: judged.detail ?? "" };
    const why = "reason" in judged ? judged.reason : "";
    // The released code takes a reply that it cannot read for a no.
    const counts = this.#judge.name === "rules" || (this.#isReference && judged.raw !== undefined);
    return { value: counts ? false : null, why };
  }

  async #temporal(question: RewardedQuestion, trace: Trace): Promise<TemporalPart> {
    const judged = await this.#judge.claims(judgeInput(question, trace));
    const read = this.#isReference && judged.raw !== undefined ? claimsFromReply(judged.raw) : null;
    if (read?.fails !== undefined)
      return {
        score: 0,
        claims: 0,
        why: `the released code fails on the reply: ${read.fails}`,
        explained: [],
      };
    const predicted = read?.claims ?? judged.value;
    if (predicted === null)
      return { score: null, claims: 0, why: "reason" in judged ? judged.reason : "", explained: [] };
    const claims = predicted.length;
    const { references } = question;
    if (references.length === 0)
      return {
        score: this.#isReference ? 0 : null,
        claims,
        why: "the row has no grounding",
        explained: [],
      };
    const { deltaSeconds, mode, threshold = this.#embedder.threshold, compat } = this.#settings;
    // The released code allows twice `deltaSeconds`.
    const reach = this.#isReference ? 2 * deltaSeconds : deltaSeconds;
    const mayMatch = (a: Claim, b: Claim): boolean => secondsApart(a, b) <= reach;
    const table = await claimSimilarities(predicted, references, this.#embedder, mayMatch);
    const options = { deltaSeconds, mode, threshold, compat };
    const { score, explained } = temporalAlignmentReward(predicted, references, table, options);
    const of = `${mode === "precision" ? "the completion's" : mode === "recall" ? "the reference's" : "both sides'"} claims`;
    return { score, claims, why: `${Number(score.toFixed(3))} of ${of}`, explained };
  }

  get #isReference(): boolean {
    return this.#settings.compat === "reference";
  }
}

/** What a row of a data set says of its question. */
export function questionOf(row: DataRow): RewardedQuestion {
  const { id, question, options, answer: gold, answerType: type } = row;
  const references = readGrounding(row.temporal_grounding) ?? [];
  return { id, question, options, type, gold, references, durationSeconds: clockEnd(row) };
}

function judgeInput(question: RewardedQuestion, trace: Trace): JudgeInput {
  const { id, options, type, durationSeconds } = question;
  return { id, question: question.question, options, type, trace, durationSeconds };
}
