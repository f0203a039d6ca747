/** `--question-file`: a question as JSON. */

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { messageOf, UsageError } from "../base/index.ts";
import { answerTypes, parseOptions } from "../trace/index.ts";

const option = z.union([
  z.string().min(1),
  z.object({ letter: z.string(), text: z.string().min(1) }).transform((o) => o.text),
]);
const schema = z.object({
  question: z.string().min(1),
  options: z.array(option).max(26).default([]),
  answerType: z.enum(answerTypes as ["choice", "number", "time", "text"]).optional(),
  /** Relative to the question's file. */
  subtitles: z.string().min(1).optional(),
  /** The right answer, where it is known; the answer given is compared with it. */
  answer: z.string().min(1).optional(),
});

/** A question as a file holds it; options without their letters, the subtitles' path made absolute. */
export type QuestionFile = z.infer<typeof schema>;

/** Reads a question. @throws UsageError `question-file` naming file and field */
export async function readQuestionFile(path: string): Promise<QuestionFile> {
  const fail = (got: string, cause: unknown) =>
    new UsageError(
      "question-file",
      `${path}: must be a question as JSON, got ${got}`,
      'Write {"question": "...", "options": ["...", "..."]}; options, answerType, subtitles and answer may be left out.',
      { cause },
    );
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw fail(messageOf(error), error);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw fail(`${issue?.path.join(".") || "a value"}: ${issue?.message}`, parsed.error);
  }
  const { options, subtitles, ...rest } = parsed.data;
  return {
    ...rest,
    options: parseOptions(options).map(({ text }) => text),
    ...(subtitles === undefined ? {} : { subtitles: resolve(dirname(path), subtitles) }),
  };
}
