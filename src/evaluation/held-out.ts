/**
 * How a checkpoint does on rows with known answers: accuracy by category, consistency by rules, and whether it
 * looks, that is whether its answers change when the video is replaced by another one. In-process and batched.
 */

import { clockEnd, type DataRow, rowFiles } from "../data/index.ts";
import { type Consistency, judgeConsistency } from "../judges/index.ts";
import type { GenerationRequest, Qwen25VL } from "../nn/index.ts";
import { canonicalWords, parseLetter, parseNumber, parseTimestamp, parseTrace } from "../trace/index.ts";
import { type Clip, ClipStore, type RecipeVideo, rowMessages } from "../training/index.ts";

/** One row's outcome. */
export interface HeldOutResult {
  id: string;
  category: string;
  momentary: boolean;
  answerType: DataRow["answerType"];
  /** What the model wrote. */
  raw: string;
  gold: string;
  /** The answer as given, null where there is none. */
  given: string | null;
  /** null where it could not be scored; `reason` says why. */
  correct: boolean | null;
  reason?: string;
  consistency: Consistency | null;
  /** Of times: whether it is within one second of the right one. */
  withinOneSecond?: boolean;
  /** The answer given to the same question about another video; absent if that was not asked. */
  givenAboutOther?: string | null;
}

/** What is evaluated, and how. */
export interface HeldOutOptions {
  /** How frames are taken, as in training. */
  video: RecipeVideo;
  /** Folder that keeps drawn frames; default none. */
  cache?: string;
  /** Ask every question about another video of equal length as well. Default false. */
  swap?: boolean;
  /** Rows in flight. Default 32. */
  batchSize?: number;
  /** Threads that decode. Default 1. */
  workers?: number;
  /** Called after every batch with the rows done. */
  onProgress?: (done: number) => void;
}

/**
 * Asks every row, greedily.
 *
 * @param path the JSONL file the rows are from, for the place of their videos
 */
export async function evaluateHeldOut(
  model: Qwen25VL,
  path: string,
  rows: readonly DataRow[],
  options: HeldOutOptions,
): Promise<HeldOutResult[]> {
  const { batchSize = 32, onProgress = () => {} } = options;
  const clips = new ClipStore(
    {
      video: options.video,
      processor: model.processor,
      ...(options.cache === undefined ? {} : { cache: options.cache }),
    },
    options.workers ?? 1,
  );
  try {
    const results: HeldOutResult[] = [];
    const others = options.swap ? otherVideos(rows) : undefined;
    for (let at = 0; at < rows.length; at += batchSize) {
      const batch = rows.slice(at, at + batchSize);
      const about = (row: DataRow): ReturnType<typeof rowFiles> => rowFiles(path, row);
      const own = await answers(model, clips, batch, about);
      const swapped =
        others && (await answers(model, clips, batch, (row) => about(others.get(row.id) ?? row)));
      batch.forEach((row, i) => {
        const result = scoreRow(row, own[i] as string | Error);
        const other = swapped?.[i];
        if (other === undefined || !others?.has(row.id)) results.push(result);
        else
          results.push({
            ...result,
            givenAboutOther: other instanceof Error ? null : parseTrace(other).answer,
          });
      });
      onProgress(results.length);
    }
    return results;
  } finally {
    await clips.close();
  }
}

/** What the model writes about each row; an error where the video cannot be read. */
async function answers(
  model: Qwen25VL,
  clips: ClipStore,
  rows: readonly DataRow[],
  files: (row: DataRow) => { video: string; subtitles?: string },
): Promise<(string | Error)[]> {
  const wanted = new Map<string, Promise<Clip | Error>>();
  for (const row of rows) {
    const request = files(row);
    if (!wanted.has(request.video))
      wanted.set(
        request.video,
        clips.get(request).catch((error: unknown) => error as Error),
      );
  }
  const seen = await Promise.all(rows.map((row) => wanted.get(files(row).video) as Promise<Clip | Error>));
  const requests: GenerationRequest[] = [];
  const places: number[] = [];
  rows.forEach((row, i) => {
    const clip = seen[i] as Clip | Error;
    if (clip instanceof Error) return;
    places.push(i);
    requests.push({ messages: rowMessages(row, clip) });
  });
  const texts: (string | Error)[] = seen.map((clip) => (clip instanceof Error ? clip : ""));
  if (requests.length > 0) {
    const { generations } = await model.generate(requests, {
      temperature: 0,
      maxNewTokens: 192,
      batchSize: requests.length,
    });
    generations.forEach(([generation], i) => {
      texts[places[i] as number] = generation?.text ?? "";
    });
  }
  return texts;
}

/** Judges what was written about a row. */
export function scoreRow(row: DataRow, written: string | Error): HeldOutResult {
  const { id, category, momentary, answerType, answer: gold, options } = row;
  const facts = { id, category, momentary, answerType, gold };
  if (written instanceof Error)
    return { ...facts, raw: "", given: null, correct: null, reason: written.message, consistency: null };
  const trace = parseTrace(written, { durationSeconds: clockEnd(row) });
  const given = trace.answer;
  const consistency = judgeConsistency(trace, { options, type: answerType }).verdict;
  if (given === null)
    return { ...facts, raw: written, given, correct: false, reason: "no answer", consistency };
  const scored = { ...facts, raw: written, given, consistency, correct: sameAnswer(row, given) };
  if (answerType !== "time") return scored;
  const [a, b] = [parseTimestamp(given), parseTimestamp(gold)];
  return { ...scored, withinOneSecond: a !== null && b !== null && Math.abs(a - b) <= 1 };
}

/** Whether an answer is the gold one: the letter, the number, the second, or the same words. */
function sameAnswer({ answer: gold, answerType, options }: DataRow, given: string): boolean {
  switch (answerType) {
    case "choice":
      return parseLetter(given, options) === gold;
    case "number":
      return parseNumber(given) === Number(gold);
    case "time":
      return parseTimestamp(given) === parseTimestamp(gold);
    case "text":
      return canonicalWords(given).join(" ") === canonicalWords(gold).join(" ");
  }
}

/** For every row a row about another video of equal length, the next such one; none where there is no other. */
function otherVideos(rows: readonly DataRow[]): Map<string, DataRow> {
  const others = new Map<string, DataRow>();
  rows.forEach((row, i) => {
    for (let step = 1; step < rows.length; step++) {
      const other = rows[(i + step) % rows.length] as DataRow;
      if (other.durationSeconds !== row.durationSeconds || other.video === row.video) continue;
      others.set(row.id, other);
      return;
    }
  });
  return others;
}

/** A share of rows, with its count. */
export interface Share {
  /** In [0, 1]; null over no rows. */
  value: number | null;
  /** Rows it is over. */
  n: number;
}

/** Results in sum. */
export interface HeldOutSummary {
  accuracy: Share;
  /** Over questions that one moment answers. */
  momentary: Share;
  /** Over questions that need order, count, duration or comparison. */
  temporal: Share;
  byCategory: Record<string, Share>;
  byAnswerType: Record<string, Share>;
  /** Reasoning and answer agree by rules, over all answered rows. */
  consistency: Share;
  /** Right and consistent, over all rows: the paper's TAC numerator over our denominator. */
  consistentAndCorrect: Share;
  /** The answer changes when the video is replaced by another. */
  changedBySwap: Share;
  /** Answers that are right about the own video and given about another one as well: the accuracy that is left. */
  accuracyUnderSwap: Share;
  /** Rows that could not be scored, and why. */
  unscored: { id: string; reason: string }[];
}

/** Sums up results; rows that could not be scored are listed, not counted. */
export function summariseHeldOut(results: readonly HeldOutResult[]): HeldOutSummary {
  const scored = results.filter(({ correct }) => correct !== null);
  const accuracy = (rows: readonly HeldOutResult[]): Share => share(rows, ({ correct }) => correct === true);
  const by = (key: (row: HeldOutResult) => string): Record<string, Share> =>
    Object.fromEntries(
      [...new Set(scored.map(key))]
        .sort()
        .map((name) => [name, accuracy(scored.filter((row) => key(row) === name))]),
    );
  const answered = scored.filter(({ given }) => given !== null);
  const swapped = scored.filter((row) => row.givenAboutOther !== undefined);
  return {
    accuracy: accuracy(scored),
    momentary: accuracy(scored.filter(({ momentary }) => momentary)),
    temporal: accuracy(scored.filter(({ momentary }) => !momentary)),
    byCategory: by(({ category }) => category),
    byAnswerType: by(({ answerType }) => answerType),
    consistency: share(answered, ({ consistency }) => consistency === "consistent"),
    consistentAndCorrect: share(scored, (row) => row.correct === true && row.consistency === "consistent"),
    changedBySwap: share(swapped, (row) => row.givenAboutOther !== row.given),
    accuracyUnderSwap: share(swapped, (row) => row.correct === true && row.givenAboutOther === row.given),
    unscored: results.flatMap(({ id, correct, reason }) =>
      correct === null ? [{ id, reason: reason ?? "" }] : [],
    ),
  };
}

function share(rows: readonly HeldOutResult[], test: (row: HeldOutResult) => boolean): Share {
  return { value: rows.length === 0 ? null : rows.filter(test).length / rows.length, n: rows.length };
}
