/**
 * The accuracy reward of the released training code: it guesses the kind of question from the gold answer.
 * Oddities kept: any gold that begins with a letter from a to e is multiple choice; `3.0` is not `3`; an answer
 * `nan` to a gold with four decimals scores 1.
 */

import { float, pattern, round, strip, words } from "./python.ts";
import { rougeMean } from "./rouge.ts";
import { wordErrorRate } from "./word-error-rate.ts";

/** What the released code takes a question for, by its gold answer. */
export type RewardQuestionType = "multiple choice" | "numerical" | "regression" | "OCR" | "free-form";

/** The text between the first `<answer>` and the next `</answer>`, trimmed; "" where there is none. */
export function firstAnswer(output: string): string {
  return firstBlock(output, "answer");
}

/** The text of the first block of that tag (lower case), trimmed; "" where there is none. */
export function firstBlock(output: string, tag: "think" | "answer"): string {
  const from = output.indexOf(`<${tag}>`);
  if (from < 0) return "";
  const start = from + tag.length + 2;
  const to = output.indexOf(`</${tag}>`, start);
  return to < 0 ? "" : strip(output.slice(start, to));
}

const separated = pattern(String.raw`^[-+]?\d{1,3}(,\d{3})*(\.\d+)?$`);
const digits = pattern(String.raw`^[-+]?\d+(\.\d+)?$`);
const plainWords = pattern(String.raw`^[A-Za-z0-9\s\-:]+$`);

/** The kind of question that the released code infers from a gold answer. */
export function inferQuestionType(gold: string): RewardQuestionType {
  const answer = strip(gold);
  if (/^[A-Ea-e]/.test(answer)) return "multiple choice";
  if (separated.test(answer) || digits.test(answer)) {
    const decimals = answer.includes(".") ? [...(answer.split(".").at(-1) as string)].length : 0;
    return decimals > 3 ? "regression" : "numerical";
  }
  return words(answer).length <= 5 && plainWords.test(answer) ? "OCR" : "free-form";
}

/** The first letter where it is one from a to e, upper case; else the text. */
const letterOf = (answer: string) => (/^[A-Ea-e]/.test(answer) ? answer.charAt(0).toUpperCase() : answer);

const numberOf = (text: string) => float(text.replaceAll(",", ""));
const separates = (text: string) => text.includes(".") || text.includes(",");
/** As Python's `max(0.0, min(1.0, x))`: what is not a number comes out as 1. */
const clamp = (x: number) => (x < 1 ? Math.max(0, x) : 1);

function numerical(gold: string, answer: string): number {
  if (separates(gold) !== separates(answer)) return 0;
  const [wanted, given] = [numberOf(gold), numberOf(answer)];
  return wanted !== null && given !== null && round(wanted, 2) === round(given, 2) ? 1 : 0;
}

function regression(gold: string, answer: string): number {
  const [wanted, given] = [numberOf(gold), numberOf(answer)];
  if (wanted === null || given === null) return 0;
  return clamp(1 - (Math.abs(given - wanted) + 1e-9) / (Math.abs(wanted) + 1e-9));
}

/**
 * The released accuracy reward, 0 to 1, with the kind of question it took the gold for.
 *
 * @param output the whole model output
 * @param gold the gold answer, bare or within `<answer>` tags
 */
export function rewardAccuracy(output: string, gold: string): { score: number; type: RewardQuestionType } {
  const wanted = gold.includes("<answer>") ? firstAnswer(gold) : strip(gold);
  const answer = firstAnswer(output);
  const type = inferQuestionType(wanted);
  const score = {
    "multiple choice": () => (letterOf(answer) === letterOf(wanted) ? 1 : 0),
    numerical: () => numerical(wanted, answer),
    regression: () => regression(wanted, answer),
    OCR: () => clamp(1 - wordErrorRate(wanted, answer)),
    "free-form": () => clamp(rougeMean(wanted, answer)),
  }[type]();
  return { score, type };
}
