/** Data sets: rows, reading them, and the synthetic world that generates them. */

export { clockEnd, readDataset, rowFiles, spreadRows, streamDataset } from "./read-dataset.ts";
export { checkRow, type DataRow, dataRowSchema } from "./row.ts";
export { synthCorpus } from "./synth/corpus.ts";
export {
  defaultLengths,
  defaultLevels,
  planVideo,
  type VideoPlan,
  type WorldOptions,
} from "./synth/plan-video.ts";
export { renderScene } from "./synth/render.ts";
export type { Scene } from "./synth/scene.ts";
export { type SynthesizedVideo, type SynthesizeOptions, synthesize } from "./synth/synthesize.ts";
export { type Split, splits } from "./synth/vocabulary.ts";
export {
  benchmarkOfFile,
  findTraceFiles,
  type Join,
  type JoinOptions,
  type JsonValue,
  type LoggedScore,
  openJoin,
  type PromptParts,
  promptOptions,
  type RowPlace,
  readGrounding,
  readJsonValues,
  readRow,
  readTraceFile,
  type TraceRow,
} from "./traces/index.ts";
