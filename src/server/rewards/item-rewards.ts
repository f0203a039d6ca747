/** What a completion earns, each reward a number or null with a reason. */

/** The rewards of a completion. */
export const rewardNames = ["accuracy", "format", "tar"] as const;

/** A reward's name; `tar` is behind the gate. */
export type RewardName = (typeof rewardNames)[number];

/**
 * Why there is no number. `row`: the row lacks what it takes; `judge`, `embedder`: these failed; `deadline`: not known
 * in time; `stopping`: the server stops; `internal`: a fault of the server, told in its log.
 */
export type NullCode = "row" | "judge" | "embedder" | "deadline" | "stopping" | "internal";

/** A reward. */
export type RewardPart = { value: number } | { value: null; code: NullCode; reason: string };

/** A completion's rewards. */
export interface ItemRewards {
  parts: Record<RewardName, RewardPart>;
  /** The weighted sum; null where a part with a weight is. */
  total: RewardPart;
  /** One sentence for each part, where it was asked for. */
  explanation?: {
    total: string;
    accuracy: string;
    format: string;
    consistency: string;
    tar: string;
    /** One sentence for each claim of the completion. */
    claims: string[];
  };
}

/** A reward that could not be told. */
export const unknownPart = (code: NullCode, detail = ""): RewardPart => ({
  value: null,
  code,
  reason: detail === "" ? code : `${code}: ${detail}`,
});

/** Whether asking again may tell more. */
export function isFinal({ parts, total }: ItemRewards): boolean {
  return [...Object.values(parts), total].every((part) => part.value !== null || part.code === "row");
}

/** A result as it is sent: the rewards by name, and the reasons of those that are null. */
export function resultJson(id: string | number, { parts, total, explanation }: ItemRewards): object {
  const all = { ...parts, total };
  const reasons = Object.entries(all).flatMap(([name, part]) =>
    part.value === null ? [[name, part.reason]] : [],
  );
  return {
    id,
    rewards: {
      accuracy: parts.accuracy.value,
      format: parts.format.value,
      tar: parts.tar.value,
    },
    total: total.value,
    ...(reasons.length > 0 ? { reasons: Object.fromEntries(reasons) } : {}),
    ...(explanation ? { explanation } : {}),
  };
}
