/**
 * Training of a byte-level BPE tokenizer in the file format of Hugging Face (Sennrich et al., 2016, on bytes).
 * The same texts give the same file: the most frequent pair is merged, ties go to the smaller ids.
 * The pre-tokenizer is that of Qwen2: every digit is a token of its own, so that times read alike everywhere.
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { UsageError, writeFileAtomic } from "../base/index.ts";
import { BYTE_CHARS } from "./bpe-bytes.ts";

/** The special tokens of Qwen2.5-VL, in the order in which `trainBpe` numbers them. */
export const QWEN_SPECIAL_TOKENS: readonly string[] = [
  "<|endoftext|>",
  "<|im_start|>",
  "<|im_end|>",
  "<|vision_start|>",
  "<|vision_end|>",
  "<|vision_pad|>",
  "<|image_pad|>",
  "<|video_pad|>",
];

/** The pre-tokenizer of Qwen2 as its files spell it: contractions, words, single digits, signs, line ends, spaces. */
const PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
/** The same in JavaScript before ES2025, which has no `(?i:)`. */
const PIECES = new RegExp(
  PATTERN.replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])"),
  "gu",
);

/** How `trainBpe` is told what to make. */
export interface TrainBpeOptions {
  /** Ids in all, with special and whole tokens; at least 256 more than those. Fewer come out if the texts run dry. */
  vocabSize: number;
  /** Tokens that are never part of ordinary text and are left out when decoding. Default `QWEN_SPECIAL_TOKENS`. */
  specialTokens?: readonly string[];
  /** Ordinary text that is always one token, such as `<think>`. Default none. */
  wholeTokens?: readonly string[];
}

/** One entry of `added_tokens` in a `tokenizer.json`. */
export interface AddedTokenJson {
  id: number;
  content: string;
  special: boolean;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
}

/** A trained tokenizer: the contents of `tokenizer.json` and `tokenizer_config.json`. */
export interface TrainedTokenizer {
  tokenizer: {
    version: "1.0";
    added_tokens: AddedTokenJson[];
    model: { type: "BPE"; vocab: Record<string, number>; merges: [string, string][] } & Record<
      string,
      unknown
    >;
  } & Record<string, unknown>;
  config: Record<string, unknown>;
}

/**
 * Trains a byte-level BPE tokenizer: ids 0-255 are the bytes in the order of their characters, then the
 * merges in the order found, then the special tokens, then the whole tokens.
 *
 * @throws UsageError `tokenizer-size` if `vocabSize` leaves no room for the bytes and the added tokens
 */
export function trainBpe(texts: Iterable<string>, options: TrainBpeOptions): TrainedTokenizer {
  const special = options.specialTokens ?? QWEN_SPECIAL_TOKENS;
  const whole = options.wholeTokens ?? [];
  const added = [...special, ...whole];
  const least = 256 + added.length;
  if (!(options.vocabSize >= least))
    throw new UsageError("tokenizer-size", `vocabSize: must be at least ${least}, got ${options.vocabSize}`);
  const tokens = [...BYTE_CHARS].sort();
  const merges = learnMerges(countPieces(texts, added), tokens, options.vocabSize - added.length);
  const entry = (content: string, i: number): AddedTokenJson => ({
    id: tokens.length + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: i < special.length,
  });
  const addedTokens = added.map(entry);
  return {
    tokenizer: {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: addedTokens,
      normalizer: { type: "NFC" },
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          { type: "Split", pattern: { Regex: PATTERN }, behavior: "Isolated", invert: false },
          { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
        ],
      },
      post_processor: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
      decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
      model: {
        type: "BPE",
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: "",
        end_of_word_suffix: "",
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        merges,
      },
    },
    config: {
      tokenizer_class: "Qwen2Tokenizer",
      add_prefix_space: false,
      add_bos_token: false,
      added_tokens_decoder: Object.fromEntries(addedTokens.map(({ id, ...token }) => [id, token])),
      additional_special_tokens: special.filter((token) => token !== "<|endoftext|>"),
      bos_token: null,
      eos_token: special.includes("<|im_end|>") ? "<|im_end|>" : null,
      pad_token: special.includes("<|endoftext|>") ? "<|endoftext|>" : null,
      unk_token: null,
      clean_up_tokenization_spaces: false,
      errors: "replace",
      split_special_tokens: false,
    },
  };
}

/** Writes `tokenizer.json` and `tokenizer_config.json` into a folder; `extra` is added to the second. */
export async function saveTokenizer(
  dir: string,
  trained: TrainedTokenizer,
  extra: Record<string, unknown> = {},
): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFileAtomic(join(dir, "tokenizer.json"), `${JSON.stringify(trained.tokenizer, null, 1)}\n`);
  const config = { ...trained.config, ...extra };
  await writeFileAtomic(join(dir, "tokenizer_config.json"), `${JSON.stringify(config, null, 2)}\n`);
}

/** How often each piece of text occurs, spelt in the alphabet of bytes; added tokens are cut out first. */
function countPieces(texts: Iterable<string>, added: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  const quote = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const longestFirst = [...added].sort((a, b) => b.length - a.length).map(quote);
  const cut = added.length > 0 ? new RegExp(longestFirst.join("|"), "u") : undefined;
  const encoder = new TextEncoder();
  for (const text of texts) {
    for (const part of cut ? text.split(cut) : [text]) {
      for (const [piece] of part.normalize("NFC").matchAll(PIECES)) {
        let spelt = "";
        for (const byte of encoder.encode(piece)) spelt += BYTE_CHARS[byte];
        counts.set(spelt, (counts.get(spelt) ?? 0) + 1);
      }
    }
  }
  return counts;
}

/** One distinct piece: its present tokens and how often it occurs. */
interface Piece {
  ids: number[];
  count: number;
}

/** Extends `tokens` to `size` entries by merging the most frequent pair again and again, and returns the merges. */
function learnMerges(counts: Map<string, number>, tokens: string[], size: number): [string, string][] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const pieces: Piece[] = [...counts].map(([text, count]) => ({
    ids: [...text].map((char) => ids.get(char) as number),
    count,
  }));
  const frequency = new Map<number, number>();
  const where = new Map<number, Set<Piece>>();
  const change = (piece: Piece, sign: 1 | -1) => {
    for (let i = 0; i + 1 < piece.ids.length; i++) {
      const pair = key(piece.ids[i] as number, piece.ids[i + 1] as number);
      const next = (frequency.get(pair) ?? 0) + sign * piece.count;
      if (next === 0) {
        frequency.delete(pair);
        where.delete(pair);
        continue;
      }
      frequency.set(pair, next);
      if (sign < 0) continue;
      const set = where.get(pair);
      if (set) set.add(piece);
      else where.set(pair, new Set([piece]));
    }
  };
  for (const piece of pieces) change(piece, 1);
  const merges: [string, string][] = [];
  while (tokens.length < size) {
    const best = mostFrequent(frequency);
    if (best === undefined) break;
    const [left, right] = [Math.floor(best / PAIR), best % PAIR];
    const merged = tokens.length;
    const names: [string, string] = [tokens[left] as string, tokens[right] as string];
    tokens.push(names[0] + names[1]);
    merges.push(names);
    for (const piece of [...(where.get(best) ?? [])]) {
      change(piece, -1);
      piece.ids = mergePair(piece.ids, left, right, merged);
      change(piece, 1);
    }
  }
  return merges;
}

const PAIR = 2 ** 24;
const key = (left: number, right: number) => left * PAIR + right;

/** The most frequent pair that occurs at least twice; of equals the one with the smaller ids. */
function mostFrequent(frequency: Map<number, number>): number | undefined {
  let best: number | undefined;
  let most = 1;
  for (const [pair, count] of frequency) {
    if (count > most || (count === most && best !== undefined && pair < best)) {
      best = pair;
      most = count;
    }
  }
  return best;
}

function mergePair(ids: readonly number[], left: number, right: number, merged: number): number[] {
  const result: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      result.push(merged);
      i++;
    } else result.push(ids[i] as number);
  }
  return result;
}
