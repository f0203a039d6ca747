/**
 * A model behind any OpenAI-compatible server: vLLM, SGLang, llama.cpp, Ollama, hosted ones, or `video-r2 serve`.
 * The protocol, its retries with backoff and its timeouts are those of the `openai` client.
 */

import { setMaxListeners } from "node:events";
import OpenAI from "openai";
import type {
  ChatCompletionChunk,
  ChatCompletionCreateParamsStreaming,
} from "openai/resources/chat/completions";
import type { Stream } from "openai/streaming";
import { z } from "zod";
import { UsageError } from "../base/index.ts";
import type {
  ChatEvent,
  ChatMessage,
  ChatModel,
  ChatUsage,
  FrameSampling,
  GenerateOptions,
  ModelInfo,
} from "./chat-model.ts";
import { videosOf } from "./chat-model.ts";
import { checkGenerateOptions, checkMessages } from "./check-messages.ts";
import { explainServerError } from "./openai-errors.ts";
import { chatBody, type VideoTransport } from "./openai-messages.ts";
import { findServerModel, serverClient } from "./server-connection.ts";
import { Turns } from "./turns.ts";

/** How a server is reached. */
export interface OpenAIModelOptions {
  /** Up to and with `/v1`. */
  url: string;
  /** The name the server knows the model by; without, the only one it has. */
  model?: string | undefined;
  /** Default: the environment's `VIDEO_R2_API_KEY`, else `OPENAI_API_KEY`, else none. */
  apiKey?: string | undefined;
  /** How videos are sent. Default `frames`. */
  video?: VideoTransport | undefined;
  /** Requests in flight at once. Default 8. */
  concurrency?: number | undefined;
  /** Times a request is tried again, with growing pauses, after a cut connection, 408, 409, 429 or 5xx. Default 2. */
  retries?: number | undefined;
  /** Seconds without a sign of life after which a request fails. Default 300. */
  timeoutSeconds?: number | undefined;
}

/** For servers that do not say how their model wants its frames: the reference's settings for Qwen2.5-VL. */
const defaultSampling: FrameSampling = {
  fps: 2,
  minFrames: 4,
  maxFrames: 32,
  minPixels: 56 * 56,
  maxPixels: 360 * 420,
  factor: 28,
  timestamps: false,
};

/** What our own server says of its models beyond the protocol. */
const extension = z.object({
  parameters: z.number().nullable(),
  syntheticOnly: z.boolean(),
  sampling: z.object({
    fps: z.number().positive(),
    minFrames: z.int().positive(),
    maxFrames: z.int().positive(),
    minPixels: z.int().positive(),
    maxPixels: z.int().positive(),
    factor: z.int().positive(),
    timestamps: z.boolean(),
  }),
});

/** A delta with the fields in which servers stream reasoning that they take out of the text. */
type Delta = ChatCompletionChunk.Choice.Delta & {
  reasoning_content?: string | null;
  reasoning?: string | null;
};
type Usage = NonNullable<ChatCompletionChunk["usage"]>;

/** Puts reasoning that a server streams apart from the text back into its tags. */
class ReasoningTags {
  #open = false;

  text(delta: Delta | undefined): string {
    const reasoning = delta?.reasoning_content ?? delta?.reasoning ?? "";
    const content = delta?.content ?? "";
    let text = "";
    if (reasoning !== "") {
      text += this.#open ? reasoning : `<think>${reasoning}`;
      this.#open = true;
    }
    return content === "" ? text : text + this.end() + content;
  }

  end(): string {
    const text = this.#open ? "</think>" : "";
    this.#open = false;
    return text;
  }
}

function usageOf(usage: Usage | null, messages: readonly ChatMessage[]): ChatUsage {
  const details = usage?.prompt_tokens_details as { video_tokens?: unknown } | null | undefined;
  return {
    frames: videosOf(messages).reduce((sum, video) => sum + video.frames.length, 0),
    promptTokens: usage?.prompt_tokens ?? null,
    videoTokens: typeof details?.video_tokens === "number" ? details.video_tokens : null,
    completionTokens: usage?.completion_tokens ?? null,
  };
}

/** A chat model behind an OpenAI-compatible server. */
export class OpenAIModel implements ChatModel {
  readonly #client: OpenAI;
  readonly #options: OpenAIModelOptions;
  readonly #turns: Turns;
  readonly #closed = new AbortController();
  #info: Promise<ModelInfo> | null = null;
  /** Whether the server is one of ours, which takes more than the protocol has. */
  #ours = false;

  /** Makes the client; nothing is sent yet. */
  constructor(options: OpenAIModelOptions) {
    this.#options = options;
    this.#turns = new Turns(options.concurrency ?? 8);
    this.#client = serverClient(options, options.retries ?? 2);
  }

  get #timeout(): number {
    return (this.#options.timeoutSeconds ?? 300) * 1000;
  }

  /** What the server says of the model; asked once. @throws UsageError if it does not answer or has no such model */
  info(): Promise<ModelInfo> {
    this.#info ??= this.#ask();
    this.#info.catch(() => {
      this.#info = null;
    });
    return this.#info;
  }

  async #ask(): Promise<ModelInfo> {
    const { url } = this.#options;
    const found = await findServerModel(this.#client, this.#options, this.#closed.signal);
    const own = extension.safeParse((found as { video_r2?: unknown }).video_r2).data;
    this.#ours = own !== undefined;
    return {
      name: found.id,
      kind: "server",
      device: url,
      parameters: own?.parameters ?? null,
      sampling: own?.sampling ?? defaultSampling,
      syntheticOnly: own?.syntheticOnly ?? false,
    };
  }

  /** Generates the next message; see `ChatModel.stream`. */
  async *stream(
    messages: readonly ChatMessage[],
    options: GenerateOptions = {},
  ): AsyncGenerator<ChatEvent, void, undefined> {
    checkMessages(messages);
    checkGenerateOptions(options);
    const begun = performance.now();
    const ends = new AbortController();
    // Not AbortSignal.any: Node 20 keeps what it makes for as long as anybody listens to it, and the client never stops.
    const reasons = [this.#closed.signal, ...(options.signal ? [options.signal] : [])];
    const stop = () => ends.abort();
    setMaxListeners(0, ...reasons);
    for (const reason of reasons) reason.addEventListener("abort", stop);
    if (reasons.some(({ aborted }) => aborted)) stop();
    let late: Error | null = null;
    let timer = setTimeout(() => {}, 0);
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        late = new OpenAI.APIConnectionTimeoutError();
        stop();
      }, this.#timeout);
      timer.unref();
    };
    let free = () => {};
    try {
      free = await this.#turns.take(ends.signal);
      const turn = performance.now();
      const { name } = await this.info();
      const body = await this.#body(name, messages, options);
      alive();
      const headers = { "content-type": "application/json" };
      const request = { body, headers, stream: true, signal: ends.signal };
      const chunks = await this.#client.post<Stream<ChatCompletionChunk>>("/chat/completions", request);
      yield* this.#events(chunks, messages, { begun, turn, alive });
    } catch (error) {
      options.signal?.throwIfAborted();
      if (this.#closed.signal.aborted) throw new Error("the model was closed");
      throw explainServerError(late ?? error, this.#options.url, this.#options.model ?? "");
    } finally {
      clearTimeout(timer);
      for (const reason of reasons) reason.removeEventListener("abort", stop);
      free();
    }
  }

  /** Ends every reply in progress. */
  async close(): Promise<void> {
    this.#closed.abort();
  }

  #body(model: string, messages: readonly ChatMessage[], options: GenerateOptions): Promise<Buffer> {
    const { maxTokens = 512, temperature = 0, topP = 1, topK = 0, seed = 0, stop = [] } = options;
    const transport = this.#options.video ?? "frames";
    const rates = transport === "frames" ? videosOf(messages).map((video) => video.sampleFps) : [];
    const params: Omit<ChatCompletionCreateParamsStreaming, "messages"> = {
      model,
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: maxTokens,
      temperature,
      seed,
      // Hosted servers refuse what they do not know, so what has no effect is not sent.
      ...(topP < 1 ? { top_p: topP } : {}),
      ...(topK > 0 ? { top_k: topK } : {}),
      ...(stop.length > 0 ? { stop: [...stop] } : {}),
    };
    const own = this.#ours && rates.length > 0 ? { video_r2: { sample_fps: rates } } : {};
    return chatBody(messages, transport, { ...params, ...own });
  }

  async *#events(
    chunks: AsyncIterable<ChatCompletionChunk>,
    messages: readonly ChatMessage[],
    clock: { begun: number; turn: number; alive: () => void },
  ): AsyncGenerator<ChatEvent, void, undefined> {
    const tags = new ReasoningTags();
    let usage: Usage | null = null;
    let finish: string | null = null;
    let first: number | null = null;
    for await (const chunk of chunks) {
      clock.alive();
      usage = chunk.usage ?? usage;
      const choice = chunk.choices?.[0];
      const text = tags.text(choice?.delta) + (choice?.finish_reason ? tags.end() : "");
      finish = choice?.finish_reason ?? finish;
      if (text === "") continue;
      first ??= performance.now();
      yield { type: "text", text };
    }
    if (finish === null || finish === "content_filter")
      throw new UsageError(
        "server-incomplete",
        `${this.#options.url}: must finish its reply, got ${finish === null ? "an end without a finish reason" : "its content filter"}`,
      );
    const end = performance.now();
    yield {
      type: "end",
      finishReason: finish === "length" ? "length" : "stop",
      usage: usageOf(usage, messages),
      timing: {
        queueSeconds: (clock.turn - clock.begun) / 1000,
        prefillSeconds: ((first ?? end) - clock.turn) / 1000,
        generateSeconds: (end - (first ?? end)) / 1000,
      },
    };
  }
}
