/**
 * Generation: prompts in, sampled sequences out, several at once over one key-value cache. A prompt is read
 * once, however many samples are drawn of it. Sequences join and leave the batch on their own; each has its own
 * random numbers, so what it says depends on its prompt, options and seed only (up to the rounding of products
 * of other sizes).
 */

import { Random, UsageError } from "../base/index.ts";
import type { KvCache } from "./generate-cache.ts";
import { bucket, type LanguageRuntime, type PromptState, type StepBuffers } from "./generate-runtime.ts";
import { StopScanner } from "./generate-stop.ts";
import { checkSampling, type SamplingOptions, sampleToken } from "./sampling.ts";
import type { Tokenizer, TokenStream } from "./tokenizer.ts";

/** How sequences are generated. */
export interface GenerateOptions extends SamplingOptions {
  /** Most tokens of a sequence, the stop token counted. Default 256. */
  maxNewTokens?: number;
  /** Seed of the random numbers; a request's own `seed` goes first. Default 0. */
  seed?: number | string;
  /** Sequences drawn for each request. Default 1. */
  samples?: number;
  /** Strings before which the text ends. Default none. */
  stop?: readonly string[];
  /** Token ids that end a sequence. Default: the checkpoint's end-of-sequence tokens. */
  stopTokenIds?: readonly number[];
  /** Sequences in flight at once. Default 16. */
  batchSize?: number;
  /** Called for every token, in order within a sequence. */
  onToken?: (event: TokenEvent) => void;
  /** Ends all sequences, with what they have, as `aborted`. */
  signal?: AbortSignal;
  /** Return the last layer's attention to the videos. Default false. */
  returnAttention?: boolean;
}

/** A token as it comes. */
export interface TokenEvent {
  /** Index of the request, and of the sample among the request's. */
  request: number;
  sample: number;
  /** Index of the token in its sequence. */
  index: number;
  id: number;
  /** As in `SampledToken`. */
  logprob: number;
  /** Text that became certain with this token; may be "". Its concatenation is the sequence's text. */
  text: string;
}

/** Why a sequence ended: a stop token or string, the most tokens, or the signal. */
export type FinishReason = "stop" | "length" | "aborted";

/** The last layer's attention of a sequence's tokens to the videos of its prompt. */
export interface VideoAttention {
  /** Heads of the layer. */
  heads: number;
  /** Temporal patches of all the prompt's images and videos, in order. */
  patches: number;
  /**
   * `[tokens, heads, patches]`: the weight on all tokens of a temporal patch, in the step that chose the token
   * (the query is the token before it).
   */
  weights: Float32Array;
  /** `[tokens, heads]`: the weight on all video tokens together, in [0, 1]. */
  share: Float32Array;
}

/** One generated sequence. */
export interface Generation {
  /** Without special tokens, and without the stop string. */
  text: string;
  /** All sampled tokens, the stop token too. */
  ids: number[];
  /** Of each token, as in `SampledToken`. */
  logprobs: number[];
  finishReason: FinishReason;
  /** Only with `returnAttention`. */
  attention?: VideoAttention;
}

/** What a generation took. */
export interface GenerationStats {
  /** Tokens of the prompts read, each prompt once. */
  promptTokens: number;
  /** Tokens sampled. */
  newTokens: number;
  /** Seconds in the vision tower, prefill and decoding, compilation included. */
  visionSeconds: number;
  prefillSeconds: number;
  decodeSeconds: number;
}

/** A prompt as the loop below takes it. */
export interface GenerationPrompt {
  /** Token ids; only their number and, for the repetition penalty, their values count. */
  ids: readonly number[];
  /** Position of the first new token. */
  nextPosition: number;
  seed?: number | string;
  /** For each temporal patch of its videos, the first index of its tokens and the index behind the last. */
  patches: readonly (readonly [start: number, end: number])[];
  /** Reads the prompt; called once. */
  read: () => Promise<PromptState>;
}

interface Sequence {
  readonly request: number;
  readonly sample: number;
  readonly prompt: GenerationPrompt;
  readonly random: Random;
  readonly stream: TokenStream;
  readonly scanner: StopScanner;
  readonly ids: number[];
  readonly logprobs: number[];
  readonly weights: number[];
  readonly share: number[];
  text: string;
  finishReason: FinishReason | undefined;
}

/** What the loop needs of the model. */
export interface GenerationModel {
  runtime: LanguageRuntime;
  tokenizer: Pick<Tokenizer, "stream">;
  /** Attention heads of the language model. */
  heads: number;
  /** Most tokens of a sequence with its prompt. */
  maxLength: number;
}

/**
 * Generates `samples` sequences for every prompt.
 *
 * @returns per prompt, per sample; with the seconds that prefill and decoding took
 * @throws UsageError `sampling-option` if an option is out of range
 */
export async function generateSequences(
  model: GenerationModel,
  prompts: readonly GenerationPrompt[],
  options: GenerateOptions & { stopTokenIds: readonly number[] },
): Promise<{ generations: Generation[][]; stats: Omit<GenerationStats, "visionSeconds"> }> {
  checkOptions(options);
  const samples = options.samples ?? 1;
  const loop = new Loop(model, options);
  const all = prompts.map((prompt, request) =>
    Array.from({ length: samples }, (_, sample) => newSequence(model, prompt, request, sample, options)),
  );
  await loop.run(all.flat());
  return {
    generations: all.map((group) => group.map((sequence) => finished(sequence, model, options))),
    stats: loop.stats,
  };
}

/** @throws UsageError `sampling-option` */
function checkOptions(options: GenerateOptions): void {
  checkSampling(options);
  for (const name of ["maxNewTokens", "samples", "batchSize"] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      throw new UsageError("sampling-option", `${name}: must be an integer of at least 1, got ${value}`);
  }
}

function newSequence(
  model: GenerationModel,
  prompt: GenerationPrompt,
  request: number,
  sample: number,
  options: GenerateOptions,
): Sequence {
  return {
    request,
    sample,
    prompt,
    random: new Random(prompt.seed ?? options.seed ?? 0).fork(sample),
    stream: model.tokenizer.stream({ skipSpecialTokens: true }),
    scanner: new StopScanner(options.stop ?? []),
    ids: [],
    logprobs: [],
    weights: [],
    share: [],
    text: "",
    finishReason: undefined,
  };
}

function finished(sequence: Sequence, model: GenerationModel, options: GenerateOptions): Generation {
  const { text, ids, logprobs, finishReason = "aborted", prompt } = sequence;
  const attention = {
    heads: model.heads,
    patches: prompt.patches.length,
    weights: Float32Array.from(sequence.weights),
    share: Float32Array.from(sequence.share),
  };
  return { text, ids, logprobs, finishReason, ...(options.returnAttention ? { attention } : {}) };
}

/** One run over all sequences. */
class Loop {
  readonly stats = { promptTokens: 0, newTokens: 0, prefillSeconds: 0, decodeSeconds: 0 };
  readonly #model: GenerationModel;
  readonly #options: GenerateOptions & { stopTokenIds: readonly number[] };
  readonly #stops: ReadonlySet<number>;
  readonly #maxNewTokens: number;
  /** Row i of the buffers is sequence i. */
  #active: Sequence[] = [];
  #buffers: StepBuffers | undefined;
  /** The prompt read last, for the further samples of it. */
  #read: { prompt: GenerationPrompt; state: PromptState } | undefined;

  constructor(model: GenerationModel, options: GenerateOptions & { stopTokenIds: readonly number[] }) {
    this.#model = model;
    this.#options = options;
    this.#stops = new Set(options.stopTokenIds);
    this.#maxNewTokens = options.maxNewTokens ?? 256;
  }

  async run(sequences: readonly Sequence[]): Promise<void> {
    const queue = [...sequences];
    const most = Math.max(1, Math.min(this.#options.batchSize ?? 16, sequences.length));
    while (queue.length > 0 || this.#active.length > 0) {
      if (this.#options.signal?.aborted) break;
      if (this.#active.length < most && queue.length > 0) await this.#join(queue, most);
      else await this.#step();
    }
    for (const sequence of [...this.#active, ...queue]) this.#end(sequence, "aborted");
  }

  /** Reads the next prompts, draws their first tokens and gives them rows. */
  async #join(queue: Sequence[], most: number): Promise<void> {
    const start = performance.now();
    const joined: { sequence: Sequence; state: PromptState }[] = [];
    while (this.#active.length + joined.length < most) {
      const sequence = queue.shift();
      if (!sequence || this.#options.signal?.aborted) {
        if (sequence) queue.unshift(sequence);
        break;
      }
      const state = await this.#prompt(sequence.prompt);
      if (state.attention) this.#record(sequence, state.attention);
      this.#draw(sequence, state.logits);
      if (sequence.finishReason === undefined) joined.push({ sequence, state });
    }
    const kept = this.#active.length;
    this.#active.push(...joined.map(({ sequence }) => sequence));
    if (joined.length > 0) {
      const buffers = await this.#fit(kept);
      joined.forEach(({ state }, i) => {
        buffers.cache.copyRow(kept + i, state.cache, 0);
      });
    }
    if (queue.length === 0) this.#read = undefined;
    this.stats.prefillSeconds += (performance.now() - start) / 1000;
  }

  async #prompt(prompt: GenerationPrompt): Promise<PromptState> {
    if (this.#read?.prompt !== prompt) {
      this.#read = { prompt, state: await prompt.read() };
      this.stats.promptTokens += prompt.ids.length;
    }
    return this.#read.state;
  }

  /** Feeds the last tokens of all active sequences and draws the next. */
  async #step(): Promise<void> {
    const start = performance.now();
    const rows = this.#active;
    const buffers = await this.#fit(rows.length);
    const ids = rows.map((sequence) => sequence.ids.at(-1) as number);
    const positions = rows.map(({ prompt, ids: own }) => prompt.nextPosition + own.length - 1);
    await this.#model.runtime.step(buffers, ids, positions);
    const size = buffers.logits.length / buffers.cache.rows;
    rows.forEach((sequence, row) => {
      if (buffers.attention) {
        const each = buffers.attention.length / buffers.cache.rows;
        this.#record(sequence, buffers.attention.subarray(row * each, (row + 1) * each));
      }
      this.#draw(sequence, buffers.logits.subarray(row * size, (row + 1) * size));
    });
    this.#leave(buffers.cache);
    this.stats.decodeSeconds += (performance.now() - start) / 1000;
  }

  /** Moves the last rows into the places of those that have ended. */
  #leave(cache: KvCache): void {
    for (let row = 0; row < this.#active.length; ) {
      if (this.#active[row]?.finishReason === undefined) {
        row++;
        continue;
      }
      const last = this.#active.length - 1;
      if (row !== last) {
        cache.copyRow(row, cache, last);
        this.#active[row] = this.#active[last] as Sequence;
      }
      cache.clearRow(last);
      this.#active.pop();
    }
  }

  /** Buffers with a row for each active sequence and a free slot in each; the first `kept` rows stay. */
  async #fit(kept: number): Promise<StepBuffers> {
    const wanted = rowBucket(this.#active.length);
    const longest = Math.max(...this.#active.map(({ prompt, ids }) => prompt.ids.length + ids.length));
    const old = this.#buffers;
    if (old && old.cache.rows === wanted && old.cache.capacity >= longest) return old;
    // Room for what will come, but not for all that may: attention costs as many slots as there are.
    const left = Math.max(...this.#active.map(({ ids }) => this.#maxNewTokens - ids.length));
    const room = bucket(longest + Math.max(0, Math.min(left, Math.max(64, Math.ceil(longest / 4)))));
    const capacity = old && old.cache.capacity >= longest ? old.cache.capacity : room;
    const next = await this.#model.runtime.batch(wanted, capacity, this.#options.returnAttention);
    if (old) for (let row = 0; row < kept; row++) next.cache.copyRow(row, old.cache, row);
    this.#buffers = next;
    return next;
  }

  /** Draws a sequence's next token from logits. */
  #draw(sequence: Sequence, logits: Float32Array): void {
    const { ids, prompt } = sequence;
    const penalised = (this.#options.repetitionPenalty ?? 1) !== 1;
    const seen = penalised ? [...prompt.ids, ...ids] : [];
    const { id, logprob } = sampleToken(logits, this.#options, sequence.random, seen);
    ids.push(id);
    sequence.logprobs.push(logprob);
    this.stats.newTokens++;
    const isStop = this.#stops.has(id);
    let text = isStop ? "" : sequence.scanner.push(sequence.stream.push(id));
    const full = ids.length >= this.#maxNewTokens || prompt.ids.length + ids.length >= this.#model.maxLength;
    const reason = isStop || sequence.scanner.stopped ? "stop" : full ? "length" : undefined;
    if (reason) text += this.#close(sequence, reason);
    sequence.text += text;
    const { request, sample } = sequence;
    this.#options.onToken?.({ request, sample, index: ids.length - 1, id, logprob, text });
  }

  /** Ends a sequence that still ran. */
  #end(sequence: Sequence, reason: FinishReason): void {
    if (sequence.finishReason === undefined) sequence.text += this.#close(sequence, reason);
  }

  #close(sequence: Sequence, reason: FinishReason): string {
    sequence.finishReason = reason;
    const rest = sequence.scanner.push(sequence.stream.end());
    return rest + sequence.scanner.end();
  }

  /** Adds up a token's attention weights `[H, slots]` by temporal patch; the prompt has the first slots. */
  #record(sequence: Sequence, weights: Float32Array): void {
    const width = weights.length / this.#model.heads;
    for (let head = 0; head < this.#model.heads; head++) {
      let share = 0;
      for (const [start, end] of sequence.prompt.patches) {
        let sum = 0;
        for (let i = start; i < end; i++) sum += weights[head * width + i] as number;
        sequence.weights.push(sum);
        share += sum;
      }
      sequence.share.push(share);
    }
  }
}

/** Rows of a batch: a power of two, so that few programs are compiled. */
function rowBucket(rows: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, rows)));
}
