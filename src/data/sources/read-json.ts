/** Values of a JSON or JSON Lines file of questions, with its own words for what is wrong. */

import { stat } from "node:fs/promises";
import { UsageError } from "../../base/index.ts";
import { type JsonValue, readJsonValues } from "../traces/json-values.ts";

/** As `readJsonValues`. @throws UsageError `source-invalid` */
export async function* readSourceValues(path: string): AsyncGenerator<JsonValue> {
  try {
    yield* readJsonValues(path);
  } catch (error) {
    if (error instanceof UsageError && error.code.startsWith("traces-"))
      throw new UsageError(
        "source-invalid",
        error.message,
        "A .jsonl file holds one JSON value a line, a .json file an array of objects. docs/data-set.md lists the formats.",
        { cause: error },
      );
    throw error;
  }
}

/** @throws UsageError `source-missing` where `path` is no file */
export async function checkSourceFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile())
    throw new UsageError(
      "source-missing",
      `source: must be a file, got ${path}${found === null ? ", which is not there" : ", a folder"}`,
      "Give the annotation files themselves; several may be given.",
    );
}
