/** Questions, model outputs and what they claim about the video. Pure: no file, no network, runs in a browser. */

export { canonicalWords, lastIndexOfWords } from "./canonical-words.ts";
export {
  type Conclusion,
  concludedNumber,
  concludedOption,
  concludedText,
  concludedTime,
  type OptionReading,
  readOption,
  type TimeSpan,
} from "./conclusion.ts";
export { type Claim, extractClaims } from "./extract-claims.ts";
export { findTimes, type TimeMention, type TimeOptions } from "./find-times.ts";
export { findNumbers, type NumberMention, parseNumber } from "./parse-number.ts";
export { optionLetter, optionsNamed, parseLetter, parseOptions } from "./parse-options.ts";
export { type ParseOptions, parseTrace, type Trace, type TraceProblem } from "./parse-trace.ts";
export { type AnswerType, answerTypes, type Option, type Question } from "./question.ts";
export {
  pythonStrip,
  referenceAnswer,
  referenceLastBlock,
  referenceLastBlocks,
} from "./reference-blocks.ts";
export { type Sentence, splitSentences } from "./sentences.ts";
export { formatInterval, formatTimestamp, parseTimestamp } from "./timestamp.ts";
export { truncationOf } from "./truncation.ts";
