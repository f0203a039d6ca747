/**
 * Think-Answer Consistency. Two figures, since they say different things: among right answers, how many have
 * reasoning that also reaches the right one (what the paper prints as TAC); and among all, how many answers say
 * what their reasoning concludes (which the reference never computes: two different wrong letters count as
 * agreement there).
 */

import { type Figure, type FigureOptions, figure, type ScoredSample } from "./figure.ts";

/** One sample as judged. */
export interface TacSample {
  /** Whether the answer is right, null where that is not known. */
  answerRight: boolean | null;
  /** Whether what the reasoning concludes is right, null where it concludes nothing that can be told. */
  thinkingRight: boolean | null;
  /** Whether the answer says what the reasoning concludes, null where it cannot be told. */
  agree: boolean | null;
  /** Why something is null. */
  reason?: string | undefined;
  /** What is drawn together in resampling, such as the video. */
  cluster?: string | number | undefined;
}

/** Both figures of consistency, and what they are made of. */
export interface Tac {
  /** `TP / (TP + FN)`: among right answers, the share whose reasoning is right too; 0 to 1. */
  consistencyAccuracy: Figure;
  /** The share of answers that say what the reasoning concludes; 0 to 1. */
  agreement: Figure;
  /** Samples with both judged: answer right or wrong, reasoning right or wrong. */
  confusion: { bothRight: number; answerOnly: number; thinkingOnly: number; bothWrong: number };
}

const verdict = (value: boolean | null, sample: TacSample, otherwise: string): ScoredSample =>
  value === null
    ? { score: null, reason: sample.reason ?? otherwise, cluster: sample.cluster }
    : { score: value ? 1 : 0, cluster: sample.cluster };

/** Computes both figures. Samples whose answer is wrong are in `agreement` only. */
export function tac(samples: readonly TacSample[], options: FigureOptions = {}): Tac {
  const ofRight = samples
    .filter((sample) => sample.answerRight !== false)
    .map((sample) =>
      sample.answerRight === null
        ? verdict(null, sample, "it is not known whether the answer is right")
        : verdict(sample.thinkingRight, sample, "the reasoning states no single conclusion"),
    );
  const count = (answer: boolean, thinking: boolean) =>
    samples.filter((s) => s.answerRight === answer && s.thinkingRight === thinking).length;
  return {
    consistencyAccuracy: figure(ofRight, options),
    agreement: figure(
      samples.map((sample) =>
        verdict(sample.agree, sample, "it cannot be told whether answer and reasoning agree"),
      ),
      options,
    ),
    confusion: {
      bothRight: count(true, true),
      answerOnly: count(true, false),
      thinkingOnly: count(false, true),
      bothWrong: count(false, false),
    },
  };
}
