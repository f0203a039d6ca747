/** Whether the judge is there, asked not more often than every few seconds, however often readiness is. */

import { messageOf } from "../../base/index.ts";

/** Asks for a judge; rejects where it is not there. */
export type Probe = (signal: AbortSignal) => Promise<unknown>;

/** Seconds for which an answer holds, and that the judge has to give it. */
const holds = 5;
const takes = 2;

/** Asks whether a judge is there. */
export class JudgeProbe {
  readonly #probe: Probe;
  #asked = Number.NEGATIVE_INFINITY;
  #answer: Promise<string | null> = Promise.resolve(null);

  /** Asks nobody yet. */
  constructor(probe: Probe) {
    this.#probe = probe;
  }

  /** Why the judge is not there, or null. */
  failure(): Promise<string | null> {
    if (performance.now() - this.#asked > holds * 1000) {
      this.#asked = performance.now();
      this.#answer = this.#probe(AbortSignal.timeout(takes * 1000)).then(() => null, messageOf);
    }
    return this.#answer;
  }
}
