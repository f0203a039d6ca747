/** Held-out questions about our own generated world (`docs/data.md`): what a small model can be measured on. */

import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { UsageError } from "../base/index.ts";
import { checkRow, type DataRow, rowFiles, streamDataset } from "../data/index.ts";
import type { Benchmark, BenchmarkQuestion } from "./benchmark.ts";
import { aggregateBoth, checkLimit } from "./define-benchmark.ts";
import { ownPrompt } from "./prompts/render-prompt.ts";
import { percent } from "./scoring/figures.ts";
import { unscored } from "./scoring/reference-verdict.ts";
import { robustVerdict } from "./scoring/robust-verdict.ts";

const name = "synthetic";
const file = "heldout.jsonl";

/** The JSONL file that a path means: itself, or `heldout.jsonl` in a folder. */
async function datasetFile(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile()) return path;
  const whole = join(path, file);
  if (existsSync(whole)) return whole;
  throw new UsageError(
    "benchmark-folder",
    `${name}: must be a JSONL file or a folder with ${file}, got ${path}${found === null ? ", which is not there" : ` with ${(await readdir(path)).sort().slice(0, 12).join(", ") || "nothing"}`}`,
    "Make one with: video-r2 data synth --out DIR --count N --split heldout",
  );
}

function toQuestion(row: DataRow, docId: number, dataset: string): BenchmarkQuestion {
  const { video, subtitles = null, startSeconds = 0 } = rowFiles(dataset, row);
  return {
    id: `${name}/${row.id}`,
    docId,
    benchmark: name,
    subset: null,
    categories: {
      category: row.category,
      answer_type: row.answerType,
      moment: row.momentary ? "one moment" : "the whole",
      ...(row.level === undefined ? {} : { level: String(row.level) }),
    },
    question: row.question,
    options: row.options,
    optionTexts: row.options.map(({ text }) => text),
    gold: row.answer,
    type: row.answerType,
    videos: [video],
    picturesPerSecond: 1,
    subtitles,
    startSeconds,
    durationSeconds: startSeconds + row.durationSeconds,
    together: null,
    target: row.answer,
    doc: row,
  };
}

/** Our own world; the released code has no such benchmark, so that its side is always without a score. */
export const synthetic: Benchmark = {
  name,
  title: "Synthetic world",
  group: "synthetic",
  source: {
    hub: null,
    revision: null,
    configs: [],
    split: "heldout",
    gated: false,
    questions: null,
    cacheFolders: [],
  },
  tables: [],
  maxNewTokens: 1024,
  subsets: [],
  judgesNumbers: false,
  promptForms: [],
  taskName: () => name,
  async inspect(folder) {
    const path = await datasetFile(folder);
    let rows = 0;
    for await (const _ of streamDataset(path)) rows++;
    return [{ subset: null, files: [path], rows }];
  },
  async *read(folder, { limit = Number.POSITIVE_INFINITY, videos } = {}) {
    checkLimit(limit);
    const path = await datasetFile(folder);
    const dataset = videos === undefined ? path : resolve(videos, file);
    let docId = 0;
    for await (const row of streamDataset(path)) {
      if (docId >= limit) return;
      yield toQuestion(row, docId, resolve(dirname(dataset), file));
      docId++;
    }
  },
  fromLog(doc, { docId }, place) {
    const checked = checkRow(doc);
    if ("problems" in checked)
      throw new UsageError("benchmark-row", `${place}: ${checked.problems.join("; ")}`, "docs/data.md");
    return toQuestion(checked.row, docId, file);
  },
  // As the models of this world are trained; there is nobody else's wording.
  prompt: (question) => ownPrompt(question),
  score: (question, output) => ({
    robust: robustVerdict(question, output),
    reference: unscored("the released code has no such benchmark"),
    others: {},
    logged: { fields: {}, doc: question.doc },
  }),
  aggregate: (scored) =>
    aggregateBoth(
      name,
      scored,
      (all, pick) => ({ figure: percent(all.map(pick)), definition: "mean of all questions" }),
      () => ({ released: null }),
    ),
};
