/**
 * Rows to batches that a training step takes. The next batches are decoded and drawn in worker threads while the
 * model computes; a video that cannot be read costs its own rows, which are reported, and nothing else.
 */

import { mapPool, messageOf, UsageError } from "../base/index.ts";
import { type DataRow, readDataset, rowFiles } from "../data/index.ts";
import { answerTarget, questionPrompt, systemPrompt } from "../models/index.ts";
import {
  buildInputs,
  buildTargets,
  type ChatMessage,
  type Prompt,
  type Qwen25VL,
  type TrainBatch,
} from "../nn/index.ts";
import { sampleIndices } from "../video/index.ts";
import { type PlannedRow, planFrom } from "./batch-plan.ts";
import type { Clip } from "./clip.ts";
import type { ClipStore } from "./clip-store.ts";
import type { GrpoRecipe } from "./grpo-recipe.ts";
import type { SftRecipe } from "./recipe.ts";
import type { RecipeVideo } from "./recipe-file.ts";

/** A data set and where its rows' files are. */
export interface SftData {
  /** The JSONL file. */
  path: string;
  rows: readonly DataRow[];
  planned: readonly PlannedRow[];
}

/** The batches of one optimiser step. */
export interface SftStepBatches {
  /** Passes over the data completed before it. */
  epoch: number;
  /** Micro-batches whose gradients add up; none if no row could be read. */
  batches: TrainBatch[];
  /** Rows in them. */
  rows: number;
  /** Rows left out, with the reason. */
  skipped: { id: string; reason: string }[];
}

/**
 * Reads a data set and what the batch plan must know of it.
 *
 * @throws UsageError `training-rows` if it does not fill one batch, and as `readDataset` does
 */
export function loadSftData(path: string, model: Qwen25VL, recipe: SftRecipe): Promise<SftData> {
  return loadRows(path, model, recipe.video, { name: "batchSize", size: recipe.batchSize });
}

/** As `loadSftData`, for rows that are only asked. */
export function loadPromptData(path: string, model: Qwen25VL, recipe: GrpoRecipe): Promise<SftData> {
  return loadRows(path, model, recipe.video, { name: "promptsPerStep", size: recipe.promptsPerStep });
}

async function loadRows(
  path: string,
  model: Qwen25VL,
  video: RecipeVideo,
  batch: { name: string; size: number },
): Promise<SftData> {
  const rows = await readDataset(path);
  if (rows.length < batch.size)
    throw new UsageError(
      "training-rows",
      `${path}: must have at least one batch of ${batch.size} rows, got ${rows.length}`,
      `Generate more rows, or lower ${batch.name}.`,
    );
  return { path, rows, planned: planRows(rows, model, { video }) };
}

/** What the batch plan needs to know of rows: the video's shape by its length, the text's tokens. */
export function planRows(
  rows: readonly DataRow[],
  model: Qwen25VL,
  recipe: Pick<SftRecipe, "video">,
): PlannedRow[] {
  return rows.map((row) => {
    // The frame rate does not matter to how many frames are sampled, only the length does; 30 stands for any.
    const { indices } = sampleIndices(Math.max(1, Math.round(row.durationSeconds * 30)), 30, recipe.video);
    const text = `${questionPrompt(row.question, row.options, row.answerType)}${answerTarget(row.reasoning, row.answer)}`;
    return { video: row.video, shape: String(indices.length), tokens: model.tokenizer.encode(text).length };
  });
}

/** The conversation in which a row is asked about a clip; training and evaluation ask in the same one. */
export function rowMessages(row: DataRow, clip: Clip): ChatMessage[] {
  const video = {
    type: "video" as const,
    pixelValues: { data: clip.pixelValues, shape: [clip.grid[0] * clip.grid[1] * clip.grid[2]] },
    gridThw: clip.grid,
    secondPerGridTs: clip.secondsPerGrid,
  };
  const text = questionPrompt(row.question, row.options, row.answerType);
  return [
    { role: "system", content: systemPrompt },
    { role: "user", content: [video, { type: "text", text }] },
  ];
}

/** The prompt of a row with its target, about a clip. */
export function rowPrompt(row: DataRow, clip: Clip, model: Qwen25VL): Prompt {
  return model.prepare(rowMessages(row, clip), answerTarget(row.reasoning, row.answer));
}

/** Batches from a step on, without end, a few steps ahead of their use. */
export async function* sftBatches(
  data: SftData,
  recipe: SftRecipe,
  model: Qwen25VL,
  clips: ClipStore,
  fromStep: number,
  ahead = 2,
): AsyncGenerator<SftStepBatches> {
  const options = {
    batchSize: recipe.batchSize,
    questionsPerVideo: recipe.questionsPerVideo,
    seed: recipe.seed,
  };
  yield* mapPool(planFrom(data.planned, options, fromStep), ahead + 1, ({ batch, epoch }) =>
    makeStep(data, batch, epoch, recipe, model, clips),
  );
}

/** A row with its prompt. */
export interface PromptRow {
  row: DataRow;
  prompt: Prompt;
}

/**
 * Makes prompts of rows; rows of one video share its pixels. A video that cannot be read costs its own rows.
 *
 * @param path the JSONL file they are from
 * @param promptOf the prompt of a row about its clip
 */
export async function promptRows(
  path: string,
  rows: readonly DataRow[],
  clips: ClipStore,
  promptOf: (row: DataRow, clip: Clip) => Prompt,
): Promise<{ prompts: PromptRow[]; skipped: { id: string; reason: string }[] }> {
  const wanted = new Map<string, Promise<Clip | Error>>();
  for (const row of rows) {
    if (wanted.has(row.video)) continue;
    const clip = clips.get(rowFiles(path, row));
    wanted.set(
      row.video,
      clip.catch((error: unknown) => new Error(messageOf(error))),
    );
  }
  const made = new Map<string, Clip | Error>();
  for (const [video, clip] of wanted) made.set(video, await clip);
  const skipped: { id: string; reason: string }[] = [];
  const shared = new Map<string, Prompt["vision"]>();
  const prompts = rows.flatMap((row): PromptRow[] => {
    const clip = made.get(row.video) as Clip | Error;
    if (clip instanceof Error) {
      skipped.push({ id: row.id, reason: clip.message });
      return [];
    }
    const prompt = promptOf(row, clip);
    const vision = shared.get(row.video) ?? prompt.vision;
    if (vision) shared.set(row.video, vision);
    return [{ row, prompt: { ...prompt, ...(vision ? { vision } : {}) } }];
  });
  return { prompts, skipped };
}

async function makeStep(
  data: SftData,
  numbers: readonly number[],
  epoch: number,
  recipe: SftRecipe,
  model: Qwen25VL,
  clips: ClipStore,
): Promise<SftStepBatches> {
  const rows = numbers.map((i) => data.rows[i] as DataRow);
  const found = await promptRows(data.path, rows, clips, (row, clip) => rowPrompt(row, clip, model));
  const prompts = found.prompts.map(({ prompt }) => prompt);
  const size = recipe.microBatchSize ?? recipe.batchSize;
  const batches: TrainBatch[] = [];
  for (let at = 0; at < prompts.length; at += size)
    batches.push(trainBatch(model, prompts.slice(at, at + size), recipe.padTo, recipe.questionsPerVideo));
  return { epoch, batches, rows: prompts.length, skipped: found.skipped };
}

/**
 * Prompts as a batch, of which each `share` consecutive ones are about the same video. Text is padded to a multiple of `padTo` tokens and so are targets, so
 * that batches of equally long videos share a program.
 */
export function trainBatch(
  model: Qwen25VL,
  prompts: readonly Prompt[],
  padTo: number,
  share = 1,
): TrainBatch {
  const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;
  const merge = model.config.vision.spatial_merge_size;
  const visual = (prompt: Prompt): number =>
    (prompt.vision ?? []).reduce((sum, { grid: [t, h, w] }) => sum + (t * h * w) / merge ** 2, 0);
  const length = Math.max(...prompts.map((p) => visual(p) + roundUp(p.ids.length - visual(p), padTo)));
  const targets = Math.max(
    ...prompts.map(({ labels }) => Array.from(labels ?? []).filter((l) => l !== -100).length),
  );
  const { layout, tensors } = buildInputs(model.config, prompts, { length, share });
  const skip = layout.shared?.length ?? 0;
  const count = Math.min(roundUp(targets, padTo), length - skip);
  return { layout, inputs: tensors, targets: buildTargets(prompts, length, { count, skip }) };
}
