/**
 * Where a model looked while it reasoned, read from its attention (the paper's first figure): how much of the last
 * layer's attention went to the video, to which frames, and for each claim how much to the seconds that it cites.
 */

import type { Generation } from "../nn/index.ts";
import { type Claim, parseTrace, type Trace } from "../trace/index.ts";
import { markClaims } from "./mark-claims.ts";

/** What a stretch of the video got. */
export interface PatchTime {
  /** First and last second whose frames are in the temporal patch. */
  startSeconds: number;
  endSeconds: number;
}

/** A claim, and where the model looked while it wrote it. */
export interface ClaimAttention {
  claim: Claim;
  /** Tokens of its time and of what is said about it. */
  tokens: number;
  /** Share of attention on the video, 0 to 1. */
  share: number;
  /** Of this, the part on the frames within the cited seconds, 0 to 1; null where no frame is. */
  onCited: number | null;
  /** What that part would be if all frames got the same. */
  chance: number;
}

/** Where a model looked; means over heads and tokens. */
export interface AttentionShare {
  /** Tokens of the reasoning. */
  tokens: number;
  /** Share of attention that tokens of the reasoning give to the video, 0 to 1: VAS as measured. */
  share: number;
  /** The share on each temporal patch; they add up to `share`. */
  byPatch: number[];
  claims: ClaimAttention[];
}

/** Half a second of slack around the cited seconds: times are cited as whole seconds. */
const SLACK = 0.5;

/**
 * Reads attention off a generation that was made with `returnAttention`.
 *
 * @param generation of a prompt with one video
 * @param pieces the text of each of its tokens, as `onToken` tells it
 * @param patches when each temporal patch is
 * @returns null where there is no reasoning, or no attention was returned
 */
export function attentionShare(
  generation: Generation,
  pieces: readonly string[],
  patches: readonly PatchTime[],
  trace: Trace = parseTrace(generation.text),
): AttentionShare | null {
  const { attention, text } = generation;
  const think = trace.think;
  if (attention === undefined || !think) return null;
  const from = text.indexOf(think);
  if (from < 0) return null;
  const spans = spansOf(pieces);
  const within = (start: number, end: number): number[] =>
    spans.flatMap((span, i) => (span.from < end && span.to > start && span.to > span.from ? [i] : []));
  const reasoning = within(from, from + think.length);
  if (reasoning.length === 0) return null;
  const byPatch = meanByPatch(generation, reasoning);
  const marks = markClaims(think, trace.claims);
  const claims = trace.claims.flatMap((claim, index): ClaimAttention[] => {
    const tokens = new Set(
      marks
        .filter((mark) => mark.claim === index)
        .flatMap((mark) => within(from + mark.from, from + mark.to)),
    );
    if (tokens.size === 0) return [];
    const own = meanByPatch(generation, [...tokens]);
    const share = sum(own);
    const cited = own.filter((_, patch) => isCited(patches[patch], claim));
    return [
      {
        claim,
        tokens: tokens.size,
        share,
        onCited: cited.length === 0 ? null : sum(cited) / share,
        chance: cited.length / own.length,
      },
    ];
  });
  return { tokens: reasoning.length, share: sum(byPatch), byPatch, claims };
}

/** Where each token's text begins and ends in the whole. */
function spansOf(pieces: readonly string[]): { from: number; to: number }[] {
  let at = 0;
  return pieces.map((piece) => {
    const from = at;
    at += piece.length;
    return { from, to: at };
  });
}

/** Mean over heads and the given tokens of the weight on each temporal patch. */
function meanByPatch({ attention }: Generation, tokens: readonly number[]): number[] {
  const { heads = 1, patches = 0, weights = new Float32Array(0) } = attention ?? {};
  const means = new Array<number>(patches).fill(0);
  for (const token of tokens)
    for (let head = 0; head < heads; head++)
      for (let patch = 0; patch < patches; patch++) {
        const at = (token * heads + head) * patches + patch;
        means[patch] = (means[patch] as number) + (weights[at] as number) / (heads * tokens.length);
      }
  return means;
}

/** Whether a temporal patch shows the seconds that a claim cites. */
export function isCited(patch: PatchTime | undefined, claim: Claim): boolean {
  return (
    patch !== undefined &&
    patch.startSeconds <= claim.endSeconds + SLACK &&
    patch.endSeconds >= claim.startSeconds - SLACK
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
