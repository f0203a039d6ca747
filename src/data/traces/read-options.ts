/** Options as data sets write them. */

import { type Option, optionLetter, parseOptions } from "../../trace/index.ts";
import { type Fields, firstField, isFields } from "./fields.ts";

const asText = (value: unknown): string | null =>
  typeof value === "string" ? value : typeof value === "number" ? String(value) : null;

function fromList(list: readonly unknown[]): Option[] | null {
  const texts: string[] = [];
  for (const item of list) {
    const text = isFields(item) ? asText(item.text ?? item.value ?? item.option) : asText(item);
    if (text === null) return null;
    texts.push(text);
  }
  const options = parseOptions(texts);
  return options.map((option, i) => {
    const item = list[i];
    const letter = isFields(item) ? asText(item.letter ?? item.label ?? item.key) : null;
    return letter !== null && /^[A-Z]$/i.test(letter) ? { ...option, letter: letter.toUpperCase() } : option;
  });
}

function fromLetters(fields: Fields): Option[] | null {
  const options = Object.entries(fields).flatMap(([key, value]) => {
    const text = asText(value);
    return /^[A-Z]$/i.test(key) && text !== null && text.trim() !== ""
      ? [{ letter: key.toUpperCase(), text: text.trim() }]
      : [];
  });
  return options.length > 0 ? options.sort((a, b) => (a.letter < b.letter ? -1 : 1)) : null;
}

/** Options kept in fields of their own: `option0`, `option1`, ... or `answer_choice_0`, ...; `N/A` is padding. */
function fromNumbered(fields: Fields): Option[] | null {
  for (const prefix of ["option", "option_", "answer_choice_", "choice", "a"]) {
    if (typeof fields[`${prefix}0`] !== "string") continue;
    const texts: string[] = [];
    for (let i = 0; typeof fields[`${prefix}${i}`] === "string"; i++)
      texts.push(fields[`${prefix}${i}`] as string);
    return parseOptions(texts.filter((text) => text !== "N/A"));
  }
  return null;
}

/**
 * The options of a row: a list of texts (`A. red`, `red`), a list of `{letter, text}`, an object of letters, one
 * field each, or such a list as a JSON string or as lines. Empty where there are none; null for something else.
 */
export function readOptions(fields: Fields): Option[] | null {
  const found = firstField(fields, ["options", "choices", "candidates", "answer_choices"]);
  if (found === null) return fromNumbered(fields) ?? fromLetters(lettersOnly(fields)) ?? [];
  let { value } = found;
  if (typeof value === "string") {
    try {
      value = JSON.parse(value) as unknown;
    } catch {
      value = (value as string).split("\n").filter((line) => line.trim() !== "");
    }
  }
  if (Array.isArray(value)) return value.length > 26 ? null : fromList(value);
  return isFields(value) ? fromLetters(value) : null;
}

/** Fields `A`, `B`, ... of the row itself, at least two and in order. */
function lettersOnly(fields: Fields): Fields {
  const letters: Fields = {};
  for (let i = 0; i < 26 && fields[optionLetter(i)] !== undefined; i++)
    letters[optionLetter(i)] = fields[optionLetter(i)];
  return Object.keys(letters).length > 1 ? letters : {};
}
