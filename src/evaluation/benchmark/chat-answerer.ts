/** A server that answers, or any other chat model: each question by itself, many in flight, videos decoded once. */

import { messageOf, UsageError } from "../../base/index.ts";
import type { BenchmarkQuestion } from "../../benchmarks/index.ts";
import { type ChatModel, complete, type FrameSampling, systemPrompt } from "../../models/index.ts";
import { type SampledVideo, sampleVideo } from "../../video/index.ts";
import { type Answered, type Answerer, type AnswererInfo, type AskedQuestion, failed } from "./answerer.ts";
import { VideoCache } from "./video-cache.ts";

/** How a chat model is asked. */
export interface ChatAnswererOptions {
  /** What differs from the model's own sampling. */
  sampling?: Partial<FrameSampling>;
  /** Requests in flight. */
  concurrency: number;
  temperature: number;
  topP: number;
  topK: number;
  seed: number;
  /** The questions to come, in order: what is decoded is kept for those that share it. */
  questions: readonly BenchmarkQuestion[];
}

/** Errors that are the server's or the user's, and not one question's. */
const fatal = /^(server-unreachable|server-auth|server-refused|model-)/;

/** Opens an answerer over a chat model, which stays the caller's. */
export async function chatAnswerer(model: ChatModel, options: ChatAnswererOptions): Promise<Answerer> {
  const { name, kind, device, sampling: own } = await model.info();
  const sampling = { ...own, ...options.sampling };
  const byKey = new Map(options.questions.map((question) => [videoKey(question), question]));
  const cache = new VideoCache(options.questions.map(videoKey), (key) =>
    sampleOf(byKey.get(key) as BenchmarkQuestion, sampling),
  );
  const info: AnswererInfo = { name, kind, device, sampling, weights: null };
  return {
    info,
    together: 1,
    inFlight: options.concurrency,
    answer: (asked, signal) =>
      Promise.all(
        asked.map((one) =>
          cache.use(videoKey(one.question), (videos) =>
            videos instanceof Error
              ? Promise.resolve(failed(`video: ${videos.message}`))
              : request(model, one, videos, options, signal),
          ),
        ),
      ),
    close: () => Promise.resolve(),
  };
}

/** What makes two questions be about the same pixels. */
export function videoKey({
  videos,
  subtitles,
  startSeconds,
  picturesPerSecond,
}: Pick<BenchmarkQuestion, "videos" | "subtitles" | "startSeconds" | "picturesPerSecond">): string {
  return JSON.stringify([videos, subtitles, startSeconds, picturesPerSecond]);
}

async function sampleOf(
  { videos, subtitles, startSeconds, picturesPerSecond }: BenchmarkQuestion,
  sampling: FrameSampling,
): Promise<SampledVideo[]> {
  return Promise.all(
    videos.map((path) =>
      sampleVideo(path, {
        ...sampling,
        startSeconds,
        picturesPerSecond,
        ...(subtitles === null ? {} : { subtitles }),
      }),
    ),
  );
}

async function request(
  model: ChatModel,
  { prompt, maxNewTokens }: AskedQuestion,
  videos: readonly SampledVideo[],
  { temperature, topP, topK, seed }: ChatAnswererOptions,
  signal: AbortSignal,
): Promise<Answered> {
  const parts = videos.map(({ frames, sampleFps, info }) => ({
    type: "video" as const,
    video: { frames, sampleFps, path: info.path },
  }));
  try {
    const { text, finishReason, usage } = await complete(
      model,
      [
        { role: "system", content: systemPrompt },
        { role: "user", content: [...parts, { type: "text", text: prompt }] },
      ],
      { maxTokens: maxNewTokens, temperature, topP, topK, seed, signal },
    );
    return {
      text,
      finishReason,
      frames: usage.frames,
      promptTokens: usage.promptTokens,
      completionTokens: usage.completionTokens,
    };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UsageError && fatal.test(error.code)) throw error;
    return failed(`request: ${messageOf(error)}`);
  }
}
