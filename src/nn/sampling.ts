/**
 * Choosing the next token from logits, on the host and in double precision, so that the same seed gives the
 * same tokens on every device that computes the same logits. The order is that of transformers:
 * repetition penalty, temperature, top-k, top-p.
 */

import { invariant, type Random, UsageError } from "../base/index.ts";

/** How the next token is chosen. */
export interface SamplingOptions {
  /** Divides the logits; 0 is greedy. Default 0. */
  temperature?: number;
  /** Keep the k most likely tokens (ties with the k-th too); 0 keeps all. Default 0. */
  topK?: number;
  /** Keep the fewest tokens whose probability adds up to at least this, in (0, 1]. Default 1. */
  topP?: number;
  /** Divides positive and multiplies negative logits of tokens already seen (Keskar et al., 2019). Default 1. */
  repetitionPenalty?: number;
  /** Tokens that are never chosen. Default none. */
  suppress?: readonly number[];
}

/** A chosen token. */
export interface SampledToken {
  id: number;
  /**
   * Natural logarithm of its probability under softmax(logits / temperature) over the whole vocabulary,
   * before suppression, penalty, top-k and top-p; at temperature 1 if greedy. This is what policy gradients need.
   */
  logprob: number;
}

/** @throws UsageError `sampling-option` if an option is outside its range */
export function checkSampling(options: SamplingOptions): void {
  const check = (
    name: Exclude<keyof SamplingOptions, "suppress">,
    rule: string,
    ok: (value: number) => boolean,
  ) => {
    const value = options[name];
    if (value !== undefined && !ok(value))
      throw new UsageError("sampling-option", `${name}: must be ${rule}, got ${value}`);
  };
  check("temperature", "a number of at least 0", (x) => x >= 0 && Number.isFinite(x));
  check("topK", "an integer of at least 0", (x) => Number.isInteger(x) && x >= 0);
  check("topP", "above 0 and at most 1", (x) => x > 0 && x <= 1);
  check("repetitionPenalty", "a number above 0", (x) => x > 0 && Number.isFinite(x));
}

/** The index of the largest logit; of equals the first, as in NumPy. */
export function argmax(logits: ArrayLike<number>): number {
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) {
    const x = logits[i] as number;
    if (x > most) {
      most = x;
      best = i;
    }
  }
  return best;
}

/**
 * Chooses one token.
 *
 * @param logits (V), not changed
 * @param seen ids already in the sequence, for the repetition penalty
 */
export function sampleToken(
  logits: Float32Array,
  options: SamplingOptions,
  random: Random,
  seen: Iterable<number> = [],
): SampledToken {
  invariant(logits.length > 0, "sampleToken: no logits");
  const { temperature = 0, topK = 0, topP = 1, repetitionPenalty = 1, suppress = [] } = options;
  const scale = temperature > 0 ? 1 / temperature : 1;
  const penalised = repetitionPenalty === 1 ? logits : penalise(logits, repetitionPenalty, seen);
  const scores = suppress.length === 0 ? penalised : without(penalised, suppress);
  const id =
    temperature === 0
      ? argmax(scores)
      : topK === 0 && topP === 1
        ? drawAll(scores, scale, random)
        : drawKept(scores, scale, topK, topP, random);
  return { id, logprob: tokenLogprob(logits, id, temperature) };
}

/** The natural logarithm of softmax(logits / temperature)[id]; temperature 0 counts as 1. */
export function tokenLogprob(logits: Float32Array, id: number, temperature = 1): number {
  const scale = temperature > 0 ? 1 / temperature : 1;
  const most = logits[argmax(logits)] as number;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(((logits[i] as number) - most) * scale);
  return ((logits[id] as number) - most) * scale - Math.log(sum);
}

function penalise(logits: Float32Array, penalty: number, seen: Iterable<number>): Float32Array {
  const scores = logits.slice();
  for (const id of new Set(seen)) {
    const x = scores[id];
    if (x !== undefined) scores[id] = x > 0 ? x / penalty : x * penalty;
  }
  return scores;
}

function without(logits: Float32Array, ids: readonly number[]): Float32Array {
  const scores = logits.slice();
  for (const id of ids) scores[id] = Number.NEGATIVE_INFINITY;
  return scores;
}

/** Inverse-transform sampling in the order of the ids. */
function drawAll(scores: Float32Array, scale: number, random: Random): number {
  const most = scores[argmax(scores)] as number;
  const weights = new Float64Array(scores.length);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    const weight = Math.exp(((scores[i] as number) - most) * scale);
    weights[i] = weight;
    sum += weight;
  }
  return walk(weights, sum, random);
}

/** Sampling among the tokens that top-k and top-p keep, in the order of falling scores (ties: smaller id first). */
function drawKept(scores: Float32Array, scale: number, topK: number, topP: number, random: Random): number {
  const ids = topK > 0 && topK < scores.length ? atLeastKth(scores, topK) : [...scores.keys()];
  ids.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  const most = scores[ids[0] as number] as number;
  const weights = ids.map((id) => Math.exp(((scores[id] as number) - most) * scale));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let kept = weights.length;
  let sum = total;
  if (topP < 1) {
    sum = 0;
    for (kept = 0; kept < weights.length && (kept === 0 || sum < topP * total); kept++)
      sum += weights[kept] as number;
  }
  return ids[walk(weights.slice(0, kept), sum, random)] as number;
}

/** The ids whose score is at least the k-th largest. */
function atLeastKth(scores: Float32Array, k: number): number[] {
  const heap = new Float64Array(k).fill(Number.NEGATIVE_INFINITY);
  for (const score of scores) {
    if (score <= (heap[0] as number)) continue;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= k) break;
      if (child + 1 < k && (heap[child + 1] as number) < (heap[child] as number)) child++;
      if ((heap[child] as number) >= score) break;
      heap[i] = heap[child] as number;
      i = child;
    }
    heap[i] = score;
  }
  const threshold = heap[0] as number;
  const ids: number[] = [];
  for (let i = 0; i < scores.length; i++) if ((scores[i] as number) >= threshold) ids.push(i);
  return ids;
}

function walk(weights: ArrayLike<number>, sum: number, random: Random): number {
  let left = random.uniform() * sum;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i] as number;
    if (weight === 0) continue;
    last = i;
    left -= weight;
    if (left < 0) return i;
  }
  return last;
}
