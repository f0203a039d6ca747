/** MLVU, development set (arXiv 2406.04264): seven multiple-choice tasks on long videos. */

import { promptOptions } from "../data/index.ts";
import { defineBenchmark } from "./define-benchmark.ts";
import { goldLetter, letterOptions } from "./options.ts";
import { splitPlaces } from "./rows/find-files.ts";
import type { Row } from "./rows/open-table.ts";
import { withEndings } from "./rows/video-places.ts";
import { figuresOf, groupBy, meanOf, percent, unknownNotes } from "./scoring/figures.ts";

/** The tasks, and the folder that each has in the official release. */
const tasks = {
  plotQA: "1_plotQA",
  needle: "2_needle",
  ego: "3_ego",
  count: "4_count",
  order: "5_order",
  anomaly_reco: "6_anomaly_reco",
  topic_reasoning: "7_topic_reasoning",
} as const;
const taskNames: readonly string[] = Object.keys(tasks);

/** A row of the official files: the answer is a text, the options are apart, the needle task has another name. */
function fromOfficial(row: Row, docId: number): Row {
  const { video, question, candidates, answer, question_type: type, ...rest } = row;
  const options = Array.isArray(candidates) ? letterOptions(candidates.map(String)) : [];
  const lines = options.map(({ letter, text }) => `(${letter}) ${text}\n`).join("");
  return {
    ...rest,
    video_name: video,
    question: `${question}\n${lines}`,
    candidates,
    answer: options.find(({ text }) => text === String(answer).trim())?.letter ?? answer,
    task_type: type === "findNeedle" ? "needle" : type,
    question_id: `Q${docId}`,
  };
}

/** `value` is M-Avg, the mean over the tasks; the released code counts a task without questions as 0. */
export const mlvu = defineBenchmark({
  name: "mlvu",
  title: "MLVU",
  group: "generic",
  source: {
    hub: "sy1998/MLVU_dev",
    revision: null,
    configs: [],
    split: "test",
    gated: null,
    questions: 2174,
    cacheFolders: ["mlvu"],
  },
  task: "mlvu_dev_think",
  tables: [
    {
      subset: null,
      patterns: [
        ...splitPlaces("test"),
        Object.values(tasks).map((name) => `json/${name}.json`),
        Object.values(tasks).map((name) => `MLVU/json/${name}.json`),
      ],
    },
  ],
  columns: ["video_name|video", "question", "candidates", "answer", "task_type|question_type"],
  convert: (row, { docId }) => ("video_name" in row ? row : fromOfficial(row, docId)),
  question: (fields) => {
    const whole = fields.text("question");
    const asked = promptOptions(whole);
    const candidates = fields.optionalTexts("candidates");
    const options = candidates.length > 0 ? letterOptions(candidates) : asked.options;
    const type = fields.text("task_type");
    const name = fields.text("video_name");
    const official = tasks[type as keyof typeof tasks];
    const roots = [
      "",
      "video/",
      "videos/",
      ...[`video/${official}/`, `MLVU/video/${official}/`].filter(() => official),
    ];
    return {
      question: asked.options.length > 0 ? asked.question : whole.trim(),
      options,
      gold: goldLetter(fields.text("answer"), options),
      type: "choice",
      categories: { task_type: type },
      videoPlaces: roots.flatMap((root) => withEndings(root + name, [".mp4"])),
      durationSeconds: fields.seconds("duration"),
    };
  },
  logged: ({ doc }, _output, { parsed }) => ({
    fields: {
      // Spelt so by the released code.
      mlvu_percetion_score: {
        question_id: doc.question,
        task_type: doc.task_type,
        pred_answer: parsed,
        answer: doc.answer,
      },
    },
    doc,
  }),
  summary: (scored, pick) => {
    const figures = figuresOf(
      groupBy(scored, ({ question }) => question.categories.task_type),
      pick,
    );
    return {
      figure: meanOf(Object.values(figures)),
      definition: `mean of ${Object.keys(figures).length} task types`,
      others: { mean_of_questions: percent(scored.map(pick)) },
      notes:
        Object.keys(figures).length < taskNames.length
          ? [`${Object.keys(figures).length} of ${taskNames.length} task types have questions`]
          : [],
    };
  },
  released: (scored) => {
    const figures = figuresOf(
      groupBy(scored, ({ question }) => question.categories.task_type),
      ({ score }) => score.reference,
    );
    const sum = taskNames.reduce((total, name) => total + (figures[name]?.value ?? 0), 0);
    const value = scored.length === 0 ? null : sum / taskNames.length;
    return { released: value ?? 0, value, notes: unknownNotes(scored, "task_type", new Set(taskNames)) };
  },
});
