/** Questions as plain JSON Lines, JSON or CSV, whose fields `--map` names where they are called otherwise. */

import { UsageError } from "../../base/index.ts";
import { type AnswerType, answerTypes, parseLetter } from "../../trace/index.ts";
import { type Fields, fieldNames, textField } from "../traces/fields.ts";
import { readOptions } from "../traces/read-options.ts";
import { readCsvRows } from "./read-csv.ts";
import { readSourceValues } from "./read-json.ts";
import {
  letterAt,
  objectAt,
  openAnswerType,
  type QuestionSource,
  type ReadSourceOptions,
  type SourceEntry,
  sourceError,
} from "./source-question.ts";

const format = "a table with a video, a question and an answer in each row";

/** The fields that can be named, each with the names it is looked for under; `answerIndex` is a place from 0. */
const names = {
  id: ["id", "question_id", "qid", "key"],
  video: ["video", "video_path", "path", "video_name", "video_id"],
  question: ["question", "query"],
  options: [],
  answer: ["answer", "gold", "label"],
  answerIndex: ["answerIndex", "answer_index"],
  answerType: ["answerType", "answer_type"],
  category: ["category", "type", "task", "question_type"],
  licence: ["licence", "license"],
} as const satisfies Record<string, readonly string[]>;

type Name = keyof typeof names;

/** The fields that `--map` can name. */
export const mappableFields = Object.keys(names) as readonly Name[];

/**
 * Reads `field=column`.
 *
 * @throws UsageError `usage` for another form or field
 */
export function parseMap(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, field = "", column = ""] = /^([^=]+)=(.+)$/.exec(pair) ?? [];
      if (!(mappableFields as readonly string[]).includes(field))
        throw new UsageError(
          "usage",
          `--map: must be FIELD=COLUMN with a field of ${mappableFields.join(", ")}, got ${JSON.stringify(pair)}`,
        );
      return [field, column];
    }),
  );
}

function typeOf(given: string | null, choice: boolean, answer: string): AnswerType {
  if (choice) return "choice";
  return answerTypes.find((type) => type === given && type !== "choice") ?? openAnswerType(answer);
}

const figures = new Set(["passRate", "difficulty", "startSeconds"]);

/** What is left of a row when its known fields are taken; our figures are numbers, also where they are texts. */
function restOf(fields: Fields, used: ReadonlySet<string>): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => {
      if (used.has(name) || /^(?:option_?|answer_choice_|choice|a)\d$|^[A-Z]$/.test(name)) return [];
      if (!figures.has(name) || typeof value !== "string") return [[name, value]];
      return value.trim() === "" ? [] : [[name, Number(value)]];
    }),
  );
}

function entryOf(fields: Fields, place: string, ordinal: number, { map }: ReadSourceOptions): SourceEntry {
  const used = new Set<string>(["choices", "candidates", "answer_choices", "options"]);
  const read = (name: Name): string | null => {
    const candidates: readonly string[] = map[name] === undefined ? names[name] : [map[name]];
    const text = textField(fields, candidates);
    for (const candidate of candidates) if (fields[candidate] !== undefined) used.add(candidate);
    return text;
  };
  const needed = (name: "video" | "question"): string => {
    const text = read(name);
    if (text !== null) return text;
    const there = (map[name] === undefined ? names[name] : [map[name]]).some((one) => one in fields);
    if (there) return "";
    throw sourceError(
      place,
      `must have the field ${map[name] ?? name}, got ${fieldNames(fields)}; name another with --map ${name}=COLUMN`,
      format,
    );
  };
  const sourceId = read("id") ?? String(ordinal);
  const video = needed("video");
  const question = needed("question");
  if (video === "") return { place, sourceId, problem: "video: must be there, got none" };
  const listed = readOptions(map.options === undefined ? fields : { options: fields[map.options] });
  // Columns of options are there, and empty, for open questions of a table.
  const options = listed?.every(({ text }) => text === "") ? [] : listed;
  if (map.options !== undefined) used.add(map.options);
  if (options === null)
    return { place, sourceId, problem: "options: must be a list of texts, or texts by letter" };
  const index = read("answerIndex");
  const given = read("answer");
  const type = read("answerType");
  const category = read("category") ?? "question";
  const licence = read("licence");
  const answer =
    options.length === 0
      ? given
      : index === null
        ? given === null
          ? null
          : parseLetter(given, options)
        : letterAt(index, options);
  if (answer === null)
    return {
      place,
      sourceId,
      problem:
        given === null && index === null
          ? "answer: must be there, got none"
          : `answer: must be the letter or the text of an option, got ${JSON.stringify(given ?? index)}`,
    };
  return {
    place,
    question: {
      sourceId,
      videos: [video, ...(/\.\w{2,4}$/.test(video) ? [] : [`${video}.mp4`])],
      question,
      options,
      answer,
      answerType: typeOf(type, options.length > 0, answer),
      category,
      ...(licence === null ? {} : { licence }),
      more: restOf(fields, used),
    },
  };
}

function tableSource(
  name: string,
  reads: string,
  values: (path: string) => AsyncGenerator<{ line: number; value: unknown }>,
): QuestionSource {
  return {
    name,
    reads,
    async *read(path, options) {
      let ordinal = 0;
      for await (const { line, value } of values(path)) {
        const place = `${path}:${line}`;
        yield entryOf(objectAt(value, place, format), place, ++ordinal, options);
      }
    },
  };
}

/** JSON Lines, or a JSON array, of objects. */
export const jsonl = tableSource(
  "jsonl",
  "JSON Lines or a JSON array, fields named by --map",
  readSourceValues,
);

/** CSV with a first line of names. */
export const csv = tableSource("csv", "CSV with a line of names, columns named by --map", readCsvRows);
