/** MINERVA (arXiv 2505.00681): questions that need several steps, five options; the human reasoning is in `steps`. */

import { optionLetter } from "../trace/index.ts";
import { letterBenchmark } from "./letter-benchmark.ts";
import { letteredTexts } from "./options.ts";
import { configPlaces, splitPlaces } from "./rows/find-files.ts";
import type { Row } from "./rows/open-table.ts";

const choices = [0, 1, 2, 3, 4].map((i) => `answer_choice_${i}`);

/** A row of the official file: options in fields of their own, the answer as a position, no length. */
function fromOfficial(row: Row, docId: number): Row {
  const { video_id, answer_id, reasoning, category, question } = row;
  const texts = choices.map((name) => row[name]).filter((text): text is string => typeof text === "string");
  const index = Number(answer_id);
  return {
    videoID: video_id,
    question_id: docId,
    category,
    question,
    options: letteredTexts(texts),
    answer: index >= 0 && index < texts.length ? optionLetter(index) : row.answer,
    steps: reasoning,
    length: null,
  };
}

/** Figures by length and by category. */
export const minerva = letterBenchmark({
  name: "minerva",
  title: "MINERVA",
  source: {
    hub: "mmaaz60/minerva",
    revision: null,
    configs: ["mcq"],
    split: "test",
    gated: null,
    questions: null,
    cacheFolders: ["minerva"],
  },
  task: "minerva_think",
  patterns: [...configPlaces("mcq", "test"), ...splitPlaces("test"), "minerva.json"],
  columns: ["videoID|video_id", "question", "options|answer_choice_0", "answer"],
  convert: (row, { docId }) => ("videoID" in row ? row : fromOfficial(row, docId)),
  endings: [".MP4", ".mkv", ".webm"],
  metric: "minerva_perception_score",
  categories: [
    ...["Misc Sports", "Cooking", "Short Films", "How-To", "Physics", "Travel", "Maths", "Basketball"],
    ...["Tech/AI", "Board Games", "Tennis", "Animals", "Motorsports", "Chess"],
  ],
});
