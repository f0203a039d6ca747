/**
 * What is known of a completion's question, as trainers send it: a row of our data sets, columns of ms-swift's, or
 * fields of the reference's rows. Other fields are allowed and not looked at.
 */

import { z } from "zod";
import { UsageError } from "../../base/index.ts";
import { readGrounding, readRow } from "../../data/index.ts";
import { type Compat, claimsFromGrounding } from "../../rewards/index.ts";
import { type Claim, parseTimestamp } from "../../trace/index.ts";
import type { RewardedQuestion } from "../../training/index.ts";
import { HttpError } from "../http-error.ts";

/** Most entries of a row's grounding; matching them with a completion's claims takes their number squared. */
const mostClaims = 1000;

const scalar = z.union([z.string(), z.number()], "must be a text or a number").nullish();
const optionEntry = z.union(
  [z.string(), z.number(), z.looseObject({ text: z.union([z.string(), z.number()]) })],
  "must be a text or {letter, text}",
);
const optionsRule =
  "must be a list of up to 26 texts or {letter, text}, an object of letters to texts, or JSON of one";
const options = z
  .union(
    [
      z.string(),
      z.array(optionEntry).max(26),
      z.record(z.string(), z.union([z.string(), z.number()]).nullable()),
    ],
    optionsRule,
  )
  .nullish();
const duration = z
  .union(
    [z.number().positive(), z.string().refine((text) => Number(text) > 0 || (parseTimestamp(text) ?? 0) > 0)],
    "must be a positive number of seconds or a time",
  )
  .nullish();
const groundingRule =
  'must be an object of times to sentences, such as {"00:04-00:06": "a dog jumps"}, a list of {start, end, text}, or JSON of one';

function isGrounding(value: unknown): boolean {
  const isObject = (entry: unknown) => typeof entry === "object" && entry !== null && !Array.isArray(entry);
  if (Array.isArray(value)) return value.length <= mostClaims && value.every(isObject);
  if (typeof value !== "object" || value === null) return false;
  // Tables give every row the keys of all, with null where a row has none.
  const texts = Object.values(value);
  return texts.length <= mostClaims && texts.every((text) => typeof text === "string" || text === null);
}

/** The value of a text that holds JSON; undefined where it holds none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const grounding = z
  .unknown()
  .transform((value) => (typeof value === "string" && value.trim() !== "" ? parsed(value) : value))
  .refine((value) => value === null || value === "" || isGrounding(value), groundingRule)
  .optional();
const turn = z.looseObject({ from: z.string().optional(), role: z.string().optional() });
const said = z.union([z.string(), z.looseObject({ content: z.string() })], "must be a text or {content}");

/** The fields of a row that are looked at. */
export const rewardRowSchema = z.looseObject({
  question: z.string().nullish(),
  problem: z.string().nullish(),
  solution: scalar,
  answer: scalar,
  assistant: said.nullish(),
  conversations: z.array(turn).nullish(),
  options,
  answer_type: z.string().nullish(),
  answerType: z.string().nullish(),
  problem_type: z.string().nullish(),
  temporal_grounding: grounding,
  duration,
  durationSeconds: duration,
  startSeconds: z.number().min(0).nullish(),
  finish_reason: z.string().nullish(),
  is_truncated: z.boolean().nullish(),
});

/** A checked row. */
export type RewardRow = z.infer<typeof rewardRowSchema>;

/** A question, and whether its completion was cut off. */
export interface ReadRow {
  question: RewardedQuestion;
  truncated: boolean;
}

/** The right answer as the row writes it, by the first field that has one. */
function goldText({ solution, answer, assistant, conversations }: RewardRow): string | null {
  const last = conversations?.findLast(({ from, role }) => ["gpt", "assistant"].includes(from ?? role ?? ""));
  const turnText = last?.value ?? last?.content;
  const candidates = [
    solution,
    answer,
    typeof assistant === "object" ? assistant?.content : assistant,
    typeof turnText === "string" ? turnText : null,
  ];
  const found = candidates.find((text) => text !== undefined && text !== null && String(text).trim() !== "");
  return found === undefined ? null : String(found).trim();
}

/** The text in the first `<answer>`, else all of it, as the released code's rows have their answers. */
const taggedText = (text: string) => /<answer>([\s\S]*?)<\/answer>/.exec(text)?.[1]?.trim() ?? text;

function referenceClaims(value: unknown, compat: Compat): Claim[] {
  if (value === null || value === undefined || value === "") return [];
  if (compat === "paper" || Array.isArray(value)) return readGrounding(value) ?? [];
  return claimsFromGrounding(value as Record<string, unknown>).claims ?? [];
}

function readQuestion(row: RewardRow, asked: string, id: string, compat: Compat): RewardedQuestion {
  const gold = goldText(row);
  const seconds = row.durationSeconds ?? row.duration;
  const fields = {
    id,
    question: asked.trim() === "" ? (row.question ?? row.problem ?? "") : asked,
    options: row.options,
    gold,
    answer_type: row.answerType ?? row.answer_type ?? row.problem_type,
    duration: typeof seconds === "string" && Number(seconds) > 0 ? Number(seconds) : seconds,
    // Rows of logs come with what a model wrote; here that is a field of its own.
    output: null,
  };
  const [read] = readRow(fields, { file: "rows", line: 1 });
  if (read === undefined) throw new Error("internal: a row must be read as one");
  return {
    id,
    question: read.question,
    options: read.options,
    type: read.type,
    gold: compat === "reference" && gold !== null ? taggedText(gold) : read.gold,
    references: referenceClaims(row.temporal_grounding, compat),
    durationSeconds:
      read.durationSeconds === null ? undefined : read.durationSeconds + (row.startSeconds ?? 0),
  };
}

/**
 * Reads a row.
 *
 * @param asked the question where it does not stand in the row; may be empty
 * @param param what errors call the row, such as `items[3].row`
 * @throws HttpError 422 for options that cannot be read
 */
export function readRewardRow(
  row: RewardRow,
  { asked, id, compat, param }: { asked: string; id: string; compat: Compat; param: string },
): ReadRow {
  const truncated = row.is_truncated === true || /^(?:length|max_tokens)$/.test(row.finish_reason ?? "");
  try {
    return { question: readQuestion(row, asked, id, compat), truncated };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new HttpError(422, "invalid_request", `${param}.options: ${optionsRule}`, `${param}.options`);
  }
}
