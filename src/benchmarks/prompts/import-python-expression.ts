/** Python expressions as trees: those that put texts together. Statements are in `import-python-module.ts`. */

import { PythonProblem, type Token } from "./import-python-lines.ts";

/** One `for NAMES in SOURCE if CONDITIONS` of a comprehension. */
export interface Loop {
  names: readonly string[];
  source: Expression;
  conditions: readonly Expression[];
}

/** An expression; `line` is where it stands. */
export type Expression = { line: number } & (
  | { kind: "constant"; value: string | number | boolean | null }
  | { kind: "name"; name: string }
  | { kind: "format"; parts: readonly (string | Expression)[] }
  | { kind: "list"; items: readonly Expression[] }
  | { kind: "dict"; entries: readonly (readonly [Expression, Expression])[] }
  | { kind: "each"; item: Expression; loops: readonly Loop[] }
  | { kind: "choice"; test: Expression; then: Expression; otherwise: Expression }
  | { kind: "and" | "or"; left: Expression; right: Expression }
  | { kind: "not" | "negative"; operand: Expression }
  | { kind: "compare"; first: Expression; rest: readonly (readonly [string, Expression])[] }
  | { kind: "arithmetic"; operator: string; left: Expression; right: Expression }
  | {
      kind: "call";
      callee: Expression;
      positional: readonly Expression[];
      named: readonly (readonly [string, Expression])[];
    }
  | { kind: "attribute"; of: Expression; name: string }
  | { kind: "item"; of: Expression; key: Expression }
  | { kind: "slice"; of: Expression; from: Expression | null; to: Expression | null }
);

const constants = new Map<string, boolean | null>([
  ["True", true],
  ["False", false],
  ["None", null],
]);
/** Words that begin what is not understood; none of them is a name. */
const keywords = new Set(
  "and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield".split(
    " ",
  ),
);
const comparisons = new Set(["==", "!=", "<", ">", "<=", ">=", "in", "is"]);

/** Reads tokens one after another. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  readonly #line: number;
  #at = 0;

  /** @param line where the tokens stand, for messages */
  constructor(tokens: readonly Token[], line: number) {
    this.#tokens = tokens;
    this.#line = line;
  }

  /** Whether all tokens are read. */
  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** The line of the next token. */
  get line(): number {
    return this.#tokens[this.#at]?.line ?? this.#tokens.at(-1)?.line ?? this.#line;
  }

  /** Whether the next token is this word or mark, or the one after `ahead` others. */
  sees(text: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead];
    return token !== undefined && token.kind !== "text" && token.text === text;
  }

  /** Reads this word or mark if it is next. */
  takes(text: string): boolean {
    const seen = this.sees(text);
    if (seen) this.#at++;
    return seen;
  }

  /** Reads this word or mark. @throws PythonProblem if another is next */
  expect(text: string): void {
    if (!this.takes(text)) this.refuse(text);
  }

  /** Reads a name. @throws PythonProblem if none is next */
  name(): string {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "name" || keywords.has(token.text)) return this.refuse("a name");
    this.#at++;
    return token.text;
  }

  /** The tokens that are left, all read now. */
  rest(): readonly Token[] {
    const left = this.#tokens.slice(this.#at);
    this.#at = this.#tokens.length;
    return left;
  }

  /** Reads the next token if it is of a kind. */
  takesKind(kind: Token["kind"]): Token | null {
    const token = this.#tokens[this.#at];
    if (token?.kind !== kind) return null;
    this.#at++;
    return token;
  }

  /** @throws PythonProblem saying what was expected, and what is next */
  refuse(expected: string): never {
    const token = this.#tokens[this.#at];
    const found =
      token === undefined ? "the end" : token.kind === "text" ? "a string" : token.text || "an f-string";
    throw new PythonProblem(this.line, `must be ${expected}, got ${found}`);
  }
}

/**
 * Reads an expression, or several with commas between them, which are a list.
 *
 * @throws PythonProblem for what is not understood
 */
export function readExpressions(reader: TokenReader): Expression {
  const { line } = reader;
  const first = readExpression(reader);
  if (!reader.sees(",")) return first;
  const items = [first];
  while (reader.takes(",") && !ends(reader)) items.push(readExpression(reader));
  return { kind: "list", items, line };
}

const ends = (reader: TokenReader) =>
  reader.done || [")", "]", "}", "=", ":"].some((mark) => reader.sees(mark));

/** Reads one expression. @throws PythonProblem for what is not understood */
export function readExpression(reader: TokenReader): Expression {
  const { line } = reader;
  const then = readOr(reader);
  if (!reader.takes("if")) return then;
  const test = readOr(reader);
  reader.expect("else");
  return { kind: "choice", test, then, otherwise: readExpression(reader), line };
}

function readOr(reader: TokenReader): Expression {
  const { line } = reader;
  let left = readAnd(reader);
  while (reader.takes("or")) left = { kind: "or", left, right: readAnd(reader), line };
  return left;
}

function readAnd(reader: TokenReader): Expression {
  const { line } = reader;
  let left = readNot(reader);
  while (reader.takes("and")) left = { kind: "and", left, right: readNot(reader), line };
  return left;
}

function readNot(reader: TokenReader): Expression {
  const { line } = reader;
  if (reader.takes("not")) return { kind: "not", operand: readNot(reader), line };
  const first = readSum(reader);
  const rest: [string, Expression][] = [];
  for (let operator = readComparison(reader); operator !== null; operator = readComparison(reader))
    rest.push([operator, readSum(reader)]);
  return rest.length === 0 ? first : { kind: "compare", first, rest, line };
}

function readComparison(reader: TokenReader): string | null {
  if (reader.sees("not") && reader.sees("in", 1)) {
    reader.expect("not");
    reader.expect("in");
    return "not in";
  }
  const operator = [...comparisons].find((mark) => reader.takes(mark));
  if (operator === undefined) return null;
  return operator === "is" && reader.takes("not") ? "is not" : operator;
}

function readSum(reader: TokenReader): Expression {
  let left = readProduct(reader);
  for (;;) {
    const { line } = reader;
    const operator = ["+", "-"].find((mark) => reader.takes(mark));
    if (operator === undefined) return left;
    left = { kind: "arithmetic", operator, left, right: readProduct(reader), line };
  }
}

function readProduct(reader: TokenReader): Expression {
  let left = readSigned(reader);
  for (;;) {
    const { line } = reader;
    if (!reader.takes("*")) return left;
    left = { kind: "arithmetic", operator: "*", left, right: readSigned(reader), line };
  }
}

function readSigned(reader: TokenReader): Expression {
  const { line } = reader;
  return reader.takes("-") ? { kind: "negative", operand: readSigned(reader), line } : readPostfix(reader);
}

function readPostfix(reader: TokenReader): Expression {
  let of = readAtom(reader);
  for (;;) {
    const { line } = reader;
    if (reader.takes(".")) of = { kind: "attribute", of, name: reader.name(), line };
    else if (reader.takes("[")) of = readItem(reader, of);
    else if (reader.takes("(")) of = readCall(reader, of);
    else return of;
  }
}

function readItem(reader: TokenReader, of: Expression): Expression {
  const { line } = reader;
  const key = reader.sees(":") ? null : readExpression(reader);
  if (key !== null && reader.takes("]")) return { kind: "item", of, key, line };
  reader.expect(":");
  const to = reader.sees("]") ? null : readExpression(reader);
  reader.expect("]");
  return { kind: "slice", of, from: key, to, line };
}

function readCall(reader: TokenReader, callee: Expression): Expression {
  const { line } = reader;
  const positional: Expression[] = [];
  const named: [string, Expression][] = [];
  while (!reader.takes(")")) {
    if (reader.sees("=", 1)) {
      const name = reader.name();
      reader.expect("=");
      named.push([name, readExpression(reader)]);
    } else positional.push(readLoops(reader, readExpression(reader)));
    if (!reader.sees(")")) reader.expect(",");
  }
  return { kind: "call", callee, positional, named, line };
}

/** What follows the item of a comprehension; without a `for` the item itself. */
function readLoops(reader: TokenReader, item: Expression): Expression {
  const { line } = reader;
  const loops: Loop[] = [];
  while (reader.takes("for")) {
    const names = readNames(reader);
    reader.expect("in");
    const source = readOr(reader);
    const conditions: Expression[] = [];
    while (reader.takes("if")) conditions.push(readOr(reader));
    loops.push({ names, source, conditions });
  }
  return loops.length === 0 ? item : { kind: "each", item, loops, line };
}

/** Names with commas between them, in brackets or not: what a loop or an assignment sets. */
export function readNames(reader: TokenReader): string[] {
  const inBrackets = reader.takes("(");
  const names = [reader.name()];
  while (reader.takes(",")) names.push(reader.name());
  if (inBrackets) reader.expect(")");
  return names;
}

function readAtom(reader: TokenReader): Expression {
  const { line } = reader;
  if (reader.takes("(")) return readInBrackets(reader, ")");
  if (reader.takes("[")) return readInBrackets(reader, "]");
  if (reader.takes("{")) return readDict(reader);
  const digits = reader.takesKind("number");
  if (digits) {
    if (!/^(?:0|[1-9]\d{0,14})$/.test(digits.text))
      throw new PythonProblem(line, `must be a whole number, got ${digits.text}`);
    return { kind: "constant", value: Number(digits.text), line };
  }
  const string = readStrings(reader);
  if (string) return string;
  for (const [word, value] of constants) if (reader.takes(word)) return { kind: "constant", value, line };
  if (["lambda", "yield", "await"].some((word) => reader.sees(word)))
    return reader.refuse("a plain expression");
  return { kind: "name", name: reader.name(), line };
}

/** Strings one after another are one. */
function readStrings(reader: TokenReader): Expression | null {
  const { line } = reader;
  const parts: (string | Expression)[] = [];
  for (;;) {
    const token = reader.takesKind("text") ?? reader.takesKind("format");
    if (token === null) break;
    if (token.kind === "text") parts.push(token.text);
    for (const part of token.parts) parts.push(typeof part === "string" ? part : readPlace(part, token.line));
  }
  if (parts.length === 0) return null;
  return parts.every((part) => typeof part === "string")
    ? { kind: "constant", value: parts.join(""), line }
    : { kind: "format", parts, line };
}

/** The value in an f-string. */
function readPlace(tokens: readonly Token[], line: number): Expression {
  const reader = new TokenReader(tokens, line);
  const value = readExpression(reader);
  return reader.done ? value : reader.refuse("the end of the value");
}

/** After `(` or `[`: a list, a comprehension, or with round brackets one expression. */
function readInBrackets(reader: TokenReader, end: string): Expression {
  const { line } = reader;
  const items: Expression[] = [];
  let commas = 0;
  while (!reader.takes(end)) {
    items.push(items.length === 0 ? readLoops(reader, readExpression(reader)) : readExpression(reader));
    if (reader.takes(",")) commas++;
    else if (!reader.sees(end)) reader.expect(",");
  }
  const only = items.length === 1 && commas === 0 ? items[0] : undefined;
  if (only && (end === ")" || only.kind === "each")) return only;
  return { kind: "list", items, line };
}

function readDict(reader: TokenReader): Expression {
  const { line } = reader;
  const entries: [Expression, Expression][] = [];
  while (!reader.takes("}")) {
    const key = readExpression(reader);
    reader.expect(":");
    entries.push([key, readExpression(reader)]);
    if (!reader.sees("}")) reader.expect(",");
  }
  return { kind: "dict", entries, line };
}
