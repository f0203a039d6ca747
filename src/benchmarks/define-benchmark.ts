/** Makes a benchmark from what is particular to it: fields, places, forms of its prompt, scorers, aggregate. */

import { resolve } from "node:path";
import { UsageError } from "../base/index.ts";
import type { Score } from "../metrics/index.ts";
import type { AnswerType, Option } from "../trace/index.ts";
import type {
  Benchmark,
  BenchmarkFigure,
  BenchmarkGroup,
  BenchmarkOutput,
  BenchmarkQuestion,
  BenchmarkResult,
  BenchmarkSource,
  LoggedFields,
  RowPosition,
  ScoredQuestion,
  Verdict,
} from "./benchmark.ts";
import { ownProfile, type PromptProfile } from "./prompts/prompt-profile.ts";
import { importedPrompt, ownPrompt } from "./prompts/render-prompt.ts";
import { openFolder, type TablePlace } from "./rows/open-folder.ts";
import type { Row } from "./rows/open-table.ts";
import { RowFields } from "./rows/row-fields.ts";
import { findVideo } from "./rows/video-places.ts";
import { figuresByDimension, percent, type VerdictPick } from "./scoring/figures.ts";
import { referenceVerdict } from "./scoring/reference-verdict.ts";
import { robustVerdict } from "./scoring/robust-verdict.ts";

/** What a row says. */
export interface QuestionParts {
  question: string;
  options: readonly Option[];
  /** As the row has them; default the texts of `options`. */
  optionTexts?: readonly string[];
  gold: string | null;
  type: AnswerType;
  categories: Readonly<Record<string, string>>;
  /** Places of the video in the folder, the likeliest first. */
  videoPlaces: readonly string[];
  /** Of a folder of pictures; default 1. */
  picturesPerSecond?: number;
  durationSeconds?: number | null;
  together?: string | null;
  /** Default `gold`. */
  target?: string;
}

/** A figure with what it is and what to know about it. */
export interface Summary {
  figure: BenchmarkFigure;
  definition: string;
  others?: Record<string, BenchmarkFigure>;
  notes?: readonly string[];
}

/** What the released code's aggregation gives. */
export interface Released {
  /** In its own scale and shape. */
  released: unknown;
  /** The same as one number from 0 to 100, where it is not the summary's figure. */
  value?: number | null;
  notes?: readonly string[];
}

/** What is particular to a benchmark. */
export interface BenchmarkSpec {
  name: string;
  title: string;
  group: BenchmarkGroup;
  source: BenchmarkSource;
  /** Default 1024. */
  maxNewTokens?: number;
  /** lmms-eval's task; of subsets, made from their name. */
  task: string | ((subset: string) => string);
  tables: readonly TablePlace[];
  /** Columns a table must have, `a|b` for either. */
  columns: readonly string[];
  /** Brings a row of another edition into the fields of the one that the reference uses; null leaves it out. */
  convert?: (row: Row, position: RowPosition) => Row | null;
  question: (fields: RowFields, position: RowPosition) => QuestionParts;
  /** Default false. */
  judgesNumbers?: boolean;
  /** Default `["default"]`. */
  promptForms?: readonly string[];
  /** Which of the forms a question has; default the first. */
  promptForm?: (question: BenchmarkQuestion) => string;
  /** What our own prompt says before the question; default nothing. */
  preface?: (question: BenchmarkQuestion) => string | null;
  /** Scores an answer that is there, our way; default `scoreAnswer`. */
  judge?: (question: BenchmarkQuestion, answer: string, output: BenchmarkOutput) => Score;
  /** Scores as the released code does; default its scorer of that name. */
  reference?: (question: BenchmarkQuestion, output: BenchmarkOutput) => Verdict;
  others?: (question: BenchmarkQuestion, output: BenchmarkOutput) => Record<string, Verdict>;
  /** What `process_results` gives. */
  logged: (question: BenchmarkQuestion, output: BenchmarkOutput, reference: Verdict) => LoggedFields;
  /** Default the plain mean. */
  summary?: (scored: readonly ScoredQuestion[], pick: VerdictPick) => Summary;
  released: (scored: readonly ScoredQuestion[], figure: BenchmarkFigure) => Released;
}

const plainMean = (scored: readonly ScoredQuestion[], pick: VerdictPick): Summary => ({
  figure: percent(scored.map(pick)),
  definition: "mean of all questions",
});

/** @throws UsageError `benchmark-limit` */
export function checkLimit(limit: number): void {
  if (!(limit === Number.POSITIVE_INFINITY || (Number.isInteger(limit) && limit > 0)))
    throw new UsageError("benchmark-limit", `limit: must be a whole number of at least 1, got ${limit}`);
}

/** What two ways of scoring add up to. */
export function aggregateBoth(
  benchmark: string,
  scored: readonly ScoredQuestion[],
  summary: NonNullable<BenchmarkSpec["summary"]>,
  releasedOf: BenchmarkSpec["released"],
): BenchmarkResult {
  const result = (pick: VerdictPick) => {
    const { figure, definition, others = {}, notes = [] } = summary(scored, pick);
    return { ...figure, definition, groups: figuresByDimension(scored, pick), others, notes };
  };
  const robust = result(({ score }) => score.robust);
  const reference = result(({ score }) => score.reference);
  const { released, value = reference.value, notes = [] } = releasedOf(scored, reference);
  const drawn = scored.filter(({ score }) => score.reference.random).length;
  const draws =
    drawn === 0 ? [] : [`for ${drawn} outputs the released code draws a letter; counted is what it expects`];
  return {
    benchmark,
    questions: scored.length,
    robust,
    reference: { ...reference, value, released, notes: [...reference.notes, ...notes, ...draws] },
  };
}

/** Makes a benchmark. */
export function defineBenchmark(spec: BenchmarkSpec): Benchmark {
  const { name, source, tables, columns } = spec;
  const promptForms = spec.promptForms ?? ["default"];
  const subsets = tables.flatMap(({ subset }) => (subset === null ? [] : [subset]));
  const open = (folder: string) =>
    openFolder(folder, {
      benchmark: name,
      revision: source.revision,
      tables,
      columns,
      hint: `Download ${source.hub}${source.revision === null ? "" : ` (branch ${source.revision})`}; docs/benchmarks.md shows the folder.`,
    });

  /** The question of a row, and where its video may be. */
  function toQuestion(
    row: Row,
    place: string,
    position: RowPosition,
  ): { question: BenchmarkQuestion; videoPlaces: readonly string[] } {
    const parts = spec.question(new RowFields(row, place), position);
    const { subset, docId } = position;
    const question = {
      id: [name, ...(subset === null ? [] : [subset]), docId].join("/"),
      docId,
      benchmark: name,
      subset,
      categories: parts.categories,
      question: parts.question,
      options: parts.options,
      optionTexts: parts.optionTexts ?? parts.options.map(({ text }) => text),
      gold: parts.gold,
      type: parts.type,
      videos: parts.videoPlaces.slice(0, 1),
      picturesPerSecond: parts.picturesPerSecond ?? 1,
      subtitles: null,
      startSeconds: 0,
      durationSeconds: parts.durationSeconds ?? null,
      together: parts.together ?? null,
      target: parts.target ?? parts.gold ?? "",
      doc: row,
    };
    return { question, videoPlaces: parts.videoPlaces };
  }

  return {
    name,
    title: spec.title,
    group: spec.group,
    source,
    tables,
    maxNewTokens: spec.maxNewTokens ?? 1024,
    subsets,
    judgesNumbers: spec.judgesNumbers ?? false,
    promptForms,
    taskName: (subset) => (typeof spec.task === "string" ? spec.task : spec.task(subset ?? "")),
    async inspect(folder) {
      const { tables: opened } = await open(folder);
      return opened.map(({ subset, table: { files, rows } }) => ({ subset, files, rows }));
    },
    async *read(folder, { limit = Number.POSITIVE_INFINITY, videos } = {}) {
      checkLimit(limit);
      const { folder: data, tables: opened } = await open(folder);
      const videoFolder = resolve(videos ?? data);
      for (const { subset, table } of opened) {
        let docId = 0;
        for await (const { row: given, place } of table.read()) {
          if (docId >= limit) break;
          const position = { subset, docId };
          const row = spec.convert ? spec.convert(given, position) : given;
          if (row === null) continue;
          const { question, videoPlaces } = toQuestion(row, place, position);
          yield { ...question, videos: [await findVideo(videoFolder, videoPlaces)] };
          docId++;
        }
      }
    },
    fromLog(doc, position, place) {
      const row = spec.convert ? spec.convert({ ...doc }, position) : doc;
      return row === null ? null : toQuestion(row, place, position).question;
    },
    prompt(question, profile: PromptProfile = ownProfile) {
      if (profile.kind === "own") return ownPrompt(question, spec.preface?.(question) ?? null);
      const form = spec.promptForm?.(question) ?? (promptForms[0] as string);
      return importedPrompt(question, form, profile);
    },
    score(question, output) {
      const { judge } = spec;
      const reference = (spec.reference ?? referenceVerdict)(question, output);
      return {
        robust: robustVerdict(
          question,
          output,
          judge && ((answer: string) => judge(question, answer, output)),
        ),
        reference,
        others: spec.others?.(question, output) ?? {},
        logged: spec.logged(question, output, reference),
      };
    },
    aggregate: (scored) => aggregateBoth(name, scored, spec.summary ?? plainMean, spec.released),
  };
}
