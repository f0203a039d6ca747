/** Everything about one generated video but its pixels: the scene and the rows. Each video stands alone. */

import { Random, UsageError } from "../../base/index.ts";
import type { DataRow } from "../row.ts";
import { groundingOf } from "./events.ts";
import { makeOptionRows } from "./lookups.ts";
import { makeLookups, makeQuestions, makeTimelines } from "./make-questions.ts";
import { makeScene } from "./make-scene.ts";
import { makeStills } from "./make-stills.ts";
import type { Scene } from "./scene.ts";
import type { Split } from "./vocabulary.ts";

/** What determines the content of a data set; together with an index it determines a video to the byte. */
export interface WorldOptions {
  /** Any whole number. */
  seed: number;
  split: Split;
  /** Questions per video, 0 to 16; 0 only where there are other rows. Default 6. */
  questionsPerVideo?: number;
  /**
   * Lengths in whole seconds, 8 to 64 (from 1 for stills), each as likely; repeat one to have it more often. Default: four
   * fifths 8 to 16, one fifth 24 to 64.
   */
  lengths?: readonly number[];
  /**
   * Levels 1 to 3, each as likely; repeat one to have it more often. Default 1, 1, 2, 2, 3. Level 0 is stills: another
   * picture of up to six things every second (or step of the grid of long videos), half of the videos with things in
   * two colours, which have no questions but the accounts that `timelines` asks for.
   */
  levels?: readonly number[];
  /** Share of videos with subtitles, 0 to 1. Default 0. */
  subtitles?: number;
  /**
   * Rows per video, besides its questions, whose reasoning goes through all that happens, 0 to 3: the densest
   * signal to learn to see from. Videos in which very much happens have none. Of stills, rows that go through all that
   * is to be seen at a second. Default 0.
   */
  timelines?: number;
  /** Rows per video that ask what is on screen at up to six seconds, or when up to six things are, 0 to 4. Default 0. */
  lookups?: number;
  /** Rows per video that repeat options and what is asked of them, and nothing of the video, 0 to 4, 0.5 for every other video. Default 0. */
  optionRows?: number;
  /**
   * Of stills: each video's clock begins at a whole second up to this, as if it were cut from a longer video; 0 to 3600.
   * What the time is then stands on the frames and nowhere else. Default 0.
   */
  latestStart?: number;
  /**
   * Share, of the questions that can be asked with options and without, that have none, 0 to 1; 0 also leaves out those
   * that cannot have any. Default 0.5.
   */
  open?: number;
  /**
   * Share of the questions with options whose right one comes first, 0 to 1: a shortcut that needs no video, such as
   * benchmarks have them. Default null: options come by lot.
   */
  firstOption?: number | null;
  /**
   * How the reasoning of questions goes. `aligned`: what is to be seen and when, and the answer that follows. `loose`,
   * to make models that need to be taught better: something that is seen, without a time, and a conclusion that is
   * another than the answer one time of two. Default aligned.
   */
  reasoning?: "aligned" | "loose";
  /** Width and height in pixels, even, 64 to 1024. Default 112. */
  size?: number;
  /** Frames per second, 4 to 30. Default 8. */
  fps?: number;
}

const shortLengths = [8, 10, 12, 14, 16];

/** The lengths of videos unless others are asked for: 8 to 16 s four times of five. */
export const defaultLengths: readonly number[] = [
  ...shortLengths,
  ...shortLengths,
  ...shortLengths,
  ...[24, 32, 48, 64],
];

/** The levels of videos unless others are asked for. */
export const defaultLevels: readonly number[] = [1, 1, 2, 2, 3];

/** Fills in the defaults. @throws UsageError `synth-options` naming the option that is out of range */
export function checkWorldOptions(options: WorldOptions): Required<WorldOptions> {
  const filled: Required<WorldOptions> = {
    seed: options.seed,
    split: options.split,
    questionsPerVideo: options.questionsPerVideo ?? 6,
    lengths: options.lengths ?? defaultLengths,
    levels: options.levels ?? defaultLevels,
    subtitles: options.subtitles ?? 0,
    timelines: options.timelines ?? 0,
    lookups: options.lookups ?? 0,
    optionRows: options.optionRows ?? 0,
    latestStart: options.latestStart ?? 0,
    open: options.open ?? 0.5,
    firstOption: options.firstOption ?? null,
    reasoning: options.reasoning ?? "aligned",
    size: options.size ?? 112,
    fps: options.fps ?? 8,
  };
  const check = (name: string, value: unknown, good: boolean, rule: string): void => {
    if (!good)
      throw new UsageError("synth-options", `${name}: must be ${rule}, got ${JSON.stringify(value)}`);
  };
  const whole = (value: number, low: number, high: number): boolean =>
    Number.isInteger(value) && value >= low && value <= high;
  const { seed, split, questionsPerVideo, lengths, levels, subtitles, size, fps } = filled;
  const { timelines, lookups, optionRows, latestStart, open, firstOption, reasoning } = filled;
  const share = (value: number): boolean => value >= 0 && value <= 1;
  check("seed", seed, Number.isSafeInteger(seed), "a whole number");
  check("split", split, split === "train" || split === "heldout", "train or heldout");
  check(
    "questions per video",
    questionsPerVideo,
    whole(questionsPerVideo, timelines + lookups + optionRows > 0 ? 0 : 1, 16),
    "a whole number from 1 to 16, or 0 with timelines, lookups or option rows",
  );
  const shortest = levels.every((level) => level === 0) ? 1 : 8;
  check(
    "lengths",
    lengths,
    lengths.length > 0 && lengths.every((length) => whole(length, shortest, 64)),
    "whole numbers of seconds from 8 to 64 (from 1 where all levels are 0)",
  );
  check("levels", levels, levels.length > 0 && levels.every((level) => whole(level, 0, 3)), "0, 1, 2 or 3");
  check("subtitles", subtitles, share(subtitles), "a share from 0 to 1");
  check("open", open, share(open), "a share from 0 to 1");
  check("first option", firstOption, firstOption === null || share(firstOption), "a share from 0 to 1");
  check("reasoning", reasoning, reasoning === "aligned" || reasoning === "loose", "aligned or loose");
  check("timelines", timelines, whole(timelines, 0, 3), "a whole number from 0 to 3");
  check("lookups", lookups, whole(lookups, 0, 4), "a whole number from 0 to 4");
  check("option rows", optionRows, optionRows >= 0 && optionRows <= 4, "a number from 0 to 4");
  check(
    "latest start",
    latestStart,
    whole(latestStart, 0, levels.every((level) => level === 0) ? 3600 : 0),
    "a whole number of seconds from 0 to 3600, and 0 unless all levels are 0",
  );
  check("size", size, whole(size, 64, 1024) && size % 2 === 0, "an even number of pixels from 64 to 1024");
  check("fps", fps, whole(fps, 4, 30), "a whole number from 4 to 30");
  return filled;
}

/** One video before it is drawn. */
export interface VideoPlan {
  index: number;
  scene: Scene;
  /** Video path relative to the data set's folder. */
  video: string;
  /** Subtitle path likewise, where the scene has subtitles. */
  subtitles?: string;
  rows: DataRow[];
}

/**
 * The content of the video with a given index: the same seed, split, options and index give the same plan, whichever
 * others are generated.
 *
 * @param index 0 or more
 * @throws UsageError `synth-options`
 */
export function planVideo(options: WorldOptions, index: number): VideoPlan {
  const world = checkWorldOptions(options);
  const { seed, split, lengths, levels, subtitles } = world;
  const random = new Random(seed).fork(`${split}/${index}`);
  const choices = random.fork("choices");
  const drawn = {
    split,
    durationSeconds: choices.pick(lengths),
    level: choices.pick(levels),
    subtitles: choices.uniform() < subtitles,
    startSeconds: choices.integer(0, world.latestStart + 1),
  };
  const scene =
    drawn.level === 0 ? makeStills(random.fork("scene"), drawn) : makeScene(random.fork("scene"), drawn);
  const name = `videos/${split}-${seed}-${String(index).padStart(6, "0")}`;
  const grounding = groundingOf(scene);
  const files = {
    video: `${name}.mp4`,
    ...(scene.cues.length > 0 ? { subtitles: `${name}.srt` } : {}),
  };
  const questions = [
    ...makeQuestions(random.fork("questions"), scene, world.questionsPerVideo, world),
    ...makeTimelines(random.fork("questions"), scene, world.timelines),
    ...makeLookups(random.fork("lookups"), scene, world.lookups),
    ...makeOptionRows(random.fork("options"), scene, world.optionRows),
  ];
  const rows = questions.map(
    (question, number): DataRow => ({
      id: `${split}-${seed}-${String(index).padStart(6, "0")}-${number}`,
      ...files,
      question: question.question,
      options: question.options,
      answer: question.answer,
      answerType: question.answerType,
      category: question.category,
      momentary: question.momentary,
      reasoning: question.reasoning,
      temporal_grounding: grounding,
      durationSeconds: scene.durationSeconds,
      ...(scene.startSeconds === 0 ? {} : { startSeconds: scene.startSeconds }),
      split,
      seed,
      level: scene.level,
    }),
  );
  return { index, scene, ...files, rows };
}
