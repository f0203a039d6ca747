/** The library: `import { ask, openModel } from "video-r2"`. The pure part alone is `video-r2/trace`. */

export { UsageError } from "./base/index.ts";
export { compile, type Program } from "./engine/index.ts";
export { type AskRequest, type AskResult, ask } from "./evaluation/index.ts";
export { type Consistency, type ConsistencyVerdict, judgeConsistency } from "./judges/index.ts";
export {
  type ChatEvent,
  type ChatMessage,
  type ChatModel,
  type ChatReply,
  complete,
  type FrameSampling,
  type GenerateOptions,
  type ModelInfo,
  type OpenModelOptions,
  openModel,
  questionPrompt,
  type VideoInput,
} from "./models/index.ts";
export { type RunningServer, type ServerOptions, startServer } from "./server/index.ts";
export {
  type Claim,
  extractClaims,
  formatTimestamp,
  type Option,
  type ParseOptions,
  parseLetter,
  parseOptions,
  parseTimestamp,
  parseTrace,
  type Question,
  type Trace,
  type TraceProblem,
} from "./trace/index.ts";
export {
  encodeVideo,
  openVideo,
  readSubtitles,
  type SampledVideo,
  type SampleOptions,
  sampleVideo,
  type Video,
  type VideoInfo,
} from "./video/index.ts";
