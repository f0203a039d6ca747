/** All the wording of the synthetic world as plain text, for training a tokenizer on it. */

import { answerTarget, questionPrompt, systemPrompt } from "../../models/index.ts";
import { planVideo, type WorldOptions } from "./plan-video.ts";

/**
 * Yields the texts a model reads and writes about generated videos, without drawing any: the system message once,
 * then for each question its prompt and its target. 600 videos contain every word.
 *
 * @param options of the world; subtitles default to half of the videos here, so that their wording is covered
 * @param videos how many videos are planned. Default 600
 */
export function* synthCorpus(options: WorldOptions, videos = 600): Generator<string> {
  yield systemPrompt;
  for (let index = 0; index < videos; index++) {
    for (const row of planVideo({ subtitles: 0.5, ...options }, index).rows) {
      yield questionPrompt(row.question, row.options, row.answerType);
      yield answerTarget(row.reasoning, row.answer);
    }
  }
}
