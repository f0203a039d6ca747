/** Rewards one completion after the other, telling at any moment what is known of each. */

import { messageOf, UsageError } from "../../base/index.ts";
import type { Embedder, Judge } from "../../judges/index.ts";
import type { Compat, Reward } from "../../rewards/index.ts";
import { totalReward } from "../../rewards/index.ts";
import { referenceLastBlock, type Trace } from "../../trace/index.ts";
import {
  type BegunReward,
  CompletionRewarder,
  type ConsistencyPart,
  type RewardSettings,
  type TemporalPart,
} from "../../training/index.ts";
import { type ItemRewards, type NullCode, type RewardPart, unknownPart } from "./item-rewards.ts";
import type { RewardItem } from "./reward-request.ts";

/** A completion that is being rewarded. */
export interface RunningItem {
  /** All parts, as far as they can be told. Never rejects. */
  done: Promise<ItemRewards>;
  /** What is known now; the rest is null with `code`. */
  soFar(code: NullCode): ItemRewards;
}

/** What rewards completions. */
export interface ItemRewarderParts {
  judge: Judge;
  embedder: Embedder;
  settings: RewardSettings;
  /** Told about faults of the server itself. */
  onFault: (error: unknown) => void;
}

/** A part that is known, or the failure that keeps it from being known. */
type Known<T> = { part: T } | { failed: { code: NullCode; why: string } };

const known = (reward: Reward): RewardPart =>
  reward.score === null ? unknownPart("row", reward.reason) : { value: reward.score };

/** Nothing is known of a completion. */
export function nothingKnown(code: NullCode, detail = ""): ItemRewards {
  const part = unknownPart(code, detail);
  return { parts: { accuracy: part, format: part, tar: part }, total: part };
}

/**
 * What a completion lacks, so that nobody need be asked whether it is consistent, or null. A model judge says nothing of
 * such a completion, which is no failure of the judge.
 */
function missing(trace: Trace, compat: Compat | undefined): string | null {
  if (compat === "reference")
    return referenceLastBlock(trace.raw, "think") === "" ? "there is no reasoning" : null;
  if (!trace.think?.trim()) return "there is no reasoning";
  return trace.answer?.trim() ? null : "there is no answer";
}

/** Rewards completions. */
export class ItemRewarder {
  readonly #rewarder: CompletionRewarder;
  readonly #parts: ItemRewarderParts;

  /** Judge and embedder stay the caller's. */
  constructor(parts: ItemRewarderParts) {
    this.#parts = parts;
    this.#rewarder = new CompletionRewarder(parts.judge, parts.embedder, parts.settings);
  }

  /** Begins with a completion. Never throws. */
  start(item: RewardItem): RunningItem {
    let begun: BegunReward;
    try {
      begun = this.#rewarder.begin(item.question, item.completion, item.truncated);
    } catch (error) {
      this.#parts.onFault(error);
      const nothing = nothingKnown("internal");
      return { done: Promise.resolve(nothing), soFar: () => nothing };
    }
    const found: { consistency?: Known<ConsistencyPart>; temporal?: Known<TemporalPart> } = {};
    const fault = missing(begun.trace, this.#parts.settings.compat);
    const consistency = begun.consistency.then(
      (part) => {
        const counted = part.value === null && fault !== null ? { value: false, why: fault } : part;
        found.consistency =
          counted.value === null ? { failed: { code: "judge", why: part.why } } : { part: counted };
      },
      (error) => {
        found.consistency = this.#failure(error, "judge");
      },
    );
    const temporal = begun.temporal.then(
      (part) => {
        found.temporal =
          part.score === null && begun.grounded ? { failed: { code: "judge", why: part.why } } : { part };
      },
      (error) => {
        found.temporal = this.#failure(error, "embedder");
      },
    );
    const tell = (code: NullCode) => this.#tell(item, begun, found, code);
    return {
      done: Promise.all([consistency, temporal]).then(() => tell("internal")),
      soFar: tell,
    };
  }

  #failure(error: unknown, code: NullCode): { failed: { code: NullCode; why: string } } {
    if (error instanceof UsageError) return { failed: { code, why: messageOf(error) } };
    this.#parts.onFault(error);
    return { failed: { code: "internal", why: "" } };
  }

  /** What is known; what was not found yet is null with `code`. */
  #tell(
    { explain }: RewardItem,
    { grounded, accuracy, format }: BegunReward,
    found: { consistency?: Known<ConsistencyPart>; temporal?: Known<TemporalPart> },
    code: NullCode,
  ): ItemRewards {
    const { gate, weights } = this.#parts.settings;
    const late = { failed: { code, why: "" } };
    const consistency = found.consistency ?? late;
    const temporal = found.temporal ?? late;
    const consistent = "part" in consistency ? consistency.part.value : null;
    const sum = totalReward(
      {
        accuracy: accuracy.score,
        format: format.score,
        temporal: "part" in temporal ? temporal.part.score : null,
        consistent: gate ? consistent : true,
      },
      { ...weights, temporal: grounded ? weights.temporal : 0 },
    );
    const gated = sum.parts.find(({ name }) => name === "temporal")?.score ?? null;
    const failure = "failed" in temporal ? temporal : "failed" in consistency ? consistency : late;
    const tar: RewardPart = !grounded
      ? unknownPart("row", "there is no temporal_grounding that names a time")
      : gated === null
        ? unknownPart(failure.failed.code, failure.failed.why)
        : { value: gated };
    const parts = { accuracy: known(accuracy), format: known(format), tar };
    const counted = [
      [parts.accuracy, weights.accuracy],
      [parts.format, weights.format],
      [tar, grounded ? weights.temporal : 0],
    ] as const;
    const lacking = counted.find(([part, weight]) => weight !== 0 && part.value === null)?.[0];
    const why = (part: Known<{ why: string }>) => ("part" in part ? part.part.why : part.failed.why || code);
    return {
      parts,
      total: sum.score === null ? (lacking ?? unknownPart("internal")) : { value: sum.score },
      ...(explain
        ? {
            explanation: {
              total: sum.explained,
              accuracy: accuracy.explained,
              format: format.explained,
              consistency: why(consistency),
              tar: gate && consistent === false ? `${why(temporal)}, times 0` : why(temporal),
              claims: "part" in temporal ? temporal.part.explained : [],
            },
          }
        : {}),
    };
  }
}
