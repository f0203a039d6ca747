/** A Qwen2.5-VL checkpoint that runs in this process, in a thread of its own; requests are served one by one. */

import type { Worker } from "node:worker_threads";
import { invariant, startWorker, UsageError } from "../base/index.ts";
import type { ChatEvent, ChatMessage, ChatModel, GenerateOptions, ModelInfo } from "./chat-model.ts";
import { checkGenerateOptions, checkMessages } from "./check-messages.ts";
import type { ThreadError, ThreadEvent, ThreadRequest } from "./in-process-protocol.ts";
import { Turns } from "./turns.ts";

/** How a checkpoint is opened. */
export interface InProcessOptions {
  /** What the model is called. */
  name: string;
  /** Whether it is the one in this package, which knows the synthetic world only. */
  builtin?: boolean | undefined;
  /** `cpu` (default), `webgpu` or `cuda`. */
  device?: string | undefined;
  /** Ends the loading; `open` then throws its reason. */
  signal?: AbortSignal | undefined;
}

const devices = ["cpu", "webgpu", "cuda"] as const;

function received({ message, code, hint, stack }: ThreadError): Error {
  const error = code === undefined ? new Error(message) : new UsageError(code, message, hint);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Events of one reply, from the thread to whoever reads them. */
class Inbox {
  readonly #events: (ThreadEvent | Error)[] = [];
  #wake: (() => void) | null = null;

  put(event: ThreadEvent | Error): void {
    this.#events.push(event);
    this.#wake?.();
  }

  async next(): Promise<ThreadEvent> {
    while (this.#events.length === 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const event = this.#events.shift() as ThreadEvent | Error;
    if (event instanceof Error) throw event;
    return event;
  }
}

/** A chat model in this process. */
export class InProcessModel implements ChatModel {
  readonly #worker: Worker;
  readonly #info: ModelInfo;
  readonly #turns = new Turns(1);
  #inbox: { id: number; inbox: Inbox } | null = null;
  #failure: Error | null = null;
  #next = 0;

  private constructor(worker: Worker, info: ModelInfo) {
    this.#worker = worker;
    this.#info = info;
    worker.on("message", (event: ThreadEvent) => {
      if ("id" in event && this.#inbox?.id === event.id) this.#inbox.inbox.put(event);
    });
    const fail = (error: Error) => {
      this.#failure ??= error;
      this.#inbox?.inbox.put(this.#failure);
    };
    worker.on("error", fail);
    worker.on("exit", (code) => fail(new Error(`internal: the model's thread ended with code ${code}`)));
    // An idle model does not keep the program running.
    worker.unref();
  }

  /**
   * Loads a checkpoint folder.
   *
   * @throws UsageError naming the file that is missing or wrong, or `device-unknown`
   */
  static async open(dir: string, options: InProcessOptions): Promise<InProcessModel> {
    const device = devices.find((d) => d === (options.device ?? "cpu"));
    if (device === undefined)
      throw new UsageError(
        "device-unknown",
        `device: must be one of ${devices.join(", ")}, got ${options.device}`,
      );
    const worker = startWorker(new URL("./in-process-worker.ts", import.meta.url), { dir, device });
    const first = await firstEvent(worker, options.signal).catch(async (error: unknown) => {
      await worker.terminate();
      throw error;
    });
    if (first.type !== "ready") {
      await worker.terminate();
      invariant(first.type === "failed", `the model's thread began with ${first.type}`);
      throw received(first.error);
    }
    return new InProcessModel(worker, {
      name: options.name,
      kind: "in-process",
      device,
      parameters: first.parameters,
      sampling: first.sampling,
      syntheticOnly: first.syntheticOnly || options.builtin === true,
    });
  }

  /** What is known of the model. */
  async info(): Promise<ModelInfo> {
    return this.#info;
  }

  /** Generates the next message; see `ChatModel.stream`. */
  async *stream(
    messages: readonly ChatMessage[],
    options: GenerateOptions = {},
  ): AsyncGenerator<ChatEvent, void, undefined> {
    checkMessages(messages);
    checkGenerateOptions(options);
    const { signal } = options;
    const asked = performance.now();
    const free = await this.#turns.take(signal);
    if (this.#failure) {
      free();
      throw this.#failure;
    }
    const inbox = new Inbox();
    const id = this.#next++;
    const cancelled = new Int32Array(new SharedArrayBuffer(4));
    const cancel = () => Atomics.store(cancelled, 0, 1);
    const stop = () => {
      cancel();
      inbox.put(signal?.reason instanceof Error ? signal.reason : new Error(String(signal?.reason)));
    };
    this.#inbox = { id, inbox };
    const queueSeconds = (performance.now() - asked) / 1000;
    let ended = false;
    try {
      this.#worker.ref();
      signal?.addEventListener("abort", stop, { once: true });
      this.#worker.postMessage(threadRequest(id, messages, options, cancelled));
      while (!ended) {
        const event = await inbox.next();
        if (event.type === "text") yield { type: "text", text: event.text };
        else {
          ended = true;
          if (event.type === "error") throw received(event.error);
          yield* endOf(event, queueSeconds);
        }
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      cancel();
      // The thread serves in order, so the next may be sent while it still ends this one.
      this.#inbox = null;
      this.#worker.unref();
      free();
    }
  }

  /** Ends the thread; a reply in progress fails. */
  async close(): Promise<void> {
    this.#failure ??= new Error("the model was closed");
    this.#inbox?.inbox.put(this.#failure);
    await this.#worker.terminate();
  }
}

/** The thread's first word. Listeners are taken off one by one: the thread has listeners of its own. */
function firstEvent(worker: Worker, signal: AbortSignal | undefined): Promise<ThreadEvent> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      signal?.removeEventListener("abort", onAbort);
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      act();
    };
    const onMessage = (event: ThreadEvent) => settle(() => resolve(event));
    const onError = (error: unknown) => settle(() => reject(error));
    const onExit = () => onError(new Error("internal: the model's thread ended while loading"));
    const onAbort = () => onError(signal?.reason);
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
  });
}

function threadRequest(
  id: number,
  messages: readonly ChatMessage[],
  options: GenerateOptions,
  cancelled: Int32Array,
): ThreadRequest {
  const { maxTokens = 512, temperature = 0, topP = 1, topK = 0, seed = 0, stop = [] } = options;
  return { id, messages, maxTokens, temperature, topP, topK, seed, stop, cancelled };
}

function* endOf(event: ThreadEvent, queueSeconds: number): Generator<ChatEvent> {
  invariant(
    event.type === "end" && event.finishReason !== "aborted",
    "a reply that nobody ended is not aborted",
  );
  const { finishReason, usage, prefillSeconds, generateSeconds } = event;
  yield { type: "end", finishReason, usage, timing: { queueSeconds, prefillSeconds, generateSeconds } };
}
