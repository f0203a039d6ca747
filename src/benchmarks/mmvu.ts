/** MMVU, validation (arXiv 2501.12380): expert questions in 27 subjects; the multiple-choice ones, 625 of 1,000. */

import { defineBenchmark } from "./define-benchmark.ts";
import { categoriesOf, choiceParts, letterOptions } from "./options.ts";
import { splitPlaces } from "./rows/find-files.ts";
import type { Row } from "./rows/open-table.ts";
import { withEndings } from "./rows/video-places.ts";
import { referenceVerdict } from "./scoring/reference-verdict.ts";

/** Subjects by discipline; the released code leaves others out of its figure. */
const disciplines: Readonly<Record<string, readonly string[]>> = {
  Science: [
    ...["Biology", "Chemistry", "Modern_Physics", "Astronomy", "Geography", "Materials_Science"],
    ...["Neurobiology", "Electromagnetism", "Thermodynamics", "Mechanics"],
  ],
  Engineering: [
    ...["Civil_Engineering", "Electrical_Engineering", "Mechanical_Engineering", "Biomedical_Engineering"],
    ...["Electronics_and_Communication", "Computer_Science"],
  ],
  Healthcare: ["Clinical_Medicine", "Basic_Medicine", "Preventive_Medicine", "Pharmacy", "Dentistry"],
  Humanities_and_Social_Science: ["Art", "Literature", "History", "Law", "Economics", "Management"],
};
const disciplineOf = (subject: string) =>
  Object.keys(disciplines).find((name) => disciplines[name]?.includes(subject)) ?? null;

/** A row of the official file names its video by address. */
function fromOfficial({ video, ...row }: Row): Row {
  return { ...row, video_path: String(video).replace(/^.*\/resolve\/[^/]+\//, "") };
}

/** The folder that a video lies in names its subject. */
const subjectOf = (path: string) => path.split("/").at(-2) ?? "";

/** Figures by subject and by discipline. */
export const mmvu = defineBenchmark({
  name: "mmvu",
  title: "MMVU",
  group: "reasoning",
  source: {
    hub: "mmaaz60/MMVU",
    revision: null,
    configs: [],
    split: "validation",
    gated: null,
    questions: 625,
    cacheFolders: ["mmvu"],
  },
  task: "mmvu_val_think",
  tables: [{ subset: null, patterns: splitPlaces("validation") }],
  columns: ["id", "video_path|video", "question_type", "question", "choices", "answer"],
  // Its scorer fails on the open questions, which the official file has too.
  convert: (row) => {
    if (row.question_type !== "multiple-choice") return null;
    return "video_path" in row ? row : fromOfficial(row);
  },
  question: (fields) => {
    const texts = fields.textsByLetter("choices");
    const options = letterOptions(texts);
    const path = fields.text("video_path");
    const subject = subjectOf(path);
    return {
      ...choiceParts(fields, options, texts),
      categories: categoriesOf({ discipline: disciplineOf(subject), subject }),
      videoPlaces: ["", "videos/"].flatMap((root) => withEndings(root + path, [".mp4"])),
    };
  },
  promptForms: ["choice"],
  reference: (question, output) => {
    const verdict = referenceVerdict(question, output);
    return question.categories.discipline === undefined
      ? { ...verdict, score: null, reason: "the subject is none of the 27 that the released code counts" }
      : verdict;
  },
  logged: ({ doc, categories, gold }, _output, { parsed, score }) => ({
    fields: {
      accuracy: {
        question_id: doc.id,
        category: categories.subject,
        pred_answer: parsed,
        answer: gold,
        correct: score === 1,
      },
    },
    doc,
  }),
  released: (_scored, { value }) => ({ released: value ?? 0 }),
});
