/**
 * Consistency by rules: does the reasoning conclude what the answer says? Deterministic and offline. Where the
 * words do not settle it, the verdict is `unknown`, never a guess.
 */

import {
  type AnswerType,
  canonicalWords,
  concludedNumber,
  concludedText,
  concludedTime,
  findTimes,
  formatInterval,
  lastIndexOfWords,
  type Option,
  parseLetter,
  parseNumber,
  parseTimestamp,
  readOption,
  type TimeSpan,
  type Trace,
} from "../trace/index.ts";

/** Whether reasoning and answer agree; `unknown` where the text does not settle it. */
export type Consistency = "consistent" | "inconsistent" | "unknown";

/** A verdict with what it rests on. */
export interface ConsistencyVerdict {
  verdict: Consistency;
  /** One sentence for people. */
  reason: string;
  /** What the reasoning concludes, in the form of an answer; null where no conclusion was found. */
  concluded: string | null;
  /** What the answer says, in the same form; null where it could not be read. */
  answered: string | null;
  /** The sentence of the reasoning that the verdict rests on, as written, or null. */
  words: string | null;
}

/** What of a question the judge must know. */
export interface ConsistencyQuestion {
  options: readonly Option[];
  /** How the answer is written. */
  type: AnswerType;
}

/** Reasoning and answer, each in the form of an answer. */
export interface Reading {
  /** What the reasoning concludes, or null; `explicit` where it says so and does not only name it. */
  concluded: { shown: string; words: string; explicit: boolean } | null;
  /** What the answer says, or null where it could not be read. */
  answered: string | null;
  /** Whether they are the same. */
  same: boolean;
  /** The sentence that concludes one option by its letter and another by its words, where there is one. */
  split?: string | null;
}

const sameSecond = (a: number, b: number) => Math.abs(a - b) < 1;

function readChoice(think: string, answer: string, options: readonly Option[]): Reading {
  const answered = parseLetter(answer, options);
  const { conclusion: found, split } = readOption(think, options);
  return {
    concluded: found && { shown: found.value, words: found.words, explicit: found.explicit },
    answered,
    same: found !== null && found.value === answered,
    split,
  };
}

function readNumber(think: string, answer: string): Reading {
  const answered = parseNumber(answer);
  const found = concludedNumber(think);
  return {
    concluded: found && { shown: String(found.value), words: found.words, explicit: found.explicit },
    answered: answered === null ? null : String(answered),
    // Relative, so that 0.1 + 0.2 and 0.3 are one number.
    same:
      found !== null &&
      answered !== null &&
      Math.abs(found.value - answered) <= 1e-9 * Math.max(1, Math.abs(answered)),
  };
}

function readTime(think: string, answer: string): Reading {
  const point = parseTimestamp(answer.replace(/[.\s]+$/, ""));
  const [mention] = findTimes(answer);
  const answered: TimeSpan | null =
    point === null ? (mention ?? null) : { startSeconds: point, endSeconds: point };
  const found = concludedTime(think);
  const show = (t: TimeSpan) => formatInterval(t.startSeconds, t.endSeconds);
  return {
    concluded: found && { shown: show(found.value), words: found.words, explicit: found.explicit },
    answered: answered && show(answered),
    same:
      found !== null &&
      answered !== null &&
      sameSecond(found.value.startSeconds, answered.startSeconds) &&
      sameSecond(found.value.endSeconds, answered.endSeconds),
  };
}

function readText(think: string, answer: string): Reading {
  const words = canonicalWords(answer);
  const found = concludedText(think);
  const within = found ? canonicalWords(found.value) : [];
  const same =
    lastIndexOfWords(within, words) >= 0 ||
    (found?.explicit === true && lastIndexOfWords(words, within) >= 0);
  // Other words may be a paraphrase; only a stated answer without any word in common contradicts.
  const contradicts = found?.explicit === true && !within.some((word) => words.includes(word));
  return {
    concluded: found && { shown: found.value, words: found.words, explicit: same || contradicts },
    answered: words.length > 0 ? answer : null,
    same,
  };
}

/** Reads reasoning and answer as the type of the question asks. */
export function readBoth(think: string, answer: string, question: ConsistencyQuestion): Reading {
  if (question.options.length > 0 || question.type === "choice")
    return readChoice(think, answer, question.options);
  if (question.type === "number") return readNumber(think, answer);
  if (question.type === "time") return readTime(think, answer);
  return readText(think, answer);
}

const unknown = (reason: string, reading?: Reading): ConsistencyVerdict => ({
  verdict: "unknown",
  reason,
  concluded: reading?.concluded?.shown ?? null,
  answered: reading?.answered ?? null,
  words: reading?.concluded?.words ?? null,
});

/**
 * Judges by rules whether a trace's reasoning concludes its answer. Letters are compared after both sides are
 * read as options; numbers as values; times to the same second; texts word by word.
 *
 * @param read what `readBoth` made of the same trace and question, where that is known
 */
export function judgeConsistency(
  trace: Pick<Trace, "think" | "answer">,
  question: ConsistencyQuestion,
  read?: Reading,
): ConsistencyVerdict {
  if (!trace.think) return unknown("there is no reasoning");
  if (!trace.answer) return unknown("there is no answer");
  const reading = read ?? readBoth(trace.think, trace.answer, question);
  const { concluded, answered, same } = reading;
  if (answered === null)
    return unknown(
      `the answer "${trace.answer.slice(0, 80)}" could not be read as ${readAs(question)}`,
      reading,
    );
  if (concluded === null) return { ...unknown(noConclusion(reading), reading), words: reading.split ?? null };
  if (!same && !concluded.explicit)
    return unknown("the reasoning states no conclusion that could be compared", reading);
  return {
    verdict: same ? "consistent" : "inconsistent",
    reason: same
      ? `the reasoning concludes ${concluded.shown}, and so does the answer`
      : `the reasoning concludes ${concluded.shown}, the answer says ${answered}`,
    concluded: concluded.shown,
    answered,
    words: concluded.words,
  };
}

/** Why no conclusion can be told. */
export function noConclusion({ split }: Reading): string {
  return split
    ? "the conclusion names one option by its letter and another by its words"
    : "the reasoning states no single conclusion";
}

/** What an answer to the question is, in words: `one option`, `a number`. */
export function readAs(question: ConsistencyQuestion): string {
  if (question.options.length > 0 || question.type === "choice") return "one option";
  return question.type === "text" ? "text" : `a ${question.type}`;
}
