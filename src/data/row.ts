/** One question of a data set, as one line of a JSONL file. */

import { z } from "zod";
import { answerTypes } from "../trace/index.ts";

const time = String.raw`\d{2,}:[0-5]\d`;

const row = z
  .object({
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
    /** Whether one moment of the video is enough to answer it. */
    momentary: z.boolean(),
    /** Reference reasoning, citing times as MM:SS. */
    reasoning: z.string().min(1),
    /** What is to be seen, by time: `MM:SS` or `MM:SS-MM:SS` to a sentence. */
    temporal_grounding: z.record(
      z.string().regex(new RegExp(`^${time}(-${time})?$`), "must be MM:SS or MM:SS-MM:SS"),
      z.string().min(1),
    ),
    durationSeconds: z.number().positive(),
    /**
     * What the clock shows at the first frame, in seconds, where the video is a part of a longer one. All times of the
     * row are by this clock, and it is drawn on the frames. Default 0.
     */
    startSeconds: z.number().min(0).optional(),
    split: z.enum(["train", "heldout"]),
    /** The seed the row was generated from, where it was generated. */
    seed: z.number().int(),
    /** How much happens in the video, 1 to 3, or 0 for stills, where it was generated. */
    level: z.number().int().min(0).max(3).optional(),
  })
  .superRefine((value, context) => {
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
  });

/** A question about a video with its answer, reference reasoning and what is to be seen when. */
export type DataRow = z.infer<typeof row>;

/** The schema of a row, from which its JSON Schema can be made. */
export const dataRowSchema = row;

/**
 * Checks one row.
 *
 * @returns the row, or a list of what is wrong with it, each as `field: rule`
 */
export function checkRow(value: unknown): { row: DataRow } | { problems: string[] } {
  const parsed = row.safeParse(value);
  if (parsed.success) return { row: parsed.data };
  return {
    problems: parsed.error.issues.map((issue) => `${issue.path.join(".") || "the row"}: ${issue.message}`),
  };
}
