/** Video-MMMU (arXiv 2501.13826): what is learnt from lectures, in three tracks; some questions are open. */

import { pythonRound, type Score, scoreAnswer } from "../metrics/index.ts";
import { parseNumber, parseOptions } from "../trace/index.ts";
import type { BenchmarkQuestion } from "./benchmark.ts";
import { defineBenchmark } from "./define-benchmark.ts";
import { categoriesOf, goldLetter } from "./options.ts";
import { configPlaces } from "./rows/find-files.ts";
import { meanOfSubsets, percent, subsetFigures } from "./scoring/figures.ts";
import { referenceVerdict } from "./scoring/reference-verdict.ts";
import { roundingTolerance } from "./scoring/robust-verdict.ts";

/** Subjects by the folder of their videos. */
const domains: Readonly<Record<string, readonly string[]>> = {
  Art: ["Art", "Art_Theory", "Design", "Music"],
  Science: ["Biology", "Chemistry", "Geography", "Math", "Physics"],
  Humanities: ["History", "Literature", "Sociology", "Psychology"],
  Engineering: [
    ...["Agriculture", "Architecture_and_Engineering", "Computer_Science", "Electronics"],
    ...["Energy_and_Power", "Materials", "Mechanical_Engineering"],
  ],
  Medicine: [
    ...["Basic_Medical_Science", "Clinical_Medicine", "Diagnostics_and_Laboratory_Medicine"],
    ...["Pharmacy", "Public_Health"],
  ],
  Business: ["Accounting", "Economics", "Finance", "Manage", "Marketing"],
};

const tracks = ["Perception", "Comprehension", "Adaptation"] as const;
/** The released code draws the line between its two parsers, and between two prompts, at this very text. */
const isMultipleChoice = ({ doc }: Pick<BenchmarkQuestion, "doc">) => doc.question_type === "multiple-choice";
/** `dev_Biology_3` is about biology. */
const subjectOf = (id: string) => id.split("_").slice(1, -1).join("_");

/** What the answers to an open question may be; a row has them as Python writes a list, not always a whole one. */
function alternatives(gold: string): string[] {
  const list = /^\[(.*)\]?$/.exec(gold.trim())?.[1];
  if (list === undefined) return [gold];
  const items = list.split(/,\s*(?=['"])/).map((item) => item.trim().replace(/^['"]|['"]?\]?$/g, ""));
  return items.filter((item) => item !== "");
}

const looksLikeNumber = (text: string) =>
  /^[-+$]?[\d,]+(?:\.\d+)?%?$/.test(text) && parseNumber(text) !== null;

/** An open answer is right if it is one of the alternatives: as a number to the last decimal, or in words. */
function judgeOpen(gold: string, answer: string, equal: boolean | null | undefined): Score {
  const scores = alternatives(gold).map((wanted) => {
    const type = looksLikeNumber(wanted) ? "number" : "text";
    const relativeTolerance = roundingTolerance(wanted);
    return scoreAnswer(answer, { options: [], type, gold: wanted }, { relativeTolerance, equal });
  });
  return (
    scores.find(({ score }) => score === 1) ??
    scores.find(({ score }) => score === null) ??
    scores[0] ?? { score: null, reason: "no gold answer is known" }
  );
}

/** Three tracks with their figures; `value` is their mean. */
export const videoMmmu = defineBenchmark({
  name: "video_mmmu",
  title: "Video-MMMU",
  group: "reasoning",
  source: {
    hub: "lmms-lab/VideoMMMU",
    revision: null,
    configs: tracks,
    split: "test",
    gated: null,
    questions: 900,
    cacheFolders: ["video_mmmu"],
  },
  maxNewTokens: 2048,
  task: (subset) => `video_mmmu_${subset.toLowerCase()}_think`,
  tables: tracks.map((subset) => ({ subset, patterns: configPlaces(subset, "test") })),
  columns: ["id", "question", "options", "answer"],
  promptForms: ["lecture", "adaptation_choice", "adaptation_open"],
  promptForm: (question) => {
    if (question.subset !== "Adaptation") return "lecture";
    return isMultipleChoice(question) ? "adaptation_choice" : "adaptation_open";
  },
  preface: ({ subset }) =>
    subset === "Adaptation"
      ? "Use what this lecture teaches. The picture that goes with the task is shown when the lecture is over."
      : "If a quiz is shown at the very end of the lecture, leave it aside.",
  question: (fields, { subset }) => {
    const texts = fields.optionalTexts("options");
    const options = parseOptions(texts);
    const id = fields.text("id");
    const subject = subjectOf(id);
    const domain = Object.keys(domains).find((name) => domains[name]?.includes(subject)) ?? null;
    const answer = fields.text("answer");
    const choice = options.length > 0 || /^[A-Z]$/.test(answer);
    return {
      question: fields.text("question"),
      options,
      optionTexts: texts,
      gold: options.length > 0 ? goldLetter(answer, options) : answer,
      type: choice ? "choice" : looksLikeNumber(answer) ? "number" : "text",
      categories: categoriesOf({
        track: subset,
        domain,
        subject,
        question_type: fields.optionalText("question_type"),
      }),
      videoPlaces: [...(domain === null ? [] : [`${domain}/`]), "videos/", ""].map(
        (root) => `${root}${id}.mp4`,
      ),
      target: answer,
    };
  },
  judge: ({ options, type, gold }, answer, { equal }) =>
    options.length > 0 || type === "choice"
      ? scoreAnswer(answer, { options, type, gold })
      : judgeOpen(gold ?? "", answer, equal),
  reference: (question, output) =>
    referenceVerdict(question, output, { options: isMultipleChoice(question) ? question.optionTexts : [] }),
  logged: ({ doc, categories }, _output, { parsed }) => ({
    fields: {
      mmmu_acc: {
        id: doc.id,
        subdomain: categories.subject,
        question_type: "question_type" in doc ? doc.question_type : "None",
        answer: doc.answer,
        parsed_pred: parsed,
      },
    },
    doc,
  }),
  summary: (scored, pick) => ({
    ...meanOfSubsets(scored, pick, { count: tracks.length, noun: "tracks" }),
    others: { mean_of_questions: percent(scored.map(pick)) },
  }),
  released: (scored) => {
    const figures = subsetFigures(scored, ({ score }) => score.reference);
    const fractions = Object.fromEntries(
      Object.entries(figures).map(([track, { value }]) => [track, pythonRound((value ?? 0) / 100, 5)]),
    );
    const values = Object.values(fractions);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return { released: fractions, value: values.length === 0 ? null : 100 * mean };
  },
});
