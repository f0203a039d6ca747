/** The contract of an embedder: texts to unit vectors, whose products say how alike two claims are. */

/** Turns texts into unit vectors. */
export interface Embedder {
  /** What embedded, for reports: `lexical v1`, a checkpoint's name, or server and model. */
  readonly name: string;
  /**
   * The similarity from which two claims count as the same event, calibrated for this embedder: scales of
   * different embedders differ (`docs/judges.md`).
   */
  readonly threshold: number;
  /**
   * Embeds texts, in their order; the same text gives the same vector whatever else is in the list.
   *
   * @returns one vector of length 1 per text; of zeros where a text has nothing to embed
   */
  embed(texts: readonly string[]): Promise<Float32Array[]>;
  /** Frees what is held. */
  close(): Promise<void>;
}

/** The product of two unit vectors of one embedder: their cosine, in [-1, 1]. */
export function similarity(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length)
    throw new RangeError(`similarity: lengths must agree, got ${a.length} and ${b.length}`);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return Math.max(-1, Math.min(1, sum));
}
