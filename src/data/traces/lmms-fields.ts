/**
 * A line of lmms-eval's `--log_samples` as plain fields. Three generations exist: with the data set's row in `doc`
 * (Video-R2's fork), without it, and without the list around `filtered_resps`.
 */

import { type Fields, isFields } from "./fields.ts";

const own = new Set(["doc", "arguments", "submission", "token_counts", "input_media"]);

/** Whether a value is such a line. */
export function isLmmsRow(value: Fields): boolean {
  return (
    "filtered_resps" in value ||
    "resps" in value ||
    ("doc_id" in value && ("doc" in value || "target" in value))
  );
}

/** The first text in nested lists. */
function firstText(value: unknown): string | null {
  if (typeof value === "string") return value;
  return Array.isArray(value) && value.length > 0 ? firstText(value[0]) : null;
}

/** What the benchmark's own scorer wrote: the one field that holds an object of its making. */
function metricOf(value: Fields): Fields {
  const found = Object.entries(value).find(
    ([key, item]) =>
      !own.has(key) &&
      isFields(item) &&
      ["pred_answer", "parsed_pred", "answer", "gt_answer", "ground_truth"].some((name) => name in item),
  );
  return (found?.[1] ?? {}) as Fields;
}

const scoreOf = (metric: Fields, predicted: unknown, gold: unknown): unknown => {
  const said = metric.score ?? metric.correct ?? metric.accuracy ?? metric["MRA:.5:.95:.05"];
  if (typeof said === "number" || typeof said === "boolean") return said;
  return typeof predicted === "string" && gold !== undefined ? Number(predicted === gold) : undefined;
};

/**
 * Brings a line into the fields of a plain row: what the data set says, the output, the gold answer as a letter
 * where the scorer knew it, and the scorer's own verdict as `logged_answer` and `logged_score`.
 */
export function lmmsFields(value: Fields, benchmark: string | null): Fields {
  const doc = isFields(value.doc) ? value.doc : {};
  const metric = metricOf(value);
  const gold = metric.gt_answer ?? metric.answer ?? metric.ground_truth;
  const predicted = metric.pred_answer ?? metric.parsed_pred ?? metric.prediction;
  const { id, question_id, video, video_id, videoID, category, question_category, task_category, task_type } =
    metric;
  const index = benchmark === "longvideobench" ? (doc.correct_choice ?? value.target) : doc.correct_choice;
  return {
    // A log without `doc` names questions and videos only in the scorer's own record.
    ...{ video: video ?? videoID ?? video_id ?? (benchmark === "longvideobench" ? id : undefined) },
    ...{ category: category ?? question_category ?? task_category ?? task_type, question_id },
    ...doc,
    id: value.doc_id ?? doc.id,
    doc_id: value.doc_id,
    prompt: value.input,
    prompt_hash: value.prompt_hash,
    correct_choice: index,
    gold: gold ?? (index === undefined ? (doc.answer ?? doc.ground_truth ?? value.target) : undefined),
    output: firstText(value.filtered_resps) ?? firstText(value.resps) ?? metric.raw_output ?? null,
    finish_reason: value.finish_reason,
    logged_answer: Array.isArray(predicted) ? predicted.join(" | ") : predicted,
    logged_score: scoreOf(metric, predicted, gold),
  };
}
