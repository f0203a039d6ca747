/**
 * The rows of a file as a stream: JSON Lines, a JSON array, or a JSON object that holds arrays of rows, plain or
 * compressed with gzip. One row at a time is held, so memory does not grow with the file.
 */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { messageOf, UsageError } from "../../base/index.ts";

/** One JSON value with the line of the file that it begins on, from 1. */
export interface JsonValue {
  line: number;
  value: unknown;
}

const code = "traces-invalid";
const formatHint = "docs/score.md lists the formats that can be read.";

/** Fields under which documents keep their rows. */
const rowKeys = /^(?:results?|samples?|data|rows|predictions?|outputs?|records|items|examples)$/i;

/** Python writes NaN and Infinity, which JSON lacks. */
const withoutNaN = (text: string) => text.replace(/(?<=[:[,]\s*)(?:-?Infinity|NaN)(?=\s*[,}\]])/g, "null");

function parse(text: string, path: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    try {
      return JSON.parse(withoutNaN(text));
    } catch {
      throw new UsageError(
        code,
        `${path}:${line}: must be one JSON value, got ${JSON.stringify(text.trim().slice(0, 60))}`,
        `A file that was cut short ends inside a value; remove that row. ${formatHint}`,
        { cause: error },
      );
    }
  }
}

/** The text of a file, or of the standard input for `-`, in pieces. */
async function* textOf(path: string, onBytes?: (bytes: number) => void): AsyncGenerator<string> {
  const source = path === "-" ? process.stdin : createReadStream(path, { highWaterMark: 1 << 18 });
  source.on("data", (chunk: Buffer | string) => onBytes?.(chunk.length));
  const stream = path.endsWith(".gz") ? source.pipe(createGunzip()) : source;
  source.on("error", (error: Error) => stream !== source && stream.destroy(error));
  stream.setEncoding("utf8");
  let first = true;
  try {
    for await (const piece of stream as AsyncIterable<string>) {
      yield first ? piece.replace(/^\uFEFF/, "") : piece;
      first = false;
    }
  } catch (error) {
    throw new UsageError(
      "traces-unreadable",
      `${path}: must be a readable file${path.endsWith(".gz") ? " of gzip" : ""}, got ${messageOf(error)}`,
      undefined,
      { cause: error },
    );
  } finally {
    source.destroy();
  }
}

async function* linesOf(pieces: AsyncIterable<string>, path: string): AsyncGenerator<JsonValue> {
  let rest = "";
  let line = 0;
  for await (const piece of pieces) {
    // Only the new piece is searched: a line may be long.
    let from = 0;
    for (let end = piece.indexOf("\n"); end >= 0; end = piece.indexOf("\n", from)) {
      line++;
      const text = rest + piece.slice(from, end);
      rest = "";
      from = end + 1;
      if (text.trim() !== "") yield { line, value: parse(text, path, line) };
    }
    rest += piece.slice(from);
  }
  if (rest.trim() !== "") yield { line: line + 1, value: parse(rest, path, line + 1) };
}

/** Walks over JSON text and cuts out the objects of the outermost array, or of arrays one object deeper. */
class ElementScanner {
  /** Open brackets, outermost first. */
  #open = "";
  #inString = false;
  #escaped = false;
  #line = 1;
  /** The element that is open, as text, with the line it began on. */
  #element = "";
  #elementLine = 0;
  #elementDepth = 0;
  #key = "";
  /** The field whose rows are taken, where the outermost value is an object; other fields hold figures. */
  #rowKey: string | null = null;
  /** Keys of the outermost object, for messages. */
  readonly keys: string[] = [];

  /** Whether the text so far ends inside a value. */
  get unfinished(): boolean {
    return this.#open !== "";
  }

  #isRowKey(): boolean {
    if (this.#rowKey === null || rowKeys.test(this.#key)) this.#rowKey = this.#key;
    return this.#rowKey === this.#key;
  }

  /** The elements that end in this piece. */
  *push(piece: string): Generator<{ line: number; text: string }> {
    let from = 0;
    for (let i = 0; i < piece.length; i++) {
      const c = piece.charCodeAt(i);
      if (c === 10) this.#line++;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (c === 92) this.#escaped = true;
        else if (c === 34) this.#inString = false;
        else if (this.#open === "{" && this.#key.length < 40) this.#key += piece[i];
      } else if (c === 34) {
        this.#inString = true;
        if (this.#open === "{") this.#key = "";
      } else if (c === 58 && this.#open === "{") {
        if (this.keys.length < 20) this.keys.push(this.#key);
      } else if (c === 123 || c === 91) {
        if (c === 123 && (this.#open === "[" || (this.#open === "{[" && this.#isRowKey()))) {
          from = i;
          this.#elementLine = this.#line;
          this.#elementDepth = this.#open.length;
          this.#element = "";
        }
        this.#open += c === 123 ? "{" : "[";
      } else if (c === 125 || c === 93) {
        this.#open = this.#open.slice(0, -1);
        if (this.#elementDepth > 0 && this.#open.length === this.#elementDepth) {
          yield { line: this.#elementLine, text: this.#element + piece.slice(from, i + 1) };
          this.#elementDepth = 0;
          this.#element = "";
        }
      }
    }
    if (this.#elementDepth > 0) this.#element += piece.slice(from);
  }
}

async function* elementsOf(pieces: AsyncIterable<string>, path: string): AsyncGenerator<JsonValue> {
  const scanner = new ElementScanner();
  let found = 0;
  for await (const piece of pieces) {
    for (const { line, text } of scanner.push(piece)) {
      found++;
      yield { line, value: parse(text, path, line) };
    }
  }
  if (scanner.unfinished)
    throw new UsageError(
      code,
      `${path}: must be whole JSON, ended inside a value`,
      `The file was cut short. ${formatHint}`,
    );
  if (found === 0 && scanner.keys.length > 0)
    throw new UsageError(
      code,
      `${path}: must hold an array of rows, found only the fields ${scanner.keys.join(", ")}`,
      formatHint,
    );
}

/** The first line of what is to come, and all of it again. */
async function peekLine(pieces: AsyncGenerator<string>): Promise<[string, AsyncGenerator<string>]> {
  const held: string[] = [];
  let text = "";
  while (!text.trimStart().includes("\n") && text.length < 1 << 26) {
    const next = await pieces.next();
    if (next.done) break;
    held.push(next.value);
    text += next.value;
  }
  const all = (async function* () {
    yield* held;
    yield* pieces;
  })();
  return [text.trimStart().split("\n", 1)[0] ?? "", all];
}

/** Whether a document that begins with this line holds arrays of rows, rather than being one row a line. */
function holdsRows(line: string): boolean {
  if (!line.startsWith("{")) return false;
  try {
    const value = JSON.parse(withoutNaN(line)) as Record<string, unknown>;
    return Object.entries(value).some(([key, item]) => rowKeys.test(key) && Array.isArray(item));
  } catch {
    return true;
  }
}

/**
 * Reads the values of a file: its lines, or the elements of its array.
 *
 * @param path a file; gzip where it ends in `.gz`, `-` for the standard input
 * @param onBytes told the size of each piece read, for progress
 * @throws UsageError `traces-unreadable`, or `traces-invalid` with file and line of the first value that is none
 */
export async function* readJsonValues(
  path: string,
  onBytes?: (bytes: number) => void,
): AsyncGenerator<JsonValue> {
  const found = path === "-" ? null : await stat(path).catch(() => null);
  if (path !== "-" && !found?.isFile())
    throw new UsageError(
      "traces-unreadable",
      `traces: must be a file, got ${path}${found ? "" : ", which is not there"}`,
    );
  const [line, pieces] = await peekLine(textOf(path, onBytes));
  const lines = !line.startsWith("[") && (/\.(?:jsonl|ndjson)(?:\.gz)?$/.test(path) || !holdsRows(line));
  yield* lines ? linesOf(pieces, path) : elementsOf(pieces, path);
}
