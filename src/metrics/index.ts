/** Accuracy, consistency, video attention. Pure: no file, no network, runs in a browser. */

export {
  pythonStrip,
  referenceAnswer as extractAnswer,
  referenceLastBlock as lastBlock,
} from "../trace/index.ts";
export {
  type ComparableSample,
  type Comparison,
  compareSamples,
  pairSamples,
  type ScoredPair,
} from "./compare-samples.ts";
export {
  countReasons,
  type Figure,
  type FigureOptions,
  figure,
  figuresBy,
  type Score,
  type ScoredSample,
} from "./figure.ts";
export {
  anchoredLetter,
  firstCapital,
  longVideoBenchLetter,
  mmmuChoice,
  mvBenchLetter,
  sciVideoLetter,
  sciVideoLetterOrDraw,
  vsiToken,
} from "./reference/answer-parsers.ts";
export {
  type ReferenceScore,
  type ReferenceScoringInput,
  referenceScorers,
  scoreAsReference,
} from "./reference/benchmark-scorers.ts";
export {
  bracketBenchmarks,
  judgedConsistency,
  judgedLetter,
  judgedNumber,
  openAnswersMatch,
  textsMatch,
  vsiLetter,
  vsiNumber,
} from "./reference/judge-replies.ts";
export { mmmuOpen, mmmuOpenCorrect } from "./reference/mmmu-open.ts";
export {
  float as pythonFloat,
  int as pythonInt,
  round as pythonRound,
  space as pythonSpace,
} from "./reference/python.ts";
export { type PythonJson, parsePythonJson } from "./reference/python-json.ts";
export {
  isNearlyRight,
  type RelativeAccuracyVariant,
  relativeAccuracy,
} from "./reference/relative-accuracy.ts";
export {
  firstAnswer,
  firstBlock,
  inferQuestionType,
  type RewardQuestionType,
  rewardAccuracy,
} from "./reference/reward-accuracy.ts";
export { rougeMean } from "./reference/rouge.ts";
export {
  type MixerOptions,
  summarizeTac,
  type TacDatasetSummary,
  type TacRow,
  type TacRunSummary,
  type TacSummary,
  tacDatasetName,
  tacDatasetSummary,
  tacRunSummary,
} from "./reference/tac-summary.ts";
export { type VasReferenceSummary, vasReferenceSummary, vasReplyScore } from "./reference/vas-summary.ts";
export { wordErrorRate } from "./reference/word-error-rate.ts";
export { type AnswerKey, type ScoreAnswerOptions, scoreAnswer } from "./score-answer.ts";
export { type Tac, type TacSample, tac } from "./tac.ts";
export { type VasFigure, type VasSample, type VasSummary, vasSummary } from "./vas.ts";
