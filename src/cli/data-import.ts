/** `video-r2 data import`: questions of other data sets, their videos looked at. */

import type { Command } from "commander";
import {
  type DuplicatePolicy,
  type ImportSummary,
  importQuestions,
  mappableFields,
  parseMap,
  questionSources,
} from "../data/index.ts";
import { countsText, dataCommand, duplicateThresholdOption, printJson, Steps } from "./data-command.ts";
import { choiceFlag, collect, numberFlag } from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { printable } from "./terminal.ts";

interface Flags {
  from: string;
  videos: string;
  out: string;
  source?: string;
  map: string[];
  videoMap?: string;
  minSeconds?: number;
  maxSeconds?: number;
  duplicates: DuplicatePolicy;
  duplicateThreshold: number;
  json?: true;
}

const help = `
SOURCE is an annotation file; several of one format may be given.
${questionSources.map(({ name, reads }) => `  ${name.padEnd(16)} ${reads}`).join("\n")}

DIR gets questions.jsonl, rejected.jsonl with what was set aside and why, and videos.jsonl with what is known of each
video. Stopped and begun again, videos that were looked at are not opened again. docs/data-set.md says more.

Examples:
  $ video-r2 data import train.csv --from nextqa --video-map map_vid_vidorID.json --videos NExTVideo --out nextqa
  $ video-r2 data import train_q.json --from activitynet-qa --videos activitynet --out anet --min-seconds 4
  $ video-r2 data import mine.csv --from csv --map question=prompt --map video=clip --videos clips --out mine`;

/** Adds `data import` to the program. */
export function registerDataImport(program: Command): void {
  const anyNumber = Number.POSITIVE_INFINITY;
  dataCommand(program)
    .command("import")
    .description("read the questions of a data set, look at its videos, set aside what cannot be used")
    .argument("<source...>", "annotation files")
    .requiredOption(
      "--from <format>",
      questionSources.map(({ name }) => name).join(", "),
      choiceFlag(
        "--from",
        questionSources.map(({ name }) => name),
      ),
    )
    .requiredOption("--videos <dir>", "folder of the videos, in folders of it if need be")
    .requiredOption("--out <dir>", "folder of what is written")
    .option(
      "--source <name>",
      "what rows call the data set (default: the format's name, or what the row says)",
    )
    .option(
      "--map <field=column>",
      `of jsonl and csv, again and again: where ${mappableFields.join(", ")} are`,
      collect,
      [],
    )
    .option("--video-map <file>", "of nextqa: JSON of video ids to paths, which comes with it")
    .option("--min-seconds <n>", "set shorter videos aside", numberFlag("--min-seconds", 0, anyNumber))
    .option("--max-seconds <n>", "set longer videos aside", numberFlag("--max-seconds", 0, anyNumber, true))
    .option(
      "--duplicates <what>",
      "questions about a copy of a video: set-aside, or merge, which moves them to the first copy",
      choiceFlag<DuplicatePolicy>("--duplicates", ["set-aside", "merge"]),
      "set-aside",
    )
    .addOption(duplicateThresholdOption())
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", help)
    .action(async (files: string[], flags: Flags) => {
      process.exitCode = await interruptible((signal) => run(files, flags, signal));
    });
}

async function run(files: string[], flags: Flags, signal: AbortSignal): Promise<number> {
  const { from, videos, out, source, minSeconds, maxSeconds, duplicates, json = false } = flags;
  const steps = new Steps(json);
  const summary = await importQuestions({
    files,
    from,
    videos,
    out,
    source,
    map: parseMap(flags.map),
    videoMap: flags.videoMap ?? null,
    minSeconds,
    maxSeconds,
    duplicates,
    threshold: flags.duplicateThreshold,
    signal,
    onProgress: (step, done, total) => steps.update(step, done, total),
  });
  steps.finish();
  if (json) printJson(summary);
  else process.stdout.write(`${printable(summaryText(summary))}\n`);
  return summary.questions === 0 ? 1 : 0;
}

function summaryText(summary: ImportSummary): string {
  const { questions, rejected, reasons, videos, minutes, answerTypes, file, rejectedFile } = summary;
  return [
    `${questions} questions (${countsText(answerTypes)}) about ${videos.usable} videos, ${minutes} minutes, in ${file}`,
    `${rejected} set aside (${countsText(reasons)}) in ${rejectedFile}`,
    `videos: ${videos.named} named, ${videos.usable} usable; not usable: ${countsText(videos.reasons)}`,
  ].join("\n");
}
