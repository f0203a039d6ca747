/** Rows of a data set in ms-swift's form, their videos rendered. */

import { rename, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { JsonlWriter, mapPool, messageOf, UsageError } from "../base/index.ts";
import { type DataRow, rowFiles, streamDataset } from "../data/index.ts";
import { answerTarget, questionPrompt, systemPrompt } from "../models/index.ts";
import type { RecipeVideo } from "../training/index.ts";
import { type RenderedClip, renderClip } from "./render-clip.ts";

/** What is written. */
export interface SwiftRowsOptions {
  /** Data set, JSONL. */
  data: string;
  /** File to write. */
  out: string;
  /** Folder of rendered videos. */
  clips: string;
  video: RecipeVideo;
  /** `sft` has the reference reasoning and answer as the assistant's turn, `grpo` what rewards need. */
  kind: "sft" | "grpo";
  signal: AbortSignal;
  /** Told after each row. */
  onProgress?: ((rows: number) => void) | undefined;
}

/** What was written. */
export interface SwiftRows {
  rows: number;
  /** Rows whose video cannot be read. */
  skipped: { id: string; reason: string }[];
}

/**
 * Writes a data set.
 *
 * Every frame of a rendered video is to be seen, in its size: `chat_template_kwargs` says so to qwen_vl_utils, whose
 * sampled rate is then the file's. Columns of rewards avoid the names that ms-swift takes for the answer.
 *
 * @throws UsageError `swift-rows` where no row is left, and for a data set that cannot be read; what `signal` was aborted with
 */
export async function writeSwiftRows(options: SwiftRowsOptions): Promise<SwiftRows> {
  const { data, out, clips, video, kind, signal, onProgress = () => {} } = options;
  // Questions about one video come one after the other, or not; each is rendered once.
  const rendered = new Map<string, Promise<RenderedClip>>();
  const clipOf = (row: DataRow): Promise<RenderedClip> => {
    const files = rowFiles(data, row);
    const key = JSON.stringify(files);
    const known = rendered.get(key);
    if (known !== undefined) return known;
    const made = renderClip(files, video, clips);
    made.catch(() => {});
    rendered.set(key, made);
    return made;
  };
  const work = async (
    row: DataRow,
  ): Promise<{ row: DataRow; clip: RenderedClip } | { id: string; reason: string }> => {
    signal.throwIfAborted();
    try {
      return { row, clip: await clipOf(row) };
    } catch (error) {
      return { id: row.id, reason: messageOf(error) };
    }
  };
  const partial = `${out}.partial`;
  await rm(partial, { force: true });
  const writer = await JsonlWriter.open(partial);
  const skipped: SwiftRows["skipped"] = [];
  let rows = 0;
  for await (const found of mapPool(streamDataset(data), availableParallelism(), work)) {
    signal.throwIfAborted();
    if ("clip" in found) {
      await writer.append(swiftRow(found.row, found.clip, kind));
      rows++;
    } else skipped.push(found);
    onProgress(rows + skipped.length);
  }
  if (rows === 0)
    throw new UsageError(
      "swift-rows",
      `${data}: must have rows whose videos can be read, got ${skipped.length} that cannot be, such as ${skipped[0]?.id}: ${skipped[0]?.reason}`,
    );
  await rename(partial, out);
  return { rows, skipped };
}

/** One row. */
export function swiftRow(row: DataRow, clip: RenderedClip, kind: "sft" | "grpo"): Record<string, unknown> {
  const messages = [
    { role: "system", content: systemPrompt },
    { role: "user", content: `<video>${questionPrompt(row.question, row.options, row.answerType)}` },
    ...(kind === "sft" ? [{ role: "assistant", content: answerTarget(row.reasoning, row.answer) }] : []),
  ];
  const shown = {
    messages,
    videos: [resolve(clip.path)],
    chat_template_kwargs: {
      nframes: clip.frames,
      resized_height: clip.height,
      resized_width: clip.width,
    },
  };
  if (kind === "sft") return shown;
  return {
    ...shown,
    row_id: row.id,
    solution: row.answer,
    // As text: the data set's columns have one type each.
    options: JSON.stringify(row.options.map(({ text }) => text)),
    answer_type: row.answerType,
    temporal_grounding: JSON.stringify(row.temporal_grounding),
    duration: (row.startSeconds ?? 0) + row.durationSeconds,
  };
}
