/** One value of a log as rows: which field is what, whatever the log calls it. */

import { UsageError } from "../../base/index.ts";
import { type AnswerType, answerTypes, type Option, parseLetter, parseTimestamp } from "../../trace/index.ts";
import { benchmarkOfFile } from "./benchmark-of-file.ts";
import { type Fields, fieldNames, firstField, isFields, numberField, textField } from "./fields.ts";
import { isLmmsRow, lmmsFields } from "./lmms-fields.ts";
import { promptOptions } from "./prompt-options.ts";
import { readGrounding } from "./read-grounding.ts";
import { readOptions } from "./read-options.ts";
import { lastTurn, type Output, outputNames, readOutputs } from "./read-output.ts";
import type { LoggedScore, TraceRow } from "./trace-row.ts";

/** Where a value stands. */
export interface RowPlace {
  file: string;
  line: number;
}

const idNames = [
  "id",
  "sample_id",
  "question_id",
  "questionId",
  "problem_id",
  "uuid",
  "uid",
  "qid",
  "custom_id",
  "doc_id",
  "index",
  "idx",
  "key",
];
const questionNames = ["question", "problem", "query", "Question"];
const promptNames = ["prompt", "input", "full_prompt"];
/** `answer` comes last: where another field is the gold answer, it may be the model's. */
const goldNames = [
  "gold",
  "gold_answer",
  "ground_truth",
  "groundtruth",
  "gt",
  "gt_answer",
  "correct_answer",
  "reference_answer",
  "solution",
  "target",
  "label",
];
const videoNames = ["video", "video_path", "videoID", "video_id", "video_name", "path", "videos", "clip"];
const categoryNames = [
  "category",
  "task_type",
  "question_category",
  "original_question_type",
  "question_type",
  "task",
  "subset",
];
const typeNames = [
  "answerType",
  "answer_type",
  "type",
  "problem_type",
  "question_type",
  "original_question_type",
];
const durationNames = ["durationSeconds", "duration_seconds", "video_duration", "duration"];
const groundingNames = [
  "temporal_grounding",
  "temporalGrounding",
  "references",
  "reference_claims",
  "grounding",
];

const refuse = (place: RowPlace, rule: string, value: unknown): never => {
  throw new UsageError(
    "traces-invalid",
    `${place.file}:${place.line}: ${rule}, found ${fieldNames(value)}`,
    "docs/score.md lists the formats that can be read and the names a field may have.",
  );
};

const numericCategory = /counting|distance|size_estimation|_count$/;

/** How the answer is written: as the row says, else as its gold answer looks. */
function readType(fields: Fields, options: readonly Option[], gold: string | null): AnswerType {
  if (options.length > 0) return "choice";
  for (const name of typeNames) {
    const said = textField(fields, [name])?.toLowerCase();
    if (said === undefined) continue;
    const exact = answerTypes.find((type) => type === said);
    if (exact !== undefined) return exact;
    if (/multiple.?choice|\bmcq?a?\b/.test(said)) return "choice";
    if (
      /numer|regression/.test(said) ||
      (numericCategory.test(said) && gold !== null && gold.trim() !== "" && Number.isFinite(Number(gold)))
    )
      return "number";
    if (/free.?form|open|\bocr\b/.test(said)) break;
  }
  if (gold === null) return "text";
  if (Number.isFinite(Number(gold.replaceAll(",", "")))) return "number";
  return /^\d+:\d\d/.test(gold) && parseTimestamp(gold) !== null ? "time" : "text";
}

function readGold(fields: Fields, options: readonly Option[], answerIsOutput: boolean): string | null {
  const index = fields.correct_choice ?? fields.answer_id ?? fields.answer_index;
  const position = typeof index === "number" || /^\d+$/.test(String(index)) ? Number(index) : null;
  const said = textField(fields, answerIsOutput ? goldNames : [...goldNames, "answer"]);
  if (said === null) return position === null ? null : (options[position]?.letter ?? null);
  const tagged = /<answer>\s*([\s\S]*?)\s*<\/answer>/i.exec(said);
  const text = tagged ? (tagged[1] as string) : said;
  if (options.length === 0) return text;
  return parseLetter(text, options) ?? text;
}

/** The kind of question, unless that only says how the answer is written. */
function readCategory(fields: Fields): string | null {
  for (const name of categoryNames) {
    const said = textField(fields, [name]);
    if (said !== null && !/^(?:multi(?:ple)?.?choice|mcq|open(?:.?ended)?|free.?form|none)$/i.test(said))
      return said;
  }
  return null;
}

function readDuration(fields: Fields): number | null {
  for (const name of durationNames) {
    const value = fields[name];
    const seconds = typeof value === "string" ? parseTimestamp(value) : value;
    if (typeof seconds === "number" && Number.isFinite(seconds) && seconds > 0) return seconds;
  }
  return null;
}

function readLogged(fields: Fields): LoggedScore | null {
  const score = numberField(fields, ["logged_score", "correct", "is_correct", "reward", "score"]);
  const answer =
    textField(fields, ["logged_answer"]) ??
    // Beside a whole output, `prediction` is what a scorer took from it.
    ("output" in fields || "response" in fields
      ? textField(fields, ["prediction", "pred_answer", "parsed_pred", "extracted_answer"])
      : null);
  if (answer === null && score === null) return null;
  return { answer, score: score !== null && score >= 0 && score <= 1 ? score : null };
}

function readVideo(fields: Fields): string | null {
  const value = firstField(fields, videoNames)?.value;
  const one = Array.isArray(value) ? value[0] : value;
  return typeof one === "string" || typeof one === "number" ? String(one) : null;
}

/** The model's outputs, and whether the field `answer` holds them: only where another one is the gold answer. */
function findOutputs(fields: Fields): { outputs: Output[]; fromAnswer: boolean } {
  const outputs = readOutputs(fields);
  if (outputs.length > 0) return { outputs, fromAnswer: false };
  const gold = firstField(
    fields,
    // `solution` is the gold answer of Video-R1's files, in which `answer` is the same as a text.
    goldNames.filter((name) => name !== "solution"),
  );
  const answered =
    gold === null && !/<\s*(?:think|answer)\b/i.test(String(fields.answer))
      ? []
      : readOutputs(fields, ["answer"]);
  return { outputs: answered, fromAnswer: answered.length > 0 };
}

function promptText(fields: Fields): string | null {
  const found = firstField(fields, promptNames)?.value;
  if (typeof found === "string") return found;
  return (
    lastTurn(found, ["user", "human"]) ?? lastTurn(fields.conversations ?? fields.messages, ["user", "human"])
  );
}

function readReferences(fields: Fields): Pick<TraceRow, "references" | "grounding"> {
  const grounding = firstField(fields, groundingNames)?.value ?? null;
  const references = readGrounding(grounding);
  return { references, grounding: references === null ? null : grounding };
}

/** What a row says about its question; all but the outputs. */
export type QuestionRow = Omit<TraceRow, "output" | "finishReason">;

function readQuestion(fields: Fields, place: RowPlace, answerIsOutput: boolean): QuestionRow {
  const given = readOptions(fields);
  if (given === null) refuse(place, "options: must be texts, or texts by letter", fields);
  const prompt = promptText(fields);
  const asked = textField(fields, questionNames);
  const inQuestion = promptOptions(given?.length === 0 ? (asked ?? "") : "");
  const inPrompt = promptOptions(prompt ?? "");
  const found = inQuestion.options.length > 0 ? inQuestion : inPrompt;
  const options = given === null || given.length === 0 ? found.options : given;
  const gold = readGold(fields, options, answerIsOutput);
  const named = benchmarkOfFile(place.file);
  const question = inQuestion.options.length > 0 ? inQuestion.question : (asked ?? inPrompt.question);
  return {
    id: textField(fields, idNames) ?? String(place.line),
    ...place,
    benchmark: textField(fields, ["benchmark", "dataset_name"]) ?? named.benchmark,
    category: readCategory(fields) ?? named.task,
    video: readVideo(fields),
    question: question.replace(/^<video>\s*/, ""),
    options,
    type: readType(fields, options, gold),
    gold,
    prompt,
    durationSeconds: readDuration(fields),
    ...readReferences(fields),
    logged: readLogged(fields),
    docId: textField(fields, ["doc_id"]),
    promptHash: textField(fields, ["prompt_hash"]),
  };
}

function readFields(fields: Fields, place: RowPlace): TraceRow[] {
  const { outputs, fromAnswer } = findOutputs(fields);
  if (outputs.length === 0)
    refuse(
      place,
      `must hold the model's output in one of ${outputNames.slice(0, 3).join(", ")}, ...`,
      fields,
    );
  const question = readQuestion(fields, place, fromAnswer);
  return outputs.map(({ text, finishReason }, i) => ({
    ...question,
    id: outputs.length === 1 ? question.id : `${question.id}#${i + 1}`,
    output: text,
    finishReason,
  }));
}

/**
 * Reads one value of an annotation file: a question without outputs.
 *
 * @throws UsageError `traces-invalid` naming file and line and the fields that were found
 */
export function readAnnotation(value: unknown, place: RowPlace): QuestionRow {
  if (!isFields(value)) return refuse(place, "a row: must be an object", value);
  const fields = isLmmsRow(value) ? lmmsFields(value, benchmarkOfFile(place.file).benchmark) : value;
  return readQuestion(fields, place, false);
}

/**
 * Reads one value of a log as rows: a line of lmms-eval, a result of Video-R1's evaluation, an entry of Video-MME's
 * submission format, or any object with an output. Several rows where several outputs were sampled.
 *
 * @throws UsageError `traces-invalid` naming file and line and the fields that were found
 */
export function readRow(value: unknown, place: RowPlace): TraceRow[] {
  if (!isFields(value)) return refuse(place, "a row: must be an object", value);
  if (isLmmsRow(value)) return readFields(lmmsFields(value, benchmarkOfFile(place.file).benchmark), place);
  if (Array.isArray(value.questions)) {
    // Video-MME's submission format: the questions of a video together.
    const { questions, ...shared } = value;
    return questions.flatMap((question) =>
      isFields(question) ? readFields({ ...shared, ...question }, place) : [],
    );
  }
  return readFields(value, place);
}
