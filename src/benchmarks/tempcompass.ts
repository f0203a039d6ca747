/** TempCompass (arXiv 2403.00476) as one set of multiple-choice questions, the edition that Video-R2 evaluates on. */

import { parseOptions } from "../trace/index.ts";
import { defineBenchmark } from "./define-benchmark.ts";
import { categoriesOf, choiceParts } from "./options.ts";
import { configPlaces, splitPlaces } from "./rows/find-files.ts";
import { withEndings } from "./rows/video-places.ts";
import { allRightOf } from "./scoring/figures.ts";

/** No dimensions: this edition has none. */
export const tempcompass = defineBenchmark({
  name: "tempcompass",
  title: "TempCompass",
  group: "generic",
  source: {
    hub: "mmaaz60/tempcompass",
    revision: null,
    configs: ["mcq"],
    split: "test",
    gated: null,
    questions: null,
    cacheFolders: ["tempcompass_complete"],
  },
  task: "tempcompass_complete_think",
  tables: [{ subset: null, patterns: [...configPlaces("mcq", "test"), ...splitPlaces("test")] }],
  columns: ["uuid", "video_id", "question", "options", "answer"],
  question: (fields) => {
    const texts = fields.texts("options");
    return {
      ...choiceParts(fields, parseOptions(texts), texts),
      categories: categoriesOf({ task: fields.optionalText("task"), dimension: fields.optionalText("dim") }),
      videoPlaces: withEndings(`videos/${fields.text("video_id")}.mp4`, [".MP4", ".mkv", ".webm"]),
      together: fields.text("uuid"),
    };
  },
  logged: ({ doc }, _output, { parsed }) => ({
    fields: { tempcompass_perception_score: { uuid: doc.uuid, pred_answer: parsed, answer: doc.answer } },
    doc,
  }),
  summary: allRightOf("uuid"),
  released: (_scored, { value }) => ({ released: value ?? 0 }),
});
