/**
 * The library: `import { ask, openModel } from "video-r2"`. The pure parts, which run in a browser too, are also
 * `video-r2/trace`, `video-r2/metrics` and `video-r2/rewards`.
 */

export { UsageError } from "./base/index.ts";
export { compile, type Program } from "./engine/index.ts";
export { type AskRequest, type AskResult, ask } from "./evaluation/index.ts";
export {
  type Consistency,
  type ConsistencyVerdict,
  type Embedder,
  type EmbedderOptions,
  type Judge,
  type Judged,
  type JudgeInput,
  type JudgeOptions,
  judgeConsistency,
  openEmbedder,
  openJudge,
  similarity,
} from "./judges/index.ts";
export {
  type Comparison,
  compareSamples,
  type Figure,
  figure,
  scoreAnswer,
  type Tac,
  tac,
  type VasSummary,
  vasSummary,
} from "./metrics/index.ts";
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
export {
  accuracyReward,
  formatReward,
  gate,
  type TemporalAlignment,
  type TemporalAlignmentOptions,
  type TotalReward,
  temporalAlignmentReward,
  totalReward,
} from "./rewards/index.ts";
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
