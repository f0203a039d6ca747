/** Logs of what models wrote, and what is known about the questions. */

export { benchmarkOfFile } from "./benchmark-of-file.ts";
export { type Join, type JoinOptions, openJoin } from "./join.ts";
export { type JsonValue, readJsonValues } from "./json-values.ts";
export { type PromptParts, promptOptions } from "./prompt-options.ts";
export { readGrounding } from "./read-grounding.ts";
export { type RowPlace, readRow } from "./read-row.ts";
export { readTraceFile } from "./read-trace-file.ts";
export { findTraceFiles } from "./trace-files.ts";
export type { LoggedScore, TraceRow } from "./trace-row.ts";
