/**
 * The order in which rows are trained on: a pure function of rows, settings and seed, so that a resumed run goes
 * on where it stopped. Rows of equal video length go together, and among them rows of similar text length, so
 * that little is padded and few programs are compiled.
 */

import { Random } from "../base/index.ts";

/** What the plan needs to know of a row. */
export interface PlannedRow {
  /** The video it asks about; rows of one video can share the vision tower's work. */
  video: string;
  /** Rows whose videos give equally many frames have equal keys. */
  shape: string;
  /** Tokens of prompt and target without the video's. */
  tokens: number;
}

/** How batches are made. */
export interface BatchOptions {
  /** Rows in a batch. */
  batchSize: number;
  /** Rows of one video that stay together; divides `batchSize`. */
  questionsPerVideo: number;
  seed: number;
}

/**
 * One pass over the rows as batches of row numbers; rows of one video are neighbours in a batch.
 *
 * Rows that do not fill a batch of their shape are left out of this pass; which ones differs from pass to pass.
 *
 * @param epoch from 0; each has its own order
 */
export function planEpoch(rows: readonly PlannedRow[], options: BatchOptions, epoch: number): number[][] {
  const random = new Random(`batches/${options.seed}/${epoch}`);
  const units = new Map<string, { rows: number[]; tokens: number }[]>();
  for (const [, members] of groupBy([...rows.keys()], (i) => rows[i]?.video ?? "")) {
    const order = random.shuffle(members);
    const size = options.questionsPerVideo;
    for (let at = 0; at + size <= order.length; at += size) {
      const chosen = order.slice(at, at + size);
      const shape = rows[chosen[0] as number]?.shape ?? "";
      const tokens = Math.max(...chosen.map((i) => rows[i]?.tokens ?? 0));
      const list = units.get(shape);
      if (list) list.push({ rows: chosen, tokens });
      else units.set(shape, [{ rows: chosen, tokens }]);
    }
  }
  const perBatch = options.batchSize / options.questionsPerVideo;
  const batches: number[][] = [];
  for (const [, list] of [...units].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const shuffled = random.shuffle(list);
    // Sorting by length within stretches of 16 batches keeps padding small and the order random.
    for (let at = 0; at < shuffled.length; at += perBatch * 16) {
      const stretch = shuffled.slice(at, at + perBatch * 16).sort((a, b) => a.tokens - b.tokens);
      for (let i = 0; i + perBatch <= stretch.length; i += perBatch)
        batches.push(stretch.slice(i, i + perBatch).flatMap((unit) => unit.rows));
    }
  }
  return random.shuffle(batches);
}

/** Batches without end from a step on: pass after pass, each in its own order. */
export function* planFrom(
  rows: readonly PlannedRow[],
  options: BatchOptions,
  step: number,
): Generator<{ batch: number[]; epoch: number }> {
  let before = 0;
  for (let epoch = 0; ; epoch++) {
    const batches = planEpoch(rows, options, epoch);
    if (batches.length === 0) return;
    for (const batch of before + batches.length <= step ? [] : batches.slice(Math.max(0, step - before)))
      yield { batch, epoch };
    before += batches.length;
  }
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return groups;
}
