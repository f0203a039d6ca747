/** Questions, model outputs and what they claim about the video. Pure: no file, no network, runs in a browser. */

export { type AnswerType, answerTypes, type Option, type Question } from "./question.ts";
