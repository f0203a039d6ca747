/**
 * Python's reading of text, where it differs from JavaScript's and the reference's numbers depend on it: which
 * characters are spaces, digits and parts of words, what `float` and `int` accept, how `round` breaks ties.
 */

import { pythonStrip as strip } from "../../trace/index.ts";

export { strip };

/** Python's `\s` for the inside of a character class. */
export const space = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
/** Python's `\w` for the inside of a character class; needs the flag `u`. */
export const word = "\\p{L}\\p{N}_";

/** A regular expression in which `\s`, `\d`, `\b` and `.` mean what they mean to Python, always with the flag `u`. */
export function pattern(source: string, flags = ""): RegExp {
  const edge = `(?:(?<=[${word}])(?![${word}])|(?<![${word}])(?=[${word}]))`;
  let inClass = false;
  const translated = source.replace(/\\.|[[\].]/gsu, (token) => {
    if (token === "[") inClass = true;
    if (token === "]") inClass = false;
    if (token === "\\s") return inClass ? space : `[${space}]`;
    if (token === "\\d") return "\\p{Nd}";
    if (token === "\\b") return edge;
    return token === "." && !inClass ? "[^\\n]" : token;
  });
  return new RegExp(translated, `u${flags}`);
}

const spaces = new RegExp(`[${space}]+`);
const lineEnds = "\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029";
const lineEnd = new RegExp(`\\r\\n|[${lineEnds}]`);

/** Python's `str.strip(characters)`. */
export function stripCharacters(text: string, characters: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && characters.includes(text[from] as string)) from++;
  while (to > from && characters.includes(text[to - 1] as string)) to--;
  return text.slice(from, to);
}

/** Python's `str.split()`: the words between spaces. */
export const words = (text: string): string[] => text.split(spaces).filter((part) => part !== "");

/** Python's `str.splitlines()`, but for a last empty line. */
export const lines = (text: string): string[] => text.split(lineEnd);

/** Decimal digits of every script as 0 to 9: they come in runs of ten, the zero first. */
function asciiDigits(text: string): string {
  return text.replace(/(?![0-9])\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0) as number;
    let start = code;
    while (/\p{Nd}/u.test(String.fromCodePoint(start - 1))) start--;
    return String((code - start) % 10);
  });
}

/** Python's `float(text)`, or null where it raises. */
export function float(text: string): number | null {
  const plain = asciiDigits(strip(text)).toLowerCase();
  const special = /^([+-]?)(inf|infinity|nan)$/.exec(plain);
  if (special)
    return special[2] === "nan" ? Number.NaN : special[1] === "-" ? -Infinity : Number.POSITIVE_INFINITY;
  if (!/^[+-]?(?:\d(?:_?\d)*(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:e[+-]?\d(?:_?\d)*)?$/.test(plain))
    return null;
  return Number(plain.replaceAll("_", ""));
}

/** Python's `int(text)`, or null where it raises; above 2^53 only as near as a double. */
export function int(text: string): number | null {
  const plain = asciiDigits(strip(text));
  if (!/^[+-]?\d(?:_?\d)*$/.test(plain)) return null;
  const digits = plain.replaceAll("_", "");
  return digits.replace(/^[+-]/, "").length > 4300 ? null : Number(digits);
}

/** Python's `round(value, digits)`: exact, halves to even. */
export function round(value: number, digits = 0): number {
  if (!Number.isFinite(value) || Math.abs(value) >= 1e15) return value;
  const scaled = value * 2 ** (digits + 1);
  const tie = Number.isInteger(scaled) && scaled % 2 !== 0;
  if (!tie) return Number(value.toFixed(digits));
  // A tie is exact in binary, and so is its product with a power of ten.
  const below = Math.floor(value * 10 ** digits);
  return (below % 2 === 0 ? below : below + 1) / 10 ** digits;
}

/** Python's `chr(ord("A") + index)` for the first `count` letters. */
export const letters = (count: number): string[] =>
  Array.from({ length: Math.max(0, count) }, (_, i) => String.fromCodePoint(65 + i));
