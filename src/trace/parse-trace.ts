/**
 * One model output, parsed. Every input gives a trace; what is wrong with the output is listed, not thrown,
 * so that whoever counts can decide.
 */

import { type Claim, extractClaims } from "./extract-claims.ts";
import type { TimeOptions } from "./find-times.ts";

/**
 * What departs from `<think>..</think><answer>..</answer>`. `unopened`: only the closing tag is there;
 * `untagged`: the answer stands without tags; `inside-think`: it stands in the reasoning; `first`: before it;
 * `tag-stray`: a closing tag that closes nothing.
 */
export type TraceProblem =
  | "think-missing"
  | "think-unopened"
  | "think-unclosed"
  | "think-repeated"
  | "think-nested"
  | "answer-missing"
  | "answer-untagged"
  | "answer-unopened"
  | "answer-unclosed"
  | "answer-repeated"
  | "answer-inside-think"
  | "answer-first"
  | "tag-stray"
  | "text-outside";

/** A model output, parsed. */
export interface Trace {
  /** The output as it came. */
  raw: string;
  /** The reasoning (several blocks joined by a line end), or null where there is none. */
  think: string | null;
  /** The last answer given, trimmed and maybe empty, or null where there is none. */
  answer: string | null;
  /** What the reasoning says happens when; without reasoning tags, what the text outside the answer says. */
  claims: Claim[];
  /** Departures from the format, each once, in the order of `TraceProblem`; empty for a well-formed output. */
  problems: TraceProblem[];
}

interface Parts {
  thinks: string[];
  answers: { text: string; closed: boolean; inside: boolean }[];
  outside: string;
}

/** What is known of an output when it is parsed. */
export interface ParseOptions extends TimeOptions {
  /** Whether it was cut off; what stands without tags is then no answer. Default false. */
  truncated?: boolean | undefined;
  /**
   * Which block counts where one is repeated. `all` (default): every reasoning, joined, and the last answer outside
   * the reasoning, else the last inside it; `first`, `last`: the first or last reasoning and, of the same kind of
   * place, the first or last answer.
   */
  blocks?: "all" | "first" | "last" | undefined;
}

const tagPattern = /<\s{0,8}(\/?)\s{0,8}(think|answer)\s{0,8}>/gi;
const shortAnswerWords = 12;
const order: readonly TraceProblem[] = [
  "think-missing",
  "think-unopened",
  "think-unclosed",
  "think-repeated",
  "think-nested",
  "answer-missing",
  "answer-untagged",
  "answer-unopened",
  "answer-unclosed",
  "answer-repeated",
  "answer-inside-think",
  "answer-first",
  "tag-stray",
  "text-outside",
];

interface Tag {
  name: "think" | "answer";
  closing: boolean;
  from: number;
  to: number;
  /** For an opening answer: whether a `</think>` closes the reasoning around it, before another one opens. */
  closesLater: boolean;
}

/** All tags in order; read backwards once, so that knowing what follows each one takes linear time. */
function readTags(raw: string): Tag[] {
  const tags = [...raw.matchAll(tagPattern)].map((match) => ({
    name: (match[2] as string).toLowerCase() === "think" ? ("think" as const) : ("answer" as const),
    closing: match[1] === "/",
    from: match.index,
    to: match.index + match[0].length,
    closesLater: false,
  }));
  let closesLater = false;
  for (const tag of tags.toReversed()) {
    tag.closesLater = closesLater;
    if (tag.name === "think") closesLater = tag.closing;
  }
  return tags;
}

/** Walks over the tags with the blocks that are open. */
class Walk implements Parts {
  readonly thinks: string[] = [];
  readonly answers: Parts["answers"] = [];
  readonly problems = new Set<TraceProblem>();
  outside = "";
  /** Text since the last closed block, for a block whose opening tag is missing. */
  #loose = "";
  #think: string | null = null;
  #answer: string | null = null;

  text(piece: string): void {
    if (this.#answer !== null) this.#answer += piece;
    else if (this.#think !== null) this.#think += piece;
    else {
      this.outside += piece;
      this.#loose += piece;
    }
  }

  tag({ name, closing, closesLater }: Tag): void {
    if (name === "think") closing ? this.#endThink() : this.#beginThink();
    else closing ? this.#endAnswer(true) : this.#beginAnswer(closesLater);
  }

  end(): void {
    if (this.#answer !== null) this.#endAnswer(false);
    if (this.#think !== null) {
      this.problems.add("think-unclosed");
      this.#endThink();
    }
  }

  #beginThink(): void {
    if (this.#answer !== null) this.#endAnswer(false);
    if (this.#think !== null) this.problems.add("think-nested");
    else this.#think = "";
    if (this.thinks.length === 0 && this.answers.length > 0) this.problems.add("answer-first");
    this.#loose = "";
  }

  #endThink(): void {
    if (this.#answer !== null) this.#endAnswer(false);
    if (this.#think !== null) this.thinks.push(this.#think);
    else if (this.thinks.length === 0 && this.answers.length === 0) {
      this.problems.add("think-unopened");
      this.thinks.push(this.#loose);
      this.outside = "";
    } else this.problems.add("think-nested");
    this.#think = null;
    this.#loose = "";
  }

  #beginAnswer(closesLater: boolean): void {
    if (this.#answer !== null) this.#endAnswer(false);
    if (this.#think !== null && !closesLater) {
      this.problems.add("think-unclosed");
      this.#endThink();
    }
    this.#answer = "";
  }

  #endAnswer(closed: boolean): void {
    const inside = this.#think !== null;
    if (this.#answer !== null) {
      this.answers.push({ text: this.#answer, closed, inside });
      if (!closed) this.problems.add("answer-unclosed");
    } else if (!inside && this.#loose.trim() !== "") {
      this.problems.add("answer-unopened");
      this.answers.push({ text: this.#loose, closed, inside });
      this.outside = this.outside.slice(0, this.outside.length - this.#loose.length);
    } else this.problems.add("tag-stray");
    this.#answer = null;
    if (!inside) this.#loose = "";
  }
}

function walk(raw: string): Walk {
  const parts = new Walk();
  let from = 0;
  for (const tag of readTags(raw)) {
    parts.text(raw.slice(from, tag.from));
    from = tag.to;
    parts.tag(tag);
  }
  parts.text(raw.slice(from));
  parts.end();
  return parts;
}

function untaggedAnswer(parts: Parts): string | null {
  const text = parts.outside.trim();
  if (text === "") return null;
  if (parts.thinks.length > 0) return text;
  return !text.includes("\n") && text.split(/\s+/).length <= shortAnswerWords ? text : null;
}

function chooseThink(thinks: readonly string[], blocks: "all" | "first" | "last"): string | null {
  if (thinks.length === 0) return null;
  const chosen = blocks === "all" ? thinks : [thinks.at(blocks === "first" ? 0 : -1) as string];
  return chosen
    .map((text) => text.trim())
    .join("\n")
    .trim();
}

function chooseAnswer(answers: Parts["answers"], blocks: "all" | "first" | "last") {
  const outside = answers.filter((answer) => !answer.inside);
  const candidates = outside.length > 0 ? outside : answers;
  return candidates.at(blocks === "first" ? 0 : -1);
}

/**
 * Parses a model output: tags in any case, missing, repeated, nested or cut off. The last answer outside the
 * reasoning counts, else the last inside it; text after the reasoning, or an output of one short line, is an
 * answer without tags; what a long output without tags concludes is left to a judge.
 */
export function parseTrace(raw: string, options: ParseOptions = {}): Trace {
  const parts = walk(raw);
  const { problems, thinks, answers } = parts;
  const blocks = options.blocks ?? "all";
  const think = chooseThink(thinks, blocks);
  const tagged = chooseAnswer(answers, blocks);
  const untagged = tagged || options.truncated ? null : untaggedAnswer(parts);

  if (think === null) problems.add("think-missing");
  if (thinks.length > 1) problems.add("think-repeated");
  if (answers.length > 1) problems.add("answer-repeated");
  if (answers.some((a) => a.inside)) problems.add("answer-inside-think");
  if (tagged === undefined) problems.add(untagged === null ? "answer-missing" : "answer-untagged");
  if (parts.outside.trim() !== "" && untagged === null) problems.add("text-outside");

  return {
    raw,
    think,
    answer: tagged ? tagged.text.trim() : untagged,
    claims: extractClaims(think ?? (untagged === null ? parts.outside : ""), options),
    problems: order.filter((problem) => problems.has(problem)),
  };
}
