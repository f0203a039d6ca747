/** One question asked several times, answered by vote. */

import { mapPool } from "../base/index.ts";
import { type Embedder, LexicalEmbedder } from "../judges/index.ts";
import type { ChatModel } from "../models/index.ts";
import {
  type AnswerType,
  canonicalWords,
  type Option,
  parseLetter,
  parseNumber,
  parseTimestamp,
} from "../trace/index.ts";
import { type AskRequest, type AskResult, askPrepared, prepareQuestion } from "./ask.ts";
import { countVotes, type Vote } from "./vote.ts";

/** A question that is asked several times. */
export interface AskSamplesRequest extends Omit<AskRequest, "onText"> {
  /** How often, at least 1. */
  samples: number;
  /** Requests in flight at once; default 8. A model in this process answers one after the other. */
  concurrency?: number | undefined;
  /** What compares claims. Default lexical. */
  embedder?: Embedder | undefined;
  /** Called with the number of answers that are there. */
  onSample?: ((done: number) => void) | undefined;
}

/** All answers, and what they came to. */
export interface AskSamplesResult {
  samples: AskResult[];
  vote: Vote;
  /** The trace that was chosen; the first one where none answered. */
  chosen: AskResult;
}

/**
 * Asks several times, with the seeds `seed`, `seed + 1` and so on, and lets the answers vote; see `countVotes`.
 *
 * @param request `temperature` is 0.7 by default: at 0 all samples are the same
 * @throws UsageError as `ask`
 */
export async function askSamples(model: ChatModel, request: AskSamplesRequest): Promise<AskSamplesResult> {
  const { samples: count, concurrency = 8, seed = 0, temperature = 0.7, onSample = () => {} } = request;
  const asked = await prepareQuestion(model, request);
  const seeds = Array.from({ length: count }, (_, i) => seed + i);
  const samples: AskResult[] = [];
  const { maxTokens, topP, topK, signal } = request;
  const each = (own: number): Promise<AskResult> =>
    askPrepared(model, asked, { maxTokens, topP, topK, signal, temperature, seed: own });
  for await (const result of mapPool(seeds, concurrency, each)) {
    samples.push(result);
    onSample(samples.length);
  }
  const vote = await countVotes(
    samples.map((result) => ({
      answer: result.reply.finishReason === "length" ? null : answerKey(result.trace.answer, result),
      consistency: result.consistency.verdict,
      claims: result.trace.claims,
    })),
    { embedder: request.embedder ?? new LexicalEmbedder() },
  );
  return { samples, vote, chosen: samples[vote.chosen ?? 0] as AskResult };
}

/**
 * A form of an answer in which equal answers are equal: the letter, the number, the second, or the words; null where
 * there is none, or it names no option.
 */
export function answerKey(
  answer: string | null,
  { options, answerType }: { options: readonly Option[]; answerType: AnswerType },
): string | null {
  if (answer === null || answer.trim() === "") return null;
  if (options.length > 0) return parseLetter(answer, options);
  const parsed =
    answerType === "number" ? parseNumber(answer) : answerType === "time" ? parseTimestamp(answer) : null;
  return parsed === null ? canonicalWords(answer).join(" ") : String(parsed);
}
