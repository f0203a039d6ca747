/**
 * Prompts from a file: in our own form (`JudgePrompts` as JSON, prompts by name), or in the form in which the
 * reference's are collected, which is turned into ours.
 */

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { z } from "zod";
import { messageOf, sha256, UsageError } from "../base/index.ts";
import {
  type JudgePrompt,
  type JudgePrompts,
  type JudgeSampling,
  judgePrompts,
  placeNames,
} from "./prompts.ts";

const sampling = z.strictObject({
  temperature: z.number().min(0),
  topP: z.number().positive().max(1).optional(),
  topK: z.int().positive().optional(),
  maxTokens: z.int().positive(),
  seed: z.int().optional(),
  template: z.record(z.string(), z.unknown()).optional(),
});
const prompt = z.strictObject({
  system: z.string().default(""),
  user: z.string().min(1),
  reminder: z.string().default(""),
  sampling: sampling.default({ temperature: 0, maxTokens: 512 }),
  json: z.boolean().default(false),
});
const forms = z.strictObject({ choice: prompt, number: prompt, open: prompt });
const own = z.strictObject({
  version: z.string().min(1),
  concluded: forms,
  answered: forms,
  consistency: prompt,
  claims: prompt,
  attention: prompt,
  equal: prompt,
  // Files of before there was this question.
  number: prompt.default(judgePrompts.number),
});

const messages = z
  .array(z.object({ role: z.enum(["system", "user"]), content: z.string() }))
  .refine((list) => list.some(({ role }) => role === "user"), "must have a user message");
const numericKey = "vsi_numeric (both think and answer)";
const numberKey = "na_to_float (user)";
const userKey = "user (after .format)";
const reference = z.object({
  tac: z.object({
    answer_mcq: messages,
    answer_open: messages,
    think_mcq: messages,
    think_open: messages,
    [numericKey]: messages.optional(),
  }),
  vas: z.object({
    system: z.string(),
    user: z.string(),
    retry_suffix_on_last_user_message: z.string().default(""),
  }),
  train_tar: z.object({ system: z.string(), [userKey]: z.string() }),
  train_consistency_gate: z.object({ system: z.string(), user: z.string() }),
  vsi_post_processing: z.object({ [numberKey]: z.string() }).optional(),
});
type Reference = z.infer<typeof reference>;
type Messages = z.infer<typeof messages>;

/** The reference's sampling for extraction and for its score; in training it sets nothing, here the likeliest token is taken. */
const extraction: JudgeSampling = { temperature: 0, maxTokens: 64, template: { enable_thinking: false } };
const scoring: JudgeSampling = { temperature: 0.7, topP: 0.8, topK: 20, maxTokens: 256, seed: 0 };
const training: JudgeSampling = { temperature: 0, maxTokens: 512 };

/** Places as the collected prompts write them, such as `think text, trimmed` or `row.input`, in our form. */
function ownPlaces(text: string, payload: "think" | "answer" = "think"): string {
  const block = text.replace(/A\. «option A»\nB\. «option B»/g, "«options»");
  return block.replace(/«([^»]*)»/g, (whole, said: string) => {
    if (said.startsWith("row.input")) return "«prompt»";
    if (said.startsWith("think or answer")) return `«${payload}»`;
    const name = placeNames.find((known) => said.startsWith(known));
    const otherwise = / or (\(.*\))$/.exec(said)?.[1];
    if (name === undefined) return whole;
    return otherwise === undefined ? `«${name}»` : `«${name} or ${otherwise}»`;
  });
}

function fromMessages(list: Messages, use: JudgeSampling, payload: "think" | "answer"): JudgePrompt {
  const all = (role: "system" | "user") =>
    list.filter((message) => message.role === role).map(({ content }) => ownPlaces(content, payload));
  return {
    system: all("system").join("\n"),
    user: all("user").join("\n"),
    reminder: "",
    sampling: use,
    json: false,
  };
}

function fromReference(
  { tac, vas, train_tar: tar, train_consistency_gate: gate, vsi_post_processing: vsi }: Reference,
  version: string,
): JudgePrompts {
  const pair = (system: string, user: string, use: JudgeSampling, reminder = ""): JudgePrompt => ({
    system: ownPlaces(system),
    user: ownPlaces(user),
    reminder,
    sampling: use,
    json: false,
  });
  const numeric = tac[numericKey];
  const short = { ...extraction, maxTokens: 32, template: undefined };
  const form = (choice: Messages, open: Messages, payload: "think" | "answer") => ({
    choice: fromMessages(choice, extraction, payload),
    number: fromMessages(numeric ?? open, numeric ? short : extraction, payload),
    open: fromMessages(open, { ...extraction, maxTokens: 128 }, payload),
  });
  return {
    version,
    concluded: form(tac.think_mcq, tac.think_open, "think"),
    answered: form(tac.answer_mcq, tac.answer_open, "answer"),
    consistency: pair(gate.system, gate.user, training),
    claims: pair(tar.system, tar[userKey], { ...training, maxTokens: 1024 }),
    attention: pair(vas.system, vas.user, scoring, vas.retry_suffix_on_last_user_message),
    equal: judgePrompts.equal,
    number: vsi
      ? pair("", vsi[numberKey].replaceAll("«prediction»", "«answer»"), extraction)
      : judgePrompts.number,
  };
}

/** The places that each prompt must have, since it could judge nothing without them; one of each group. */
const needed: [(prompts: JudgePrompts) => Record<string, JudgePrompt>, string[][]][] = [
  [
    ({ concluded: { choice, number, open } }) => ({
      "concluded.choice": choice,
      "concluded.number": number,
      "concluded.open": open,
    }),
    [["think", "response"]],
  ],
  [
    ({ answered: { choice, number, open } }) => ({
      "answered.choice": choice,
      "answered.number": number,
      "answered.open": open,
    }),
    [["answer", "response"]],
  ],
  [
    ({ consistency }) => ({ consistency }),
    [
      ["think", "response"],
      ["answer", "response"],
    ],
  ],
  [({ claims }) => ({ claims }), [["think", "response"]]],
  [({ attention }) => ({ attention }), [["think", "response"]]],
  [({ equal }) => ({ equal }), [["gold"], ["answer"]]],
  [({ number }) => ({ number }), [["answer"]]],
];

function checkPlaces(prompts: JudgePrompts, path: string): void {
  const known: readonly string[] = placeNames;
  for (const [pick, groups] of needed)
    for (const [name, { system, user }] of Object.entries(pick(prompts))) {
      const places = [...`${system}${user}`.matchAll(/«([^»]*?)(?: or [^»]*)?»/g)].map(
        (match) => match[1] as string,
      );
      const unknown = places.find((place) => !known.includes(place));
      if (unknown !== undefined)
        throw invalid(
          path,
          `${name} must have only places it can fill, got «${unknown}»`,
          `Known: ${known.map((place) => `«${place}»`).join(" ")}.`,
        );
      const missing = groups.find((group) => !group.some((place) => places.includes(place)));
      if (missing !== undefined)
        throw invalid(
          path,
          `${name} must have ${missing.map((place) => `«${place}»`).join(" or ")}, got none`,
        );
    }
}

const invalid = (path: string, what: string, hint?: string, cause?: unknown) =>
  new UsageError("judge-prompts-invalid", `${path}: ${what}`, hint, { cause });

/** What is wrong, a line each: `concluded.choice: must be given`. */
function problems(error: z.ZodError): string {
  return error.issues
    .slice(0, 8)
    .map(({ path, message, code }) => {
      const missing = code === "invalid_type" && /received undefined/.test(message);
      return `${path.join(".") || "the file"}: ${missing ? "missing" : message}`;
    })
    .join("; ");
}

/**
 * Reads prompts from JSON in either form.
 *
 * @param path names the source in messages and, with a hash of the content, in `version` where it has none
 * @throws UsageError `judge-prompts-invalid` saying what is missing or wrong
 */
export function parsePrompts(text: string, path: string): JudgePrompts {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, `must be JSON, got ${messageOf(cause)}`, undefined, cause);
  }
  const collected = typeof json === "object" && json !== null && ("tac" in json || "vas" in json);
  const parsed = collected ? reference.safeParse(json) : own.safeParse(json);
  if (!parsed.success)
    throw invalid(
      path,
      `must hold all prompts, got ${problems(parsed.error)}`,
      "docs/judges.md shows both forms.",
      parsed.error,
    );
  const prompts = collected
    ? fromReference(parsed.data as Reference, `${basename(path)} ${sha256(text).slice(0, 8)}`)
    : (parsed.data as JudgePrompts);
  checkPlaces(prompts, path);
  return prompts;
}

/** Reads a file of prompts. @throws UsageError `judge-prompts-missing`, or as `parsePrompts` */
export async function loadPrompts(path: string): Promise<JudgePrompts> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new UsageError(
      "judge-prompts-missing",
      `${path}: must be a readable file, got ${messageOf(cause)}`,
      undefined,
      { cause },
    );
  });
  return parsePrompts(text, path);
}
