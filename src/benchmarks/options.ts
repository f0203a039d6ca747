/** Options and letters as data sets write them. */

import { type Option, optionLetter, parseLetter } from "../trace/index.ts";
import type { QuestionParts } from "./define-benchmark.ts";
import type { RowFields } from "./rows/row-fields.ts";

/** Texts without letters as options, `A` first. */
export const letterOptions = (texts: readonly string[]): Option[] =>
  texts.map((text, i) => ({ letter: optionLetter(i), text: text.trim() }));

/** Texts as lines `A. text`. */
export const letteredTexts = (texts: readonly string[]): string[] =>
  texts.map((text, i) => `${optionLetter(i)}. ${text}`);

/** The letter that a row's answer means; the answer itself where it already is one; null where it is no option. */
export function goldLetter(answer: string, options: readonly Option[]): string | null {
  return options.some(({ letter }) => letter === answer) ? answer : parseLetter(answer, options);
}

/** The categories that a row has a value for. */
export function categoriesOf(values: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

/** The parts of a multiple-choice question whose row has `question` and `answer`, given its options and their texts. */
export function choiceParts(
  fields: RowFields,
  options: readonly Option[],
  optionTexts: readonly string[],
): Pick<QuestionParts, "question" | "options" | "optionTexts" | "gold" | "type"> {
  return {
    question: fields.text("question"),
    options,
    optionTexts,
    gold: goldLetter(fields.text("answer"), options),
    type: "choice",
  };
}
