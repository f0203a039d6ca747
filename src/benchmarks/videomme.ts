/** Video-MME (arXiv 2405.21075): 900 videos in three lengths, three questions each, four options. */

import { parseOptions } from "../trace/index.ts";
import { defineBenchmark } from "./define-benchmark.ts";
import { categoriesOf, choiceParts } from "./options.ts";
import { configPlaces, splitPlaces } from "./rows/find-files.ts";
import { withEndings } from "./rows/video-places.ts";
import { unknownNotes } from "./scoring/figures.ts";

/** What the released aggregation knows; it stops at anything else. */
const known = {
  duration: "short|medium|long",
  domain: "Knowledge|Film & Television|Sports Competition|Artistic Performance|Life Record|Multilingual",
  sub_category:
    "Humanity & History|Literature & Art|Biology & Medicine|Finance & Commerce|Astronomy|Geography|Law|Life Tip|Technology|Animation|Movie & TV Show|Documentary|News Report|Esports|Basketball|Football|Athletics|Other Sports|Stage Play|Magic Show|Variety Show|Acrobatics|Handicraft|Food|Fashion|Daily Life|Travel|Pet & Animal|Exercise|Multilingual",
  task_type:
    "Temporal Perception|Spatial Perception|Attribute Perception|Action Recognition|Object Recognition|OCR Problems|Counting Problem|Temporal Reasoning|Spatial Reasoning|Action Reasoning|Object Reasoning|Information Synopsis",
};

/** Without subtitles; figures by length, domain, sub-category and task. */
export const videomme = defineBenchmark({
  name: "videomme",
  title: "Video-MME",
  group: "generic",
  source: {
    hub: "lmms-lab/Video-MME",
    revision: null,
    configs: [],
    split: "test",
    gated: null,
    questions: 2700,
    cacheFolders: ["videomme"],
  },
  task: "videomme_think",
  tables: [{ subset: null, patterns: [...configPlaces("videomme", "test"), ...splitPlaces("test")] }],
  columns: [
    "videoID",
    "question_id",
    "duration",
    "domain",
    "sub_category",
    "task_type",
    "question",
    "options",
    "answer",
  ],
  question: (fields) => {
    const texts = fields.texts("options");
    return {
      ...choiceParts(fields, parseOptions(texts), texts),
      categories: categoriesOf({
        duration: fields.optionalText("duration"),
        domain: fields.optionalText("domain"),
        sub_category: fields.optionalText("sub_category"),
        task_type: fields.optionalText("task_type"),
      }),
      videoPlaces: ["data/", "videos/", ""].flatMap((root) =>
        withEndings(`${root}${fields.text("videoID")}.mp4`, [".MP4", ".mkv", ".webm"]),
      ),
    };
  },
  logged: ({ doc }, _output, { parsed }) => ({
    fields: {
      videomme_perception_score: {
        question_id: doc.question_id,
        duration: doc.duration,
        category: doc.domain,
        sub_category: doc.sub_category,
        task_category: doc.task_type,
        pred_answer: parsed,
        answer: doc.answer,
      },
    },
    doc,
  }),
  released: (scored, { value }) => ({
    released: value ?? 0,
    notes: Object.entries(known).flatMap(([dimension, names]) =>
      unknownNotes(scored, dimension, new Set(names.split("|"))),
    ),
  }),
});
