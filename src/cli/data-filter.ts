/** `video-r2 data filter`: the rows of a data set that are as wanted, balanced. */

import type { Command } from "commander";
import { UsageError } from "../base/index.ts";
import {
  answerTypesOf,
  type FilterSummary,
  filterRows,
  type Range,
  type StratumField,
  stratumFields,
} from "../data/index.ts";
import { countsText, dataCommand, printJson, Steps } from "./data-command.ts";
import { integerFlag } from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { printable } from "./terminal.ts";

interface Flags {
  out: string;
  answerTypes?: string[];
  sources?: string[];
  categories?: string[];
  seconds?: Range;
  questionWords?: Range;
  answerWords?: Range;
  keepPassRate?: Range;
  keepDifficulty?: Range;
  balance?: StratumField[];
  cap?: number;
  seed: number;
  json?: true;
}

const help = `
A range is FROM..TO, both included; either may be left out: 10.. or ..60. What is not kept goes to NAME.rejected.jsonl
beside FILE, each row with its reason. --balance keeps at most --cap rows of each kind, drawn by --seed.

Examples:
  $ video-r2 data filter questions.jsonl --answer-types choice,number --seconds 4..180 --out kept.jsonl
  $ video-r2 data filter rated.jsonl --keep-pass-rate 0.1..0.9 --out grpo.jsonl
  $ video-r2 data filter questions.jsonl --balance source,answerType --cap 2000 --out balanced.jsonl`;

const list = (text: string): string[] => text.split(",").map((word) => word.trim());

function rangeFlag(flag: string): (text: string) => Range {
  return (text) => {
    const [, low, high] = /^(-?[\d.]*)\.\.(-?[\d.]*)$/.exec(text) ?? [];
    const from = low === "" ? Number.NEGATIVE_INFINITY : Number(low);
    const to = high === "" ? Number.POSITIVE_INFINITY : Number(high);
    if (!(from <= to))
      throw new UsageError(
        "usage",
        `${flag}: must be a range FROM..TO, got ${JSON.stringify(text)}`,
        "For example 0.1..0.9, 10.. or ..60.",
      );
    return { from, to };
  };
}

function fieldsFlag(text: string): StratumField[] {
  return list(text).map((word) => {
    const found = stratumFields.find((field) => field === word);
    if (found !== undefined) return found;
    throw new UsageError(
      "usage",
      `--balance: must be of ${stratumFields.join(", ")}, got ${JSON.stringify(word)}`,
    );
  });
}

/** Adds `data filter` to the program. */
export function registerDataFilter(program: Command): void {
  dataCommand(program)
    .command("filter")
    .description("keep rows by type, source, length, pass rate; as many of each kind")
    .argument("<file...>", "data sets, JSONL")
    .requiredOption("--out <file>", "JSONL file of what is kept")
    .option("--answer-types <types>", "choice, number, time, text", list)
    .option("--sources <names>", "of the field source", list)
    .option("--categories <names>", "of the field category", list)
    .option("--seconds <range>", "length of the video", rangeFlag("--seconds"))
    .option("--question-words <range>", "words of the question", rangeFlag("--question-words"))
    .option("--answer-words <range>", "words of an answer that has no options", rangeFlag("--answer-words"))
    .option("--keep-pass-rate <range>", "of the field passRate, 0 to 1", rangeFlag("--keep-pass-rate"))
    .option("--keep-difficulty <range>", "of the field difficulty", rangeFlag("--keep-difficulty"))
    .option("--balance <fields>", `what makes a kind: ${stratumFields.join(", ")}`, fieldsFlag)
    .option("--cap <n>", "rows of each kind at most", integerFlag("--cap", 1))
    .option("--seed <n>", "which rows of a kind are kept", integerFlag("--seed", 0), 0)
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", help)
    .action(async (files: string[], flags: Flags) => {
      process.exitCode = await interruptible((signal) => run(files, flags, signal));
    });
}

async function run(files: string[], flags: Flags, signal: AbortSignal): Promise<number> {
  const { balance: fields, cap, seed, json = false } = flags;
  if ((fields === undefined) !== (cap === undefined))
    throw new UsageError(
      "usage",
      `--balance and --cap: must be given together, got ${fields === undefined ? "--cap" : "--balance"} alone`,
      "For example --balance source,answerType --cap 2000.",
    );
  const steps = new Steps(json);
  const summary = await filterRows({
    files,
    out: flags.out,
    answerTypes: flags.answerTypes && answerTypesOf(flags.answerTypes),
    sources: flags.sources,
    categories: flags.categories,
    seconds: flags.seconds,
    questionWords: flags.questionWords,
    answerWords: flags.answerWords,
    passRate: flags.keepPassRate,
    difficulty: flags.keepDifficulty,
    balance: fields && cap ? { fields, cap, seed } : undefined,
    signal,
    onProgress: (rows) => steps.update("rows", rows, null),
  });
  if (json) printJson(summary);
  else process.stdout.write(`${printable(summaryText(summary))}\n`);
  return summary.kept === 0 ? 1 : 0;
}

function summaryText({ kept, rows, file, rejected, reasons, rejectedFile, strata }: FilterSummary): string {
  return [
    `${kept} of ${rows} rows kept in ${file}`,
    `${rejected} set aside (${countsText(reasons)}) in ${rejectedFile}`,
    ...Object.entries(strata).map(([name, { kept: some, found }]) => `  ${name}: ${some} of ${found}`),
  ].join("\n");
}
