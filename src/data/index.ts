/** Data sets: rows, reading them, and the synthetic world that generates them. */

export { type ArchiveSet, archiveSets, isForeignArchive } from "./archives/archive-sets.ts";
export { insideFolder } from "./archives/inside-folder.ts";
export { type Archive, type UnpackOptions, unpackArchive } from "./archives/unpack.ts";
export { isUnpacked, privateFolder, recordUnpacked } from "./archives/unpacked-record.ts";
export { cardFiles } from "./hub/card-files.ts";
export { checkSpace, diskError, formatBytes, freeBytes } from "./hub/disk-space.ts";
export { bytesHere, type Download, downloadFile, isSameFile } from "./hub/download-file.ts";
export { withLock } from "./hub/folder-lock.ts";
export { Hub, type HubFile, type HubOptions } from "./hub/hub.ts";
export { hubHome } from "./hub/hub-environment.ts";
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
