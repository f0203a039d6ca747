/**
 * VSI-Bench (arXiv 2412.14171): distances, sizes, counts and directions in rooms that were walked through. Numbers
 * count by mean relative accuracy (MRA), of which the released code has three definitions.
 */

import {
  extractAnswer,
  pythonFloat,
  type RelativeAccuracyVariant,
  relativeAccuracy,
  type Score,
  scoreAnswer,
  vsiLetter,
} from "../metrics/index.ts";
import { mean } from "../stats/index.ts";
import { parseNumber, parseOptions } from "../trace/index.ts";
import type {
  BenchmarkFigure,
  BenchmarkOutput,
  BenchmarkQuestion,
  ScoredQuestion,
  Verdict,
} from "./benchmark.ts";
import { defineBenchmark, type Released, type Summary } from "./define-benchmark.ts";
import { goldLetter } from "./options.ts";
import { splitPlaces } from "./rows/find-files.ts";
import { figuresOf, groupBy, meanOf, percent, type VerdictPick } from "./scoring/figures.ts";
import { unscored } from "./scoring/reference-verdict.ts";
import { robustVerdict } from "./scoring/robust-verdict.ts";

const directions = ["object_rel_direction_easy", "object_rel_direction_medium", "object_rel_direction_hard"];
const choiceTypes = [...directions, "object_rel_distance", "route_planning", "obj_appearance_order"];
const numberTypes = [
  "object_abs_distance",
  "object_counting",
  "object_size_estimation",
  "room_size_estimation",
];
const metric = "MRA:.5:.95:.05";
const isNumber = ({ type }: Pick<BenchmarkQuestion, "type">) => type === "number";

/** The answer's number against the gold one; no number is 0, as everywhere in this benchmark. */
const relative =
  (variant: RelativeAccuracyVariant) =>
  ({ gold }: BenchmarkQuestion, answer: string): Score => {
    const score = relativeAccuracy(parseNumber(answer), parseNumber(gold ?? ""), variant);
    return score === null ? { score, reason: "the gold number is 0" } : { score };
  };

/**
 * The released post-processing: a letter by rule; the number that a judge reads, where one was asked and finds any,
 * else the first there is.
 */
function postProcessed(
  { gold, type, optionTexts }: BenchmarkQuestion,
  { text, failure }: BenchmarkOutput,
  judged: number | null,
): Verdict {
  if (text === null) return unscored(failure ?? "there is no output");
  if (gold === null) return unscored("no gold answer is known");
  const answer = extractAnswer(text);
  if (type !== "number") {
    const letter = vsiLetter(answer, optionTexts, true);
    return { parsed: letter, score: letter === gold ? 1 : 0, reason: null };
  }
  const found = /[-+]?\p{Nd}+(?:\.\p{Nd}+)?/u.exec(answer)?.[0] ?? null;
  const value = judged ?? (found === null ? null : pythonFloat(found));
  return {
    parsed: judged === null ? found : String(judged),
    score: relativeAccuracy(value, pythonFloat(gold), "post"),
    reason: null,
  };
}

function typesOf(scored: readonly ScoredQuestion[], pick: VerdictPick): Record<string, BenchmarkFigure> {
  return figuresOf(
    groupBy(scored, ({ question }) => question.categories.question_type),
    pick,
  );
}

/** The types with the three of relative direction as one: eight of ten. */
function eightTypes(types: Readonly<Record<string, BenchmarkFigure>>): BenchmarkFigure[] {
  const rest = Object.entries(types).filter(([name]) => !directions.includes(name));
  const three = directions.flatMap((name) => types[name] ?? []);
  return [...(three.length > 0 ? [meanOf(three)] : []), ...rest.map(([, figure]) => figure)];
}

const meanOfEight = (scored: readonly ScoredQuestion[], pick: VerdictPick) =>
  meanOf(eightTypes(typesOf(scored, pick)));
const meanOfTen = (scored: readonly ScoredQuestion[], pick: VerdictPick) =>
  meanOf(Object.values(typesOf(scored, pick)));
const other =
  (name: string): VerdictPick =>
  ({ score }) =>
    score.others[name] ?? unscored(`there is no ${name}`);

/** Only answers that are numbers are for the judge. */
const judgedOrRuled: VerdictPick = ({ score }) =>
  score.others.post_processing_judged ?? other("post_processing")({ score } as ScoredQuestion);

function summary(scored: readonly ScoredQuestion[], pick: VerdictPick): Summary {
  const types = typesOf(scored, pick);
  const eight = eightTypes(types);
  const missing = [...choiceTypes, ...numberTypes].filter((name) => types[name] === undefined);
  return {
    figure: meanOf(eight),
    definition: `mean of ${eight.length} question types, relative direction as one`,
    others: {
      mean_of_10_types: meanOf(Object.values(types)),
      mean_of_questions: percent(scored.map(pick)),
      mra_post: meanOfEight(scored, other("mra_post")),
      mra_tac: meanOfEight(scored, other("mra_tac")),
      post_processing: meanOfTen(scored, other("post_processing")),
      ...(scored.some(({ score }) => score.others.post_processing_judged !== undefined)
        ? { post_processing_judged: meanOfTen(scored, judgedOrRuled) }
        : {}),
    },
    notes: missing.length > 0 ? [`no questions of the types ${missing.join(", ")}`] : [],
  };
}

/** The released aggregation: fractions by type, and their mean; it needs all three types of relative direction. */
function released(scored: readonly ScoredQuestion[]): Released {
  const types = typesOf(scored, ({ score }) => score.reference);
  if (directions.some((name) => types[name] === undefined))
    return {
      released: null,
      notes: ["the released code stops where one of the three types of relative direction has no question"],
    };
  const fraction = (name: string) => (types[name]?.value ?? 0) / 100;
  const output: Record<string, number> = {};
  for (const name of Object.keys(types).sort())
    if (!directions.includes(name))
      output[`${name}_${numberTypes.includes(name) ? metric : "accuracy"}`] = fraction(name);
  output.object_rel_direction_accuracy = directions.reduce((sum, name) => sum + fraction(name), 0) / 3;
  const overall = mean(Object.values(output)) ?? 0;
  return { released: { ...output, overall }, value: 100 * overall };
}

/** Ten types; `value` is the mean of eight, as lmms-eval has it, and `others` has the other definitions. */
export const vsibench = defineBenchmark({
  name: "vsibench",
  title: "VSI-Bench",
  group: "reasoning",
  source: {
    hub: "mmaaz60/VSI_Bench",
    revision: null,
    configs: [],
    split: "test",
    gated: null,
    questions: 5130,
    cacheFolders: ["vsibench"],
  },
  task: "vsibench_think",
  tables: [{ subset: null, patterns: splitPlaces("test") }],
  columns: ["dataset", "scene_name", "question_type", "question", "ground_truth", "options"],
  question: (fields) => {
    const type = fields.oneOf("question_type", [...choiceTypes, ...numberTypes]);
    const texts = fields.optionalTexts("options");
    const options = parseOptions(texts);
    const truth = fields.text("ground_truth");
    const number = numberTypes.includes(type);
    return {
      question: fields.text("question"),
      options: number ? [] : options,
      optionTexts: number ? [] : texts,
      gold: number ? truth : goldLetter(truth, options),
      type: number ? "number" : "choice",
      categories: {
        question_type: type,
        answer: number ? "number" : "choice",
        dataset: fields.text("dataset"),
      },
      videoPlaces: ["", "videos/"].map(
        (root) => `${root}${fields.text("dataset")}/${fields.text("scene_name")}.mp4`,
      ),
      target: truth,
    };
  },
  judgesNumbers: true,
  promptForms: ["choice", "number"],
  promptForm: (question) => (isNumber(question) ? "number" : "choice"),
  judge: (question, answer) =>
    isNumber(question) ? relative("lmms")(question, answer) : scoreAnswer(answer, question),
  others: (question, output) => {
    const by = (variant: RelativeAccuracyVariant) =>
      robustVerdict(
        question,
        output,
        isNumber(question) ? (answer) => relative(variant)(question, answer) : undefined,
      );
    return {
      mra_post: by("post"),
      mra_tac: by("tac"),
      post_processing: postProcessed(question, output, null),
      ...(output.number === undefined
        ? {}
        : { post_processing_judged: postProcessed(question, output, output.number) }),
    };
  },
  logged: (question, { text }, { score }) => {
    const doc = {
      ...question.doc,
      prediction: extractAnswer(text ?? ""),
      [isNumber(question) ? metric : "accuracy"]: score,
    };
    return { fields: { vsibench_score: doc }, doc };
  },
  summary,
  released,
});
