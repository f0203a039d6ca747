/**
 * Rows as conversations: the reference's JSON, `{video, conversations: [{from, value}], temporal_grounding}`, and
 * ms-swift's JSON Lines, `{messages: [{role, content}], videos}`. Ours hold the whole row as well, so that reading them
 * gives it back; from others' the row is read out of the turns.
 */

import { resolve } from "node:path";
import { answerTarget, questionPrompt, systemPrompt } from "../../models/index.ts";
import { parseLetter, parseTrace } from "../../trace/index.ts";
import { time } from "../question-row.ts";
import { readAsked } from "../sources/question-text.ts";
import { openAnswerType } from "../sources/source-question.ts";
import { type Fields, isFields, textField } from "../traces/fields.ts";
import { readGrounding } from "../traces/read-grounding.ts";
import type { ConvertibleRow } from "./convertible-row.ts";

const turnsKey = "conversations";

/** What the model is to say: the reasoning where there is one, and the answer. */
const target = ({ reasoning, answer }: ConvertibleRow) =>
  reasoning === undefined ? `<answer>${answer}</answer>` : answerTarget(reasoning, answer);

/** A row of the reference: its trainer puts its own words around the question, so that none are added. */
export function toReference(row: ConvertibleRow): Fields {
  const asked = [row.question, ...row.options.map(({ letter, text }) => `${letter}. ${text}`)].join("\n");
  return {
    ...row,
    [turnsKey]: [
      { from: "human", value: `<video>\n${asked}` },
      { from: "gpt", value: target(row) },
    ],
  };
}

/** A row of ms-swift, for SFT and GRPO alike. Nested values are texts: a data set's columns have one type each. */
export function toSwift(row: ConvertibleRow, folder: string): Fields {
  return {
    messages: [
      { role: "system", content: systemPrompt },
      { role: "user", content: `<video>${questionPrompt(row.question, row.options, row.answerType)}` },
      { role: "assistant", content: target(row) },
    ],
    videos: [resolve(folder, row.video)],
    row_id: row.id,
    solution: row.answer,
    options: JSON.stringify(row.options.map(({ text }) => text)),
    answer_type: row.answerType,
    temporal_grounding: JSON.stringify(row.temporal_grounding ?? {}),
    duration: (row.startSeconds ?? 0) + row.durationSeconds,
    row: JSON.stringify(row),
  };
}

interface Turn {
  human: boolean;
  text: string;
}

function turnsOf(value: unknown): Turn[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isFields).flatMap((turn) => {
    const who = String(turn.from ?? turn.role);
    const text = turn.value ?? turn.content;
    if (who === "system" || typeof text !== "string") return [];
    return [{ human: who === "human" || who === "user", text }];
  });
}

/** A time of ours, with minutes beyond 59 where it must be. */
function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const pad = (n: number) => String(n).padStart(2, "0");
  return `${pad(Math.floor(whole / 60))}:${pad(whole % 60)}`;
}

const ownKey = new RegExp(`^${time}(-${time})?$`);

function groundingOf(value: unknown): Record<string, string> | null {
  if (
    isFields(value) &&
    Object.entries(value).every(([k, v]) => ownKey.test(k) && typeof v === "string" && v)
  )
    return value as Record<string, string>;
  const claims = readGrounding(value);
  if (claims === null) return null;
  return Object.fromEntries(
    claims.map(({ startSeconds, endSeconds, text }) => {
      const [start, end] = [clock(startSeconds), clock(endSeconds)];
      return [start === end ? start : `${start}-${end}`, text];
    }),
  );
}

/** A row that was read out of turns; its length is not known yet. */
export type TurnsRow = { video: string } & Fields;

/** The instruction that our own prompts end with. */
const ownInstruction = /\nThink in <think><\/think>, citing times[^\n]*$/;

/**
 * Reads a row out of turns.
 *
 * @param id what the row is called where it does not say
 * @returns the row, or what is wrong with it
 */
export function fromTurns(fields: Fields, id: string): TurnsRow | string {
  const name = turnsKey in fields ? turnsKey : "messages";
  const turns = turnsOf(fields[name]);
  const [asked, said] = [turns.find((turn) => turn.human), turns.find((turn) => !turn.human)];
  if (asked === undefined || said === undefined)
    return `${name}: must hold a question and an answer, got ${turns.length} turns`;
  const video = Array.isArray(fields.videos) ? fields.videos[0] : fields.video;
  if (typeof video !== "string" || video === "") return "video: must be a path, got none";
  const { question, options } = readAsked(asked.text.replace(ownInstruction, ""));
  if (question === "") return `${name}: must ask something, got no question`;
  const { think, answer: given } = parseTrace(said.text);
  const answer = given !== null && options.length > 0 ? parseLetter(given, options) : given;
  if (answer === null || answer === "")
    return `${name}: must answer ${options.length > 0 ? "with an option" : "something"}, got ${JSON.stringify(given ?? said.text.slice(0, 60))}`;
  const grounding = groundingOf(fields.temporal_grounding);
  const { [name]: _turns, video: _video, videos: _videos, temporal_grounding: _grounding, ...more } = fields;
  return {
    ...more,
    id: textField(fields, ["id", "row_id"]) ?? id,
    video,
    question,
    options,
    answer,
    answerType: options.length > 0 ? "choice" : openAnswerType(answer),
    category: textField(fields, ["category", "data_source"]) ?? "question",
    ...(think === null || think.trim() === "" ? {} : { reasoning: think.trim() }),
    ...(grounding === null ? {} : { temporal_grounding: grounding }),
  };
}

/** Whether a row is one of turns. */
export const hasTurns = (fields: Fields): boolean => turnsKey in fields || "messages" in fields;

/** The row that a conversation of ours holds, or null. */
export function heldRow(fields: Fields): unknown {
  if (typeof fields.row === "string" && "messages" in fields) return JSON.parse(fields.row) as unknown;
  const { [turnsKey]: _turns, ...row } = fields;
  return turnsKey in fields && "answerType" in row && "durationSeconds" in row ? row : null;
}
