/**
 * A question about a video with its answer: what a data set is built from, and what every row of one has. Fields
 * that are not listed here stay with a row through every step.
 */

import { z } from "zod";
import { answerTypes } from "../trace/index.ts";

/** A time as rows write it. */
export const time = String.raw`\d{2,}:[0-5]\d`;

/** The fields of a question, shared by rows with reasoning and rows without. */
export const questionFields = {
  /** Unique in its data set. */
  id: z.string().min(1),
  /** The video file, relative to the folder of the JSONL file. */
  video: z.string().min(1),
  /** The subtitle file (SRT), relative likewise. */
  subtitles: z.string().min(1).optional(),
  question: z.string().min(1),
  /** Options in order; empty where the question has none. */
  options: z.array(
    z.object({
      letter: z.string().regex(/^[A-Z]$/, "must be one capital letter"),
      text: z.string().min(1),
    }),
  ),
  /** The right answer; the letter where there are options. */
  answer: z.string().min(1),
  answerType: z.enum(answerTypes as [string, ...string[]] as ["choice", "number", "time", "text"]),
  /** What kind of question it is, such as `colour-at`. */
  category: z.string().min(1),
  durationSeconds: z.number().positive(),
  /**
   * What the clock shows at the first frame, in seconds, where the video is a part of a longer one. All times of the
   * row are by this clock, and it is drawn on the frames. Default 0.
   */
  startSeconds: z.number().min(0).optional(),
  /** The data set that the question was taken from, such as `nextqa`. */
  source: z.string().min(1).optional(),
  /** What the question is called there. */
  sourceId: z.string().min(1).optional(),
  /** What is known of the licence of the question, as a note. */
  licence: z.string().min(1).optional(),
  /** The share of samples in which a model answered right, 0 to 1, where it was asked. */
  passRate: z.number().min(0).max(1).optional(),
  /** How hard a judge finds it, where one was asked; the scale is the judge's. */
  difficulty: z.number().optional(),
};

const question = z.object(questionFields);

/** A question about a video with its answer, without reasoning or with. */
export type QuestionRow = z.infer<typeof question>;

/** Reports what is wrong between the fields of a row: options, answer and type must go together. */
export function checkAnswer(
  value: Pick<QuestionRow, "answer" | "answerType" | "options">,
  context: z.RefinementCtx,
): void {
  const problem = (path: string, message: string): void =>
    context.addIssue({ code: "custom", path: [path], message });
  const { answer, answerType, options } = value;
  if (answerType === "choice") {
    if (options.length < 2) problem("options", `must be at least 2 for a choice, got ${options.length}`);
    else if (!options.some(({ letter }) => letter === answer))
      problem("answer", `must be the letter of an option, got ${JSON.stringify(answer)}`);
    if (new Set(options.map(({ letter }) => letter)).size < options.length)
      problem("options", "must have different letters");
  } else if (options.length > 0)
    problem("options", `must be empty for type ${answerType}, got ${options.length}`);
  if (answerType === "number" && !Number.isFinite(Number(answer)))
    problem("answer", `must be a number, got ${JSON.stringify(answer)}`);
  if (answerType === "time" && !new RegExp(`^${time}$`).test(answer))
    problem("answer", `must be a time MM:SS, got ${JSON.stringify(answer)}`);
}

const checked = question.superRefine(checkAnswer);

/** What is wrong with a value, each as `field: rule`. */
export function problemsOf(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.join(".") || "the row"}: ${issue.message}`);
}

/**
 * Checks the question of a row; whatever else the row holds is kept as it is.
 *
 * @returns the value itself, or a list of what is wrong with it, each as `field: rule`
 */
export function checkQuestion(value: unknown): { row: QuestionRow } | { problems: string[] } {
  const parsed = checked.safeParse(value);
  return parsed.success ? { row: value as QuestionRow } : { problems: problemsOf(parsed.error) };
}
