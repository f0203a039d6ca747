/**
 * A checkpoint in this process: questions are answered in batches, always the same ones, since sums of floating-point
 * numbers depend on who else is in a batch.
 */

import { join } from "node:path";
import { sha256File } from "../../base/index.ts";
import type { BenchmarkQuestion } from "../../benchmarks/index.ts";
import { checkpointSampling, type FrameSampling, systemPrompt } from "../../models/index.ts";
import { type ChatMessage, Qwen25VL } from "../../nn/index.ts";
import { type Clip, ClipStore } from "../../training/index.ts";
import { type Answered, type Answerer, type AnswererInfo, failed } from "./answerer.ts";
import { videoKey } from "./chat-answerer.ts";
import { VideoCache } from "./video-cache.ts";

/** How a checkpoint is asked. */
export interface CheckpointAnswererOptions {
  /** Folder of the checkpoint, and what it is called. */
  dir: string;
  name: string;
  sampling?: Partial<FrameSampling>;
  /** Questions in a batch. */
  batchSize: number;
  temperature: number;
  topP: number;
  topK: number;
  seed: number;
  questions: readonly BenchmarkQuestion[];
}

/** Opens a checkpoint. @throws UsageError naming the file that is missing or wrong */
export async function checkpointAnswerer(options: CheckpointAnswererOptions): Promise<Answerer> {
  const { dir, name, batchSize, temperature, topP, topK, seed } = options;
  const { sampling: own } = await checkpointSampling(dir);
  const sampling = { ...own, ...options.sampling };
  const { factor: _, ...video } = sampling;
  const model = await Qwen25VL.load(dir, {});
  const clips = new ClipStore({ video: { ...video, subtitles: true }, processor: model.processor }, 1);
  const byKey = new Map(options.questions.map((question) => [videoKey(question), question]));
  const cache = new VideoCache(options.questions.map(videoKey), async (key) => {
    const { videos, subtitles, startSeconds, picturesPerSecond } = byKey.get(key) as BenchmarkQuestion;
    return Promise.all(
      videos.map((path) =>
        clips.get({
          video: path,
          startSeconds,
          picturesPerSecond,
          ...(subtitles === null ? {} : { subtitles }),
        }),
      ),
    );
  });
  const weights = await sha256File(join(dir, "model.safetensors")).catch(() => null);
  const info: AnswererInfo = { name, kind: "in-process", device: "cpu", sampling, weights };
  return {
    info,
    together: batchSize,
    inFlight: 1,
    async answer(asked, signal) {
      signal.throwIfAborted();
      const seen = await Promise.all(
        asked.map(({ question }) => cache.use(videoKey(question), (found) => Promise.resolve(found))),
      );
      const answers = seen.map((found): Answered | null =>
        found instanceof Error ? failed(`video: ${found.message}`) : null,
      );
      const places = answers.flatMap((answer, i) => (answer === null ? [i] : []));
      if (places.length === 0) return answers as Answered[];
      const prompts = places.map((i) => {
        const { question, prompt } = asked[i] as (typeof asked)[number];
        return {
          ...model.prepare(messagesOf(seen[i] as Clip[], prompt)),
          seed: `${seed}/${question.id}`,
        };
      });
      const maxNewTokens = Math.max(...asked.map((one) => one.maxNewTokens));
      const { generations } = await model.generateTokens(prompts, {
        maxNewTokens,
        temperature,
        topP,
        topK,
        batchSize: prompts.length,
        signal,
      });
      signal.throwIfAborted();
      places.forEach((i, k) => {
        const [generation] = generations[k] ?? [];
        const shown = (seen[i] as Clip[]).reduce((sum, { grid }) => sum + grid[0], 0);
        answers[i] = {
          text: generation?.text ?? "",
          finishReason: generation?.finishReason ?? null,
          frames: shown * model.processor.temporalPatchSize,
          promptTokens: prompts[k]?.ids.length ?? null,
          completionTokens: generation?.ids.length ?? null,
        };
      });
      return answers as Answered[];
    },
    async close() {
      await clips.close();
      await model.dispose();
    },
  };
}

function messagesOf(clips: readonly Clip[], prompt: string): ChatMessage[] {
  const parts = clips.map((clip) => ({
    type: "video" as const,
    pixelValues: { data: clip.pixelValues, shape: [clip.grid[0] * clip.grid[1] * clip.grid[2]] },
    gridThw: clip.grid,
    secondPerGridTs: clip.secondsPerGrid,
  }));
  return [
    { role: "system", content: systemPrompt },
    { role: "user", content: [...parts, { type: "text", text: prompt }] },
  ];
}
