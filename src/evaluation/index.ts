/** Asking models about videos, and checking what they say. */

export { type AskRequest, type AskResult, ask } from "./ask.ts";
export { type AskSamplesRequest, type AskSamplesResult, answerKey, askSamples } from "./ask-samples.ts";
export {
  type AttentionShare,
  attentionShare,
  type ClaimAttention,
  type PatchTime,
} from "./attention-share.ts";
export type { Answered, Answerer, AnswererInfo, AskedQuestion } from "./benchmark/answerer.ts";
export { type ChatAnswererOptions, chatAnswerer } from "./benchmark/chat-answerer.ts";
export { type CheckpointAnswererOptions, checkpointAnswerer } from "./benchmark/checkpoint-answerer.ts";
export { estimateByAsking, estimateFromRuns, type TimeEstimate } from "./benchmark/estimate-time.ts";
export type { EvaluatedRun, RunCost } from "./benchmark/evaluated-run.ts";
export { fetchFolder, locateData } from "./benchmark/locate-data.ts";
export { type ReadLmmsOptions, readLmmsRuns } from "./benchmark/read-lmms-runs.ts";
export { readRuns } from "./benchmark/read-runs.ts";
export { reportFigure } from "./benchmark/report-figures.ts";
export { formatReport, type ReportFormat, reportFormats } from "./benchmark/report-formats.ts";
export {
  comparisonTable,
  type ReportRow,
  type ReportTable,
  type ReportTableOptions,
  reportTables,
} from "./benchmark/report-tables.ts";
export { runsText } from "./benchmark/result-text.ts";
export {
  type BenchmarkPlan,
  type BenchmarkRun,
  type EvaluationSettings,
  type PlannedRun,
  planBenchmark,
  type RunBenchmarkOptions,
  type RunRecord,
  runBenchmark,
} from "./benchmark/run-benchmark.ts";
export { parseShard, type Shard } from "./benchmark/shard.ts";
export {
  evaluateHeldOut,
  type HeldOutOptions,
  type HeldOutResult,
  type HeldOutSummary,
  type Share,
  scoreRow,
  summariseHeldOut,
} from "./held-out.ts";
export { looksSynthetic } from "./looks-synthetic.ts";
export { reportHtml } from "./report-html.ts";
export {
  type Measurement,
  type MeasureOptions,
  type Mode,
  measureModel,
  type OutputFigures,
} from "./reproduce/measure.ts";
export { reproductionText } from "./reproduce/report.ts";
export { type ReproduceOptions, type Reproduction, reproduce } from "./reproduce/reproduce.ts";
export type {
  Comparison,
  CurvePoint,
  ReproductionResults,
  RowResult,
  SideBySide,
  TrainingResult,
} from "./reproduce/results.ts";
export {
  fullSettings,
  quickSettings,
  type ReproduceSettings,
  type Variant,
  variantNames,
} from "./reproduce/settings.ts";
export {
  type AverageDifference,
  averageAgainst,
  ComparableRun,
  type Compared,
  type RunComparison,
  readComparable,
} from "./score-against.ts";
export { type ScoreFilesOptions, type ScoreRun, scoreFiles } from "./score-files.ts";
export type { Alignment, SampleRecord, Verdict } from "./score-record.ts";
export { type SampleScorer, scoreSample } from "./score-sample.ts";
export { type ScoreSettings, type ScoreSummary, SummaryBuilder } from "./score-summary.ts";
export {
  type Intervention,
  interventions,
  type PartLogProbs,
  type RelianceRequest,
  type VideoReliance,
  VideoRelianceMeter,
} from "./video-reliance.ts";
export {
  type Ballot,
  type Candidate,
  countVotes,
  type Electorate,
  type Vote,
  type VoteOptions,
} from "./vote.ts";
