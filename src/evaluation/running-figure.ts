/**
 * A figure over a stream of samples, in memory that does not grow with them. Up to `exactUpTo` samples it is what
 * `figure` gives; beyond, clusters are gathered into groups at random and the groups are resampled, which is an
 * interval for the same mean (random groups: Wolter 2007, chapter 2). Value and counts are exact throughout.
 */

import {
  countReasons,
  type Figure,
  type FigureOptions,
  figure,
  type ScoredSample,
} from "../metrics/index.ts";
import { bootstrapInterval } from "../stats/index.ts";

/** Samples that are kept one by one. */
const exactUpTo = 20_000;
const groups = 4096;
/** Different reasons that are counted by themselves. */
const mostReasons = 100;

/** A group from a cluster's name (FNV-1a). */
function groupOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  // The low bits alone are weak.
  return ((hash ^ (hash >>> 15)) >>> 0) % groups;
}

/** What one output says is no reason by itself: `the answer "3 of them" could not be read`. */
const general = (reason: string) => reason.replace(/"[^"]*"/g, "...");

/** Adds up scores. */
export class RunningFigure {
  #scored: ScoredSample[] | null = [];
  readonly #sums = new Float64Array(groups);
  readonly #counts = new Float64Array(groups);
  #sum = 0;
  #n = 0;
  #unscored = 0;
  readonly #reasons = new Map<string, number>();

  /** Counts one sample. */
  add(sample: ScoredSample): void {
    if (sample.score === null) {
      this.#unscored++;
      const reason = general(sample.reason);
      const known = this.#reasons.has(reason) || this.#reasons.size < mostReasons;
      const name = known ? reason : "other reasons";
      this.#reasons.set(name, (this.#reasons.get(name) ?? 0) + 1);
      return;
    }
    this.#n++;
    this.#sum += sample.score;
    if (this.#scored === null) this.#group(sample.score, sample.cluster ?? this.#n);
    else if (this.#scored.push(sample) > exactUpTo) {
      this.#scored.forEach(({ score, cluster }, i) => {
        this.#group(score as number, cluster ?? i);
      });
      this.#scored = null;
    }
  }

  #group(score: number, cluster: string | number): void {
    const at = groupOf(String(cluster));
    this.#sums[at] = (this.#sums[at] as number) + score;
    this.#counts[at] = (this.#counts[at] as number) + 1;
  }

  /** The figure so far. */
  figure(options: FigureOptions = {}): Figure {
    const reasons = countReasons([]);
    for (const [reason, count] of [...this.#reasons].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)))
      reasons[reason] = count;
    const unscored = { unscored: this.#unscored, reasons };
    if (this.#scored !== null) return { ...figure(this.#scored, options), ...unscored };
    return { value: this.#sum / this.#n, n: this.#n, ...unscored, interval: this.#interval(options) };
  }

  /** Of the mean, by the groups' share in it, linear in their sums: ratio `R + (s - R c) / mean c`. */
  #interval(options: FigureOptions) {
    const ratio = this.#sum / this.#n;
    const used = [...this.#counts.keys()].filter((i) => (this.#counts[i] as number) > 0);
    const size = this.#n / used.length;
    const shares = used.map(
      (i) => ratio + ((this.#sums[i] as number) - ratio * (this.#counts[i] as number)) / size,
    );
    return bootstrapInterval(shares, options);
  }
}

/** Running figures by the name of a group; beyond `most` names, the rest together. */
export class RunningFigures {
  readonly #figures = new Map<string, RunningFigure>();
  readonly #most: number;

  /** @param most names that are kept apart */
  constructor(most = 200) {
    this.#most = most;
  }

  /** Counts one sample of a group. */
  add(name: string, sample: ScoredSample): void {
    const key = this.#figures.has(name) || this.#figures.size < this.#most ? name : "(others)";
    const running = this.#figures.get(key) ?? new RunningFigure();
    this.#figures.set(key, running);
    running.add(sample);
  }

  /** The figures by name, in the order in which names first occurred. */
  figures(options: FigureOptions = {}): Record<string, Figure> {
    return Object.fromEntries([...this.#figures].map(([name, running]) => [name, running.figure(options)]));
  }
}
