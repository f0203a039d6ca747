/** Open questions of Video-MMMU as its scorer reads and compares them: strings contained, numbers to 2 decimals. */

import { mmmuNoAnswer } from "./answer-parsers.ts";
import { float, pattern, round, strip, stripCharacters } from "./python.ts";

/** Words after which the answer is taken to stand; "=" counts in the last line only. */
const indicators = [
  ..."could be|so|is|thus|therefore|final|answer|result|are|in total|total|identify|recognize".split("|"),
  ..."calculated as|counted as|measured as|observed as|concluded as|found to be|equals".split("|"),
  ..."determined to be|number of|value is|adds up to|have|has".split("|"),
].map((words) => `${words} `);

const numberPatterns = [
  String.raw`-?\b\d{1,3}(?:,\d{3})+\b`,
  String.raw`-?\d+(?:\.\d+)?[eE][+-]?\d+`,
  String.raw`-?(?:\d+\.\d+|\.\d+|\d+\b)(?![eE][+-]?\d+)(?![,\d])`,
].map((source) => pattern(source, "g"));

const numbersIn = (text: string) =>
  numberPatterns.flatMap((p) => [...text.matchAll(p)].map(([found]) => found));

function normalize(text: string): (string | number)[] {
  const trimmed = strip(text);
  const value = float(trimmed.replaceAll(",", ""));
  if (value !== null) return [round(value, 2)];
  const lower = trimmed.toLowerCase();
  return [...lower].length === 1 ? [` ${lower}`, `${lower} `] : [lower];
}

function keyParts(answer: string): string[] {
  const text = stripCharacters(strip(answer), ".").toLowerCase();
  const parts = text.split("\n");
  const keys = parts.flatMap((part, i) => {
    let shortest = "";
    for (const indicator of i === parts.length - 1 ? [...indicators, "="] : indicators) {
      if (!part.includes(indicator)) continue;
      const tail = strip(part.split(indicator).at(-1) as string);
      if (shortest === "" || [...tail].length < [...shortest].length) shortest = tail;
    }
    return shortest === "" || [":", ",", ".", "!", "?", ";", "'"].includes(shortest) ? [] : [shortest];
  });
  return keys.length > 0 ? keys : [text];
}

/** The strings and numbers that an answer is taken to give; `mmmuNoAnswer` for an empty one. */
export function mmmuOpen(answer: string): (string | number)[] | typeof mmmuNoAnswer {
  if (answer === "" || answer === mmmuNoAnswer) return mmmuNoAnswer;
  const keys = keyParts(answer);
  return [...new Set([...keys, ...keys.flatMap(numbersIn)].flatMap(normalize))];
}

/** Whether any predicted string contains the gold one, or any predicted number equals it. */
export function mmmuOpenCorrect(gold: string, predicted: readonly (string | number)[]): boolean {
  const wanted = normalize(gold);
  return predicted.some((value) =>
    typeof value === "string"
      ? wanted.some((other) => typeof other === "string" && value.includes(other))
      : wanted.includes(value) && !Number.isNaN(value),
  );
}
