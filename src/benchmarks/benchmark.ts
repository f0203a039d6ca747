/**
 * The contract of a benchmark: where its questions come from, how they are put, how an output is scored, and what
 * the scores add up to. Nothing here runs a model or writes a file.
 */

import type { AnswerType, Option } from "../trace/index.ts";
import type { PromptProfile } from "./prompts/prompt-profile.ts";
import type { TablePlace } from "./rows/open-folder.ts";

/** The paper's two groups, and our own world. */
export type BenchmarkGroup = "generic" | "reasoning" | "synthetic";

/** Where a benchmark's questions come from. */
export interface BenchmarkSource {
  /** The data set on the hub, `org/name`; null where it is not there. */
  hub: string | null;
  /** The branch, null for the main one. */
  revision: string | null;
  /** The configurations that are read; empty where there is one only. */
  configs: readonly string[];
  split: string;
  /** Whether its owner has to let one in, null where that is not known. */
  gated: boolean | null;
  /** How many questions the whole split has, null where that is not known. */
  questions: number | null;
  /** What its folder under `HF_HOME` is called by lmms-eval. */
  cacheFolders: readonly string[];
}

/** One question of a benchmark. */
export interface BenchmarkQuestion {
  /** `benchmark/docId`, or `benchmark/subset/docId`; unique, and the same whenever the split is read. */
  id: string;
  /** Position in the split (of its subset), from 0: lmms-eval's `doc_id`. */
  docId: number;
  benchmark: string;
  /** MVBench's sub-task, Video-MMMU's track, else null. */
  subset: string | null;
  /** What the question belongs to: dimension to value, such as `{duration: "short"}`. */
  categories: Readonly<Record<string, string>>;
  /** As the data set has it; without the options, wherever it keeps them. */
  question: string;
  /** The options without letters, `A` first; empty for an open question. */
  options: readonly Option[];
  /** The options as the data set writes them, with letters where it does. */
  optionTexts: readonly string[];
  /** The right answer, a letter where there are options; null where the row has none that can be understood. */
  gold: string | null;
  /** How the answer is written. */
  type: AnswerType;
  /** Absolute paths of the videos, each a file or a folder of pictures; whether they are there is told by `missingFiles`. */
  videos: readonly string[];
  /** Of a folder of pictures: how many there are for each second. */
  picturesPerSecond: number;
  /** Absolute path of subtitles to be drawn on the frames, where the benchmark wants that. */
  subtitles: string | null;
  /** What the clock drawn on the first frame shows, in seconds; 0 but for parts of longer videos. */
  startSeconds: number;
  /** What that clock shows at the end, which is the video's length; null where the row does not say. */
  durationSeconds: number | null;
  /** Questions that only count together share it, null where there are none such. */
  together: string | null;
  /** What lmms-eval writes as `target`. */
  target: string;
  /** The row, for logs: pictures and sound left out. */
  doc: Readonly<Record<string, unknown>>;
}

/** What a model gave for a question. */
export interface BenchmarkOutput {
  /** The whole text, null where there is none: the video could not be read, or the request failed. */
  text: string | null;
  /** Why the model stopped (`stop`, `length`, ...), where it is known. */
  finishReason?: string | null | undefined;
  /** Why there is no text. */
  failure?: string | undefined;
  /** A judge's verdict on a free answer in other words than the gold one's; default none. */
  equal?: boolean | null | undefined;
  /** The number that a judge reads in an answer, null where it finds none; default nobody was asked. */
  number?: number | null | undefined;
}

/** How one output does by one way of scoring. */
export interface Verdict {
  /** What was read out of the output, null where nothing could be. */
  parsed: string | readonly (string | number)[] | null;
  /** 0 to 1; null where it has no score and leaves the denominator. */
  score: number | null;
  /** Why there is no score, or why it is what it is where that needs saying; else null. */
  reason: string | null;
  /** Whether the released code would draw a letter at random here; `score` is then what it expects. */
  random?: true;
}

/** An output's scores. */
export interface BenchmarkScore {
  /** Ours: the last answer, in any shape; nothing guessed. */
  robust: Verdict;
  /** The released code's, oddities included. */
  reference: Verdict;
  /** Further definitions that numbers in papers may follow, by name. */
  others: Readonly<Record<string, Verdict>>;
  /** What lmms-eval would write about it. */
  logged: LoggedFields;
}

/** The fields of lmms-eval's samples log that depend on the output. */
export interface LoggedFields {
  /** Metric key to what the task's `process_results` gives. */
  fields: Readonly<Record<string, unknown>>;
  /** The row as that function leaves it. */
  doc: Readonly<Record<string, unknown>>;
}

/** A question with its scores: what figures are made of. */
export interface ScoredQuestion {
  question: Pick<BenchmarkQuestion, "id" | "subset" | "categories" | "together">;
  score: Pick<BenchmarkScore, "robust" | "reference" | "others">;
}

/** A mean, with what it is over. */
export interface BenchmarkFigure {
  /** 0 to 100; null over nothing. */
  value: number | null;
  /** Questions with a score. */
  n: number;
  /** Questions without, which are in no denominator. */
  unscored: number;
  /** Why they have none, reason to count, the most frequent first. */
  reasons: Readonly<Record<string, number>>;
}

/** A benchmark's figure by one way of scoring. */
export interface ScoringResult extends BenchmarkFigure {
  /** What `value` is, such as `mean of 7 task types`. */
  definition: string;
  /** Dimension, value, figure: plain means of the questions there. */
  groups: Readonly<Record<string, Readonly<Record<string, BenchmarkFigure>>>>;
  /** Figures by other definitions, by name. */
  others: Readonly<Record<string, BenchmarkFigure>>;
  /** What there is to be careful about. */
  notes: readonly string[];
}

/** What a benchmark's scores add up to. */
export interface BenchmarkResult {
  benchmark: string;
  /** Questions, scored or not. */
  questions: number;
  robust: ScoringResult;
  /** As the released code would have it; `released` is what its aggregation returns, in its own scale and shape. */
  reference: ScoringResult & { released: unknown };
}

/** Where a row stands. */
export interface RowPosition {
  subset: string | null;
  /** From 0, in its subset. */
  docId: number;
}

/** How questions are read. */
export interface ReadOptions {
  /** At most this many of each subset, the first ones, as lmms-eval's `--limit`. Default all. */
  limit?: number | undefined;
  /** The folder of the videos, where it is not the one of the questions. */
  videos?: string | undefined;
}

/** One table of questions in a folder. */
export interface FolderTable {
  /** The subset it is, or null. */
  subset: string | null;
  /** Its files, in order. */
  files: readonly string[];
  rows: number;
}

/** A benchmark. */
export interface Benchmark {
  /** As in the names of lmms-eval's logs, such as `video_mmmu`. */
  readonly name: string;
  /** As in the paper, such as `Video-MMMU`. */
  readonly title: string;
  readonly group: BenchmarkGroup;
  readonly source: BenchmarkSource;
  /** Where its tables of questions may be in a folder; empty for what is no data set of the hub. */
  readonly tables: readonly TablePlace[];
  /** The longest output the reference allows, in tokens. */
  readonly maxNewTokens: number;
  /** MVBench's sub-tasks, Video-MMMU's tracks; empty where there are none. */
  readonly subsets: readonly string[];
  /** Whether one of its figures takes the number that a judge reads in an answer. */
  readonly judgesNumbers: boolean;
  /** The forms in which a question is put; a profile has a template for each. */
  readonly promptForms: readonly string[];
  /** lmms-eval's name of the task, for the names of log files; of a subset where there are. */
  taskName(subset: string | null): string;
  /**
   * What a folder holds, without reading the questions.
   *
   * @throws UsageError `benchmark-folder` where a file or field is missing, saying what was expected and found
   */
  inspect(folder: string): Promise<FolderTable[]>;
  /**
   * The questions of a folder, subset by subset, in the order of the split.
   *
   * @throws UsageError as `inspect`, before the first question; `benchmark-row` naming file, row and field
   */
  read(folder: string, options?: ReadOptions): AsyncGenerator<BenchmarkQuestion>;
  /**
   * The question of a row as logs hold it (`doc` of lmms-eval's samples); the path of its video is the likeliest one,
   * relative to the data set's folder.
   *
   * @param place names the row in errors
   * @returns null where the benchmark leaves the row out
   * @throws UsageError `benchmark-row`
   */
  fromLog(
    doc: Readonly<Record<string, unknown>>,
    position: RowPosition,
    place: string,
  ): BenchmarkQuestion | null;
  /**
   * The text that follows the video in the user's message.
   *
   * @param profile whose words; default our own
   * @throws UsageError `prompt-profile-invalid` where the profile has none for this benchmark
   */
  prompt(question: BenchmarkQuestion, profile?: PromptProfile): string;
  /** Scores an output, both ways. */
  score(question: BenchmarkQuestion, output: BenchmarkOutput): BenchmarkScore;
  /** What scores add up to, both ways. */
  aggregate(scored: readonly ScoredQuestion[]): BenchmarkResult;
}
