/** Data sets: rows, reading them, and the synthetic world that generates them. */

export { type ArchiveSet, archiveSets, isForeignArchive } from "./archives/archive-sets.ts";
export { insideFolder } from "./archives/inside-folder.ts";
export { type Archive, type UnpackOptions, unpackArchive } from "./archives/unpack.ts";
export { isUnpacked, privateFolder, recordUnpacked } from "./archives/unpacked-record.ts";
export {
  type ConvertOptions,
  type ConvertSummary,
  convertRows,
  type RowFormat,
  rowFormats,
} from "./convert/convert-rows.ts";
export type { UnreadRow } from "./convert/convertible-row.ts";
export {
  answerTypesOf,
  type Balance,
  type FilterOptions,
  type FilterSummary,
  filterRows,
  type Range,
  type RowWishes,
} from "./filter/filter-rows.ts";
export { cardFiles } from "./hub/card-files.ts";
export { checkSpace, diskError, formatBytes, freeBytes } from "./hub/disk-space.ts";
export { bytesHere, type Download, downloadFile, isSameFile } from "./hub/download-file.ts";
export { withLock } from "./hub/folder-lock.ts";
export { Hub, type HubFile, type HubOptions } from "./hub/hub.ts";
export { hubHome } from "./hub/hub-environment.ts";
export { checkQuestion, type QuestionRow } from "./question-row.ts";
export { clockEnd, readDataset, rowFiles, spreadRows, streamDataset } from "./read-dataset.ts";
export { checkRow, type DataRow, dataRowSchema } from "./row.ts";
export { type PlacedQuestion, readQuestions } from "./rows/read-questions.ts";
export type { Rejection } from "./rows/rejection.ts";
export { lengthClass, type StratumField, stratumFields } from "./rows/strata.ts";
export {
  type DuplicatePolicy,
  type ImportOptions,
  type ImportSummary,
  importQuestions,
  questionSources,
} from "./sources/import-questions.ts";
export type {
  QuestionSource,
  ReadSourceOptions,
  SourceEntry,
  SourceQuestion,
} from "./sources/source-question.ts";
export { mappableFields, parseMap } from "./sources/table.ts";
export {
  type HeldBackQuestion,
  type LeakCheck,
  LeakIndex,
  type LeakOptions,
  type LeakSummary,
} from "./split/leak-index.ts";
export { type SplitOptions, type SplitPart, type SplitSummary, splitRows } from "./split/split-rows.ts";
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
export { duplicateThreshold } from "./videos/fingerprint.ts";
export {
  type BadVideo,
  indexBeside,
  type SoundVideo,
  type VideoFacts,
  VideoIndex,
} from "./videos/video-index.ts";
