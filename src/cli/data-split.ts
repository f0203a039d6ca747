/** `video-r2 data split`: parts of a data set that share no video, held against benchmarks. */

import { join } from "node:path";
import type { Command } from "commander";
import { UsageError } from "../base/index.ts";
import {
  indexBeside,
  type LeakCheck,
  LeakIndex,
  type SplitSummary,
  splitRows,
  VideoIndex,
} from "../data/index.ts";
import { countsText, dataCommand, duplicateThresholdOption, printJson, Steps } from "./data-command.ts";
import { collect, integerFlag, numberFlag } from "./flags.ts";
import { heldBack } from "./held-back.ts";
import { interruptible } from "./interrupt.ts";
import { printable } from "./terminal.ts";

interface Flags {
  ratio: string;
  names: string;
  out: string;
  seed: number;
  against: string[];
  leakChecks: string;
  textThreshold: number;
  textMinWords: number;
  duplicateThreshold: number;
  json?: true;
}

const help = `
A video and its copies, under whatever names, are in one part only. The parts are alike in sources, answer types and
lengths. Rows whose video or question is one of a benchmark go to leaked.jsonl with the reason.

Examples:
  $ video-r2 data split questions.jsonl --out split                            # sft.jsonl and grpo.jsonl, 70:30
  $ video-r2 data split a/questions.jsonl b/questions.jsonl --ratio 8:1:1 --names train,dev,test --out split
  $ video-r2 data split questions.jsonl --against mvbench --against videomme=/data/videomme --out split`;

/** Adds `data split` to the program. */
export function registerDataSplit(program: Command): void {
  dataCommand(program)
    .command("split")
    .description("split by video into parts that are alike, and set aside what benchmarks hold")
    .argument("<file...>", "data sets, JSONL")
    .requiredOption("--out <dir>", "folder of the parts and of leaked.jsonl")
    .option("--ratio <a:b>", "rows of each part, as many numbers as parts", "70:30")
    .option("--names <a,b>", "names of the parts", "sft,grpo")
    .option("--seed <n>", "what goes where among equals", integerFlag("--seed", 0), 0)
    .option(
      "--against <benchmark>",
      "NAME, NAME=DIR or FILE.jsonl that rows are held against, again and again",
      collect,
      [],
    )
    .option("--leak-checks <what>", "video, text or both", "video,text")
    .option(
      "--text-threshold <n>",
      "least share of three-word shingles that two questions have in common",
      numberFlag("--text-threshold", 0, 1, true),
      0.8,
    )
    .option(
      "--text-min-words <n>",
      "questions with fewer words, options included, are not compared by text",
      integerFlag("--text-min-words", 3),
      8,
    )
    .addOption(duplicateThresholdOption())
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", help)
    .action(async (files: string[], flags: Flags) => {
      process.exitCode = await interruptible((signal) => run(files, flags, signal));
    });
}

function checksOf(text: string): LeakCheck[] {
  const checks = text.split(",").map((word) => word.trim());
  const all: readonly LeakCheck[] = ["video", "text"];
  const wrong = checks.find((word) => !(all as readonly string[]).includes(word));
  if (wrong !== undefined)
    throw new UsageError("usage", `--leak-checks: must be of video, text, got ${JSON.stringify(wrong)}`);
  return checks as LeakCheck[];
}

async function run(files: string[], flags: Flags, signal: AbortSignal): Promise<number> {
  const { out, seed, against, json = false, duplicateThreshold: threshold } = flags;
  const steps = new Steps(json);
  const index = await VideoIndex.open(join(out, "videos.jsonl"), [...new Set(files.map(indexBeside))]);
  const leaks =
    against.length === 0
      ? null
      : await LeakIndex.build(heldBack(against), index, {
          checks: checksOf(flags.leakChecks),
          threshold: flags.textThreshold,
          minWords: flags.textMinWords,
          videoThreshold: threshold,
          signal,
          onVideo: (done, total) => steps.update("videos of benchmarks", done, total),
        });
  const summary = await splitRows({
    files,
    out,
    names: flags.names.split(",").map((name) => name.trim()),
    shares: flags.ratio.split(":").map(Number),
    seed,
    index,
    leaks,
    threshold,
    signal,
    onProgress: (step, done, total) => steps.update(step, done, total),
  });
  await index.compact();
  steps.finish();
  if (json) printJson(summary);
  else process.stdout.write(`${printable(summaryText(summary))}\n`);
  return 0;
}

function summaryText({ parts, leaked, reasons, leakedFile, videos, unread, against }: SplitSummary): string {
  const lines = parts.flatMap(({ name, rows, videos: count, file, strata }) => [
    `${name}: ${rows} rows about ${count} videos in ${file}`,
    ...Object.entries(strata).map(([field, counts]) => `  ${field}: ${countsText(counts)}`),
  ]);
  if (videos.different < videos.files)
    lines.push(`${videos.files} video files are ${videos.different} different videos`);
  if (unread > 0) lines.push(`${unread} video files cannot be read and are told apart by their path alone`);
  if (against !== null) {
    lines.push(
      `held against ${against.questions} questions about ${against.videos} videos: ${leaked} rows set aside (${countsText(reasons)}) in ${leakedFile}`,
    );
    if (against.unread > 0)
      lines.push(`${against.unread} videos of benchmarks cannot be read: copies of them are not found`);
  }
  return lines.join("\n");
}
