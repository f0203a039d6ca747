/**
 * OpenRLHF's protocol for remote reward models, as its 0.11 sends and reads it: `{query, prompts, labels}`, lists of one
 * length, to `{rewards, scores, extra_logs}`. Its samples know no missing reward, so that one is an error here, which
 * the trainer tries again and then reports.
 */

import { z } from "zod";
import type { RewardWeights } from "../../rewards/index.ts";
import { checkBody } from "../check-body.ts";
import { HttpError } from "../http-error.ts";
import type { ItemRewards } from "./item-rewards.ts";
import { checkCompletion, type RequestRules, type RewardRequest } from "./reward-request.ts";
import { type RewardRow, readRewardRow, rewardRowSchema } from "./reward-row.ts";

const requestSchema = z.object({
  query: z.array(z.string()),
  prompts: z.array(z.string()),
  labels: z.array(z.unknown()),
});

/** Characters at the end of a prompt by which a completion is found where the query does not begin with the prompt. */
const anchorLengths = [200, 100, 50];
/** Tokens with which chat templates end a turn, and padding. */
const endTokens = ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "</s>", "<pad>"];

/** The text without tokens and blanks at its end. */
function withoutEnd(text: string): string {
  let rest = text.trimEnd();
  for (;;) {
    const token = endTokens.find((end) => rest.endsWith(end));
    if (token === undefined) return rest;
    rest = rest.slice(0, -token.length).trimEnd();
  }
}

/** The text from the last `from` to the next `to`; all of it where there is no `from`. */
function lastBetween(text: string, from: string, to: string): string {
  const start = text.lastIndexOf(from);
  if (start < 0) return text;
  const end = text.indexOf(to, start);
  return text.slice(start + from.length, end < 0 ? undefined : end);
}

/**
 * What the model wrote: the query after its prompt. Where the two differ (tokens of media, a prompt that was cut), after
 * the first place of the prompt's end.
 *
 * @throws HttpError 422 where the query does not hold the prompt's end
 */
export function completionOf(query: string, prompt: string, param: string): string {
  if (query.startsWith(prompt)) return withoutEnd(query.slice(prompt.length));
  for (const length of anchorLengths) {
    const anchor = prompt.slice(-length);
    const at = query.indexOf(anchor);
    if (at >= 0) return withoutEnd(query.slice(at + anchor.length));
  }
  throw new HttpError(
    422,
    "invalid_request",
    `${param}: must be its prompt and what the model wrote, got a text without the prompt's end`,
    param,
  );
}

/** The question in a prompt: the last turn of the user in Qwen's template, else all of it, without media. */
export function questionOfPrompt(prompt: string): string {
  const [first = "", ...others] = lastBetween(prompt, "<|im_start|>user\n", "<|im_end|>").split(
    "<|vision_start|>",
  );
  const texts = others.map((text) => text.slice(text.indexOf("<|vision_end|>") + "<|vision_end|>".length));
  return [first, ...texts].join("").replaceAll("<video>", "").replaceAll("<image>", "").trim();
}

/** A label as a row: an object, or a text of one, else the right answer itself. */
function rowOf(label: unknown, param: string): RewardRow {
  let value = label;
  if (typeof label === "string" && /^\s*\{/.test(label)) {
    try {
      value = JSON.parse(label) as unknown;
    } catch {
      throw new HttpError(422, "invalid_request", `${param}: must be JSON, as it begins with {`, param);
    }
  }
  const row = typeof value === "object" && value !== null ? value : { solution: value };
  return checkBody(rewardRowSchema, row, 422, param);
}

/** Checks a body. @throws HttpError 422 naming list and place */
export function parseOpenRlhfRequest(body: unknown, rules: RequestRules): RewardRequest {
  const { query, prompts, labels } = checkBody(requestSchema, body, 422);
  for (const [name, list] of Object.entries({ prompts, labels }))
    if (list.length !== query.length)
      throw new HttpError(
        422,
        "invalid_request",
        `${name}: must be as many as query, which has ${query.length}, got ${list.length}`,
        name,
      );
  const items = query.map((text, i) => {
    const prompt = prompts[i] as string;
    const completion = completionOf(text, prompt, `query[${i}]`);
    checkCompletion(completion, rules.maxCompletion, `query[${i}]`);
    const param = `labels[${i}]`;
    const row = rowOf(labels[i], param);
    const read = readRewardRow(row, {
      asked: row.question ?? questionOfPrompt(prompt),
      id: String(i),
      compat: rules.compat,
      param,
    });
    return { id: i, completion, ...read, explain: false };
  });
  return { items, step: null, deadlineSeconds: rules.deadlineSeconds };
}

/** A list of numbers as JSON in which each is a float, also for readers to whom 3 and 3.0 are of two types. */
const floats = (values: readonly number[]) =>
  `[${values.map((value) => (Number.isInteger(value) ? value.toFixed(1) : String(value))).join(", ")}]`;

/**
 * The answer as JSON. `rewards` are the totals; `scores` the same as a share of what could be earned, 0 to 1;
 * `extra_logs` the parts, where `tar_known` is 0 for samples whose `tar` says nothing.
 *
 * @throws HttpError 422 where a row lacks what a total takes, 503 where a total may be had later
 */
export function openRlhfJson(results: readonly ItemRewards[], weights: RewardWeights): string {
  const totals = results.map(({ total }, i) => {
    if (total.value !== null) return total.value;
    const [status, code, param] =
      total.code === "row"
        ? ([422, "no_reward", `labels[${i}]`] as const)
        : ([503, "no_reward_yet", `query[${i}]`] as const);
    const message = `${param}: must have a reward, got none (${total.reason})`;
    throw new HttpError(status, code, message, param, status === 503 ? 1 : undefined);
  });
  const scores = results.map(({ parts }, i) => {
    const most = weights.accuracy + weights.format + (parts.tar.value === null ? 0 : weights.temporal);
    return most === 0 ? 0 : (totals[i] as number) / most;
  });
  const logs = {
    accuracy: results.map(({ parts }) => parts.accuracy.value ?? 0),
    format: results.map(({ parts }) => parts.format.value ?? 0),
    tar: results.map(({ parts }) => parts.tar.value ?? 0),
    tar_known: results.map(({ parts }) => (parts.tar.value === null ? 0 : 1)),
  };
  const extra = Object.entries(logs).map(([name, values]) => `"${name}": ${floats(values)}`);
  return `{"rewards": ${floats(totals)}, "scores": ${floats(scores)}, "extra_logs": {${extra.join(", ")}}}`;
}
