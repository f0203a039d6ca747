/**
 * Python source as lines of tokens, each with the lines that are indented below it. Strings are read as Python reads
 * them (its reference manual, chapter 2); nothing else is looked into, so that code nobody asks about may be anything.
 */

/** What is not understood of some Python code, and in which line. */
export class PythonProblem extends Error {
  /** From 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** One token. */
export interface Token {
  /** `text` is a string's content, `format` an f-string, `other` what is neither name, number nor string. */
  kind: "name" | "number" | "text" | "format" | "other";
  /** As it stands in the source; of `text` what it means, of `format` nothing. */
  text: string;
  /** Of an f-string: its texts, and the tokens of the values between them. */
  parts: readonly (string | readonly Token[])[];
  line: number;
}

/** One logical line, which may stand on several, and what is indented below it. */
export interface Line {
  tokens: readonly Token[];
  line: number;
  body: Line[];
}

const blank = /(?:[ \t\f]|\\\n)+/y;
const comment = /#[^\n]*/y;
const stringStart = /(r|u|f|b|rb|br|rf|fr)?("""|'''|"|')/iy;
const name = /[\p{L}_][\p{L}\p{N}_]*/uy;
const number = /(?:0[xob][\da-f_]+|\d[\d_]*\.?[\d_]*(?:e[-+]?\d+)?|\.\d[\d_]*(?:e[-+]?\d+)?)/iy;
const operator = /\*\*=?|\/\/=?|<<=?|>>=?|->|:=|\.\.\.|[-+*/%@&|^<>=!]=|./suy;
const simpleEscapes: Readonly<Record<string, string>> = {
  ...{ "\n": "", "\\": "\\", "'": "'", '"': '"', a: "\u0007", b: "\b", f: "\f" },
  ...{ n: "\n", r: "\r", t: "\t", v: "\v" },
};
const numericEscape = /[0-7]{1,3}|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})/y;

class Reader {
  readonly #source: string;
  #at = 0;
  #line = 1;
  /** Whether the string that is read has characters by their names. */
  #hasNames = false;

  constructor(source: string) {
    this.#source = source.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
  }

  /** The tokens of the next logical line with its indentation, null at the end of the source. */
  logicalLine(): { tokens: Token[]; line: number; indent: number } | null {
    while (this.#at < this.#source.length) {
      const indent = [...(this.#take(/[ \t\f]*/y)?.[0] ?? "")].reduce(
        (column, mark) => (mark === "\t" ? column - (column % 8) + 8 : mark === "\f" ? 0 : column + 1),
        0,
      );
      this.#take(comment);
      if (this.#take(/\n/y)) continue;
      const line = this.#line;
      const tokens = this.#tokens((mark) => mark === "\n");
      this.#take(/\n/y);
      if (tokens.length > 0) return { tokens, line, indent };
    }
    return null;
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (found === null) return null;
    this.#at += found[0].length;
    this.#line += found[0].split("\n").length - 1;
    return found;
  }

  /** Tokens up to a mark outside all brackets at which `ends`, or to the end of the source. */
  #tokens(ends: (mark: string) => boolean): Token[] {
    const tokens: Token[] = [];
    let depth = 0;
    while (this.#at < this.#source.length) {
      if (this.#take(blank) ?? this.#take(comment)) continue;
      const mark = this.#source[this.#at] as string;
      if (depth === 0 && ends(mark)) break;
      if (this.#take(/\n/y)) continue;
      const token = this.#token();
      if (token.kind === "other") depth += /[([{]/.test(token.text) ? 1 : /[)\]}]/.test(token.text) ? -1 : 0;
      depth = Math.max(0, depth);
      tokens.push(token);
    }
    return tokens;
  }

  #token(): Token {
    const line = this.#line;
    const plain = { parts: [], line };
    const start = this.#take(stringStart);
    if (start) return this.#string((start[1] ?? "").toLowerCase(), start[2] as string);
    const word = this.#take(name);
    if (word) return { kind: "name", text: word[0], ...plain };
    const digits = this.#take(number);
    if (digits) return { kind: "number", text: digits[0], ...plain };
    return { kind: "other", text: this.#take(operator)?.[0] ?? "", ...plain };
  }

  /** A string of which prefix and opening quote are read. */
  #string(prefix: string, quote: string): Token {
    const line = this.#line;
    const raw = prefix.includes("r");
    this.#hasNames = false;
    const isFormat = prefix.includes("f");
    const parts = isFormat ? this.#formatParts(quote, raw, line) : [];
    const text = isFormat ? "" : this.#text(quote, raw, line);
    // What is not understood is no string, so that it is refused if it is ever asked for.
    if (prefix.includes("b")) return { kind: "other", text: "a string of bytes", parts: [], line };
    if (this.#hasNames) return { kind: "other", text: "a string with \\N{NAME}", parts: [], line };
    return { kind: isFormat ? "format" : "text", text, parts, line };
  }

  /** What is left of a string up to its closing quote. */
  #text(quote: string, raw: boolean, line: number): string {
    let text = "";
    while (!this.#closes(quote, line)) text += this.#character(raw);
    return text;
  }

  #closes(quote: string, line: number): boolean {
    if (this.#source.startsWith(quote, this.#at)) {
      this.#at += quote.length;
      return true;
    }
    if (this.#at >= this.#source.length || (quote.length === 1 && this.#source[this.#at] === "\n"))
      throw new PythonProblem(line, `a string must end with ${quote}, got none`);
    return false;
  }

  /** The next character, or what an escape means. */
  #character(raw: boolean): string {
    const plain = this.#take(/[^\\]/uy);
    if (plain) return plain[0];
    this.#take(/\\/y);
    if (raw) return `\\${this.#take(/./suy)?.[0] ?? ""}`;
    const numeric = this.#take(numericEscape);
    if (numeric) {
      const hex = numeric[1] ?? numeric[2] ?? numeric[3];
      const code = hex === undefined ? Number.parseInt(numeric[0], 8) : Number.parseInt(hex, 16);
      if (code > 0x10ffff)
        throw new PythonProblem(this.#line, `an escape must name a character, got \\${numeric[0]}`);
      return String.fromCodePoint(code);
    }
    const mark = this.#take(/./suy)?.[0] ?? "";
    if (mark === "N") this.#hasNames = true;
    return simpleEscapes[mark] ?? `\\${mark}`;
  }

  /** An f-string's texts and values up to its closing quote. */
  #formatParts(quote: string, raw: boolean, line: number): (string | Token[])[] {
    const parts: (string | Token[])[] = [];
    let text = "";
    while (!this.#closes(quote, line)) {
      const doubled = this.#take(/\{\{|\}\}/y);
      if (doubled) text += doubled[0][0];
      else if (this.#take(/\{/y)) {
        const value = this.#tokens((mark) => mark === "}" || mark === ":");
        const format = this.#take(/:(?:[^{}]|\{[^{}]*\})*/y);
        if (format) value.push({ kind: "other", text: format[0], parts: [], line });
        if (!this.#take(/\}/y))
          throw new PythonProblem(line, "a value in an f-string must end with }, got none");
        parts.push(text, value);
        text = "";
      } else text += this.#character(raw);
    }
    return [...parts, text];
  }
}

/**
 * Reads source into its outermost lines.
 *
 * @throws PythonProblem for a string that does not end, or an escape that is no character
 */
export function pythonLines(source: string): Line[] {
  const reader = new Reader(source);
  const outermost: Line[] = [];
  const open: { indent: number; lines: Line[] }[] = [{ indent: 0, lines: outermost }];
  for (let next = reader.logicalLine(); next !== null; next = reader.logicalLine()) {
    const { tokens, line, indent } = next;
    while (open.length > 1 && indent < (open.at(-1)?.indent ?? 0)) open.pop();
    const last = open.at(-1)?.lines.at(-1);
    if (last !== undefined && indent > (open.at(-1)?.indent ?? 0)) open.push({ indent, lines: last.body });
    open.at(-1)?.lines.push({ tokens, line, body: [] });
  }
  return outermost;
}
