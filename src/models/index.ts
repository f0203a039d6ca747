/** What answers questions about a video, and the words in which it is asked. */

export { answerTarget, questionPrompt, systemPrompt } from "./prompt.ts";
