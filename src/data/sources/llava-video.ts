/**
 * LLaVA-Video-178K (huggingface.co/datasets/lmms-lab/LLaVA-Video-178K): a JSON array of `{id, data_source, video,
 * conversations}`, turns alternating from `human` and `gpt`; the first one begins with `<image>\n`. Multiple choice has
 * the options as lines `A. text` before an instruction, and answers `B.` or `B. text`. Every pair of turns is a question.
 * An `id` names a video, so a question is called by it, the row's number among the rows of that id, and the turn.
 */

import { parseLetter } from "../../trace/index.ts";
import { type Fields, isFields, textField } from "../traces/fields.ts";
import { readAsked } from "./question-text.ts";
import { readSourceValues } from "./read-json.ts";
import {
  neededText,
  objectAt,
  openAnswerType,
  type QuestionSource,
  type SourceEntry,
  sourceError,
} from "./source-question.ts";

const format = "a JSON file of LLaVA-Video-178K";

function turnsOf(fields: Fields, place: string): { from: string; value: string }[] {
  const { conversations } = fields;
  if (!Array.isArray(conversations))
    throw sourceError(place, "conversations: must be a list of turns, got none", format);
  return conversations.map((turn) => {
    const { from, value } = isFields(turn) ? turn : {};
    if (typeof from !== "string" || typeof value !== "string")
      throw sourceError(place, "conversations: each turn must have the texts from and value", format);
    return { from, value };
  });
}

function entryOf(asked: string, answered: string, base: { place: string; fields: Fields; sourceId: string }) {
  const { place, fields, sourceId } = base;
  const { question, options } = readAsked(asked);
  const answer = options.length > 0 ? parseLetter(answered, options) : answered.trim();
  if (answer === null)
    return {
      place,
      sourceId,
      problem: `answer: must be one of the options, got ${JSON.stringify(answered.slice(0, 60))}`,
    };
  const video = neededText(fields, "video", place, format);
  const origin = textField(fields, ["data_source"]);
  return {
    place,
    question: {
      sourceId,
      videos: [video, ...(origin === null ? [] : [`${origin}/${video}`])],
      question,
      options,
      answer,
      answerType: options.length > 0 ? ("choice" as const) : openAnswerType(answer),
      category: origin ?? "question",
      licence: "made with OpenAI models: see the card of LLaVA-Video-178K",
    },
  };
}

/** LLaVA-Video-178K. */
export const llavaVideo: QuestionSource = {
  name: "llava-video",
  reads: "LLaVA-Video-178K's conversations, multiple choice and open-ended",
  async *read(path) {
    const seen = new Map<string, number>();
    for await (const { line, value } of readSourceValues(path)) {
      const place = `${path}:${line}`;
      const fields = objectAt(value, place, format);
      const id = neededText(fields, "id", place, format);
      const origin = textField(fields, ["data_source"]);
      const name = origin === null ? id : `${origin}/${id}`;
      const count = (seen.get(name) ?? 0) + 1;
      seen.set(name, count);
      const turns = turnsOf(fields, place);
      for (let i = 0; i + 1 < turns.length; i += 2) {
        const [asked, answered] = [turns[i], turns[i + 1]] as [{ value: string }, { value: string }];
        const sourceId = `${name}/${count}${turns.length > 2 ? `/${i / 2 + 1}` : ""}`;
        const entry: SourceEntry = entryOf(asked.value, answered.value, { place, fields, sourceId });
        yield entry;
      }
    }
  },
};
