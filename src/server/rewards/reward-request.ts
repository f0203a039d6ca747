/** The body of `/v1/rewards`, checked. */

import { z } from "zod";
import type { Compat } from "../../rewards/index.ts";
import type { RewardedQuestion } from "../../training/index.ts";
import { checkBody } from "../check-body.ts";
import { HttpError } from "../http-error.ts";
import { readRewardRow, rewardRowSchema } from "./reward-row.ts";

/** Longest a request may ask to be waited for, in seconds. */
const longestDeadline = 3600;

const id = z.union(
  [z.string().min(1).max(512), z.number().int()],
  "must be a text of 1 to 512 characters, or an integer",
);

const requestSchema = z.object({
  step: z.number().nullish(),
  explain: z.boolean().nullish(),
  deadline_seconds: z.number().gt(0).max(longestDeadline).nullish(),
  items: z.array(
    z.object({
      id,
      prompt_id: id.nullish(),
      completion: z.string(),
      question: z.string().nullish(),
      row: rewardRowSchema,
    }),
  ),
});

/** One completion to reward. */
export interface RewardItem {
  /** As it was sent; names the result. */
  id: string | number;
  completion: string;
  question: RewardedQuestion;
  /** Whether the completion was cut off. */
  truncated: boolean;
  /** Whether the result says why. */
  explain: boolean;
}

/** A checked request. */
export interface RewardRequest {
  /** The trainer's step, for the log. */
  step: number | null;
  /** Seconds after which the answer is sent, with what is known by then. */
  deadlineSeconds: number;
  items: RewardItem[];
}

/** What requests are checked against. */
export interface RequestRules {
  compat: Compat;
  /** For requests that name none. */
  deadlineSeconds: number;
  /** Most characters of a completion. */
  maxCompletion: number;
}

/** @throws HttpError 422 for a completion that is too long */
export function checkCompletion(completion: string, maxCompletion: number, param: string): void {
  if (completion.length > maxCompletion)
    throw new HttpError(
      422,
      "completion_too_long",
      `${param}: must have at most ${maxCompletion} characters, got ${completion.length}`,
      param,
    );
}

/** @throws HttpError 422 naming the second of two items with one id */
function checkIds(items: readonly { id: string | number }[]): void {
  const places = new Map<string, number>();
  for (const [i, { id: name }] of items.entries()) {
    const first = places.get(String(name));
    const param = `items[${i}].id`;
    if (first !== undefined)
      throw new HttpError(
        422,
        "invalid_request",
        `${param}: must be unique in the request, got ${JSON.stringify(name)} of items[${first}] again`,
        param,
      );
    places.set(String(name), i);
  }
}

/** Checks a body. @throws HttpError 422 naming item and field */
export function parseRewardRequest(body: unknown, rules: RequestRules): RewardRequest {
  const { items, step, deadline_seconds, explain } = checkBody(requestSchema, body, 422);
  checkIds(items);
  return {
    step: step ?? null,
    deadlineSeconds: deadline_seconds ?? rules.deadlineSeconds,
    items: items.map(({ id: name, completion, question, row }, i) => {
      checkCompletion(completion, rules.maxCompletion, `items[${i}].completion`);
      const read = readRewardRow(row, {
        asked: question ?? "",
        id: String(name),
        compat: rules.compat,
        param: `items[${i}].row`,
      });
      return { id: name, completion, ...read, explain: explain === true };
    }),
  };
}
