/** One question of a data set with its reasoning, as one line of a JSONL file. */

import { z } from "zod";
import { checkAnswer, problemsOf, questionFields, time } from "./question-row.ts";

const row = z
  .object({
    ...questionFields,
    /** Whether one moment of the video is enough to answer it. Default false. */
    momentary: z.boolean().default(false),
    /** Reference reasoning, citing times as MM:SS. */
    reasoning: z.string().min(1),
    /** What is to be seen, by time: `MM:SS` or `MM:SS-MM:SS` to a sentence. */
    temporal_grounding: z.record(
      z.string().regex(new RegExp(`^${time}(-${time})?$`), "must be MM:SS or MM:SS-MM:SS"),
      z.string().min(1),
    ),
    /** Which part of the synthetic world it is of. */
    split: z.enum(["train", "heldout"]).optional(),
    /** The seed the row was generated from, where it was generated. */
    seed: z.number().int().optional(),
    /** How much happens in the video, 1 to 3, or 0 for stills, where it was generated. */
    level: z.number().int().min(0).max(3).optional(),
  })
  .superRefine(checkAnswer);

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
  return parsed.success ? { row: parsed.data } : { problems: problemsOf(parsed.error) };
}
