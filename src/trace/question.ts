/** What is asked about a video. */

/** How an answer is written: an option's letter, a number, a time, or a short text. */
export type AnswerType = "choice" | "number" | "time" | "text";

/** All answer types, in the order of the documentation. */
export const answerTypes: readonly AnswerType[] = ["choice", "number", "time", "text"];

/** One option of a multiple-choice question. */
export interface Option {
  /** Upper-case letter, `A` for the first option. */
  letter: string;
  /** What the option says, without its letter. */
  text: string;
}

/** A question about one video, with the gold answer where it is known. */
export interface Question {
  /** Unique within its data set. */
  id: string;
  /** Path of the video file. */
  video: string;
  /** The question as it is asked, without options. */
  question: string;
  /** The options, empty for an open question. */
  options: readonly Option[];
  /** The gold answer (choice: the letter), or null where unknown. */
  answer: string | null;
  /** How the answer is written. */
  type: AnswerType;
  /** Path of a subtitle file (SRT or WebVTT) drawn on the frames. */
  subtitles?: string;
}
