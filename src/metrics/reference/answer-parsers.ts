/**
 * What the reference's evaluation reads out of an answer, benchmark by benchmark, oddities included: a letter
 * found anywhere, the article "a" read as option A, answers drawn at random where nothing is found.
 * `docs/metrics.md` says which benchmark uses which.
 */

import { pattern, strip, stripCharacters, words } from "./python.ts";

const spoken = ["The best answer is", "The correct answer is", "The answer is", "The answer"] as const;
const written = ["The best option is", "The correct option is", "Best answer:", "Best option:"] as const;
/** Two pairs of the eight run together there, so that these four are never taken off. */
const joined = [written[0] + written[1], written[2] + written[3]];

const without = (text: string, prefixes: readonly string[]) =>
  prefixes.reduce((rest, prefix) => rest.replaceAll(prefix, ""), strip(text));

const firstOf = (text: string, set: string) => [...text].find((letter) => set.includes(letter)) ?? "";

/**
 * Video-MME (`ABCD`), VideoMathQA, MINERVA, MMVU (`ABCDE`): the first capital of the set anywhere, even inside
 * a word; "" where there is none.
 */
export function firstCapital(answer: string, set: string): string {
  return firstOf(without(answer, [...spoken, ...joined]), set);
}

/** LongVideoBench: the first of A to E anywhere, else one of `letters` drawn by `random`. */
export function longVideoBenchLetter(
  answer: string,
  letters: readonly string[],
  random: () => number,
): string {
  return firstOf(without(answer, [...spoken, ...written]), "ABCDE") || draw(letters, random);
}

const sciVideoPrefixes = [
  ...["The answer is", "The correct answer is", "The best answer is", "Answer:", "Option:"],
  ...["### Final Answer:\n$$\\boxed", "the final answer is"],
];
/** The letters that SciVideoBench draws from. */
export const sciVideoLetters: readonly string[] = [..."ABCDEFGHIJ"];

/** SciVideoBench before its draw: the first of A to L anywhere, "" where there is none. */
export function sciVideoLetter(answer: string): string {
  const text = without(answer, sciVideoPrefixes);
  if (words(text).length > 16 && firstOf(text, sciVideoLetters.join("")) === "") return "";
  return firstOf(text, "ABCDEFGHIJKL");
}

const draw = (letters: readonly string[], random: () => number) =>
  letters[Math.min(letters.length - 1, Math.floor(random() * letters.length))] ?? "";

/** SciVideoBench: `sciVideoLetter`, else one of A to J drawn by `random`, a number in [0, 1). */
export const sciVideoLetterOrDraw = (answer: string, random: () => number): string =>
  sciVideoLetter(answer) || draw(sciVideoLetters, random);

const anchored = /^\(?([A-E])/;
const standing = pattern(String.raw`\b([A-E])\b`);

/** MLVU, TempCompass: a letter at the start (no boundary: "Dog" is D), standing alone, or before the first `)`. */
export function anchoredLetter(answer: string): string {
  let text = strip(answer);
  for (const prefix of [...spoken, ...written])
    if (text.startsWith(prefix)) text = strip(text.slice(prefix.length));
  const start = anchored.exec(text)?.[1];
  if (start) return start;
  const alone = words(text).length <= 10 ? standing.exec(text)?.[1] : undefined;
  if (alone) return alone;
  const before = text.charAt(text.indexOf(")") - 1).toUpperCase();
  return before !== "" && "ABCDE".includes(before) ? before : text;
}

const optionLine = pattern(String.raw`^([A-Ea-e])\.\s*(.+)$`);
const loneLetter = pattern(String.raw`\b([A-E])\b`, "i");
const marks = [...';/[]"{}()=+\\_->', "<", "@", "`", ",", "?", "!"];
const betweenDigits = pattern(String.raw`\d,\d`);
const lastPeriods = pattern(String.raw`\.(?!\d)`, "g");

function withoutPunctuation(text: string): string {
  let out = text;
  const delimited = betweenDigits.test(text);
  for (const mark of marks) {
    const drop = delimited || text.includes(`${mark} `) || text.includes(` ${mark}`);
    out = out.replaceAll(mark, drop ? "" : " ");
  }
  // The flag given there in the place of a count: at most 32 are taken off.
  let left = 32;
  return out.replace(lastPeriods, (period) => (left-- > 0 ? "" : period));
}

/** MVBench: `A. text` gives A; else the first standalone letter a to e in any case; else the cleaned text. */
export function mvBenchLetter(answer: string): string {
  const listed = optionLine.exec(strip(answer));
  if (listed) return (listed[1] as string).toUpperCase();
  let text = withoutPunctuation(strip(answer.replaceAll("\n", " ").replaceAll("\t", " ")));
  for (const mark of ["'", '"', ")", "("]) text = stripCharacters(text, mark);
  text = strip(text).toLowerCase();
  return loneLetter.exec(text)?.[1]?.toUpperCase() ?? text;
}

/** What `mmmuChoice` gives for an empty answer; such rows leave the denominator. */
export const mmmuNoAnswer = "API Error";

/** Video-MMMU, multiple choice: the letter whose mark occurs last; "No Answer Found." where there is none. */
export function mmmuChoice(answer: string, options: readonly string[]): string {
  if (answer === "" || answer === mmmuNoAnswer) return mmmuNoAnswer;
  let trimmed = answer;
  for (const mark of [",", ".", "!", "?", ";", ":", "'"]) trimmed = stripCharacters(trimmed, mark);
  const text = ` ${trimmed} `;
  const letters = options.map((_, i) => String.fromCodePoint(65 + i));
  const having = (mark: (letter: string) => string) => letters.filter((l) => text.includes(mark(l)));
  const period = (letter: string) => `${letter}.`;
  const colon = (letter: string) => `${letter}:`;
  const bracket = (letter: string) => `(${letter})`;

  const [withPeriod, withColon] = [having(period), having(colon)];
  if (withPeriod.length + withColon.length > 0)
    return lastOf([...withPeriod, ...withColon], text, withPeriod.length > 0 ? period : colon);
  const withBracket = having(bracket);
  if (withBracket.length > 0) return lastOf(withBracket, text, bracket);
  const withSpace = having((letter) => `${letter} `);
  if (withSpace.length > 0) return lastOf(withSpace, text, (letter) => ` ${letter} `);

  if (words(text).length <= 5) return "No Answer Found.";
  const lower = text.toLowerCase();
  const textOf = (letter: string) => (options[letter.charCodeAt(0) - 65] as string).toLowerCase();
  const named = letters.filter((letter) => lower.includes(textOf(letter)));
  return named.length > 0 ? lastOf(named, lower, textOf) : "No Answer Found.";
}

function lastOf(candidates: readonly string[], text: string, mark: (letter: string) => string): string {
  let best = candidates[0] as string;
  for (const candidate of candidates)
    if (text.lastIndexOf(mark(candidate)) > text.lastIndexOf(mark(best))) best = candidate;
  return best;
}

/** VSI-Bench: the first token of the answer without final periods. */
export const vsiToken = (answer: string): string =>
  strip((answer.split(" ")[0] as string).replace(/\.+$/, ""));
