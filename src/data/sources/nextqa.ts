/**
 * NeXT-QA (github.com/doc-doc/NExT-QA): CSV with `video,frame_count,width,height,question,answer,qid,type` and, for
 * multiple choice, `a0` to `a4`, where `answer` is a place from 0. Open-ended files have the answer as words. Videos are
 * named as in VidOR, `0101/2909445186.mp4`, by the map of ids to paths that comes with the data set.
 */

import { readFile } from "node:fs/promises";
import { messageOf, UsageError } from "../../base/index.ts";
import { parseOptions } from "../../trace/index.ts";
import { isFields } from "../traces/fields.ts";
import { readCsvRows } from "./read-csv.ts";
import {
  letterAt,
  neededText,
  openAnswerType,
  type QuestionSource,
  type SourceEntry,
} from "./source-question.ts";

const format = "a CSV file of NeXT-QA";

const categories: Readonly<Record<string, string>> = {
  CW: "causal-why",
  CH: "causal-how",
  TN: "temporal-next",
  TC: "temporal-current",
  TP: "temporal-previous",
  DC: "descriptive-count",
  DL: "descriptive-location",
  DO: "descriptive-other",
};

async function readMap(path: string | null): Promise<Record<string, unknown>> {
  if (path === null) return {};
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (isFields(value)) return value;
    throw new Error("another JSON value");
  } catch (error) {
    throw new UsageError(
      "source-invalid",
      `${path}: must be a JSON object of video ids to paths, got ${messageOf(error)}`,
      "It comes with NeXT-QA as map_vid_vidorID.json.",
    );
  }
}

function entryOf(fields: Record<string, string>, place: string, paths: Record<string, unknown>): SourceEntry {
  const text = (name: string) => neededText(fields, name, place, format);
  const video = text("video");
  const sourceId = `${video}/${text("qid")}`;
  const mapped = paths[video];
  const base = {
    sourceId,
    videos: [...(typeof mapped === "string" ? [`${mapped}.mp4`] : []), `${video}.mp4`, video],
    question: text("question"),
    category: categories[text("type")] ?? text("type"),
    licence: "annotations: MIT (NeXT-QA); videos: their owners', from VidOR",
  };
  const answer = text("answer");
  if (fields.a0 === undefined)
    return { place, question: { ...base, options: [], answer, answerType: openAnswerType(answer) } };
  const options = parseOptions([0, 1, 2, 3, 4].map((i) => text(`a${i}`)));
  const letter = letterAt(answer, options);
  if (letter === null)
    return { place, sourceId, problem: `answer: must be a place from 0 to 4, got ${JSON.stringify(answer)}` };
  return { place, question: { ...base, options, answer: letter, answerType: "choice" } };
}

/** NeXT-QA. */
export const nextqa: QuestionSource = {
  name: "nextqa",
  reads: "NeXT-QA's CSV, multiple choice or open-ended",
  async *read(path, { videoMap }) {
    const paths = await readMap(videoMap);
    for await (const { line, value } of readCsvRows(path)) yield entryOf(value, `${path}:${line}`, paths);
  },
};
