/**
 * Perception Test (github.com/google-deepmind/perception_test): `mc_question_train.json`, an object of video ids, each
 * with `metadata` and `mc_question`, a list of `{id, question, options, answer_id, area, reasoning, tag}`; `answer_id` is a
 * place from 0. The file is read whole: it is a few megabytes, other than the files with all tracks.
 */

import { readFile, stat } from "node:fs/promises";
import { messageOf } from "../../base/index.ts";
import { parseOptions } from "../../trace/index.ts";
import type { Fields } from "../traces/fields.ts";
import {
  letterAt,
  neededText,
  objectAt,
  type QuestionSource,
  type SourceEntry,
  sourceError,
} from "./source-question.ts";

const format = "mc_question_train.json or mc_question_valid.json of Perception Test";
const largest = 400 * 2 ** 20;

async function readWhole(path: string): Promise<Fields> {
  const { size } = await stat(path);
  if (size > largest)
    throw sourceError(path, `must be at most 400 MB, got ${Math.round(size / 2 ** 20)}`, format);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw sourceError(path, `must be JSON, got ${messageOf(error)}`, format);
  }
  return objectAt(value, path, format);
}

function entryOf(value: unknown, video: string, place: string): SourceEntry {
  const fields = objectAt(value, place, format);
  const text = (name: string) => neededText(fields, name, place, format);
  const sourceId = `${video}/${text("id")}`;
  const { options: texts, answer_id: answerId, tag } = fields;
  if (!Array.isArray(texts) || !texts.every((item) => typeof item === "string"))
    throw sourceError(place, "options: must be a list of texts", format);
  const options = parseOptions(texts as string[]);
  if (answerId === undefined || answerId === null)
    return { place, sourceId, problem: "answer_id: must be there, got none, as in the test split" };
  const letter = letterAt(typeof answerId === "number" ? answerId : String(answerId), options);
  if (letter === null)
    return {
      place,
      sourceId,
      problem: `answer_id: must be a place from 0 to ${options.length - 1}, got ${JSON.stringify(answerId)}`,
    };
  const kind = [fields.area, fields.reasoning].filter((part) => typeof part === "string" && part !== "");
  return {
    place,
    question: {
      sourceId,
      videos: [`${video}.mp4`],
      question: text("question"),
      options,
      answer: letter,
      answerType: "choice",
      category: kind.length === 0 ? "question" : kind.join("-").toLowerCase(),
      licence: "CC BY 4.0 (Perception Test)",
      ...(Array.isArray(tag) ? { more: { tags: tag } } : {}),
    },
  };
}

/** Perception Test. */
export const perceptionTest: QuestionSource = {
  name: "perception-test",
  reads: "Perception Test's mc_question JSON",
  async *read(path) {
    let questions = 0;
    for (const [video, value] of Object.entries(await readWhole(path))) {
      const place = `${path}: ${video}`;
      const list = objectAt(value, place, format).mc_question;
      if (list === undefined) continue;
      if (!Array.isArray(list)) throw sourceError(place, "mc_question: must be a list", format);
      for (const [i, item] of list.entries()) {
        questions++;
        yield entryOf(item, video, `${place}: mc_question ${i}`);
      }
    }
    if (questions === 0) throw sourceError(path, "must hold videos with mc_question, got none", format);
  },
};
