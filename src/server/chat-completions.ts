/** `/v1/chat/completions`: one reply, whole or as server-sent events. */

import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import {
  type ChatMessage,
  type ChatModel,
  type ChatUsage,
  complete,
  type FinishReason,
} from "../models/index.ts";
import { type ChatRequest, generateOptions } from "./chat-request.ts";
import { toHttpError } from "./http-error.ts";

/** What a reply is made from. */
export interface ChatJob {
  /** Unique; shown as the completion's id. */
  id: string;
  /** Seconds since 1970. */
  created: number;
  model: ChatModel;
  request: ChatRequest;
  messages: ChatMessage[];
  /** Ends the generation: the client went away, or the server stops. */
  signal: AbortSignal;
  /** Told about failures after the response has begun. */
  log: (line: string) => void;
}

function usageJson({ frames, promptTokens, videoTokens, completionTokens }: ChatUsage) {
  return {
    prompt_tokens: promptTokens ?? 0,
    completion_tokens: completionTokens ?? 0,
    total_tokens: (promptTokens ?? 0) + (completionTokens ?? 0),
    prompt_tokens_details: { cached_tokens: 0, video_tokens: videoTokens, frames },
  };
}

const head = ({ id, created, request }: ChatJob, object: string) => ({
  id,
  object,
  created,
  model: request.model,
});

/** The reply as one JSON document. */
export async function completeChat(c: Context, job: ChatJob): Promise<Response> {
  const options = { ...generateOptions(job.request), signal: job.signal };
  const { text, finishReason, usage, timing } = await complete(job.model, job.messages, options);
  return c.json({
    ...head(job, "chat.completion"),
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: text, refusal: null },
        logprobs: null,
        finish_reason: finishReason,
      },
    ],
    usage: usageJson(usage),
    video_r2: { timing },
  });
}

/** The reply as server-sent events; the first is sent at once, so that the client knows it is being served. */
export function streamChat(c: Context, job: ChatJob): Response {
  const options = { ...generateOptions(job.request), signal: job.signal };
  const base = head(job, "chat.completion.chunk");
  const withUsage = job.request.stream_options?.include_usage === true;
  const chunk = (delta: Record<string, string>, finish: FinishReason | null = null) => ({
    ...base,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...(withUsage ? { usage: null } : {}),
  });
  return streamSSE(c, async (stream) => {
    const send = (value: unknown) => stream.writeSSE({ data: JSON.stringify(value) });
    try {
      await send(chunk({ role: "assistant", content: "" }));
      for await (const event of job.model.stream(job.messages, options)) {
        if (event.type === "text") {
          await send(chunk({ content: event.text }));
          continue;
        }
        await send(chunk({}, event.finishReason));
        if (withUsage)
          await send({
            ...base,
            choices: [],
            usage: usageJson(event.usage),
            video_r2: { timing: event.timing },
          });
      }
      await stream.writeSSE({ data: "[DONE]" });
    } catch (error) {
      if (job.signal.aborted) return;
      job.log(`chat: ${error instanceof Error ? error.message : String(error)}`);
      await send(toHttpError(error));
    }
  });
}
