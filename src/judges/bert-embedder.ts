/**
 * Sentence embeddings of a BERT checkpoint such as all-MiniLM-L6-v2, in this process, as sentence-transformers makes
 * them: tokens cut at `max_seq_length`, mean over tokens, length 1. Texts go in batches of like length, so that
 * few programs serve all; a vector may differ in its last digits with the batch it was in.
 */

import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { messageOf, UsageError } from "../base/index.ts";
import { type CompiledFunction, compileCached, type HostTensor, type np } from "../engine/index.ts";
import { type FloatTensor, floatTensor, type Params, SafetensorsFile } from "../nn/index.ts";
import { type BertConfig, bertConfig, bertForward, layerNames } from "./bert.ts";
import type { Embedder } from "./embedder.ts";

type Weights = Record<string, HostTensor>;
type Program = CompiledFunction<readonly [Weights, HostTensor, HostTensor], np.Array>;

/** Texts in one run of the program, and tokens in one text, that programs are made for. */
const batches = [1, 8, 32];
const lengths = [16, 32, 64, 128, 256, 512];

const tokenizerFile = z.object({
  model: z.object({ type: z.literal("WordPiece"), vocab: z.record(z.string(), z.int()) }),
});
const sentenceConfig = z.object({ max_seq_length: z.int().positive().nullish() });
const poolingConfig = z.object({
  pooling_mode_mean_tokens: z.literal(true),
  pooling_mode_cls_token: z.literal(false),
});

/** The encoder's own type does not resolve under NodeNext. */
interface Encoder {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
}

async function readJson<T>(schema: z.ZodType<T>, path: string, otherwise?: unknown): Promise<T> {
  const bad = (what: string, cause: unknown) =>
    new UsageError(
      "embedder-invalid",
      `${path}: ${what}`,
      "An embedder's folder is a BERT sentence model such as all-MiniLM-L6-v2, with tokenizer.json and model.safetensors.",
      { cause },
    );
  let json: unknown = otherwise;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    if (otherwise === undefined || cause instanceof SyntaxError)
      throw bad(`must be readable JSON, got ${messageOf(cause)}`, cause);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw bad(`must be of a kind we can run, got ${issue?.path.join(".")}: ${issue?.message}`, parsed.error);
}

/** The encoder's tensors, without the prefix that a task model's checkpoint has. */
function readWeights(path: string, config: BertConfig): Record<string, FloatTensor> {
  const file = new SafetensorsFile(path);
  try {
    const prefix = file.tensors.has("bert.embeddings.word_embeddings.weight") ? "bert." : "";
    const names = [
      ...["word_embeddings", "position_embeddings", "token_type_embeddings", "LayerNorm"].map(
        (part) => `embeddings.${part}.weight`,
      ),
      "embeddings.LayerNorm.bias",
      ...Array.from({ length: config.num_hidden_layers }, (_, i) => layerNames(i)).flat(),
    ];
    return Object.fromEntries(names.map((name) => [name, file.read(prefix + name)]));
  } finally {
    file.close();
  }
}

const fitting = (sizes: readonly number[], wanted: number, most: number) =>
  Math.min(most, sizes.find((size) => size >= wanted) ?? most);

/** A sentence model in this process. */
export class BertEmbedder implements Embedder {
  readonly name: string;
  readonly threshold: number;
  readonly #config: BertConfig;
  readonly #tables: { word: FloatTensor; rest: Float32Array };
  readonly #weights: Weights;
  readonly #tokenizer: Encoder;
  readonly #marks: { first: number; last: number };
  readonly #maxTokens: number;
  readonly #program: Program;

  private constructor(parts: {
    name: string;
    threshold: number;
    config: BertConfig;
    weights: Record<string, FloatTensor>;
    tokenizer: Encoder;
    marks: { first: number; last: number };
    maxTokens: number;
  }) {
    this.name = parts.name;
    this.threshold = parts.threshold;
    this.#config = parts.config;
    this.#tokenizer = parts.tokenizer;
    this.#marks = parts.marks;
    this.#maxTokens = parts.maxTokens;
    const {
      "embeddings.word_embeddings.weight": word,
      "embeddings.position_embeddings.weight": position,
      "embeddings.token_type_embeddings.weight": type,
      ...weights
    } = parts.weights as Record<string, FloatTensor> & {
      [K in `embeddings.${"word" | "position" | "token_type"}_embeddings.weight`]: FloatTensor;
    };
    const width = parts.config.hidden_size;
    // All tokens are of type 0, so a place's two further embeddings are one.
    const rest = position.data.map((value, i) => value + (type.data[i % width] as number));
    this.#tables = { word, rest };
    this.#weights = weights;
    const { config } = parts;
    this.#program = compileCached(
      (params, embedded, mask) => bertForward(config, params as Params, embedded, mask),
      { name: `embed ${parts.name}` },
    ) as Program;
  }

  /**
   * Reads a checkpoint folder: `config.json`, `model.safetensors`, `tokenizer.json`, and, where they are there,
   * `sentence_bert_config.json` and `1_Pooling/config.json`.
   *
   * @throws UsageError `embedder-invalid` or `model-file` naming the file that is missing or wrong
   */
  static async load(dir: string, options: { name?: string; threshold: number }): Promise<BertEmbedder> {
    const config = await readJson(bertConfig, join(dir, "config.json"));
    const path = join(dir, "tokenizer.json");
    const { vocab } = (await readJson(tokenizerFile, path)).model;
    const [first, last] = [vocab["[CLS]"], vocab["[SEP]"]];
    if (first === undefined || last === undefined)
      throw new UsageError("embedder-invalid", `${path}: must have [CLS] and [SEP], got neither or one`);
    await readJson(poolingConfig, join(dir, "1_Pooling", "config.json"), {
      pooling_mode_mean_tokens: true,
      pooling_mode_cls_token: false,
    });
    const { max_seq_length } = await readJson(sentenceConfig, join(dir, "sentence_bert_config.json"), {});
    const tokenizer = new Tokenizer(await readJson(z.any(), path), {}) as unknown as Encoder;
    return new BertEmbedder({
      name: options.name ?? basename(dir),
      threshold: options.threshold,
      config,
      weights: readWeights(join(dir, "model.safetensors"), config),
      tokenizer,
      marks: { first, last },
      maxTokens: Math.min(max_seq_length ?? 512, config.max_position_embeddings),
    });
  }

  /** Embeds texts; see `Embedder.embed`. */
  async embed(texts: readonly string[]): Promise<Float32Array[]> {
    const tokens = texts.map((text) => this.#encode(text));
    const order = tokens.map((_, i) => i).sort((a, b) => (tokens[a]?.length ?? 0) - (tokens[b]?.length ?? 0));
    const vectors: Float32Array[] = new Array(texts.length);
    const most = batches.at(-1) as number;
    for (let start = 0; start < order.length; start += most) {
      const places = order.slice(start, start + most);
      const found = await this.#run(places.map((place) => tokens[place] as number[]));
      for (const [i, place] of places.entries()) vectors[place] = found[i] as Float32Array;
    }
    return vectors;
  }

  /** Frees the compiled programs. */
  async close(): Promise<void> {
    await this.#program.dispose();
  }

  #encode(text: string): number[] {
    const { ids } = this.#tokenizer.encode(text, { add_special_tokens: false });
    return [this.#marks.first, ...ids.slice(0, this.#maxTokens - 2), this.#marks.last];
  }

  async #run(rows: readonly number[][]): Promise<Float32Array[]> {
    const width = this.#config.hidden_size;
    const longest = Math.max(...rows.map((row) => row.length));
    const length = fitting(lengths, longest, this.#maxTokens);
    const count = fitting(batches, rows.length, batches.at(-1) as number);
    const embedded = new Float32Array(count * length * width);
    const mask = new Float32Array(count * length);
    rows.forEach((row, i) => {
      row.forEach((id, j) => {
        const at = (i * length + j) * width;
        const word = id * width;
        for (let k = 0; k < width; k++)
          embedded[at + k] =
            (this.#tables.word.data[word + k] as number) + (this.#tables.rest[j * width + k] as number);
        mask[i * length + j] = 1;
      });
    });
    const result = await this.#program.run(
      this.#weights,
      floatTensor(embedded, [count, length, width]),
      floatTensor(mask, [count, length]),
    );
    const data = (result as HostTensor).data as Float32Array;
    return rows.map((_, i) => data.slice(i * width, (i + 1) * width));
  }
}
