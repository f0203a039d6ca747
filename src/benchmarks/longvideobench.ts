/** LongVideoBench, validation (arXiv 2407.15754): referred reasoning on videos of up to an hour, without subtitles. */

import { extractAnswer, pythonRound } from "../metrics/index.ts";
import { defineBenchmark } from "./define-benchmark.ts";
import { categoriesOf, letterOptions } from "./options.ts";
import { splitPlaces } from "./rows/find-files.ts";
import type { Row } from "./rows/open-table.ts";
import { referenceVerdict } from "./scoring/reference-verdict.ts";

const slots = [0, 1, 2, 3, 4].map((i) => `option${i}`);
const padding = "N/A";

/** The raw JSON has `candidates` where the Parquet file has `option0` to `option4`, padded. */
function fromRaw({ candidates, ...row }: Row): Row {
  const texts = Array.isArray(candidates) ? candidates : [];
  return { ...row, ...Object.fromEntries(slots.map((slot, i) => [slot, texts[i] ?? padding])) };
}

/** Figures by length of the video, by kind of question and by topic. */
export const longvideobench = defineBenchmark({
  name: "longvideobench",
  title: "LongVideoBench",
  group: "generic",
  source: {
    hub: "longvideobench/LongVideoBench",
    revision: null,
    configs: [],
    split: "validation",
    gated: true,
    questions: 1337,
    cacheFolders: ["longvideobench"],
  },
  task: "longvideobench_val_v_think",
  tables: [{ subset: null, patterns: [...splitPlaces("validation"), "lvb_val.json"] }],
  columns: [
    "id",
    "video_path",
    "question",
    "option0|candidates",
    "correct_choice",
    "duration_group",
    "question_category",
  ],
  convert: (row) => ("option0" in row ? row : fromRaw(row)),
  question: (fields) => {
    const texts = slots
      .map((slot) => fields.optionalText(slot))
      .filter((text): text is string => text !== null && text !== padding);
    const options = letterOptions(texts);
    const index = fields.index("correct_choice");
    return {
      question: fields.text("question"),
      options,
      optionTexts: texts,
      gold: options[index]?.letter ?? null,
      type: "choice",
      categories: categoriesOf({
        duration_group: fields.optionalText("duration_group"),
        question_category: fields.optionalText("question_category"),
        topic_category: fields.optionalText("topic_category"),
        level: fields.optionalText("level"),
      }),
      videoPlaces: ["videos/", ""].map((root) => root + fields.text("video_path")),
      durationSeconds: fields.seconds("duration"),
      target: String(index),
    };
  },
  reference: (question, output) =>
    referenceVerdict(question, output, { letters: question.options.map(({ letter }) => letter) }),
  logged: ({ doc, gold }, { text }, { parsed }) => ({
    fields: {
      lvb_acc: {
        id: doc.id,
        duration_group: doc.duration_group,
        question_category: doc.question_category,
        answer: gold,
        parsed_pred: parsed,
      },
      submission: { [String(doc.id)]: extractAnswer(text ?? "") },
    },
    doc,
  }),
  released: (_scored, { value }) => {
    const fraction = value === null ? 0 : pythonRound(value / 100, 5);
    return { released: fraction, value: value === null ? null : fraction * 100 };
  },
});
