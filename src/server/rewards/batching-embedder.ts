/**
 * An embedder that asks another one for many callers at once: what arrives within a few milliseconds, or until a batch
 * is full, is one call. A text that several callers have is embedded once.
 */

import { UsageError } from "../../base/index.ts";
import type { Embedder } from "../../judges/index.ts";

/** How calls are collected. */
export interface BatchingOptions {
  /** Most texts in a call; a caller with more is a call of its own. Default 256. */
  batchSize?: number | undefined;
  /** Milliseconds that a caller waits for others. Default 2. */
  waitMs?: number | undefined;
  /** Told about each call. */
  onBatch?: ((texts: number, callers: number) => void) | undefined;
}

interface Caller {
  texts: readonly string[];
  resolve: (vectors: Float32Array[]) => void;
  reject: (error: unknown) => void;
}

/** Embeds in batches. */
export class BatchingEmbedder implements Embedder {
  readonly name: string;
  readonly threshold: number;
  readonly #embedder: Embedder;
  readonly #batchSize: number;
  readonly #waitMs: number;
  readonly #onBatch: (texts: number, callers: number) => void;
  #callers: Caller[] = [];
  #texts = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /** The embedder stays the caller's, but for `close`. */
  constructor(embedder: Embedder, { batchSize = 256, waitMs = 2, onBatch = () => {} }: BatchingOptions = {}) {
    this.name = embedder.name;
    this.threshold = embedder.threshold;
    this.#embedder = embedder;
    this.#batchSize = batchSize;
    this.#waitMs = waitMs;
    this.#onBatch = onBatch;
  }

  /** Embeds texts; see `Embedder.embed`. @throws what the embedder throws for the caller's batch */
  embed(texts: readonly string[]): Promise<Float32Array[]> {
    return new Promise((resolve, reject) => {
      this.#callers.push({ texts, resolve, reject });
      for (const text of texts) this.#texts.add(text);
      if (this.#texts.size >= this.#batchSize) this.#send();
      else this.#timer ??= setTimeout(() => this.#send(), this.#waitMs);
    });
  }

  /** Closes the embedder; callers that wait are answered first. */
  async close(): Promise<void> {
    this.#send();
    await this.#embedder.close();
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const callers = this.#callers;
    const texts = [...this.#texts];
    this.#callers = [];
    this.#texts = new Set();
    if (callers.length > 0) this.#embed(callers, texts);
  }

  async #embed(callers: readonly Caller[], texts: readonly string[]): Promise<void> {
    this.#onBatch(texts.length, callers.length);
    let vectors: Float32Array[];
    try {
      vectors = await this.#embedder.embed(texts);
    } catch (error) {
      // One caller's text may be what was refused: the others must not pay for it.
      const alone = error instanceof UsageError && error.code === "server-refused" && callers.length > 1;
      if (alone) for (const caller of callers) this.#embed([caller], [...new Set(caller.texts)]);
      else for (const { reject } of callers) reject(error);
      return;
    }
    const made = new Map(texts.map((text, i) => [text, vectors[i] as Float32Array]));
    for (const { texts: wanted, resolve } of callers)
      resolve(wanted.map((text) => made.get(text) as Float32Array));
  }
}
