/** Embeddings from a server's `/embeddings`, in batches, several in flight, tried again after failures that may pass. */

import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { mapPool, UsageError } from "../base/index.ts";
import type { ServerConnection } from "../models/index.ts";
import { passing } from "./ask-server.ts";
import type { Embedder } from "./embedder.ts";

/** How a server is asked. */
export interface ServerEmbedderOptions {
  /** The similarity from which two claims are one event; a server's models have scales of their own. */
  threshold: number;
  /** Texts in one request. Default 64. */
  batchSize?: number | undefined;
  /** Requests in flight at once. Default 4. */
  concurrency?: number | undefined;
  /** Times a failed request is sent again. Default 3. */
  retries?: number | undefined;
  /** The first pause before that, doubled for each further one. Default 0.5. */
  retrySeconds?: number | undefined;
  /** Ends it. */
  signal?: AbortSignal | undefined;
}

function unit(vector: Float32Array): Float32Array {
  let square = 0;
  for (const x of vector) square += x * x;
  return square === 0 ? vector : vector.map((x) => x / Math.sqrt(square));
}

/** Embeds on a server. */
export class ServerEmbedder implements Embedder {
  readonly name: string;
  readonly threshold: number;
  readonly #server: ServerConnection;
  readonly #options: ServerEmbedderOptions;
  readonly #stop = new AbortController();

  /** Makes it; nothing is sent yet. */
  constructor(server: ServerConnection, options: ServerEmbedderOptions) {
    this.name = `${server.url}#${server.model}`;
    this.threshold = options.threshold;
    this.#server = server;
    this.#options = options;
    setMaxListeners(0, this.#stop.signal);
    options.signal?.addEventListener("abort", () => this.#stop.abort(options.signal?.reason), { once: true });
  }

  /** Embeds texts; see `Embedder.embed`. @throws UsageError where the server does not answer in the end */
  async embed(texts: readonly string[]): Promise<Float32Array[]> {
    const { batchSize = 64, concurrency = 4 } = this.#options;
    const batches = Array.from({ length: Math.ceil(texts.length / batchSize) }, (_, i) =>
      texts.slice(i * batchSize, (i + 1) * batchSize),
    );
    const vectors: Float32Array[] = [];
    for await (const batch of mapPool(batches, concurrency, (part) => this.#request(part)))
      for (const vector of batch) vectors.push(unit(vector));
    return vectors;
  }

  async #request(texts: readonly string[]): Promise<Float32Array[]> {
    const { retries = 3, retrySeconds = 0.5 } = this.#options;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#server.embed(texts, this.#stop.signal);
      } catch (error) {
        const mayPass = error instanceof UsageError && passing.has(error.code);
        if (!mayPass || attempt >= retries) throw error;
        await sleep(1000 * retrySeconds * 2 ** attempt, undefined, { signal: this.#stop.signal });
      }
    }
  }

  /** Ends requests in flight. */
  async close(): Promise<void> {
    this.#stop.abort(new Error("the embedder was closed"));
  }
}
