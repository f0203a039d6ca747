/**
 * Inference with the gate: of several sampled traces, those whose reasoning concludes what they answer vote, and those
 * whose claims others make too count for more.
 */

import { type ConsistencyVerdict, claimSimilarities, type Embedder } from "../judges/index.ts";
import { secondsApart, temporalAlignmentReward } from "../rewards/index.ts";
import type { Claim } from "../trace/index.ts";

/** A trace that may vote. */
export interface Ballot {
  /** What it answers, in a form in which equal answers are equal texts; null where it answers nothing. */
  answer: string | null;
  consistency: ConsistencyVerdict["verdict"];
  claims: readonly Claim[];
}

/** Which traces had a vote: consistent ones, else those that cannot be told, else all that answer. */
export type Electorate = "consistent" | "unknown" | "all" | "none";

/** An answer with the traces that gave it. */
export interface Candidate {
  answer: string;
  /** Indices of the ballots that voted for it. */
  ballots: number[];
  /** Sum of `1 + grounding` over them. */
  weight: number;
}

/** The outcome. */
export interface Vote {
  electorate: Electorate;
  /** By falling weight, then by the first ballot. */
  candidates: Candidate[];
  /** For each ballot that voted, how far other voters make its claims too, 0 to 1; null for the rest. */
  grounding: (number | null)[];
  /** The best grounded ballot of the first candidate; null where nobody answered. */
  chosen: number | null;
}

/** How claims of different traces are compared. */
export interface VoteOptions {
  embedder: Embedder;
  /** Largest time between claims that match, in seconds. Default 2. */
  deltaSeconds?: number;
}

/**
 * Counts the vote. A trace's grounding is the mean, over the other voters, of the share of its claims that match theirs
 * (TAR with the other trace as the reference): what several traces saw at the same time was more likely there. One voter
 * alone has grounding 0.
 */
export async function countVotes(ballots: readonly Ballot[], options: VoteOptions): Promise<Vote> {
  const { electorate, voters } = electorateOf(ballots);
  const grounding: (number | null)[] = ballots.map(() => null);
  for (const i of voters) grounding[i] = await groundingOf(ballots, i, voters, options);
  const candidates = new Map<string, Candidate>();
  for (const i of voters) {
    const answer = ballots[i]?.answer as string;
    const candidate = candidates.get(answer) ?? { answer, ballots: [], weight: 0 };
    candidate.ballots.push(i);
    candidate.weight += 1 + (grounding[i] as number);
    candidates.set(answer, candidate);
  }
  const sorted = [...candidates.values()].sort((a, b) => b.weight - a.weight);
  const [first] = sorted;
  const chosen =
    first?.ballots.reduce((best, i) => ((grounding[i] as number) > (grounding[best] as number) ? i : best)) ??
    null;
  return { electorate, candidates: sorted, grounding, chosen };
}

function electorateOf(ballots: readonly Ballot[]): { electorate: Electorate; voters: number[] } {
  const answering = [...ballots.keys()].filter((i) => ballots[i]?.answer !== null);
  for (const electorate of ["consistent", "unknown"] as const) {
    const voters = answering.filter((i) => ballots[i]?.consistency === electorate);
    if (voters.length > 0) return { electorate, voters };
  }
  return { electorate: answering.length > 0 ? "all" : "none", voters: answering };
}

async function groundingOf(
  ballots: readonly Ballot[],
  i: number,
  voters: readonly number[],
  { embedder, deltaSeconds = 2 }: VoteOptions,
): Promise<number> {
  const own = ballots[i]?.claims ?? [];
  const others = voters.filter((j) => j !== i);
  if (own.length === 0 || others.length === 0) return 0;
  const mayMatch = (a: Claim, b: Claim): boolean => secondsApart(a, b) <= deltaSeconds;
  let sum = 0;
  for (const j of others) {
    const theirs = ballots[j]?.claims ?? [];
    const table = await claimSimilarities(own, theirs, embedder, mayMatch);
    const { threshold } = embedder;
    sum += temporalAlignmentReward(own, theirs, table, { deltaSeconds, threshold }).score;
  }
  return sum / others.length;
}
