/**
 * JSON as models write it: in fences or prose, with single quotes, bare keys, trailing commas, comments, Python's
 * literals, line ends inside strings. What is cut short is not repaired: half a value is not the value.
 */

const longest = 200_000;
const deepest = 64;
const mostStarts = 400;

const closingQuotes = new Map([
  ['"', '"'],
  ["'", "'"],
  ["“", "”"],
  ["‘", "’"],
  ["`", "`"],
]);
const words = new Map<string, unknown>([
  ["true", true],
  ["false", false],
  ["null", null],
  ["none", null],
  ["undefined", null],
]);
const escapes = new Map([
  ["n", "\n"],
  ["t", "\t"],
  ["r", "\r"],
  ["b", "\b"],
  ["f", "\f"],
]);

/** What a reader throws where the text is no value. */
class NotJson extends Error {}

class Reader {
  readonly #text: string;
  at: number;

  constructor(text: string, at: number) {
    this.#text = text;
    this.at = at;
  }

  value(depth = 0): unknown {
    if (depth > deepest) throw new NotJson();
    this.#space();
    const sign = this.#text[this.at] ?? "";
    if (sign === "{") return this.#object(depth);
    if (sign === "[") return this.#list(depth);
    if (closingQuotes.has(sign)) return this.#string(sign);
    return this.#word();
  }

  #object(depth: number): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    this.at++;
    while (!this.#takes("}")) {
      this.#space();
      const sign = this.#text[this.at] ?? "";
      const key = closingQuotes.has(sign) ? this.#string(sign) : this.#bareKey();
      if (!this.#takes(":")) throw new NotJson();
      entries.push([key, this.value(depth + 1)]);
      if (!this.#takes(",") && this.#peek() !== "}") throw new NotJson();
    }
    return Object.fromEntries(entries);
  }

  #list(depth: number): unknown[] {
    const items: unknown[] = [];
    this.at++;
    while (!this.#takes("]")) {
      items.push(this.value(depth + 1));
      if (!this.#takes(",") && this.#peek() !== "]") throw new NotJson();
    }
    return items;
  }

  #string(open: string): string {
    const close = closingQuotes.get(open);
    let read = "";
    for (this.at++; this.at < this.#text.length; this.at++) {
      const sign = this.#text[this.at] as string;
      if (sign === "\\") read += this.#escape();
      else if (sign === close && this.#endsHere()) {
        this.at++;
        return read;
      } else read += sign;
    }
    throw new NotJson();
  }

  /** Whether a closing quote closes: what follows must be JSON's, so that `'it's red'` is one string. */
  #endsHere(): boolean {
    const next = /[^\s]/g;
    next.lastIndex = this.at + 1;
    const found = next.exec(this.#text)?.[0];
    return found === undefined || ",:}]".includes(found);
  }

  #escape(): string {
    const sign = this.#text[++this.at] ?? "";
    if (sign !== "u") return escapes.get(sign) ?? sign;
    const code = this.#text.slice(this.at + 1, this.at + 5);
    if (!/^[0-9a-f]{4}$/i.test(code)) throw new NotJson();
    this.at += 4;
    return String.fromCharCode(Number.parseInt(code, 16));
  }

  #bareKey(): string {
    return this.#match(/\d+(?::\d+)+(?:-\d+(?::\d+)+)?|[\p{L}\p{N}_$-]+/uy);
  }

  #word(): unknown {
    const word = this.#match(/[-+]?[\p{L}\p{N}_.+-]+/uy);
    if (words.has(word.toLowerCase())) return words.get(word.toLowerCase());
    if (/^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(word)) return Number(word);
    if (/^\p{Lu}$/u.test(word)) return word; // A bare letter is an option.
    throw new NotJson();
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text)?.[0];
    if (!found) throw new NotJson();
    this.at += found.length;
    return found;
  }

  #space(): void {
    const pattern = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|#[^\n]*)*/y;
    pattern.lastIndex = this.at;
    this.at += pattern.exec(this.#text)?.[0].length ?? 0;
  }

  #peek(): string | undefined {
    this.#space();
    return this.#text[this.at];
  }

  #takes(sign: string): boolean {
    if (this.#peek() !== sign) return false;
    this.at++;
    return true;
  }
}

/**
 * The JSON objects and lists that a text holds, outermost ones only, in their order. The values of a text that
 * holds none are none; it never throws.
 */
export function findJson(text: string): unknown[] {
  const searched = text.slice(0, longest);
  const found: unknown[] = [];
  const start = /[{[]/g;
  for (let tries = 0; tries < mostStarts; tries++) {
    const next = start.exec(searched);
    if (next === null) break;
    const reader = new Reader(searched, next.index);
    try {
      found.push(reader.value());
      start.lastIndex = reader.at;
    } catch (error) {
      if (!(error instanceof NotJson)) throw error;
    }
  }
  return found;
}
