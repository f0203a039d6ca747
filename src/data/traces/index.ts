/** Logs of what models wrote, and what is known about the questions. */

export { type Join, type JoinOptions, openJoin } from "./join.ts";
export { readGrounding } from "./read-grounding.ts";
export { readTraceFile } from "./read-trace-file.ts";
export { findTraceFiles } from "./trace-files.ts";
export type { LoggedScore, TraceRow } from "./trace-row.ts";
