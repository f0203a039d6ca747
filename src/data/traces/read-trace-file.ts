/** The rows of a log, one after the other, with flat memory. */

import { readJsonValues } from "./json-values.ts";
import { readRow } from "./read-row.ts";
import type { TraceRow } from "./trace-row.ts";

/**
 * Reads a log of outputs: lmms-eval's samples, Video-R1's results, or plain JSON; see `docs/score.md`.
 *
 * @param path JSON Lines or JSON, gzip where it ends in `.gz`, `-` for the standard input
 * @param onBytes told the size of each piece read, for progress
 * @throws UsageError `traces-unreadable`; `traces-invalid` naming file, line and the fields found
 */
export async function* readTraceFile(
  path: string,
  onBytes?: (bytes: number) => void,
): AsyncGenerator<TraceRow> {
  const file = path === "-" ? "standard input" : path;
  for await (const { line, value } of readJsonValues(path, onBytes)) yield* readRow(value, { file, line });
}
