/** The judge that is always there: rules, offline, deterministic. What they cannot tell is null, never a guess. */

import { type Claim, canonicalWords, parseNumber } from "../trace/index.ts";
import type {
  Attention,
  EqualityInput,
  Judge,
  Judged,
  JudgedConsistency,
  JudgeInput,
  JudgeUsage,
  NumberInput,
} from "./judge.ts";
import { noUsage } from "./judge.ts";
import { judgeConsistency, noConclusion, type Reading, readAs, readBoth } from "./judge-consistency.ts";

const yesNo = new Map([
  ["yes", true],
  ["true", true],
  ["no", false],
  ["false", false],
]);

/** Judges by rules; see `judgeConsistency` for how conclusions are found and compared. */
export class RulesJudge implements Judge {
  readonly name = "rules";
  /** A trace is asked about more than once, with the same question, and reading it is most of the work. */
  readonly #readings = new WeakMap<JudgeInput["trace"], Reading>();

  #read({ trace, options, type }: JudgeInput): Reading {
    const known = this.#readings.get(trace);
    if (known !== undefined) return known;
    const reading = readBoth(trace.think ?? "", trace.answer ?? "", { options, type });
    this.#readings.set(trace, reading);
    return reading;
  }

  /** What the reasoning says it concludes; an option that is only named counts where the answer is the same. */
  async concluded(input: JudgeInput): Promise<Judged<string>> {
    if (!input.trace.think?.trim()) return { value: null, reason: "there is no reasoning" };
    const reading = this.#read(input);
    const { concluded, same } = reading;
    if (concluded === null || !(concluded.explicit || same))
      return { value: null, reason: noConclusion(reading) };
    return { value: concluded.shown, detail: concluded.words };
  }

  /** What the answer says. */
  async answered(input: JudgeInput): Promise<Judged<string>> {
    if (!input.trace.answer?.trim()) return { value: null, reason: "there is no answer" };
    const { answered } = this.#read(input);
    return answered === null
      ? { value: null, reason: `the answer could not be read as ${readAs(input)}` }
      : { value: answered };
  }

  /** Whether both agree. */
  async consistency(input: JudgeInput): Promise<JudgedConsistency> {
    const { verdict, reason, words } = judgeConsistency(input.trace, input, this.#read(input));
    if (verdict === "unknown") return { value: null, reason, words };
    return { value: verdict === "consistent", detail: reason, words };
  }

  /** The claims that parsing found. */
  async claims({ trace }: JudgeInput): Promise<Judged<Claim[]>> {
    return { value: trace.claims };
  }

  /** Always null: how much a reasoning attends to the video is not a matter of rules. */
  async attention(): Promise<Judged<Attention>> {
    return { value: null, reason: "rules give no attention score; it needs a judge model" };
  }

  /** Whether the answers are the same number, the same of yes and no, or the same words. */
  async equal({ gold, answer }: EqualityInput): Promise<Judged<boolean>> {
    if (answer.trim() === "") return { value: null, reason: "there is no answer" };
    const [a, b] = [canonicalWords(gold), canonicalWords(answer)];
    if (a.join(" ") === b.join(" ")) return { value: true };
    const [saysA, saysB] = [yesNo.get(a[0] ?? ""), yesNo.get(b[0] ?? "")];
    if (saysA !== undefined && saysB !== undefined) return { value: saysA === saysB };
    const [x, y] = [parseNumber(gold), parseNumber(answer)];
    if (x !== null && y !== null && a.length === 1 && b.length <= 2)
      return { value: Math.abs(x - y) <= 1e-9 * Math.max(1, Math.abs(x)) };
    return { value: null, reason: "rules cannot tell whether different words mean the same" };
  }

  /** The only number in the answer. */
  async number({ answer }: NumberInput): Promise<Judged<number>> {
    const value = parseNumber(answer);
    return value === null ? { value, reason: "the answer holds no single number" } : { value };
  }

  /** Zero: rules cost nothing. */
  usage(): JudgeUsage {
    return noUsage();
  }

  /** Does nothing. */
  async close(): Promise<void> {}
}
