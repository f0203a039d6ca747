/** CSV as RFC 4180 has it: quoted fields may hold commas, quotes and line ends; memory stays flat. */

import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { UsageError } from "../../base/index.ts";

/** One record with the line of the file that it begins on, from 1. */
export interface CsvRecord {
  line: number;
  fields: string[];
}

/** Cuts text that comes in pieces into records. */
class CsvScanner {
  #fields: string[] = [];
  #field = "";
  /** Whether the field was quoted; what follows its closing quote is no longer inside. */
  #quoted = false;
  #inside = false;
  /** A quote inside a quoted field, which the next character tells the meaning of. */
  #afterQuote = false;
  #afterReturn = false;
  #line = 1;
  #recordLine = 1;

  /** The line on which a quote is open, or null. */
  get openQuote(): number | null {
    return this.#inside && !this.#afterQuote ? this.#recordLine : null;
  }

  *push(text: string): Generator<CsvRecord> {
    for (const c of text) {
      if (this.#inside && !this.#afterQuote) {
        if (c === '"') this.#afterQuote = true;
        else this.#field += c;
        if (c === "\n") this.#line++;
        continue;
      }
      if (this.#afterQuote) {
        this.#afterQuote = false;
        if (c === '"') {
          this.#field += '"';
          continue;
        }
        this.#inside = false;
      }
      const wasReturn = this.#afterReturn;
      this.#afterReturn = c === "\r";
      if (c === '"' && this.#field === "" && !this.#quoted) {
        this.#inside = true;
        this.#quoted = true;
      } else if (c === ",") this.#endField();
      else if (c === "\n" && wasReturn) {
        this.#line++;
        this.#recordLine = this.#line;
      } else if (c === "\n" || c === "\r") {
        if (c === "\n") this.#line++;
        yield* this.#endRecord();
      } else this.#field += c;
    }
  }

  *end(): Generator<CsvRecord> {
    if (this.#field !== "" || this.#quoted || this.#fields.length > 0) yield* this.#endRecord();
  }

  #endField(): void {
    this.#fields.push(this.#field);
    this.#field = "";
    this.#quoted = false;
  }

  *#endRecord(): Generator<CsvRecord> {
    const empty = this.#fields.length === 0 && this.#field === "" && !this.#quoted;
    this.#endField();
    if (!empty) yield { line: this.#recordLine, fields: this.#fields };
    this.#fields = [];
    this.#recordLine = this.#line;
  }
}

/**
 * Reads the records of a CSV file, empty lines left out; gzip where it ends in `.gz`.
 *
 * @throws UsageError `source-invalid` where a quote is not closed
 */
export async function* readCsv(path: string): AsyncGenerator<CsvRecord> {
  const file = createReadStream(path);
  const stream = path.endsWith(".gz") ? file.pipe(createGunzip()) : file;
  if (stream !== file) file.on("error", (error) => stream.destroy(error));
  stream.setEncoding("utf8");
  const scanner = new CsvScanner();
  let first = true;
  for await (const piece of stream as AsyncIterable<string>) {
    yield* scanner.push(first ? piece.replace(/^\uFEFF/, "") : piece);
    first = false;
  }
  const open = scanner.openQuote;
  if (open !== null)
    throw new UsageError(
      "source-invalid",
      `${path}:${open}: a quoted field must be closed, got the end of the file`,
      'A quote inside a quoted field is written twice: "".',
    );
  yield* scanner.end();
}

/** The records of a CSV file by the names in its first one, each with its line. Missing fields are empty. */
export async function* readCsvRows(
  path: string,
): AsyncGenerator<{ line: number; value: Record<string, string> }> {
  let names: string[] | null = null;
  for await (const { line, fields } of readCsv(path)) {
    if (names === null) names = fields.map((name) => name.trim());
    else yield { line, value: Object.fromEntries(names.map((name, i) => [name, fields[i] ?? ""])) };
  }
}
