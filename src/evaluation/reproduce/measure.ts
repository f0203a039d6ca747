/**
 * What a trained model is measured by: its outputs on held-out questions, written down and scored as `video-r2 score`
 * scores any log, where it looked while it reasoned, and what it loses when the video is another one.
 */

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../base/index.ts";
import { type DataRow, readDataset, spreadRows } from "../../data/index.ts";
import { openEmbedder, openJudge } from "../../judges/index.ts";
import type { Figure } from "../../metrics/index.ts";
import { type Generation, loadParams, type Prompt, Qwen25VL } from "../../nn/index.ts";
import { mean } from "../../stats/index.ts";
import { askedPrompt, ClipStore, type PromptRow, promptRows } from "../../training/index.ts";
import { attentionShare } from "../attention-share.ts";
import { scoreFiles } from "../score-files.ts";
import { VideoRelianceMeter } from "../video-reliance.ts";
import { maxNewTokens, video } from "./settings.ts";

/** Rows answered at once. */
const BATCH = 32;

/** Traces whose reliance on the video is measured. */
const RELIANCE_ROWS = 40;

/** How a model was asked: greedily, by sampling at temperature 1, or greedily with options by lot. */
export const modes = ["greedy", "sampled", "lot"] as const;

/** One of them. */
export type Mode = (typeof modes)[number];

/** What a set of outputs comes to; shares, 0 to 1, with how many outputs each is over. */
export interface OutputFigures {
  accuracy: Figure;
  /** Among right answers, those whose reasoning concludes the right one: the paper's TAC. */
  tac: Figure;
  /** Answers that say what their reasoning concludes. */
  agreement: Figure;
  /** Temporal alignment after the gate, and before it. */
  tar: Figure;
  grounding: Figure;
  /** Claims of an output. */
  claims: Figure;
}

/** What is known about a model. */
export interface Measurement {
  outputs: Record<Mode, OutputFigures>;
  /** Share of the last layer's attention from tokens of the reasoning to the video, mean over greedy traces; 0 to 1. */
  attention: number | null;
  /** Nats per token that greedy reasoning loses when the video is another one; mean over traces. */
  reliance: number | null;
  /** Traces those two are over. */
  attentionTraces: number;
  relianceTraces: number;
}

/** What is measured, and where it is written. */
export interface MeasureOptions {
  /** Folder of the checkpoint. */
  model: string;
  /** JSONL files of held-out rows: with options as in training, and by lot. */
  heldout: string;
  lot: string;
  /** Gets `<mode>/outputs.jsonl` with the scores beside it, and `measurement.json`. */
  out: string;
  cache: string;
  threads: number;
  seed: number;
  signal: AbortSignal;
  /** Told the share that is done. */
  onProgress: (share: number) => void;
}

/** A generated trace with what it was generated from. */
interface Traced {
  asked: PromptRow;
  generation: Generation;
  pieces: string[];
}

/** Measures a model. */
export async function measureModel(options: MeasureOptions): Promise<Measurement> {
  const { out, cache, threads, signal, onProgress } = options;
  const model = await Qwen25VL.load(options.model, { threads });
  const clips = new ClipStore({ video, processor: model.processor, cache }, 1);
  try {
    const figures = {} as Record<Mode, OutputFigures>;
    let greedy: Traced[] = [];
    for (const [i, mode] of modes.entries()) {
      const file = mode === "lot" ? options.lot : options.heldout;
      const rows = await readDataset(file);
      const traces = await answer(model, clips, file, rows, mode, options, (share) =>
        onProgress((i + share) / (modes.length + 1)),
      );
      if (mode === "greedy") greedy = traces;
      figures[mode] = await score(join(out, mode), traces, signal);
    }
    const shares = greedy.flatMap(({ asked, generation, pieces }) => {
      const found = attentionShare(generation, pieces, patchTimes(asked.prompt));
      return found === null ? [] : [found.share];
    });
    const losses = await reliance(model, options, greedy);
    const measurement: Measurement = {
      outputs: figures,
      attention: mean(shares),
      attentionTraces: shares.length,
      reliance: mean(losses),
      relianceTraces: losses.length,
    };
    await writeFileAtomic(join(out, "measurement.json"), `${JSON.stringify(measurement, null, 2)}\n`);
    return measurement;
  } finally {
    await clips.close();
    await model.dispose();
  }
}

async function answer(
  model: Qwen25VL,
  clips: ClipStore,
  file: string,
  rows: readonly DataRow[],
  mode: Mode,
  { seed, signal }: MeasureOptions,
  onProgress: (share: number) => void,
): Promise<Traced[]> {
  const traces: Traced[] = [];
  for (let at = 0; at < rows.length; at += BATCH) {
    signal.throwIfAborted();
    const { prompts } = await promptRows(file, rows.slice(at, at + BATCH), clips, askedPrompt(model));
    if (prompts.length === 0) continue;
    const pieces = prompts.map((): string[] => []);
    const { generations } = await model.generateTokens(
      prompts.map(({ prompt, row }) => ({ ...prompt, seed: `measure/${seed}/${row.id}` })),
      {
        temperature: mode === "sampled" ? 1 : 0,
        topP: 1,
        topK: 0,
        maxNewTokens,
        batchSize: prompts.length,
        returnAttention: mode === "greedy",
        onToken: ({ request, text }) => pieces[request]?.push(text),
      },
    );
    prompts.forEach((asked, i) => {
      const [generation] = generations[i] ?? [];
      if (generation) traces.push({ asked, generation, pieces: pieces[i] as string[] });
    });
    onProgress(Math.min(1, (at + BATCH) / rows.length));
  }
  return traces;
}

/** Writes outputs down and scores them; the folder is what `video-r2 score outputs.jsonl --out .` makes of them. */
async function score(folder: string, traces: readonly Traced[], signal: AbortSignal): Promise<OutputFigures> {
  await rm(folder, { recursive: true, force: true });
  const path = join(folder, "outputs.jsonl");
  const lines = traces.map(({ asked, generation }) => {
    const { reasoning: _, ...row } = asked.row;
    return `${JSON.stringify({ ...row, output: generation.text, finish_reason: generation.finishReason })}\n`;
  });
  await writeFileAtomic(path, lines.join(""));
  const judge = await openJudge("rules", { signal });
  const embedder = await openEmbedder("lexical", { signal });
  try {
    const { summary } = await scoreFiles({
      files: [path],
      judge,
      embedder,
      compat: "paper",
      threshold: embedder.threshold,
      deltaSeconds: 2,
      outDir: folder,
      signal,
    });
    return {
      accuracy: summary.accuracy,
      tac: summary.consistencyAccuracy,
      agreement: summary.agreement,
      tar: summary.tar,
      grounding: summary.claimPrecision,
      claims: summary.claims,
    };
  } finally {
    await Promise.all([judge.close(), embedder.close()]);
  }
}

/** Nats per token of the reasoning that a video of the same shape in the place of the own one costs, trace by trace. */
async function reliance(
  model: Qwen25VL,
  { model: folder, threads, signal, onProgress }: MeasureOptions,
  traces: readonly Traced[],
): Promise<number[]> {
  const meter = new VideoRelianceMeter(model, loadParams(folder), { threads });
  try {
    const losses: number[] = [];
    const chosen = spreadRows(traces, RELIANCE_ROWS);
    for (const [i, trace] of chosen.entries()) {
      signal.throwIfAborted();
      const { asked, generation, pieces } = trace;
      const other = otherVideo(trace, traces);
      if (other === undefined) continue;
      const patches = patchTimes(asked.prompt);
      const found = await meter.measure({
        prompt: asked.prompt,
        ids: generation.ids,
        pieces,
        patches,
        other,
      });
      if (found.loss.swapped !== null) losses.push(found.loss.swapped.reasoning);
      onProgress((modes.length + (i + 1) / chosen.length) / (modes.length + 1));
    }
    return losses;
  } finally {
    await meter.dispose();
  }
}

/** The next other video of equal shape among the traces, in their order. */
function otherVideo(
  trace: Traced,
  traces: readonly Traced[],
): NonNullable<Prompt["vision"]>[number] | undefined {
  const own = trace.asked.prompt.vision?.[0];
  const start = traces.indexOf(trace);
  for (let step = 1; step < traces.length; step++) {
    const { row, prompt } = (traces[(start + step) % traces.length] as Traced).asked;
    const [vision] = prompt.vision ?? [];
    if (row.video !== trace.asked.row.video && String(vision?.grid) === String(own?.grid)) return vision;
  }
  return undefined;
}

/** When each temporal patch of a prompt's video is: two frames of two a second. */
function patchTimes(prompt: Prompt): { startSeconds: number; endSeconds: number }[] {
  const [count = 0] = prompt.vision?.[0]?.grid ?? [];
  const each = 2 / video.fps;
  return Array.from({ length: count }, (_, i) => ({ startSeconds: i * each, endSeconds: (i + 0.5) * each }));
}
