/** One question about one video file: sampled, asked, parsed and checked. */

import { type ConsistencyVerdict, judgeConsistency } from "../judges/index.ts";
import {
  type ChatMessage,
  type ChatModel,
  type ChatReply,
  complete,
  type FrameSampling,
  type ModelInfo,
  questionPrompt,
  systemPrompt,
} from "../models/index.ts";
import {
  type AnswerType,
  type Option,
  optionLetter,
  parseLetter,
  parseTrace,
  type Trace,
} from "../trace/index.ts";
import { type Cue, type SampledVideo, sampleVideo, type Video } from "../video/index.ts";
import { looksSynthetic } from "./looks-synthetic.ts";

/** A question about a video file, and how it is asked. */
export interface AskRequest {
  /** Path of the video file, or an opened video, which stays open. */
  video: string | Video;
  question: string;
  /** Texts of the options, without letters; default none. */
  options?: readonly string[] | undefined;
  /** How the answer is to be written. Default `choice` with options, `text` without. */
  answerType?: AnswerType | undefined;
  /** Drawn on the frames: cues, a subtitle file's path, or `embedded` for the video's own. Default none. */
  subtitles?: string | readonly Cue[] | undefined;
  /** Sampling that differs from what the model wants. */
  sampling?: Partial<Pick<FrameSampling, "fps" | "minFrames" | "maxFrames" | "timestamps">> | undefined;
  /** Most tokens of the reply. Default 512. */
  maxTokens?: number | undefined;
  /** Default 0, the likeliest words. */
  temperature?: number | undefined;
  topP?: number | undefined;
  topK?: number | undefined;
  /** Default 0. */
  seed?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Called once the frames are there, before the model is asked. */
  onSampled?: ((video: SampledVideo, model: ModelInfo) => void) | undefined;
  /** Called with pieces of the reply as they come. */
  onText?: ((text: string) => void) | undefined;
}

/** An answer with all that it rests on. */
export interface AskResult {
  model: ModelInfo;
  video: SampledVideo;
  options: Option[];
  answerType: AnswerType;
  reply: ChatReply;
  trace: Trace;
  /** The option that the answer means, or null: none, or the question has none. */
  option: Option | null;
  /** Whether the reasoning concludes what the answer says, by rules. */
  consistency: ConsistencyVerdict;
  /** Seconds that opening, decoding, resizing and drawing took. */
  videoSeconds: number;
  /** What a user must know before believing the answer; whole sentences. */
  warnings: string[];
}

/** A video that has been sampled and a question about it, ready to be asked any number of times. */
export interface AskedVideo {
  info: ModelInfo;
  video: SampledVideo;
  options: Option[];
  answerType: AnswerType;
  messages: ChatMessage[];
  /** Seconds that opening, decoding, resizing and drawing took. */
  videoSeconds: number;
}

/**
 * Asks a model about a video file.
 *
 * @throws UsageError for a video, subtitles or options that cannot be used, or a model that cannot be reached; the
 *   signal's reason if it is aborted
 */
export async function ask(model: ChatModel, request: AskRequest): Promise<AskResult> {
  const asked = await prepareQuestion(model, request);
  return askPrepared(model, asked, request);
}

/** Samples the video and puts the question; throws as `ask` does. */
export async function prepareQuestion(
  model: ChatModel,
  request: Omit<AskRequest, "onText">,
): Promise<AskedVideo> {
  const info = await model.info();
  request.signal?.throwIfAborted();
  const options = (request.options ?? []).map((text, i) => ({ letter: optionLetter(i), text }));
  const answerType = request.answerType ?? (options.length > 0 ? "choice" : "text");
  const begun = performance.now();
  const video = await sampleVideo(request.video, {
    ...info.sampling,
    ...defined(request.sampling ?? {}),
    ...(request.subtitles === undefined ? {} : { subtitles: request.subtitles }),
  });
  const videoSeconds = (performance.now() - begun) / 1000;
  request.signal?.throwIfAborted();
  request.onSampled?.(video, info);
  const { frames, sampleFps } = video;
  const messages: ChatMessage[] = [
    { role: "system", content: systemPrompt },
    {
      role: "user",
      content: [
        { type: "video", video: { frames, sampleFps, path: video.info.path } },
        { type: "text", text: questionPrompt(request.question, options, answerType) },
      ],
    },
  ];
  return { info, video, options, answerType, messages, videoSeconds };
}

/** Asks once; throws as `ask` does. */
export async function askPrepared(
  model: ChatModel,
  asked: AskedVideo,
  request: Pick<AskRequest, "maxTokens" | "temperature" | "topP" | "topK" | "seed" | "signal" | "onText">,
): Promise<AskResult> {
  const { info, video, options, answerType, messages, videoSeconds } = asked;
  const { maxTokens, temperature, topP, topK, seed, signal, onText } = request;
  const reply = await complete(model, messages, {
    maxTokens,
    temperature,
    topP,
    topK,
    seed,
    signal,
    onText,
  });
  const trace = parseTrace(reply.text, {
    durationSeconds: video.info.durationSeconds,
    truncated: reply.finishReason === "length",
  });
  const letter = trace.answer === null ? null : parseLetter(trace.answer, options);
  return {
    model: info,
    video,
    options,
    answerType,
    reply,
    trace,
    option: options.find((option) => option.letter === letter) ?? null,
    consistency: judgeConsistency(trace, { options, type: answerType }),
    videoSeconds,
    warnings: warningsOf(info, video, reply, trace),
  };
}

function defined<T extends object>(values: T): { [K in keyof T]: NonNullable<T[K]> } {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]: NonNullable<T[K]> };
}

function warningsOf(info: ModelInfo, video: SampledVideo, reply: ChatReply, trace: Trace): string[] {
  const warnings = [...video.warnings];
  if (info.syntheticOnly)
    warnings.push(
      looksSynthetic(video)
        ? `The model ${info.name} knows this project's synthetic world only: shapes, digits and words on plain grounds.`
        : `This video is not from the synthetic world, and the model ${info.name} knows nothing else: do not believe its answer. For real footage name another model with --model.`,
    );
  if (reply.finishReason === "length")
    warnings.push(`The reply was cut off after ${reply.usage.completionTokens ?? "the most"} tokens.`);
  const late = trace.claims.filter((claim) => claim.startSeconds > video.info.durationSeconds);
  if (late.length > 0) warnings.push(`${late.length} of the times cited lie after the end of the video.`);
  return warnings;
}
