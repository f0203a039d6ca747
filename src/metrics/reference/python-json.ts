/**
 * JSON as Python's `json.loads` reads it: objects keep the order of their keys (JavaScript's put `10` before
 * `01:00`), a repeated key keeps its first place and its last value, and `NaN` and `Infinity` are numbers.
 */

/** What Python's `json.loads` returns. */
export type PythonJson = string | number | boolean | null | PythonJson[] | Map<string, PythonJson>;

const deepest = 900;
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
/** What may stand in a string before the next quote or backslash; one run at a time, so in linear time. */
const plain = new RegExp(String.raw`[^"\\${"\\x00-\\x1f"}]*`, "y");
const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const blank = /[ \t\n\r]*/y;
const names: readonly (readonly [string, PythonJson])[] = [
  ["null", null],
  ["true", true],
  ["false", false],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
];

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): PythonJson {
    const value = this.#value(0);
    this.#match(blank);
    if (this.#at < this.#text.length) throw new SyntaxError("text follows the JSON value");
    return value;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }

  #take(literal: string): boolean {
    const there = this.#text.startsWith(literal, this.#at);
    if (there) this.#at += literal.length;
    return there;
  }

  #need(literal: string): void {
    if (!this.#take(literal)) throw new SyntaxError(`no ${literal} at ${this.#at}`);
  }

  #string(): string {
    const from = this.#at;
    this.#need('"');
    do this.#match(plain);
    while (this.#match(escaped) !== null);
    this.#need('"');
    return JSON.parse(this.#text.slice(from, this.#at)) as string;
  }

  #value(depth: number): PythonJson {
    if (depth > deepest) throw new SyntaxError("too deep");
    this.#match(blank);
    const next = this.#text[this.#at];
    if (next === '"') return this.#string();
    if (next === "{") return this.#object(depth);
    if (next === "[") return this.#array(depth);
    const name = names.find(([literal]) => this.#take(literal));
    if (name) return name[1];
    const found = this.#match(number);
    if (found === null || /^-?[0-9]{4301}/.test(found)) throw new SyntaxError(`no value at ${this.#at}`);
    return Number(found);
  }

  #object(depth: number): PythonJson {
    const object = new Map<string, PythonJson>();
    this.#need("{");
    this.#match(blank);
    if (this.#take("}")) return object;
    do {
      this.#match(blank);
      const key = this.#string();
      this.#match(blank);
      this.#need(":");
      object.set(key, this.#value(depth + 1));
      this.#match(blank);
    } while (this.#take(","));
    this.#need("}");
    return object;
  }

  #array(depth: number): PythonJson {
    const array: PythonJson[] = [];
    this.#need("[");
    this.#match(blank);
    if (this.#take("]")) return array;
    do {
      array.push(this.#value(depth + 1));
      this.#match(blank);
    } while (this.#take(","));
    this.#need("]");
    return array;
  }
}

/** Reads JSON as Python does. Undefined where Python raises. */
export function parsePythonJson(text: string): PythonJson | undefined {
  try {
    return new Reader(text).document();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
