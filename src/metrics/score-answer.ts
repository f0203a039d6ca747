/**
 * Is an answer right? By the kind of answer: the option it means, the number it gives, the time it names, its
 * words. What rules cannot decide has no score and a reason; a judge may decide it (`equal`).
 */

import {
  type AnswerType,
  canonicalWords,
  findTimes,
  lastIndexOfWords,
  type Option,
  parseLetter,
  parseNumber,
  parseTimestamp,
  type TimeSpan,
} from "../trace/index.ts";
import type { Score } from "./figure.ts";

/** What of a question is needed to score an answer to it. */
export interface AnswerKey {
  options: readonly Option[];
  type: AnswerType;
  /** The gold answer (choice: the letter or the option's text), or null where unknown. */
  gold: string | null;
}

/** How near is near enough. */
export interface ScoreAnswerOptions {
  /** Largest relative error of a number, default 0: the same value but for the rounding of a double. */
  relativeTolerance?: number | undefined;
  /** Largest difference of times in seconds, default 1. */
  secondsTolerance?: number | undefined;
  /** A judge's verdict on a free text whose words differ from the gold's; default none. */
  equal?: boolean | null | undefined;
}

const scored = (right: boolean): Score => ({ score: right ? 1 : 0 });
const unscored = (reason: string): Score => ({ score: null, reason });
/** For numbers that are written the same and differ as doubles, such as 0.1 + 0.2 and 0.3. */
const doubles = 1e-9;

function scoreChoice(answer: string, gold: string, options: readonly Option[]): Score {
  const wanted = parseLetter(gold, options);
  if (wanted === null) return unscored("the gold answer is no option");
  return scored(parseLetter(answer, options) === wanted);
}

function scoreNumber(answer: string, gold: string, tolerance: number): Score {
  const wanted = parseNumber(gold);
  if (wanted === null) return unscored("the gold answer is no number");
  const given = parseNumber(answer);
  return scored(
    given !== null &&
      Math.abs(given - wanted) <= Math.max(doubles, tolerance) * Math.max(doubles, Math.abs(wanted)),
  );
}

function timeIn(text: string): TimeSpan | null {
  const point = parseTimestamp(text.replace(/[.\s]+$/, ""));
  if (point !== null) return { startSeconds: point, endSeconds: point };
  return findTimes(text)[0] ?? null;
}

function scoreTime(answer: string, gold: string, tolerance: number): Score {
  const wanted = timeIn(gold);
  if (wanted === null) return unscored("the gold answer is no time");
  const given = timeIn(answer);
  return scored(
    given !== null &&
      Math.abs(given.startSeconds - wanted.startSeconds) <= tolerance &&
      Math.abs(given.endSeconds - wanted.endSeconds) <= tolerance,
  );
}

function scoreText(answer: string, gold: string, equal: boolean | null | undefined): Score {
  const [given, wanted] = [canonicalWords(answer), canonicalWords(gold)];
  if (wanted.length === 0) return unscored("the gold answer has no words");
  if (given.join(" ") === wanted.join(" ")) return scored(true);
  if (typeof equal === "boolean") return scored(equal);
  if (lastIndexOfWords(given, wanted) < 0 && !given.some((word) => wanted.includes(word)))
    return scored(false);
  return unscored("free text in other words than the gold answer needs a judge");
}

/**
 * Scores an answer: 1 right, 0 wrong, null with a reason where it cannot be told.
 *
 * @param answer what the model answered, without tags; null (no answer, or cut off) has no score
 */
export function scoreAnswer(answer: string | null, key: AnswerKey, options: ScoreAnswerOptions = {}): Score {
  if (key.gold === null) return unscored("no gold answer is known");
  if (answer === null) return unscored("the output has no answer");
  if (answer.trim() === "") return scored(false);
  if (key.options.length > 0 || key.type === "choice") return scoreChoice(answer, key.gold, key.options);
  if (key.type === "number") return scoreNumber(answer, key.gold, options.relativeTolerance ?? 0);
  if (key.type === "time") return scoreTime(answer, key.gold, options.secondsTolerance ?? 1);
  return scoreText(answer, key.gold, options.equal);
}
