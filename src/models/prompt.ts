/**
 * The words in which a question is put to a model. Training, evaluation and `ask` all use these, so that a
 * model is asked as it was trained. Short, because a small model reads them with every question.
 */

import type { AnswerType, Option } from "../trace/index.ts";

/** The system message of every conversation about a video. */
export const systemPrompt = "You are a helpful assistant.";

const answerForms: Record<AnswerType, string> = {
  choice: "the letter",
  number: "the number",
  time: "the time as MM:SS",
  text: "a few words",
};

/**
 * The text that follows the video in the user's message: the question, each option on its own line as
 * `(A) text`, and one line that asks for `<think>` with times and then `<answer>`.
 */
export function questionPrompt(
  question: string,
  options: readonly Option[] = [],
  answerType: AnswerType = options.length > 0 ? "choice" : "text",
): string {
  return [
    question.trim(),
    ...options.map(({ letter, text }) => `(${letter}) ${text.replace(/\s+/g, " ").trim()}`),
    `Think in <think></think>, citing times as MM:SS, then give ${answerForms[answerType]} in <answer></answer>.`,
  ].join("\n");
}

/** The assistant's text that training aims at: reasoning, then answer (choice: the letter), each in its tags. */
export function answerTarget(reasoning: string, answer: string): string {
  return `<think>${reasoning.trim()}</think><answer>${answer.trim()}</answer>`;
}
