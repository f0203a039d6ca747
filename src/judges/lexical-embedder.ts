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

/** What a text consists of, with weights: stems, pairs of neighbouring content stems, and pieces of four letters. */
function features(text: string): Map<string, number> {
  const found = new Map<string, number>();
  // A repeated feature tells less each time: its weight is taken once.
  const add = (name: string, weight: number) => found.set(name, Math.max(weight, found.get(name) ?? 0));
  const stems = canonicalWords(text).map(stem);
  const content = stems.filter((word) => !functionWords.has(word));
  for (const word of stems) {
    const isFunction = functionWords.has(word);
    const isNumber = /\d/.test(word);
    add(`w ${word}`, isFunction ? weights.functionWord : isNumber ? weights.number : weights.word);
    if (isFunction || isNumber || word.length < 5) continue;
    for (let i = 0; i + 4 <= word.length; i++) add(`p ${word.slice(i, i + 4)}`, weights.piece);
  }
  for (let i = 1; i < content.length; i++) add(`b ${content[i - 1]} ${content[i]}`, weights.bigram);
  return found;
}

function embedOne(text: string): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const [name, weight] of features(text)) {
    const code = hash(name);
    const place = code % dimensions;
    vector[place] = (vector[place] as number) + (code & 0x80000000 ? -weight : weight);
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
