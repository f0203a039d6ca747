/** Questions that must not be in training: of benchmarks, or of a data set. */

import { UsageError } from "../base/index.ts";
import { findBenchmark } from "../benchmarks/index.ts";
import { type HeldBackQuestion, readQuestions } from "../data/index.ts";
import { locateData } from "../evaluation/index.ts";

/**
 * The questions that `--against` names: a data set `FILE.jsonl`, a benchmark `NAME`, or `NAME=DIR` where it lies
 * elsewhere.
 *
 * @throws UsageError `benchmark-unknown`, `benchmark-folder`, `benchmark-row`, `dataset-missing`, `dataset-invalid`
 */
export async function* heldBack(names: readonly string[]): AsyncGenerator<HeldBackQuestion> {
  for (const name of names) {
    if (name.endsWith(".jsonl")) {
      for await (const { row, videoPath } of readQuestions([name]))
        yield {
          id: `${name}: ${row.id}`,
          question: row.question,
          options: row.options.map(({ text }) => text),
          videos: [videoPath],
        };
      continue;
    }
    const [, benchmarkName = "", folder] = /^([^=]+)(?:=(.+))?$/.exec(name) ?? [];
    if (benchmarkName === "")
      throw new UsageError(
        "usage",
        `--against: must be a benchmark, NAME=DIR or FILE.jsonl, got ${JSON.stringify(name)}`,
      );
    const benchmark = findBenchmark(benchmarkName);
    for await (const { id, question, options, videos } of benchmark.read(await locateData(benchmark, folder)))
      yield { id, question, options: options.map(({ text }) => text), videos };
  }
}
