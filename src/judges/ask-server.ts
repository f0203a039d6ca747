/**
 * One question after another to a model on a server, with everything that can go wrong in between: tries again
 * with growing pauses, gives up on what a server does not take, keeps replies, counts what it cost. Nothing the
 * server does makes it throw.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { hashJson, messageOf, Random, UsageError } from "../base/index.ts";
import { type ChatMessageReply, type ChatRequest, type ServerConnection, Turns } from "../models/index.ts";
import { type JudgeUsage, noUsage } from "./judge.ts";
import type { JudgeSampling } from "./prompts.ts";
import type { ReplyCache } from "./reply-cache.ts";

/** How questions are asked. */
export interface AskOptions {
  /** Where replies are kept; null to keep none. */
  cache: ReplyCache | null;
  /** Requests in flight at once. */
  concurrency: number;
  /** Times a request that failed in passing is sent again. */
  retries: number;
  /** The first pause before sending again; each further one is twice as long, up to 30 s. */
  retrySeconds: number;
  /** Ends everything; questions then are null. */
  signal: AbortSignal;
  /** Told once if replies cannot be kept. */
  warn: (message: string) => void;
}

/** What is asked. */
export interface Question<T> {
  /** What it is about, for messages. */
  task: string;
  /** Version of the prompts: with everything below it, the cache's key. */
  version: string;
  system: string;
  user: string;
  sampling: JudgeSampling;
  /** The JSON Schema of the reply, for servers that can enforce it. */
  schema?: Record<string, unknown> | undefined;
  /** Added to the user's message where the reply could not be read; not asked again where empty. */
  reminder: string;
  /** Reads a reply; null where it says nothing that could be read. */
  read: (reply: string) => T | null;
}

/** What came of a question. */
export type Asked<T> =
  | { ok: true; read: T; raw: string }
  | { ok: false; reason: string; raw?: string | undefined };

type Sent = { reply: ChatMessageReply } | { reason: string };

const longestPause = 30;
/** Codes of failures that may pass, so that the request is worth sending again. */
export const passing = new Set([
  "server-timeout",
  "server-unreachable",
  "server-busy",
  "server-failed",
  "server-garbled",
]);
const absent = new Set(["server-timeout", "server-unreachable"]);
/** Statuses with which servers refuse a field that they do not know. */
const refusals = new Set([400, 404, 415, 422, 501]);
/** A reply cut off before it said anything gets this much more room, once. */
const moreRoom = 8;

const codeOf = (error: unknown) => (error instanceof UsageError ? error.code : "");

function statusOf(error: unknown): number | undefined {
  const status = (error as { cause?: { status?: unknown } }).cause?.status;
  return typeof status === "number" ? status : undefined;
}

/** How long a server asks to be left alone, in seconds, or null. */
function requestedPause(error: unknown): number | null {
  const headers = (error as { cause?: { headers?: unknown } }).cause?.headers;
  const said = headers instanceof Headers ? headers.get("retry-after") : null;
  const seconds = said === null ? Number.NaN : Number(said);
  return seconds >= 0 ? Math.min(seconds, 2 * longestPause) : null;
}

/** Asks one server. */
export class AskServer {
  readonly #server: ServerConnection;
  readonly #options: AskOptions;
  readonly #turns: Turns;
  readonly #usage = noUsage();
  readonly #random = new Random("judge pauses");
  readonly #asking = new Map<string, Promise<Asked<unknown>>>();
  /** Whether the server takes fields beyond the plain protocol; settled by what it does. */
  #takesExtras = true;
  /** Questions in a row that found nobody there. */
  #absences = 0;
  #warned = false;

  /** Makes it; nothing is sent yet. */
  constructor(server: ServerConnection, options: AskOptions) {
    this.#server = server;
    this.#options = options;
    this.#turns = new Turns(options.concurrency);
  }

  /** What it has cost so far. */
  usage(): JudgeUsage {
    return { ...this.#usage };
  }

  /** Asks one question; equal ones in flight share an answer. */
  async ask<T>(question: Question<T>): Promise<Asked<T>> {
    const { task, version, system, user, sampling } = question;
    const key = hashJson({
      server: this.#server.url,
      model: this.#server.model,
      task,
      version,
      system,
      user,
      sampling,
    });
    const asking = this.#asking.get(key) as Promise<Asked<T>> | undefined;
    if (asking !== undefined) {
      const shared = await asking;
      this.#usage[shared.ok ? "cached" : "failed"]++;
      return shared;
    }
    const asked = this.#askOnce(question, key);
    this.#asking.set(key, asked);
    try {
      return await asked;
    } finally {
      this.#asking.delete(key);
    }
  }

  async #askOnce<T>(question: Question<T>, key: string): Promise<Asked<T>> {
    const kept = (await this.#options.cache?.get(key)) ?? null;
    const known = kept === null ? null : question.read(kept.reply);
    if (kept !== null && known !== null) {
      this.#usage.cached++;
      return { ok: true, read: known, raw: kept.reply };
    }
    const asked = await this.#askServer(question, key);
    if (!asked.ok) this.#usage.failed++;
    return asked;
  }

  async #askServer<T>(question: Question<T>, key: string): Promise<Asked<T>> {
    let free: () => void;
    try {
      free = await this.#turns.take(this.#options.signal);
    } catch {
      return { ok: false, reason: "judging was stopped" };
    }
    try {
      return await this.#converse(question, key);
    } finally {
      free();
    }
  }

  /** Asks, and once more where the reply cannot be read. */
  async #converse<T>(question: Question<T>, key: string): Promise<Asked<T>> {
    let reason = "";
    let raw: string | undefined;
    let { user, sampling } = question;
    for (let round = 0; round < 2; round++) {
      if (round > 0) this.#usage.retried++;
      const sent = await this.#send({ ...question, user, sampling });
      if ("reason" in sent) return { ok: false, reason: sent.reason, raw };
      const { reply } = sent;
      raw = reply.text;
      if (reply.refusal !== null)
        return { ok: false, reason: `the judge refused: ${shorten(reply.refusal)}`, raw };
      const read = question.read(reply.text);
      if (read !== null) {
        await this.#keep(key, reply);
        return { ok: true, read, raw };
      }
      reason = reply.cut
        ? `the judge's reply was cut off at ${sampling.maxTokens} tokens`
        : `the judge's reply could not be read: ${shorten(reply.text) || "it is empty"}`;
      if (question.reminder === "") break;
      if (reply.cut) sampling = { ...sampling, maxTokens: moreRoom * sampling.maxTokens };
      else user = question.user + question.reminder;
    }
    return { ok: false, reason, raw };
  }

  /** Sends until there is a reply, or no more sense in trying. */
  async #send(question: Question<unknown>): Promise<Sent> {
    const { signal } = this.#options;
    const extras = extrasOf(question);
    let withExtras = this.#takesExtras && Object.keys(extras).length > 0;
    for (let attempt = 0; ; attempt++) {
      try {
        const reply = await this.#request(question, withExtras ? extras : {});
        this.#absences = 0;
        return { reply };
      } catch (error) {
        if (signal.aborted) return { reason: "judging was stopped" };
        const refused = withExtras && refusals.has(statusOf(error) ?? 0);
        if (refused) {
          withExtras = false;
          const plain = await this.#sendPlain(question);
          if (plain !== null) return plain;
        } else if (!(await this.#mayTryAgain(error, attempt))) return { reason: messageOf(error) };
        this.#usage.retried++;
      }
    }
  }

  /** Sends without the fields that were refused: where that works, they are not sent again; null to go on trying. */
  async #sendPlain(question: Question<unknown>): Promise<Sent | null> {
    this.#usage.retried++;
    try {
      const reply = await this.#request(question, {});
      this.#takesExtras = false;
      this.#absences = 0;
      return { reply };
    } catch (error) {
      if (this.#options.signal.aborted) return { reason: "judging was stopped" };
      return passing.has(codeOf(error)) ? null : { reason: messageOf(error) };
    }
  }

  /** Waits where the failure may pass; false where it will not, or has been waited for long enough. */
  async #mayTryAgain(error: unknown, attempt: number): Promise<boolean> {
    const { retries, retrySeconds, signal, concurrency } = this.#options;
    const code = codeOf(error);
    // A server that was away for as many questions as fly at once is not waited for by each of the others.
    const away = this.#absences > Math.max(8, 2 * concurrency);
    if (!passing.has(code) || attempt >= retries || (away && absent.has(code))) {
      if (absent.has(code)) this.#absences++;
      return false;
    }
    const pause = Math.min(longestPause, retrySeconds * 2 ** attempt) * (0.75 + 0.5 * this.#random.uniform());
    await sleep(1000 * (requestedPause(error) ?? pause), undefined, { signal }).catch(() => {});
    return !signal.aborted;
  }

  async #request(question: Question<unknown>, extras: Partial<ChatRequest>): Promise<ChatMessageReply> {
    const { system, user, sampling } = question;
    this.#usage.requests++;
    const reply = await this.#server.chat(
      {
        messages: [
          ...(system === "" ? [] : [{ role: "system" as const, content: system }]),
          { role: "user" as const, content: user },
        ],
        temperature: sampling.temperature,
        max_tokens: sampling.maxTokens,
        ...(sampling.topP === undefined ? {} : { top_p: sampling.topP }),
        ...(sampling.seed === undefined ? {} : { seed: sampling.seed }),
        ...extras,
      },
      this.#options.signal,
    );
    this.#usage.promptTokens += reply.promptTokens;
    this.#usage.completionTokens += reply.completionTokens;
    return reply;
  }

  async #keep(key: string, { text, promptTokens, completionTokens }: ChatMessageReply): Promise<void> {
    try {
      await this.#options.cache?.put(key, { reply: text, promptTokens, completionTokens });
    } catch (error) {
      if (!this.#warned) this.#options.warn(`judge replies cannot be kept: ${messageOf(error)}`);
      this.#warned = true;
    }
  }
}

/** Fields beyond the plain protocol. */
function extrasOf({ schema, sampling, task }: Question<unknown>): Partial<ChatRequest> {
  return {
    ...(schema === undefined
      ? {}
      : { response_format: { type: "json_schema", json_schema: { name: task, schema, strict: true } } }),
    ...(sampling.topK === undefined ? {} : { top_k: sampling.topK }),
    ...(sampling.template === undefined ? {} : { chat_template_kwargs: sampling.template }),
  };
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 120 ? `${line.slice(0, 117)}...` : line;
}
