/** `video-r2 data convert`: data sets in others' formats and back. */

import type { Command } from "commander";
import { convertRows, type RowFormat, rowFormats } from "../data/index.ts";
import { dataCommand, printJson, Steps } from "./data-command.ts";
import { choiceFlag } from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { printable } from "./terminal.ts";

interface Flags {
  to: RowFormat;
  out: string;
  title?: string;
  json?: true;
}

const help = `
IN is JSON Lines or JSON of any of these formats, which is recognised, a Parquet file, or a folder of Parquet files.
  video-r2    JSON Lines, as the other commands read and write them
  reference   Video-R2's JSON: conversations and temporal_grounding
  swift       ms-swift's JSON Lines: messages and videos
  parquet     a folder for the Hugging Face hub: data/NAME.parquet of each IN, and a card, README.md

What is written can be read back to the same rows.

Examples:
  $ video-r2 data convert split/sft.jsonl --to reference --out sft.json
  $ video-r2 data convert split/sft.jsonl split/grpo.jsonl --to parquet --out hub
  $ video-r2 data convert hub --to video-r2 --out all.jsonl`;

/** Adds `data convert` to the program. */
export function registerDataConvert(program: Command): void {
  dataCommand(program)
    .command("convert")
    .description(
      "write a data set in another format: Video-R2's JSON, ms-swift, Parquet for the hub; and back",
    )
    .argument("<in...>", "data sets")
    .requiredOption("--to <format>", rowFormats.join(", "), choiceFlag("--to", rowFormats))
    .requiredOption("--out <path>", "the file, or for parquet the folder")
    .option("--title <text>", "of the card (default: the name of the folder)")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", help)
    .action(async (inputs: string[], flags: Flags) => {
      process.exitCode = await interruptible((signal) => run(inputs, flags, signal));
    });
}

async function run(inputs: string[], flags: Flags, signal: AbortSignal): Promise<number> {
  const { to, out, title, json = false } = flags;
  const steps = new Steps(json);
  const summary = await convertRows({
    ...{ inputs, to, out, title, signal },
    onProgress: (rows) => steps.update("rows", rows, null),
  });
  const { files, rows, unread } = summary;
  if (json) printJson(summary);
  else {
    process.stdout.write(`${rows} rows in ${files.join(", ")}\n`);
    if (unread.length > 0)
      process.stdout.write(
        `${printable(
          `${unread.length} rows cannot be read and are left out:\n${unread
            .slice(0, 5)
            .map(({ place, problem }) => `  ${place}: ${problem}`)
            .join("\n")}`,
        )}\n`,
      );
  }
  return unread.length > 0 ? 1 : 0;
}
