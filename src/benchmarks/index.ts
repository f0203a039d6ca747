/** The benchmarks: their questions, prompts, scorers and aggregates. */

export type {
  Benchmark,
  BenchmarkFigure,
  BenchmarkGroup,
  BenchmarkOutput,
  BenchmarkQuestion,
  BenchmarkResult,
  BenchmarkScore,
  BenchmarkSource,
  FolderTable,
  LoggedFields,
  ReadOptions,
  RowPosition,
  ScoredQuestion,
  ScoringResult,
  Verdict,
} from "./benchmark.ts";
export {
  checkFolder,
  type FetchOptions,
  type FetchPlan,
  type FetchProgress,
  type FetchResult,
  isUnfinished,
  planFetch,
  type RunFetchOptions,
  runFetch,
} from "./hub/fetch-benchmark.ts";
export {
  type CheckoutImport,
  type CheckoutImportOptions,
  type ImportedBenchmark,
  importCheckout,
  type LeftOutBenchmark,
  type TaskVariant,
} from "./prompts/import-checkout.ts";
export { type PromptExample, promptExamples } from "./prompts/import-examples.ts";
export {
  type BenchmarkPrompts,
  type ImportedProfile,
  type OwnProfile,
  ownProfile,
  type PromptProfile,
} from "./prompts/prompt-profile.ts";
export { withoutImageMarks } from "./prompts/render-prompt.ts";
export {
  type PublishedAverages,
  type PublishedModel,
  type PublishedResults,
  type PublishedStep,
  published,
} from "./published.ts";
export { benchmarks, findBenchmark, loadPromptProfile, parsePromptProfile, promptForms } from "./registry.ts";
export { missingFiles } from "./rows/video-places.ts";
