/**
 * The Temporal Alignment Reward: how many of the predicted claims are among the reference's, at about the same
 * time and saying about the same. `TAR_prec = (1/n) sum X_ij` with X a maximum-cardinality one-to-one matching,
 * ties by total similarity, of claims at most `deltaSeconds` apart and at least `threshold` similar.
 */

import { maximumMatching } from "../stats/index.ts";
import { type Claim, formatInterval } from "../trace/index.ts";
import type { MatchingProblem } from "./matching-problem.ts";
import { matchGreedily } from "./reference/match-greedily.ts";
import type { Compat } from "./reward.ts";
import { secondsApart } from "./time-distance.ts";

/** Cosine similarity of predicted claim `i` and reference claim `j`, as a table or a function. */
export type Similarity = readonly (readonly number[])[] | ((predicted: number, reference: number) => number);

/** How claims are matched and counted. */
export interface TemporalAlignmentOptions {
  /** Largest time distance of a match in seconds, 0 or more; default 2. */
  deltaSeconds?: number | undefined;
  /** Smallest similarity of a match; default 0.75. Embedders are on different scales: use the embedder's own. */
  threshold?: number | undefined;
  /** Share of predicted claims matched (default), of reference claims, or their harmonic mean. */
  mode?: "precision" | "recall" | "f1" | undefined;
  /** `reference`: greedy, in predicted time order, both intervals widened by `deltaSeconds`; precision only. */
  compat?: Compat | undefined;
}

/** A pair of matched claims, as indices into what was given. */
export interface ClaimMatch {
  predicted: number;
  reference: number;
  similarity: number;
  /** Gap between the two in seconds. */
  seconds: number;
}

/** The reward with what it rests on. */
export interface TemporalAlignment {
  /** 0 to 1; 0 where either side has no claim. */
  score: number;
  /** By predicted claim, in the order given. */
  matches: ClaimMatch[];
  /** One sentence for each predicted claim: what it matched, or why nothing. */
  explained: string[];
}

function matchMost({ predicted, reference, similarity, deltaSeconds, threshold }: MatchingProblem) {
  const allowed = predicted.map((claim, i) =>
    reference.map(
      (other, j) => secondsApart(claim, other) <= deltaSeconds && (similarity[i]?.[j] as number) >= threshold,
    ),
  );
  return maximumMatching(similarity, allowed);
}

const show = ({ startSeconds, endSeconds, text }: Claim) =>
  `"${text}" at ${formatInterval(startSeconds, endSeconds)}`;
const measured = (similarity: number, seconds: number) =>
  `similarity ${similarity.toFixed(2)}, ${seconds === 0 ? "at the same time" : `${Number(seconds.toFixed(2))} s apart`}`;

/** Why a claim matched nothing: too far in time from all, too different, or its match was taken. */
function whyNone(problem: MatchingProblem, i: number, reach: number): string {
  const { predicted, reference, similarity, threshold } = problem;
  const claim = predicted[i] as Claim;
  const near = reference
    .map((other, j) => ({
      other,
      seconds: secondsApart(claim, other),
      similarity: similarity[i]?.[j] as number,
    }))
    .filter(({ seconds }) => seconds <= reach)
    .sort((a, b) => b.similarity - a.similarity);
  const [best] = near;
  if (!best) return `no reference claim within ${reach} s`;
  const closest = `${show(best.other)} (${measured(best.similarity, best.seconds)})`;
  if (best.similarity >= threshold) return `what it could match is matched already, such as ${closest}`;
  return `the most similar one in time is below ${threshold}: ${closest}`;
}

function explain(problem: MatchingProblem, matches: readonly ClaimMatch[], reach: number): string[] {
  return problem.predicted.map((claim, i) => {
    const match = matches.find(({ predicted }) => predicted === i);
    if (!match) return `${show(claim)}: no match; ${whyNone(problem, i, reach)}`;
    const other = problem.reference[match.reference] as Claim;
    return `${show(claim)}: matches ${show(other)} (${measured(match.similarity, match.seconds)})`;
  });
}

function shareOf(matched: number, predicted: number, reference: number, mode: "precision" | "recall" | "f1") {
  const of = { precision: predicted, recall: reference, f1: (predicted + reference) / 2 }[mode];
  return matched / of;
}

/**
 * Rewards predicted claims that match reference claims, 0 to 1. The order of the claims does not matter, except
 * with `compat: "reference"`, where claims of the same time are taken as they stand.
 *
 * Precision alone pays a model for making one safe claim and no other; `f1` does not.
 *
 * @throws RangeError for a negative `deltaSeconds`, or another mode than precision with `compat: "reference"`
 */
export function temporalAlignmentReward(
  predicted: readonly Claim[],
  reference: readonly Claim[],
  similarity: Similarity,
  options: TemporalAlignmentOptions = {},
): TemporalAlignment {
  const { deltaSeconds = 2, threshold = 0.75, mode = "precision", compat = "paper" } = options;
  if (!(deltaSeconds >= 0)) throw new RangeError(`deltaSeconds: must be at least 0, got ${deltaSeconds}`);
  const asReference = compat === "reference";
  if (asReference && mode !== "precision")
    throw new RangeError(`mode: must be precision with compat reference, got ${mode}`);
  const between =
    typeof similarity === "function"
      ? similarity
      : (i: number, j: number) => similarity[i]?.[j] ?? Number.NaN;
  const problem: MatchingProblem = {
    predicted,
    reference,
    similarity: predicted.map((_, i) => reference.map((_, j) => between(i, j))),
    deltaSeconds,
    threshold,
  };
  const pairs = asReference ? matchGreedily(problem) : matchMost(problem);
  const matches = pairs.map(([i, j]) => ({
    predicted: i,
    reference: j,
    similarity: problem.similarity[i]?.[j] as number,
    seconds: secondsApart(predicted[i] as Claim, reference[j] as Claim),
  }));
  const empty = predicted.length === 0 || reference.length === 0;
  return {
    score: empty ? 0 : shareOf(matches.length, predicted.length, reference.length, mode),
    matches,
    explained: explain(problem, matches, asReference ? 2 * deltaSeconds : deltaSeconds),
  };
}
