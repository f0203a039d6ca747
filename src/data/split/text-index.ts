/**
 * Questions by their words, to find those that are nearly the same: the Jaccard similarity of their shingles, three
 * words in a row. Only questions that share one of a set's rarest shingles can be similar enough (prefix filtering;
 * Chaudhuri, Ganti and Kaushik, 2006), so that the search is exact and does not compare every pair.
 */

import { canonicalWords } from "../../trace/index.ts";

const shingleWords = 3;

/** A question as text: its options count, in whatever order they are given. */
export interface QuestionText {
  question: string;
  /** Texts without letters. */
  options: readonly string[];
}

/** A question that is nearly the same as another. */
export interface SimilarText {
  of: string;
  /** 0 to 1. */
  similarity: number;
}

/** How texts are compared. */
export interface TextIndexOptions {
  /** The least similarity that counts, above 0 and at most 1. Default 0.8. */
  threshold?: number | undefined;
  /** Shorter questions, options included, are never found: too many are alike by chance. Default 8. */
  minWords?: number | undefined;
}

function shinglesOf({ question, options }: QuestionText, minWords: number): string[] {
  const parts = [question, ...options.toSorted()].map((text) => canonicalWords(text));
  const words = parts.flat();
  if (words.length < minWords) return [];
  const found = new Set<string>();
  for (let i = 0; i + shingleWords <= words.length; i++)
    found.add(words.slice(i, i + shingleWords).join(" "));
  return [...found];
}

interface Indexed {
  id: string;
  shingles: ReadonlySet<string>;
}

/** Texts that can be searched for. */
export class TextIndex {
  readonly #threshold: number;
  readonly #minWords: number;
  readonly #frequency = new Map<string, number>();
  readonly #byPrefix = new Map<string, Indexed[]>();

  /** @param texts what is searched, each with a name */
  constructor(texts: Iterable<{ id: string; text: QuestionText }>, options: TextIndexOptions = {}) {
    this.#threshold = options.threshold ?? 0.8;
    this.#minWords = options.minWords ?? 8;
    const sets = [...texts].map(({ id, text }) => ({ id, list: shinglesOf(text, this.#minWords) }));
    for (const { list } of sets)
      for (const shingle of list) this.#frequency.set(shingle, (this.#frequency.get(shingle) ?? 0) + 1);
    for (const { id, list } of sets) {
      const indexed = { id, shingles: new Set(list) };
      for (const shingle of this.#prefix(list)) {
        const there = this.#byPrefix.get(shingle);
        if (there === undefined) this.#byPrefix.set(shingle, [indexed]);
        else there.push(indexed);
      }
    }
  }

  /** The rarest shingles, of which two sets that are similar enough share one. */
  #prefix(shingles: readonly string[]): string[] {
    const rank = (shingle: string) => this.#frequency.get(shingle) ?? 0;
    const sorted = shingles.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
    return sorted.slice(0, shingles.length - Math.ceil(this.#threshold * shingles.length - 1e-9) + 1);
  }

  /** The most similar text, the first of several, or null where none is similar enough. */
  find(text: QuestionText): SimilarText | null {
    const list = shinglesOf(text, this.#minWords);
    const seen = new Set<Indexed>();
    let best: SimilarText | null = null;
    for (const shingle of this.#prefix(list))
      for (const candidate of this.#byPrefix.get(shingle) ?? []) {
        if (seen.has(candidate)) continue;
        seen.add(candidate);
        const shared = list.reduce((sum, one) => sum + (candidate.shingles.has(one) ? 1 : 0), 0);
        const similarity = shared / (list.length + candidate.shingles.size - shared);
        if (similarity >= this.#threshold - 1e-9 && similarity > (best?.similarity ?? 0))
          best = { of: candidate.id, similarity };
      }
    return best;
  }
}
