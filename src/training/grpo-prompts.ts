/** The questions of each GRPO step, their videos decoded and drawn ahead of their use. */

import { messageOf } from "../base/index.ts";
import { type DataRow, rowFiles } from "../data/index.ts";
import type { Prompt, Qwen25VL } from "../nn/index.ts";
import { planFrom } from "./batch-plan.ts";
import type { ClipStore } from "./clip-store.ts";
import type { GrpoRecipe } from "./grpo-recipe.ts";
import { rowMessages, type SftData } from "./sft-batches.ts";

/** A question ready to be answered. */
export interface AskedRow {
  row: DataRow;
  /** Token ids and pixels, without an answer. */
  prompt: Prompt;
}

/** The questions of one step. */
export interface GrpoStepPrompts {
  /** Passes over the data completed before it. */
  epoch: number;
  asked: AskedRow[];
  /** Rows left out, with the reason. */
  skipped: { id: string; reason: string }[];
}

/** Questions from a step on, without end, a few steps ahead of their use. */
export async function* grpoPrompts(
  data: SftData,
  recipe: GrpoRecipe,
  model: Qwen25VL,
  clips: ClipStore,
  fromStep: number,
  ahead = 2,
): AsyncGenerator<GrpoStepPrompts> {
  const plan = { batchSize: recipe.promptsPerStep, questionsPerVideo: 1, seed: recipe.seed };
  const pending: Promise<GrpoStepPrompts>[] = [];
  for (const { batch, epoch } of planFrom(data.planned, plan, fromStep)) {
    const rows = batch.map((i) => data.rows[i] as DataRow);
    const made = askRows(data.path, rows, model, clips).then((found) => ({ epoch, ...found }));
    made.catch(() => {});
    pending.push(made);
    if (pending.length > ahead) yield await (pending.shift() as Promise<GrpoStepPrompts>);
  }
}

/**
 * Makes prompts of rows; rows of one video share its pixels.
 *
 * @param path the JSONL file they are from
 */
export async function askRows(
  path: string,
  rows: readonly DataRow[],
  model: Qwen25VL,
  clips: ClipStore,
): Promise<Omit<GrpoStepPrompts, "epoch">> {
  const wanted = new Map(rows.map((row) => [row.video, row]));
  const made = await Promise.all(
    [...wanted].map(async ([video, row]) => {
      const clip = await clips
        .get(rowFiles(path, row))
        .catch((error: unknown) => new Error(messageOf(error)));
      return [video, clip] as const;
    }),
  );
  const found = new Map(made);
  const asked: AskedRow[] = [];
  const skipped: GrpoStepPrompts["skipped"] = [];
  const shared = new Map<string, Prompt["vision"]>();
  for (const row of rows) {
    const clip = found.get(row.video);
    if (clip === undefined || clip instanceof Error) {
      skipped.push({ id: row.id, reason: clip?.message ?? "its video is missing" });
      continue;
    }
    const prompt = model.prepare(rowMessages(row, clip));
    const vision = shared.get(row.video) ?? prompt.vision;
    shared.set(row.video, vision);
    asked.push({ row, prompt: { ...prompt, ...(vision ? { vision } : {}) } });
  }
  return { asked, skipped };
}
