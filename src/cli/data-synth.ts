/** `video-r2 data synth`: writes a generated data set. */

import { join } from "node:path";
import type { Command } from "commander";
import { Progress, UsageError } from "../base/index.ts";
import { defaultLengths, type Split, type SynthesizeOptions, splits, synthesize } from "../data/index.ts";

interface Flags {
  out: string;
  count: string;
  seed: string;
  split: string;
  lengths?: string;
  levels?: string;
  questionsPerVideo: string;
  subtitles?: string | true;
  timelines: string;
  lookups: string;
  optionRows: string;
  latestStart: string;
  open: string;
  firstOption?: string;
  reasoning: string;
  size: string;
  fps: string;
  start: string;
  workers?: string;
  json?: true;
}

/** What was written for one split, as `--json` prints it. */
interface SplitResult {
  split: Split;
  file: string;
  videos: number;
  /** Of these, how many were there already. */
  kept: number;
  questions: number;
  /** Total length of the videos. */
  seconds: number;
}

const help = `
Videos have shapes, digits and words that appear, move, turn another colour, touch and disappear at known
seconds. DIR gets train.jsonl and heldout.jsonl (one question a line) and videos/. Held-out videos contain
pairs of colour and form that never occur in training. The same options give the same files, byte for byte.

Run it again to go on after a stop, or with a larger --count for more: what is there is kept.

Examples:
  $ video-r2 data synth --out world --count 1000 --split both
  $ video-r2 data synth --out hard --count 200 --levels 3 --lengths 32,48,64 --seed 7
  $ video-r2 data synth --out talk --count 100 --subtitles 0.5 --size 224
  $ video-r2 data synth --out stills --count 40000 --levels 0 --lengths 1 --timelines 1 --questions-per-video 0
  $ video-r2 data synth --out part2 --count 500 --start 500     # the second half of 1000, on another machine`;

/**
 * Adds `data synth` to the program, and `data` where the program does not have it yet.
 *
 * The action throws UsageError `synth-options` or `synth-mismatch`; results go to stdout, progress to stderr.
 */
export function registerDataSynth(program: Command): void {
  const data =
    program.commands.find((command) => command.name() === "data") ??
    program.command("data").description("make, convert and check data sets");
  data
    .command("synth")
    .description("generate videos with questions, answers, reasoning and what is to be seen when")
    .requiredOption("--out <dir>", "folder of the data set; created if missing")
    .requiredOption(
      "--count <n>",
      "videos to have in all (with --split both: training videos, plus a tenth of it held out)",
    )
    .option("--seed <n>", "whole number that all content follows from", "0")
    .option("--split <split>", "train, heldout or both", "train")
    .option(
      "--questions-per-video <n>",
      "1 to 16; half of them answerable from one moment; 0 where there are other rows",
      "6",
    )
    .option(
      "--lengths <seconds>",
      `comma-separated, 8 to 64 (from 1 for stills), each as likely (default: ${summary(defaultLengths)})`,
    )
    .option(
      "--levels <levels>",
      "comma-separated, 1 (little happens) to 3, 0 for stills, each as likely (default: 1,1,2,2,3)",
    )
    .option("--subtitles [share]", "share of videos with subtitles, 0 to 1; 0.25 if no number is given")
    .option(
      "--timelines <n>",
      "rows per video that go through all that happens, or is in a still, 0 to 3",
      "0",
    )
    .option(
      "--lookups <n>",
      "rows per video that ask what is on screen at several seconds, or when several things are, 0 to 4",
      "0",
    )
    .option(
      "--option-rows <n>",
      "rows per video that only repeat options and what is asked of them, 0 to 4",
      "0",
    )
    .option(
      "--latest-start <seconds>",
      "each video's clock starts at a whole second up to this, as if it were cut from a longer one (stills)",
      "0",
    )
    .option(
      "--open <share>",
      "questions without options, of those that can have some; 0: none without",
      "0.5",
    )
    .option(
      "--first-option <share>",
      "questions whose right option comes first: a shortcut past the video (default: options come by lot)",
    )
    .option("--reasoning <kind>", "aligned, or loose: without times, and often not to the answer", "aligned")
    .option("--size <pixels>", "width and height, even, 64 to 1024", "112")
    .option("--fps <n>", "frames per second, 4 to 30", "8")
    .option("--start <n>", "index of the first video, to generate a part of a larger set", "0")
    .option("--workers <n>", "threads that draw and encode (default: one for each processor, at most 8)")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", help)
    .action(run);
}

function summary(lengths: readonly number[]): string {
  return `${[...new Set(lengths)].join(",")}, mostly short`;
}

async function run(flags: Flags): Promise<void> {
  const chosen = flags.split === "both" ? splits : splits.filter((split) => split === flags.split);
  if (chosen.length === 0)
    throw new UsageError("synth-options", `--split: must be train, heldout or both, got ${flags.split}`);
  const count = wholeNumber("--count", flags.count);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  const results: SplitResult[] = [];
  try {
    for (const split of chosen) {
      const share =
        flags.split === "both" && split === "heldout" ? Math.max(1, Math.ceil(count / 10)) : count;
      results.push(await writeSplit(optionsOf(flags, split, share, stop.signal), flags.json === true));
      if (stop.signal.aborted) break;
    }
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
  if (flags.json)
    process.stdout.write(`${JSON.stringify({ stopped: stop.signal.aborted, splits: results })}\n`);
  else
    for (const { split, file, videos, kept, questions, seconds } of results)
      process.stdout.write(
        `${split}: ${questions} questions about ${videos} videos (${Math.round(seconds / 60)} minutes, ${kept} videos kept) in ${file}\n`,
      );
  if (stop.signal.aborted) {
    process.stderr.write("stopped; run the same command again to go on\n");
    process.exitCode = 1;
  }
}

function optionsOf(flags: Flags, split: Split, count: number, signal: AbortSignal): SynthesizeOptions {
  const { lengths, levels, subtitles, workers } = flags;
  return {
    out: flags.out,
    split,
    count,
    signal,
    seed: wholeNumber("--seed", flags.seed),
    questionsPerVideo: wholeNumber("--questions-per-video", flags.questionsPerVideo),
    timelines: wholeNumber("--timelines", flags.timelines),
    lookups: wholeNumber("--lookups", flags.lookups),
    optionRows: wholeNumber("--option-rows", flags.optionRows),
    latestStart: wholeNumber("--latest-start", flags.latestStart),
    open: fraction("--open", flags.open),
    ...(flags.firstOption === undefined
      ? {}
      : { firstOption: fraction("--first-option", flags.firstOption) }),
    // What is neither is refused with the other options.
    reasoning: flags.reasoning as "aligned" | "loose",
    size: wholeNumber("--size", flags.size),
    fps: wholeNumber("--fps", flags.fps),
    start: wholeNumber("--start", flags.start),
    ...(lengths === undefined
      ? {}
      : { lengths: lengths.split(",").map((text) => wholeNumber("--lengths", text)) }),
    ...(levels === undefined
      ? {}
      : { levels: levels.split(",").map((text) => wholeNumber("--levels", text)) }),
    ...(subtitles === undefined
      ? {}
      : { subtitles: subtitles === true ? 0.25 : fraction("--subtitles", subtitles) }),
    ...(workers === undefined ? {} : { workers: wholeNumber("--workers", workers) }),
  };
}

async function writeSplit(options: SynthesizeOptions, silent: boolean): Promise<SplitResult> {
  const { split, count, out } = options;
  const progress = new Progress({ label: `${split} videos`, total: count, silent });
  const result = { split, file: join(out, `${split}.jsonl`), videos: 0, kept: 0, questions: 0, seconds: 0 };
  try {
    for await (const { rows, kept } of synthesize(options)) {
      result.videos++;
      if (kept) result.kept++;
      result.questions += rows.length;
      result.seconds += rows[0]?.durationSeconds ?? 0;
      progress.update(result.videos);
    }
  } finally {
    if (result.videos > 0) progress.finish();
  }
  return result;
}

function wholeNumber(name: string, text: string): number {
  if (!/^-?\d+$/.test(text.trim()))
    throw new UsageError("synth-options", `${name}: must be a whole number, got ${JSON.stringify(text)}`);
  return Number(text);
}

function fraction(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1))
    throw new UsageError(
      "synth-options",
      `${name}: must be a share from 0 to 1, got ${JSON.stringify(text)}`,
    );
  return value;
}
