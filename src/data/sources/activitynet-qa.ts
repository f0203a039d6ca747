/**
 * ActivityNet-QA (github.com/MILVLG/activitynet-qa): two JSON arrays, `train_q.json` of `{video_name, question,
 * question_id}` and `train_a.json` of `{answer, type, question_id}`. Videos are those of ActivityNet, `v_NAME` in one of
 * three containers.
 */

import { basename, dirname, join } from "node:path";
import { parseNumber } from "../../trace/index.ts";
import { checkSourceFile, readSourceValues } from "./read-json.ts";
import {
  neededText,
  objectAt,
  openAnswerType,
  type QuestionSource,
  type SourceEntry,
  sourceError,
} from "./source-question.ts";

const format = "a question file of ActivityNet-QA, such as train_q.json";

const categories = [
  "motion",
  "spatial",
  "temporal",
  "yes-no",
  "colour",
  "object",
  "location",
  "number",
  "other",
];
const numberType = categories.indexOf("number");

interface Answer {
  answer: string;
  type: number;
}

async function readAnswers(path: string): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  for await (const { line, value } of readSourceValues(path)) {
    const place = `${path}:${line}`;
    const fields = objectAt(value, place, format);
    const text = (name: string) => neededText(fields, name, place, format);
    answers.set(text("question_id"), { answer: text("answer"), type: Number(text("type")) });
  }
  return answers;
}

function answerOf({ answer, type }: Answer) {
  const number = type === numberType ? parseNumber(answer) : null;
  return number === null
    ? { answer, answerType: openAnswerType(answer) }
    : { answer: String(number), answerType: "number" as const };
}

/** ActivityNet-QA; `path` is a file of questions, the answers lie beside it. */
export const activitynetQa: QuestionSource = {
  name: "activitynet-qa",
  reads: "ActivityNet-QA's questions (train_q.json), its answers (train_a.json) beside them",
  async *read(path) {
    if (!/_q\.json$/.test(path))
      throw sourceError(path, "must be a file of questions whose name ends in _q.json", format);
    const answersPath = join(dirname(path), basename(path).replace(/_q\.json$/, "_a.json"));
    await checkSourceFile(answersPath);
    const answers = await readAnswers(answersPath);
    for await (const { line, value } of readSourceValues(path)) {
      const place = `${path}:${line}`;
      const fields = objectAt(value, place, format);
      const text = (name: string) => neededText(fields, name, place, format);
      const [sourceId, name] = [text("question_id"), text("video_name")];
      const found = answers.get(sourceId);
      const entry: SourceEntry =
        found === undefined
          ? { place, sourceId, problem: `answer: must be in ${answersPath}, got none for this question_id` }
          : {
              place,
              question: {
                sourceId,
                videos: [name, `v_${name}`].flatMap((stem) =>
                  ["mp4", "mkv", "webm"].map((ending) => `${stem}.${ending}`),
                ),
                question: text("question"),
                options: [],
                ...answerOf(found),
                category: categories[found.type] ?? `type-${found.type}`,
                licence: "annotations: Apache-2.0 (ActivityNet-QA); videos: their owners', from ActivityNet",
              },
            };
      yield entry;
    }
  },
};
