/** What VideoMathQA and MINERVA have in common: five lettered options, a category, a length, and one scorer. */

import { parseOptions } from "../trace/index.ts";
import type { Benchmark, BenchmarkQuestion, BenchmarkSource } from "./benchmark.ts";
import { type BenchmarkSpec, defineBenchmark } from "./define-benchmark.ts";
import { categoriesOf, choiceParts } from "./options.ts";
import type { FilePattern } from "./rows/find-files.ts";
import { withEndings } from "./rows/video-places.ts";
import { allRightOf, unknownNotes } from "./scoring/figures.ts";

/** What is particular to one of the two. */
export interface LetterBenchmark
  extends Pick<BenchmarkSpec, "name" | "title" | "task" | "convert" | "columns"> {
  source: BenchmarkSource;
  patterns: readonly FilePattern[];
  /** Endings that a video may have, besides `.mp4`. */
  endings: readonly string[];
  metric: string;
  /** Categories that the released aggregation knows. */
  categories: readonly string[];
}

const lengths = new Set(["short", "medium", "long"]);
const twoOptions = ({ options }: Pick<BenchmarkQuestion, "options">) => options.length === 2;

/** Makes one of the two. */
export function letterBenchmark({
  source,
  patterns,
  endings,
  metric,
  categories,
  ...rest
}: LetterBenchmark): Benchmark {
  return defineBenchmark({
    ...rest,
    group: "reasoning",
    source,
    tables: [{ subset: null, patterns }],
    promptForms: ["default", "two"],
    promptForm: (question) => (twoOptions(question) ? "two" : "default"),
    question: (fields) => {
      const texts = fields.texts("options");
      return {
        ...choiceParts(fields, parseOptions(texts), texts),
        categories: categoriesOf({
          length: fields.optionalText("length"),
          category: fields.optionalText("category"),
        }),
        videoPlaces: ["videos/", ""].flatMap((root) =>
          withEndings(`${root}${fields.text("videoID")}.mp4`, endings),
        ),
        together: fields.optionalText("question_id"),
      };
    },
    logged: ({ doc }, _output, { parsed }) => ({
      fields: {
        [metric]: {
          question_id: doc.question_id,
          duration: doc.length,
          category: doc.category,
          pred_answer: parsed,
          answer: doc.answer,
        },
      },
      doc: { ...doc, duration: doc.length },
    }),
    summary: allRightOf("question_id"),
    released: (scored, { value }) => ({
      released: value ?? 0,
      notes: [
        ...unknownNotes(scored, "length", lengths),
        ...unknownNotes(scored, "category", new Set(categories)),
      ],
    }),
  });
}
