/**
 * Text to token ids and back, from a Hugging Face `tokenizer.json`. Encoding is that of `@huggingface/tokenizers`;
 * decoding is ours, on bytes, so that a stream never shows half a character.
 * Only byte-level tokenizers are taken (all of Qwen's are).
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer as FileTokenizer } from "@huggingface/tokenizers";
import { messageOf, UsageError } from "../base/index.ts";
import { tokenBytes } from "./bpe-bytes.ts";

/** What we use of `tokenizer.json`. */
interface TokenizerFile {
  added_tokens?: { id: number; content: string; special?: boolean }[];
  model: { type?: string; vocab: Record<string, number> };
  decoder?: { type?: string } | null;
}

/** What we use of the encoder's own type, whose declarations do not resolve under NodeNext. */
interface Encoder {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
}

/** A byte-level tokenizer. */
export class Tokenizer {
  readonly #encoder: Encoder;
  readonly #bytes: (Uint8Array | undefined)[] = [];
  readonly #ids = new Map<string, number>();
  readonly #special = new Map<number, string>();
  /** One more than the largest id; the model's vocabulary may be padded beyond it. */
  readonly size: number;
  /** The contents of `tokenizer_config.json`, `{}` if there was none. */
  readonly config: Readonly<Record<string, unknown>>;

  private constructor(file: TokenizerFile, config: Record<string, unknown>) {
    this.config = config;
    this.#encoder = new FileTokenizer(file, config) as unknown as Encoder;
    for (const [token, id] of Object.entries(file.model.vocab)) {
      this.#ids.set(token, id);
      this.#bytes[id] = tokenBytes(token);
    }
    const encoder = new TextEncoder();
    for (const { id, content, special } of file.added_tokens ?? []) {
      this.#ids.set(content, id);
      this.#bytes[id] = encoder.encode(content);
      if (special) this.#special.set(id, content);
    }
    this.size = this.#bytes.length;
  }

  /**
   * Reads `tokenizer.json` and, where there is one, `tokenizer_config.json` from a checkpoint folder.
   *
   * @throws UsageError `tokenizer-missing`, `tokenizer-invalid` or `tokenizer-kind`
   */
  static async load(dir: string): Promise<Tokenizer> {
    const path = join(dir, "tokenizer.json");
    const text = await readFile(path, "utf8").catch((cause: unknown) => {
      throw new UsageError(
        "tokenizer-missing",
        `${path}: must be a readable file, got ${messageOf(cause)}`,
        "A checkpoint folder holds tokenizer.json next to config.json; older ones with vocab.json and merges.txt alone can be saved again by transformers.",
        { cause },
      );
    });
    const configPath = join(dir, "tokenizer_config.json");
    const configText = await readFile(configPath, "utf8").catch(() => "{}");
    return Tokenizer.fromJson(parse(text, path), parse(configText, configPath));
  }

  /**
   * Makes a tokenizer from the contents of the two files.
   *
   * @throws UsageError `tokenizer-invalid` or `tokenizer-kind`
   */
  static fromJson(tokenizer: unknown, config: unknown = {}): Tokenizer {
    const file = tokenizer as TokenizerFile | null;
    if (typeof file?.model?.vocab !== "object")
      throw new UsageError("tokenizer-invalid", "tokenizer.json: must have model.vocab, got none");
    if (!JSON.stringify(file.decoder ?? null).includes('"ByteLevel"'))
      throw new UsageError(
        "tokenizer-kind",
        `tokenizer.json: must be byte-level, got decoder ${file.decoder?.type ?? "none"}`,
      );
    return new Tokenizer(file, config as Record<string, unknown>);
  }

  /** The ids of a text; special tokens written in it become their ids, and nothing is added before or after. */
  encode(text: string): number[] {
    if (text === "") return [];
    return this.#encoder.encode(text, { add_special_tokens: false }).ids;
  }

  /** The text of ids; bytes that are no UTF-8 become U+FFFD, ids beyond the vocabulary nothing. */
  decode(ids: Iterable<number>, options: { skipSpecialTokens?: boolean } = {}): string {
    const stream = this.stream(options);
    let text = "";
    for (const id of ids) text += stream.push(id);
    return text + stream.end();
  }

  /** Starts decoding ids as they come. */
  stream(options: { skipSpecialTokens?: boolean } = {}): TokenStream {
    return new TokenStream(this, options.skipSpecialTokens ?? false);
  }

  /** The id of a vocabulary entry or added token, or undefined. */
  id(token: string): number | undefined {
    return this.#ids.get(token);
  }

  /** The bytes that an id stands for, or undefined beyond the vocabulary. */
  bytes(id: number): Uint8Array | undefined {
    return this.#bytes[id];
  }

  /** Whether an id is a special token, which is no part of the text. */
  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  /** The special tokens, by id. */
  get specialTokens(): ReadonlyMap<number, string> {
    return this.#special;
  }
}

/** Decodes ids one by one and gives out text as soon as whole characters are known. */
export class TokenStream {
  readonly #tokenizer: Tokenizer;
  readonly #skipSpecial: boolean;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** @param skipSpecialTokens give no text for special tokens */
  constructor(tokenizer: Tokenizer, skipSpecialTokens: boolean) {
    this.#tokenizer = tokenizer;
    this.#skipSpecial = skipSpecialTokens;
  }

  /** The text that has become whole with this id; "" while a character is incomplete. */
  push(id: number): string {
    if (this.#skipSpecial && this.#tokenizer.isSpecial(id)) return "";
    const bytes = this.#tokenizer.bytes(id);
    return bytes === undefined ? "" : this.#decoder.decode(bytes, { stream: true });
  }

  /** What is left at the end: U+FFFD for an incomplete character, else "". */
  end(): string {
    return this.#decoder.decode();
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError("tokenizer-invalid", `${path}: must be JSON, got ${messageOf(cause)}`, undefined, {
      cause,
    });
  }
}
