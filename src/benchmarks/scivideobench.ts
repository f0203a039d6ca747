/** SciVideoBench (arXiv 2510.08559): research-level questions on videos of experiments, ten options. */

import { pythonRound } from "../metrics/index.ts";
import { optionLetter } from "../trace/index.ts";
import type { BenchmarkFigure, ScoredQuestion } from "./benchmark.ts";
import { defineBenchmark } from "./define-benchmark.ts";
import { categoriesOf, goldLetter, letterOptions } from "./options.ts";
import { splitPlaces } from "./rows/find-files.ts";
import { withEndings } from "./rows/video-places.ts";
import { figuresOf, groupBy } from "./scoring/figures.ts";
import { referenceVerdict } from "./scoring/reference-verdict.ts";

/** It draws from these, however many options there are. */
const letters = Array.from({ length: 10 }, (_, i) => optionLetter(i));

/** A figure for each value, as the released code prints it. */
function printed(
  scored: readonly ScoredQuestion[],
  dimension: string,
): Record<string, { num: number; acc: number }> {
  const groups = groupBy(scored, ({ question }) => question.categories[dimension] ?? "UNKNOWN");
  const figures = Object.entries(figuresOf(groups, ({ score }) => score.reference));
  const row = ({ n, value }: BenchmarkFigure) => ({ num: n, acc: pythonRound(value ?? 0, 2) });
  return Object.fromEntries(figures.map(([name, figure]) => [name, row(figure)]));
}

/** Figures by kind of question, discipline, subject and category. */
export const scivideobench = defineBenchmark({
  name: "scivideobench",
  title: "SciVideoBench",
  group: "reasoning",
  source: {
    hub: "mmaaz60/scivideobench",
    revision: null,
    configs: [],
    split: "test",
    gated: null,
    questions: 1000,
    cacheFolders: ["scivideobench"],
  },
  task: "scivideobench_think",
  tables: [
    {
      subset: null,
      patterns: [...splitPlaces("test"), "scivideobench_1k.jsonl", "scivideobench_1k.json", "test/*.arrow"],
    },
  ],
  columns: ["video_id", "question", "options", "answer", "question_type"],
  question: (fields) => {
    const texts = fields.textsByLetter("options");
    const options = letterOptions(texts);
    return {
      question: fields.text("question"),
      options,
      optionTexts: texts,
      gold: goldLetter(fields.text("answer").trim(), options),
      type: "choice",
      categories: categoriesOf({
        question_type: fields.optionalText("question_type"),
        category: fields.optionalText("category"),
        discipline: fields.optionalText("discipline"),
        subject: fields.optionalText("subject"),
      }),
      videoPlaces: ["videos/", ""].flatMap((root) =>
        withEndings(`${root}jove_${fields.text("video_id")}.mp4`, [".MP4", ".mkv"]),
      ),
      durationSeconds: fields.seconds("video_duration"),
      target: fields.text("answer"),
    };
  },
  reference: (question, output) => referenceVerdict(question, output, { letters }),
  logged: ({ doc, target }, { text }, { parsed, score }) => ({
    fields: {
      scivideobench_acc: {
        id: doc.video_id,
        question_type: doc.question_type,
        category: doc.category ?? "UNKNOWN",
        pred_answer: parsed,
        answer: target.trim(),
        correct: score === 1,
        raw_output: text,
      },
    },
    doc,
  }),
  released: (scored, { value }) => {
    const overall = pythonRound(value ?? 0, 2);
    return {
      released: {
        overall_acc: overall,
        by_question_type: printed(scored, "question_type"),
        by_category: printed(scored, "category"),
      },
      value: value === null ? null : overall,
    };
  },
});
