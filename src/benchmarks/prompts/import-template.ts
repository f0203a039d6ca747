/** Reads a template off a prompt whose question and options can be told from all other text. */

import { optionLetter } from "../../trace/index.ts";
import { placePattern } from "./render-prompt.ts";

/** Why prompts are not imported: what was looked for, where, and what was found. */
export class NotImported extends Error {}

/** How options are written. */
export interface OptionForm {
  /** One option, with the places «letter» and «text». */
  option: string;
  separator: string;
}

/** What a prompt is an example of. */
export interface ReadTemplate {
  template: string;
  /** Null where the prompt has none of the options. */
  options: OptionForm | null;
}

const positions = (length: number) => Array.from({ length }, (_, at) => at);

/** Stands for the question; a character that no text has. */
const questionMark = "\ue0ff";

/**
 * Takes a prompt apart.
 *
 * @param question occurs in the prompt wherever the question has its place
 * @param texts of the options, each of which occurs nowhere else
 * @param write puts down the text between places
 * @throws NotImported where the options are not written one after another, all alike
 */
export function readTemplate(
  prompt: string,
  question: string,
  texts: readonly string[],
  write: (text: string) => string,
): ReadTemplate {
  const text = prompt.replaceAll(question, questionMark);
  const put = (part: string) => part.split(questionMark).map(write).join("«question»");
  if (!texts.some((option) => text.includes(option))) return { template: put(text), options: null };
  const [head, ...after] = around(text, texts);
  const { prefix, separator } = splitGaps(head, after.slice(0, -1));
  const first = prefix(0);
  if (first.match(placePattern))
    throw new NotImported(`an option must begin with no words in « », got ${JSON.stringify(first)}`);
  const start = head.slice(0, head.length - first.length);
  return {
    template: `${put(start)}«options»${put(after.at(-1) as string)}`,
    options: { option: `${prefix("«letter»")}«text»`, separator },
  };
}

/** The text before, between and after the options. */
function around(text: string, texts: readonly string[]): [string, ...string[]] {
  const parts: string[] = [];
  let rest = text;
  for (const option of texts) {
    const [before, after, ...more] = rest.split(option);
    if (before === undefined || after === undefined || more.length > 0)
      throw new NotImported(`the prompt must have the ${texts.length} options once and in order, it has not`);
    parts.push(before);
    rest = after;
  }
  return [parts.shift() as string, ...parts, rest];
}

/** What stands before an option, by its position or with something else in the letter's place. */
type Prefix = (letter: number | "«letter»") => string;

/** Parts the text between options into what separates two and what the second begins with, as the first does. */
function splitGaps(head: string, gaps: readonly string[]): { prefix: Prefix; separator: string } {
  const [gap] = gaps;
  if (gap === undefined) throw new NotImported("the prompt must have two options or more, it has one");
  const letters = positions(gap.length).filter(
    (at) => gaps.every((other, i) => other[at] === optionLetter(i + 1)) && head.at(at - gap.length) === "A",
  );
  const withLetter = (letter: number | "«letter»") =>
    letters.reduceRight(
      (text, at) =>
        text.slice(0, at) + (typeof letter === "number" ? optionLetter(letter) : letter) + text.slice(at + 1),
      gap,
    );
  if (gaps.some((other, i) => other !== withLetter(i + 1)))
    throw new NotImported("the prompt must have the same text between all options, it has not");
  const from = splitPosition(head, withLetter(0), letters[0] ?? gap.length);
  return { prefix: (letter) => withLetter(letter).slice(from), separator: gap.slice(0, from) };
}

/** Where the second part of a gap begins: after its last line end if the first option begins so too. */
function splitPosition(head: string, gap: string, latest: number): number {
  const fits = positions(gap.length + 1).filter((at) => at <= latest && head.endsWith(gap.slice(at)));
  const lineEnd = gap.lastIndexOf("\n", latest - 1) + 1;
  const from = fits.includes(lineEnd) ? lineEnd : fits.at(-1);
  if (from === undefined)
    throw new NotImported("the prompt must begin all options alike, it begins the first in another way");
  return from;
}
