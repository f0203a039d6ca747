/**
 * The judge that asks a language model on a server. What needs no model is not asked: an answer that can be read
 * without doubt, a reasoning that is not there. With `compat: "reference"` everything is asked, of the blocks that
 * the reference takes, and replies are read as it reads them.
 */

import { type Claim, referenceLastBlock } from "../trace/index.ts";
import type { Asked, AskServer, Question } from "./ask-server.ts";
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
import {
  type FormPrompts,
  fillPrompt,
  type JudgePrompt,
  type JudgePrompts,
  type PlaceValues,
} from "./prompts.ts";
import {
  NONE,
  readAttention,
  readClaims,
  readConclusion,
  readNumber,
  readVerdict,
  readWords,
} from "./read-reply.ts";
import {
  referenceAttention,
  referenceDecision,
  referenceLetter,
  referencePostNumber,
  referenceVsiLetter,
  referenceVsiNumber,
} from "./reference-replies.ts";
import { replySchemas } from "./reply-schemas.ts";
import { RulesJudge } from "./rules-judge.ts";

/** What a model judge is made of. */
export interface LlmJudgeParts {
  /** Server and model, for reports. */
  server: string;
  /** What asks. */
  asks: AskServer;
  /** What is asked. */
  prompts: JudgePrompts;
  /** How replies are read. */
  compat: "paper" | "reference";
  /** Ends requests in flight. */
  stop: () => void;
}

type Task = keyof typeof replySchemas;
type Read<T> = (reply: string) => T | null;

const vsi = /vsi/i;

/** The first block of a tag in lower case, trimmed, as the reference's rewards take it. */
function firstBlock(raw: string, tag: "think" | "answer"): string {
  return (new RegExp(`<${tag}>\\s*([\\s\\S]*?)\\s*</${tag}>`).exec(raw)?.[1] ?? "").trim();
}

const optionLines = ({ options }: Pick<JudgeInput, "options">) =>
  options.map(({ letter, text }) => `${letter}. ${text}`).join("\n");

/** The prompt the model saw, or the question that stands for it. */
function promptOf(input: JudgeInput): string {
  return input.prompt ?? [input.question, optionLines(input)].filter((part) => part !== "").join("\n");
}

function formOf<T>(forms: Record<keyof FormPrompts, T>, { options, type }: JudgeInput): T {
  if (options.length > 0 || type === "choice") return forms.choice;
  return type === "number" ? forms.number : forms.open;
}

function asJudged<T>(asked: Asked<T | typeof NONE>, none: string): Judged<T> {
  if (!asked.ok) return { value: null, reason: asked.reason, raw: asked.raw };
  const { read, raw } = asked;
  return read === NONE ? { value: null, reason: none, raw } : { value: read, raw };
}

/** Judges by asking a model. */
export class LlmJudge implements Judge {
  readonly name: string;
  readonly #parts: LlmJudgeParts;
  readonly #rules = new RulesJudge();
  readonly #isReference: boolean;

  /** Makes it of its parts; `openJudge` is the usual way. */
  constructor(parts: LlmJudgeParts) {
    this.#parts = parts;
    this.#isReference = parts.compat === "reference";
    this.name = `${parts.server}, prompts ${parts.prompts.version}${this.#isReference ? ", compat reference" : ""}`;
  }

  /** What the reasoning concludes. */
  async concluded(input: JudgeInput): Promise<Judged<string>> {
    const think = this.#block(input, "think");
    if (think === null) return { value: null, reason: "there is no reasoning" };
    const asked = await this.#ask(
      formOf(this.#parts.prompts.concluded, input),
      "concluded",
      { ...this.#values(input), think },
      this.#readConclusion(input),
    );
    const judged = asJudged(asked, "the judge finds no single conclusion in the reasoning");
    return judged.value === null ? judged : { ...judged, detail: readWords(judged.raw ?? "") ?? undefined };
  }

  /** What the answer says: by rules where these can read it, else by the model. */
  async answered(input: JudgeInput): Promise<Judged<string>> {
    if (!this.#isReference) {
      const ruled = await this.#rules.answered(input);
      const isFree = formOf({ choice: false, number: false, open: input.type === "text" }, input);
      if (ruled.value !== null && !isFree) return ruled;
    }
    const answer = this.#block(input, "answer");
    if (answer === null) return { value: null, reason: "there is no answer" };
    const asked = await this.#ask(
      formOf(this.#parts.prompts.answered, input),
      "answered",
      { ...this.#values(input), answer },
      this.#readConclusion(input),
    );
    return asJudged(asked, "the judge finds no single answer in what was given");
  }

  /** Whether the reasoning leads to the answer. */
  async consistency(input: JudgeInput): Promise<JudgedConsistency> {
    const { trace } = input;
    const think = this.#isReference ? firstBlock(trace.raw, "think") : trace.think?.trim();
    const answer = this.#isReference ? firstBlock(trace.raw, "answer") : trace.answer?.trim();
    if (!this.#isReference && !think) return { value: null, reason: "there is no reasoning" };
    if (!this.#isReference && !answer) return { value: null, reason: "there is no answer" };
    const read: Read<boolean | typeof NONE> = this.#isReference
      ? referenceDecision
      : (reply) => readVerdict(reply, ["verdict", "consistent", "consistency", "decision"]);
    const values = { ...this.#values(input), think, answer };
    const judged = asJudged(
      await this.#ask(this.#parts.prompts.consistency, "consistency", values, read),
      "the judge finds the reasoning undecided",
    );
    return { ...judged, words: readWords(judged.raw ?? "") };
  }

  /** What the reasoning says happens when. */
  async claims(input: JudgeInput): Promise<Judged<Claim[]>> {
    const { trace } = input;
    const think = this.#isReference ? firstBlock(trace.raw, "think") : trace.think?.trim();
    if (!think) return { value: null, reason: "there is no reasoning" };
    const values = { ...this.#values(input), think };
    return asJudged(await this.#ask(this.#parts.prompts.claims, "claims", values, readClaims), "");
  }

  /** How much the reasoning attends to the video; without any reasoning the score is 0, and nobody is asked. */
  async attention(input: JudgeInput): Promise<Judged<Attention>> {
    const think = input.trace.think?.trim() ?? "";
    if (!this.#isReference && think === "")
      return { value: { score: 0, rationale: "There is no reasoning." } };
    const values = { ...this.#values(input), think, prompt: promptOf(input), response: input.trace.raw };
    const read = this.#isReference ? referenceAttention : readAttention;
    return asJudged(await this.#ask(this.#parts.prompts.attention, "attention", values, read), "");
  }

  /** Whether two answers mean the same: by rules where these can tell, else by the model. */
  async equal(input: EqualityInput): Promise<Judged<boolean>> {
    const ruled = await this.#rules.equal(input);
    if (ruled.value !== null || input.answer.trim() === "") return ruled;
    const { question, gold, answer } = input;
    const read: Read<boolean | typeof NONE> = (reply) =>
      readVerdict(reply, ["equal", "equivalent", "same", "correct", "verdict"]);
    return asJudged(
      await this.#ask(this.#parts.prompts.equal, "equal", { question, gold, answer }, read),
      "the judge cannot tell",
    );
  }

  /** The number in an answer: by rules where there is one only, else by the model. */
  async number(input: NumberInput): Promise<Judged<number>> {
    if (!this.#isReference) {
      const ruled = await this.#rules.number(input);
      if (ruled.value !== null || input.answer.trim() === "") return ruled;
    }
    const { question, answer } = input;
    const read: Read<number | typeof NONE> = this.#isReference
      ? (reply) => {
          const value = referencePostNumber(reply);
          return value === undefined ? NONE : value;
        }
      : readNumber;
    return asJudged(
      await this.#ask(this.#parts.prompts.number, "number", { question, answer }, read),
      "the judge finds no single number in the answer",
    );
  }

  /** What it has cost so far. */
  usage(): JudgeUsage {
    return this.#parts.asks.usage();
  }

  /** Ends requests in flight. */
  async close(): Promise<void> {
    this.#parts.stop();
  }

  /** The text to read; null where there is none to ask about. The reference asks about nothing, too. */
  #block({ trace }: JudgeInput, tag: "think" | "answer"): string | null {
    if (this.#isReference) return referenceLastBlock(trace.raw, tag);
    return trace[tag]?.trim() || null;
  }

  #values(input: JudgeInput): PlaceValues {
    // The reference puts its letters before VSI-Bench's options, which have theirs.
    const twice = this.#isReference && vsi.test(input.benchmark ?? "");
    const lettered = twice
      ? { options: input.options.map(({ letter, text }) => ({ letter, text: `${letter}. ${text}` })) }
      : input;
    return {
      question: input.question,
      options: optionLines(lettered),
      think: input.trace.think ?? "",
      answer: input.trace.answer ?? "",
      prompt: promptOf(input),
      response: input.trace.raw,
      duration: input.durationSeconds === undefined ? "an unknown time" : `${input.durationSeconds} seconds`,
    };
  }

  #readConclusion(input: JudgeInput): Read<string | typeof NONE> {
    if (!this.#isReference) return (reply) => readConclusion(reply, input);
    const isVsi = vsi.test(input.benchmark ?? "");
    const form = formOf({ choice: "choice", number: "number", open: "open" }, input);
    if (form === "number" && isVsi)
      return (reply) => {
        const value = referenceVsiNumber(reply);
        return value === null ? NONE : String(value);
      };
    if (form !== "choice") return (reply) => reply.trim() || NONE;
    return (reply) =>
      (isVsi
        ? referenceVsiLetter(reply, input.options)
        : referenceLetter(reply, input.options.length, input.benchmark)) ?? NONE;
  }

  #ask<T>(prompt: JudgePrompt, task: Task, values: PlaceValues, read: Read<T>): Promise<Asked<T>> {
    const question: Question<T> = {
      task,
      version: this.#parts.prompts.version,
      system: fillPrompt(prompt.system, values),
      user: fillPrompt(prompt.user, values),
      sampling: prompt.sampling,
      schema: prompt.json ? replySchemas[task] : undefined,
      reminder: prompt.reminder,
      read,
    };
    return this.#parts.asks.ask(question);
  }
}
