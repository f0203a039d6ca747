/** ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004) as the `rouge_score` package computes them with its stemmer on. */

import { porterStem } from "./porter-stemmer.ts";

function tokens(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((token) => token !== "")
    .map((token) => (token.length > 3 ? porterStem(token) : token));
}

function fMeasure(hits: number, ofTarget: number, ofPrediction: number): number {
  const precision = hits / Math.max(ofPrediction, 1);
  const recall = hits / Math.max(ofTarget, 1);
  return precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0;
}

function ngramF(target: readonly string[], prediction: readonly string[], n: number): number {
  const grams = (list: readonly string[]) =>
    list.slice(0, Math.max(0, list.length - n + 1)).map((_, i) => list.slice(i, i + n).join(" "));
  const [wanted, given] = [grams(target), grams(prediction)];
  const left = new Map<string, number>();
  for (const gram of given) left.set(gram, (left.get(gram) ?? 0) + 1);
  let hits = 0;
  for (const gram of wanted) {
    const count = left.get(gram) ?? 0;
    if (count > 0) hits++;
    left.set(gram, count - 1);
  }
  return fMeasure(hits, wanted.length, given.length);
}

function longestCommonF(target: readonly string[], prediction: readonly string[]): number {
  let previous = new Int32Array(prediction.length + 1);
  for (const token of target) {
    const row = new Int32Array(prediction.length + 1);
    for (let j = 1; j <= prediction.length; j++)
      row[j] =
        token === prediction[j - 1]
          ? (previous[j - 1] as number) + 1
          : Math.max(previous[j] as number, row[j - 1] as number);
    previous = row;
  }
  return fMeasure(previous[prediction.length] as number, target.length, prediction.length);
}

/** The mean F measure of ROUGE-1, ROUGE-2 and ROUGE-L, 0 to 1. */
export function rougeMean(target: string, prediction: string): number {
  const [wanted, given] = [tokens(target), tokens(prediction)];
  return (ngramF(wanted, given, 1) + ngramF(wanted, given, 2) + longestCommonF(wanted, given)) / 3;
}
