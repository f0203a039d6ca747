/** The body of `/v1/chat/completions`: OpenAI's, with `video_url` parts as vLLM has them. */

import { z } from "zod";
import type { GenerateOptions } from "../models/index.ts";
import { checkBody } from "./check-body.ts";

const textPart = z.object({ type: z.literal("text"), text: z.string() });
const imagePart = z.object({
  type: z.literal("image_url"),
  image_url: z.union([z.object({ url: z.string() }), z.string().transform((url) => ({ url }))]),
});
const videoPart = z.object({
  type: z.literal("video_url"),
  video_url: z.union([z.object({ url: z.string() }), z.string().transform((url) => ({ url }))]),
});

const message = z.object({
  role: z.enum(["system", "developer", "user", "assistant"]),
  content: z.union([z.string(), z.array(z.discriminatedUnion("type", [textPart, imagePart, videoPart]))]),
});

const schema = z.object({
  model: z.string(),
  messages: z.array(message).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(-1).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  n: z.literal(1, "must be 1").nullish(),
  tools: z.array(z.unknown()).max(0, "are not supported").nullish(),
  /** Ours: the sampling rate of each run of frames, which their times alone do not tell exactly. */
  video_r2: z.object({ sample_fps: z.array(z.number().positive()).optional() }).nullish(),
});

/** A checked request. */
export type ChatRequest = z.infer<typeof schema>;
/** A part of a message's content. */
export type RequestPart = Exclude<ChatRequest["messages"][number]["content"], string>[number];

/** Checks a body. @throws HttpError 400 naming the first field that is wrong */
export const parseChatRequest = (body: unknown): ChatRequest => checkBody(schema, body, 400);

/** The options of the request in the words of the models layer; what is not given keeps OpenAI's default. */
export function generateOptions(request: ChatRequest): GenerateOptions {
  const { stop, seed } = request;
  return {
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
    temperature: request.temperature ?? 1,
    topP: request.top_p ?? 1,
    topK: Math.max(0, request.top_k ?? 0),
    // Without a seed each request is its own sample.
    seed: seed == null ? Math.floor(Math.random() * 2 ** 31) : Math.abs(seed),
    stop: stop == null ? [] : typeof stop === "string" ? [stop] : stop,
  };
}
