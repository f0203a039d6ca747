/**
 * One OpenAI-compatible server, for callers that want a whole reply to one request: judges and embedders. Each
 * call is one request; when to try again is theirs to decide.
 */

import OpenAI from "openai";
import type { ChatCompletionCreateParamsNonStreaming } from "openai/resources/chat/completions";
import { z } from "zod";
import { UsageError } from "../base/index.ts";
import { nodeFetch } from "./node-fetch.ts";
import { explainServerError } from "./openai-errors.ts";

/** How a server is reached. */
export interface ServerOptions {
  /** Up to and with `/v1`. */
  url: string;
  /** The name the server knows the model by; without, the only one it has. */
  model?: string | undefined;
  /** Default: the environment's `VIDEO_R2_API_KEY`, else `OPENAI_API_KEY`, else none. */
  apiKey?: string | undefined;
  /** Seconds until a request that is not answered in full fails. Default 300. */
  timeoutSeconds?: number | undefined;
}

/** A request for one message, in the protocol's own fields; others are passed on as they are. */
export interface ChatRequest extends Omit<ChatCompletionCreateParamsNonStreaming, "model" | "stream"> {
  /** vLLM's and SGLang's: how many of the likeliest tokens are sampled from. */
  top_k?: number;
  /** vLLM's and SGLang's: values for the chat template. */
  chat_template_kwargs?: Record<string, unknown>;
}

/** The message a server sent. */
export interface ChatMessageReply {
  /** Its text, maybe empty. */
  text: string;
  /** The server's words where it would not answer, else null. */
  refusal: string | null;
  /** Whether it ended because it was at its longest. */
  cut: boolean;
  /** As the server counts; 0 where it does not. */
  promptTokens: number;
  /** As the server counts; 0 where it does not. */
  completionTokens: number;
}

const completion = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: z.number().nullish(), completion_tokens: z.number().nullish() }).nullish(),
});

const embeddings = z.object({
  data: z.array(z.object({ index: z.int().nonnegative(), embedding: z.array(z.number()) })),
});

/** Makes the protocol's client. */
export function serverClient(options: ServerOptions, retries: number): OpenAI {
  const key = options.apiKey ?? process.env.VIDEO_R2_API_KEY ?? process.env.OPENAI_API_KEY;
  return new OpenAI({
    baseURL: options.url,
    // The client insists on a key; servers that need none ignore it.
    apiKey: key || "none",
    maxRetries: retries,
    timeout: (options.timeoutSeconds ?? 300) * 1000,
    logLevel: "off",
    fetch: nodeFetch,
  });
}

/**
 * Asks a server for its models and finds the one that is meant.
 *
 * @throws UsageError if it does not answer, has no such model, or has several and none was named
 */
export async function findServerModel(
  client: OpenAI,
  { url, model }: Pick<ServerOptions, "url" | "model">,
  signal: AbortSignal,
): Promise<{ id: string }> {
  let listed: { id: string }[];
  try {
    listed = (await client.models.list({ signal })).data;
  } catch (error) {
    // Some servers have no list of models; the name then is taken on trust.
    const missing = error instanceof OpenAI.APIError && (error.status === 404 || error.status === 405);
    if (!missing || model === undefined) throw explainServerError(error, url, model ?? "list");
    listed = [{ id: model }];
  }
  const only = listed.length === 1 ? listed[0] : undefined;
  const found = model === undefined ? only : listed.find((m) => m.id === model);
  if (found !== undefined) return found;
  const names = listed.slice(0, 10).map((m) => m.id);
  throw new UsageError(
    "model-unknown",
    model === undefined
      ? `${url}: must be followed by # and a model's name, got none`
      : `${url}: must have the model ${model}, got others`,
    `It has ${names.join(", ") || "no model"}; write ${url}#name.`,
  );
}

/** A server and one of its models. */
export class ServerConnection {
  /** Up to and with `/v1`. */
  readonly url: string;
  readonly #options: ServerOptions;
  readonly #client: OpenAI;
  #model: string | undefined;

  /** Makes the client; nothing is sent yet. */
  constructor(options: ServerOptions) {
    this.url = options.url;
    this.#options = options;
    this.#client = serverClient(options, 0);
    this.#model = options.model;
  }

  /** The model's name. @throws UsageError where none was given and `check` has not found the only one */
  get model(): string {
    if (this.#model === undefined)
      throw new UsageError(
        "model-unknown",
        `${this.url}: must be followed by # and a model's name, got none`,
      );
    return this.#model;
  }

  /** Asks whether the server has the model. @throws UsageError if it does not answer, or has not */
  async check(signal: AbortSignal): Promise<void> {
    this.#model = (await findServerModel(this.#client, { ...this.#options, model: this.#model }, signal)).id;
  }

  /** Asks for one message. @throws UsageError for whatever the server did instead; its `cause` is the client's error */
  async chat(request: ChatRequest, signal: AbortSignal): Promise<ChatMessageReply> {
    const body = { ...request, model: this.model, stream: false } as ChatCompletionCreateParamsNonStreaming;
    const reply = await this.#send(completion, signal, (ends) =>
      this.#client.chat.completions.create(body, { signal: ends }),
    );
    const [choice] = reply.choices;
    const text = choice?.message.content ?? "";
    const filtered = choice?.finish_reason === "content_filter" ? "its content filter" : null;
    return {
      text,
      refusal: choice?.message.refusal || filtered,
      cut: choice?.finish_reason === "length",
      promptTokens: reply.usage?.prompt_tokens ?? 0,
      completionTokens: reply.usage?.completion_tokens ?? 0,
    };
  }

  /** Embeds texts: one vector each, in their order. @throws UsageError as `chat` */
  async embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const body = { model: this.model, input: [...texts], encoding_format: "float" as const };
    const { data } = await this.#send(embeddings, signal, (ends) =>
      this.#client.embeddings.create(body, { signal: ends }),
    );
    const sorted = [...data].sort((a, b) => a.index - b.index);
    if (sorted.length !== texts.length || sorted.some(({ index }, i) => index !== i))
      throw new UsageError(
        "server-garbled",
        `${this.url}: must send one vector for each of ${texts.length} texts, got ${data.length}`,
      );
    return sorted.map(({ embedding }) => Float32Array.from(embedding));
  }

  async #send<T>(
    schema: z.ZodType<T>,
    signal: AbortSignal,
    send: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<T> {
    signal.throwIfAborted();
    const ends = new AbortController();
    const stop = () => ends.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    // The client's own timeout ends with the headers; a body can stall as well.
    const late = new OpenAI.APIConnectionTimeoutError();
    const timer = setTimeout(() => ends.abort(late), (this.#options.timeoutSeconds ?? 300) * 1000);
    const ended = new Promise<never>((_, reject) =>
      ends.signal.addEventListener("abort", () => reject(ends.signal.reason)),
    );
    try {
      const reply = schema.safeParse(await Promise.race([send(ends.signal), ended]));
      if (reply.success) return reply.data;
      throw new SyntaxError("not a reply of the protocol");
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SyntaxError)
        throw new UsageError(
          "server-garbled",
          `${this.url}: must answer as the protocol says, got something else`,
          "Is this an OpenAI-compatible server? The address ends in /v1 for most.",
          { cause: error },
        );
      throw explainServerError(error, this.url, this.#model ?? "");
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  }
}
