/**
 * CLEVRER (clevrer.csail.mit.edu): `train.json`, an array of scenes `{scene_index, video_filename, questions}`. A
 * descriptive question has an `answer` of a word; explanatory, predictive and counterfactual ones have `choices`, each
 * `{choice_id, choice, answer: "correct" | "wrong"}`, of which several may be right. Such a question becomes one row for
 * each right choice, beside all wrong ones, so that every row has one right option.
 */

import { optionLetter } from "../../trace/index.ts";
import type { Fields } from "../traces/fields.ts";
import { readSourceValues } from "./read-json.ts";
import {
  neededText,
  objectAt,
  openAnswerType,
  type QuestionSource,
  type SourceEntry,
  type SourceQuestion,
  sourceError,
} from "./source-question.ts";

const format = "a question file of CLEVRER, such as train.json";

interface Choice {
  id: string;
  text: string;
  right: boolean;
}

function choicesOf(list: readonly unknown[], place: string): Choice[] | null {
  const choices = list.map((item): Choice | null => {
    const fields = objectAt(item, place, format);
    if (fields.answer === undefined) return null;
    const id = neededText(fields, "choice_id", place, format);
    const answer = neededText(fields, "answer", place, format).toLowerCase();
    if (answer !== "correct" && answer !== "wrong")
      throw sourceError(
        place,
        `answer of choice ${id}: must be correct or wrong, got ${JSON.stringify(answer)}`,
        format,
      );
    return { id, text: neededText(fields, "choice", place, format), right: answer === "correct" };
  });
  return choices.every((choice) => choice !== null) ? choices : null;
}

function* choiceEntries(
  base: Omit<SourceQuestion, "options" | "answer" | "answerType">,
  list: readonly unknown[],
  place: string,
): Generator<SourceEntry> {
  const { sourceId } = base;
  const choices = choicesOf(list, place);
  if (choices === null) {
    yield { place, sourceId, problem: "choices: must say what is correct, got none, as in the test split" };
    return;
  }
  const right = choices.filter((choice) => choice.right);
  if (right.length === 0 || right.length === choices.length) {
    const what = right.length === 0 ? "none is right" : "all are right";
    yield { place, sourceId, problem: `choices: must hold right and wrong ones, got ${what}` };
    return;
  }
  for (const one of right) {
    const shown = choices.filter((choice) => !choice.right || choice === one);
    const options = shown.map(({ text }, i) => ({ letter: optionLetter(i), text }));
    yield {
      place,
      question: {
        ...base,
        sourceId: right.length === 1 ? sourceId : `${sourceId}/${one.id}`,
        options,
        answer: optionLetter(shown.indexOf(one)),
        answerType: "choice",
      },
    };
  }
}

function* questionEntries(fields: Fields, scene: Fields, place: string): Generator<SourceEntry> {
  const text = (name: string) => neededText(fields, name, place, format);
  const sourceId = `${neededText(scene, "scene_index", place, format)}/${text("question_id")}`;
  const category = text("question_type");
  const base = {
    sourceId,
    videos: [neededText(scene, "video_filename", place, format)],
    question: text("question"),
    category,
    licence: "CC0 (CLEVRER)",
    ...(typeof fields.question_subtype === "string" ? { more: { subtype: fields.question_subtype } } : {}),
  };
  if (Array.isArray(fields.choices)) {
    yield* choiceEntries(base, fields.choices, place);
    return;
  }
  if (fields.answer === undefined) {
    yield { place, sourceId, problem: "answer: must be there, got none, as in the test split" };
    return;
  }
  const answer = text("answer");
  yield { place, question: { ...base, options: [], answer, answerType: openAnswerType(answer) } };
}

/** CLEVRER. */
export const clevrer: QuestionSource = {
  name: "clevrer",
  reads: "CLEVRER's question JSON, descriptive and with choices",
  async *read(path) {
    for await (const { line, value } of readSourceValues(path)) {
      const scene = objectAt(value, `${path}:${line}`, format);
      const { questions } = scene;
      if (!Array.isArray(questions))
        throw sourceError(
          `${path}:${line}`,
          "must be a scene with a list of questions, got another value",
          format,
        );
      for (const [i, item] of questions.entries()) {
        const place = `${path}:${line}: question ${i}`;
        yield* questionEntries(objectAt(item, place, format), scene, place);
      }
    }
  },
};
