/**
 * The embedder that is always there: words, their stems and neighbours, hashed into a vector. Offline and the same on
 * every machine. It knows no synonyms: claims that say one thing in other words are alike only by the words they
 * share.
 */

import { canonicalWords } from "../trace/index.ts";
import type { Embedder } from "./embedder.ts";
import { stem } from "./stem.ts";

const dimensions = 1024;
const weights = { word: 1, number: 1.3, functionWord: 0.15, bigram: 0.35, piece: 0.2 };
const functionWords = new Set(
  (
    "of in on at to from by with for as into onto over under up down out off is are was were be been being am it its " +
    "he she they them his her their this that these those there here and or but while then when which who what do " +
    "have has can could will would may might some any very just also again still now we you your our us my me so not"
  )
    .split(" ")
    .map(stem),
);
/** Where F1 is best on the labelled pairs of claims; see docs/judges.md. */
export const lexicalThreshold = 0.45;

/** FNV-1a of 32 bits, mixed so that its low bits depend on all of the text. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** What a stem adds to a text: the hashes of itself and of its pieces of four letters, each with its weight. */
interface StemFeatures {
  isContent: boolean;
  codes: Uint32Array;
  weights: Float64Array;
}

function stemFeatures(stem: string): StemFeatures {
  const isContent = !functionWords.has(stem);
  const isNumber = /\d/.test(stem);
  const own = isContent ? (isNumber ? weights.number : weights.word) : weights.functionWord;
  const found = [{ code: hash(`w ${stem}`), weight: own }];
  if (isContent && !isNumber && stem.length >= 5)
    for (let i = 0; i + 4 <= stem.length; i++)
      found.push({ code: hash(`p ${stem.slice(i, i + 4)}`), weight: weights.piece });
  return {
    isContent,
    codes: Uint32Array.from(found, ({ code }) => code),
    weights: Float64Array.from(found, ({ weight }) => weight),
  };
}

/** Texts have few different words: what was worked out for one is kept, up to a number that bounds the memory. */
class Known<T> {
  readonly #make: (word: string) => T;
  readonly #values = new Map<string, T>();

  constructor(make: (word: string) => T) {
    this.#make = make;
  }

  of(word: string): T {
    let value = this.#values.get(word);
    if (value === undefined) {
      value = this.#make(word);
      if (this.#values.size >= 20_000) this.#values.clear();
      this.#values.set(word, value);
    }
    return value;
  }
}

const stems = new Known(stem);
const features = new Known(stemFeatures);

function embedOne(text: string): Float32Array {
  const vector = new Float32Array(dimensions);
  // A repeated feature tells no more: its weight is taken once.
  const seen = new Set<number>();
  const add = (code: number, weight: number): void => {
    if (seen.has(code)) return;
    seen.add(code);
    const place = code % dimensions;
    vector[place] = (vector[place] as number) + (code & 0x80000000 ? -weight : weight);
  };
  let previous: string | null = null;
  for (const word of canonicalWords(text)) {
    const name = stems.of(word);
    const { isContent, codes, weights: own } = features.of(name);
    for (let i = 0; i < codes.length; i++) add(codes[i] as number, own[i] as number);
    if (!isContent) continue;
    if (previous !== null) add(hash(`b ${previous} ${name}`), weights.bigram);
    previous = name;
  }
  let squares = 0;
  for (const x of vector) squares += x * x;
  const scale = squares === 0 ? 0 : 1 / Math.sqrt(squares);
  for (let i = 0; i < dimensions; i++) vector[i] = (vector[i] as number) * scale;
  return vector;
}

/** Embeds by words. */
export class LexicalEmbedder implements Embedder {
  readonly name = "lexical v1";
  readonly threshold: number;

  /** @param threshold default: the calibrated one */
  constructor(threshold: number = lexicalThreshold) {
    this.threshold = threshold;
  }

  /** Embeds texts; see `Embedder.embed`. */
  async embed(texts: readonly string[]): Promise<Float32Array[]> {
    return texts.map(embedOne);
  }

  /** Does nothing. */
  async close(): Promise<void> {}
}
