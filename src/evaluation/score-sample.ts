/**
 * Scores one output: right or wrong, consistent or not, grounded or not, each with the reason. What cannot be told
 * has no score; nothing here throws for what a model or a judge did.
 */

import type { TraceRow } from "../data/index.ts";
import {
  type Attention,
  claimSimilarities,
  type Embedder,
  type Judge,
  type Judged,
  type JudgeInput,
} from "../judges/index.ts";
import {
  type AnswerKey,
  referenceScorers,
  relativeAccuracy,
  type Score,
  scoreAnswer,
  scoreAsReference,
} from "../metrics/index.ts";
import {
  accuracyReward,
  type Compat,
  claimsFromGrounding,
  formatReward,
  gate,
  secondsApart,
  type TemporalAlignment,
  temporalAlignmentReward,
} from "../rewards/index.ts";
import { type Claim, parseNumber, parseTrace, type Trace, truncationOf } from "../trace/index.ts";
import type { Alignment, SampleRecord, Verdict } from "./score-record.ts";

/** What scores a row. */
export interface SampleScorer {
  judge: Judge;
  embedder: Embedder;
  /** Default `paper`. */
  compat: Compat;
  /** Smallest similarity of two claims that match. */
  threshold: number;
  /** Largest time between them, in seconds. */
  deltaSeconds: number;
}

const noScore = (reason: string): Score => ({ score: null, reason });
const noVerdict = <T>(why: string): Verdict<T> => ({ value: null, why });

/** A judged value, whose failure is a reason. */
function verdictOf<T>(judged: Judged<T> & { words?: string | null | undefined }): Verdict<T> {
  const words = judged.words ?? null;
  return judged.value === null
    ? { value: null, why: "reason" in judged ? judged.reason : "", words }
    : { value: judged.value, why: ("detail" in judged && judged.detail) || "", words };
}

const attentionOf = (judged: Judged<Attention>): Verdict<number> =>
  judged.value === null
    ? { value: null, why: "reason" in judged ? judged.reason : "" }
    : { value: judged.value.score, why: judged.value.rationale };

/** Right or wrong as the benchmark means it: numbers of VSI-Bench by how near they are. */
function scorePlainly(row: TraceRow, answer: string | null, equal: boolean | null): Score {
  const key: AnswerKey = row;
  if (row.benchmark === "vsibench" && row.type === "number" && answer !== null && row.gold !== null) {
    const score = relativeAccuracy(parseNumber(answer), parseNumber(row.gold), "lmms");
    return score === null ? noScore("the gold number is 0") : { score };
  }
  return scoreAnswer(answer, key, { equal });
}

/** Right or wrong as the released code has it: its benchmark's scorer, else its reward. */
function scoreLikeReference(row: TraceRow, raw: string): Score {
  if (row.gold === null) return noScore("no gold answer is known");
  const scored =
    row.benchmark !== null && Object.hasOwn(referenceScorers, row.benchmark)
      ? scoreAsReference(row.benchmark, {
          output: raw,
          gold: row.gold,
          options: row.options.map(({ text }) => text),
        })
      : accuracyReward(raw, row, { compat: "reference" });
  return scored.score === null ? noScore(scored.reason) : { score: scored.score };
}

async function align(
  predicted: readonly Claim[],
  reference: readonly Claim[],
  scorer: SampleScorer,
): Promise<Alignment> {
  const { embedder, threshold, deltaSeconds, compat } = scorer;
  // The released code allows twice `deltaSeconds`.
  const mayMatch = (a: Claim, b: Claim): boolean => secondsApart(a, b) <= 2 * deltaSeconds;
  const table = await claimSimilarities(predicted, reference, embedder, mayMatch);
  const found: TemporalAlignment = temporalAlignmentReward(predicted, reference, table, {
    threshold,
    deltaSeconds,
    compat,
  });
  const matched = found.matches.length;
  const of = (n: number) => (n === 0 ? 0 : matched / n);
  return {
    precision: found.score,
    recall: of(reference.length),
    f1: of((predicted.length + reference.length) / 2),
    matches: found.matches,
    explained: found.explained,
  };
}

/** The reference's claims: as the data set means them, or as the released code reads them. */
function referenceClaims(row: TraceRow, compat: Compat): Claim[] | null {
  if (row.references === null || compat === "paper" || typeof row.grounding !== "object")
    return row.references;
  if (row.grounding === null || Array.isArray(row.grounding)) return row.references;
  return claimsFromGrounding(row.grounding as Record<string, string>).claims ?? [];
}

function gatedTar(
  alignment: Alignment | null,
  consistent: boolean | null,
  compat: Compat,
  why: string,
): Score {
  if (alignment === null) return noScore(why);
  const open = gate(consistent, { compat });
  // Nothing times whatever is nothing.
  if (alignment.precision === 0 || open.score === 0) return { score: 0 };
  return open.score === null ? noScore(open.reason) : { score: alignment.precision };
}

const asScore = ({ value, why }: Verdict<string>, row: TraceRow): Score =>
  value === null ? noScore(why) : scorePlainly(row, value, null);

/** What holds for a row however it is scored. */
function base(row: TraceRow) {
  const { id, file, line, benchmark, category, video, question, options, type, gold } = row;
  const { durationSeconds, output, logged } = row;
  return {
    id,
    file,
    line,
    benchmark,
    category,
    video,
    question,
    options,
    type,
    gold,
    durationSeconds,
    output,
    logged,
  };
}

/** A row without anything to judge. */
function unscoredRecord(row: TraceRow, trace: Trace | null, reason: string): SampleRecord {
  return {
    ...base(row),
    key: "",
    answer: trace?.answer ?? null,
    truncated: trace === null ? null : reason,
    problems: trace?.problems ?? [],
    accuracy: noScore(reason),
    format: trace === null ? noScore(reason) : { score: 0 },
    concluded: noVerdict(reason),
    thinking: noScore(reason),
    consistent: noVerdict(reason),
    claims: trace?.claims ?? [],
    claimsWhy: trace === null ? reason : "",
    references: row.references,
    alignment: null,
    tar: noScore(reason),
    attention: noVerdict(reason),
    retry: false,
  };
}

/** Free text in other words than the gold answer's is for the judge. */
async function accuracyOf(row: TraceRow, trace: Trace, { judge, compat }: SampleScorer): Promise<Score> {
  if (compat === "reference") return scoreLikeReference(row, trace.raw);
  const plain = scorePlainly(row, trace.answer, null);
  if (plain.score === 1 || row.type !== "text" || !row.gold || !trace.answer) return plain;
  const equal = await judge.equal({ question: row.question, gold: row.gold, answer: trace.answer });
  return equal.value === null ? plain : scorePlainly(row, trace.answer, equal.value);
}

/**
 * Scores one row.
 *
 * @returns its record with an empty `key`
 */
export async function scoreSample(row: TraceRow, scorer: SampleScorer): Promise<SampleRecord> {
  const { judge, compat } = scorer;
  if (row.output === null) return unscoredRecord(row, null, "the log holds no output");
  const durationSeconds = row.durationSeconds ?? undefined;
  const whole = parseTrace(row.output, { durationSeconds });
  const truncated = truncationOf(whole, row.finishReason);
  const trace = truncated === null ? whole : parseTrace(row.output, { durationSeconds, truncated: true });
  if (truncated !== null && compat === "paper") return unscoredRecord(row, trace, truncated);
  const input: JudgeInput = {
    id: `${row.file}:${row.line}`,
    question: row.question,
    options: row.options,
    type: row.type,
    trace,
    prompt: row.prompt ?? undefined,
    durationSeconds,
  };
  const [accuracy, concludedBy, consistentBy, claimsBy, attention] = await Promise.all([
    accuracyOf(row, trace, scorer),
    judge.concluded(input),
    judge.consistency(input),
    judge.claims(input),
    judge.attention(input),
  ]);
  const concluded = verdictOf<string>(concludedBy);
  const consistent = verdictOf<boolean>(consistentBy);
  const claims = claimsBy.value ?? [];
  const references = referenceClaims(row, compat);
  const why =
    claimsBy.value === null
      ? verdictOf(claimsBy).why
      : references === null
        ? "no reference claims are known"
        : "the reference makes no claim";
  const alignable =
    claimsBy.value !== null && references !== null && (references.length > 0 || compat === "reference");
  const alignment = alignable ? await align(claims, references, scorer) : null;
  const format = formatReward(compat === "reference" ? row.output : trace, { compat });
  return {
    ...base(row),
    key: "",
    answer: trace.answer,
    truncated,
    problems: trace.problems,
    accuracy,
    format: { score: format.score },
    concluded,
    thinking: asScore(concluded, row),
    consistent,
    claims,
    claimsWhy: claimsBy.value === null ? why : "",
    references,
    alignment,
    tar: gatedTar(alignment, consistent.value, compat, why),
    attention: attentionOf(attention),
    retry:
      judge.name !== "rules" &&
      [concludedBy, consistentBy, claimsBy, attention].some((j) => j.value === null),
  };
}
