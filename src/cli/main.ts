#!/usr/bin/env node
/** The program: finds the command, runs it, and is the only place that ends the process. */

import { Command, CommanderError } from "commander";
import { UsageError } from "../base/index.ts";
import { Interrupted } from "./interrupt.ts";
import { packageVersion } from "./package-version.ts";
import { paletteFor, shownError } from "./terminal.ts";

/** A command whose module is loaded only when it is used, so that help comes at once. */
interface LazyCommand {
  name: string;
  description: string;
  load: () => Promise<(program: Command) => void>;
}

const commands: readonly LazyCommand[] = [
  {
    name: "ask",
    description: "ask a model about a video; show its reasoning, the times it cites, and whether both agree",
    load: async () => (await import("./ask.ts")).registerAsk,
  },
  {
    name: "score",
    description: "score outputs: accuracy, consistency (TAC), attention (VAS), temporal alignment (TAR)",
    load: async () => (await import("./score.ts")).registerScore,
  },
  {
    name: "eval",
    description: "run a model on benchmarks: accuracy by two scorings, TAC, TAR; resumes after a stop",
    load: async () => (await import("./eval.ts")).registerEval,
  },
  {
    name: "report",
    description: "tables of benchmark runs: accuracy both ways, TAC, VAS, categories, cost, comparisons",
    load: async () => (await import("./report.ts")).registerReport,
  },
  {
    name: "prompts",
    description: "benchmarks in others' words: import, show",
    load: async () => (await import("./prompts.ts")).registerPrompts,
  },
  {
    name: "data",
    description: "make and fetch data sets: synth, fetch, import, split, filter, convert",
    load: async () => {
      const { registerDataSynth } = await import("./data-synth.ts");
      const { registerDataFetch } = await import("./data-fetch.ts");
      const { registerDataImport } = await import("./data-import.ts");
      const { registerDataSplit } = await import("./data-split.ts");
      const { registerDataFilter } = await import("./data-filter.ts");
      const { registerDataConvert } = await import("./data-convert.ts");
      return (program) => {
        registerDataSynth(program);
        registerDataFetch(program);
        registerDataImport(program);
        registerDataSplit(program);
        registerDataFilter(program);
        registerDataConvert(program);
      };
    },
  },
  {
    name: "train",
    description: "train models: sft, grpo",
    load: async () => (await import("./train.ts")).registerTrain,
  },
  {
    name: "merge",
    description: "merge a LoRA adapter into its base checkpoint",
    load: async () => (await import("./merge.ts")).registerMerge,
  },
  {
    name: "export",
    description: "export a checkpoint to ONNX files that run without this program",
    load: async () => (await import("./export.ts")).registerExport,
  },
  {
    name: "reproduce",
    description: "rerun the paper's ablation on a laptop: start, SFT, GRPO, TAR, gate; table, curves, traces",
    load: async () => (await import("./reproduce.ts")).registerReproduce,
  },
  {
    name: "serve",
    description: "serve a model over HTTP: /v1/chat/completions; serve rewards to trainers",
    load: async () => (await import("./serve.ts")).registerServe,
  },
  {
    name: "doctor",
    description: "try out what video-r2 needs on this machine",
    load: async () => (await import("./doctor.ts")).registerDoctor,
  },
];

const example = `
Example:
  $ video-r2 ask clip.mp4 "Which shape appears first?" --option "red circle" --option "blue square"

Results go to stdout, everything else to stderr. Exit code 0: done, 1: findings or a failure, 2: wrong use.`;

/** The program with the command that is asked for; the others are names with descriptions. */
async function build(words: readonly string[], json: boolean): Promise<Command> {
  const program = new Command("video-r2")
    .description(
      "Consistent, grounded video reasoning: ask, train and measure video models whose answers can be checked",
    )
    .version(packageVersion(), "-v, --version")
    .enablePositionalOptions()
    .addHelpText("after", example)
    .showHelpAfterError("(video-r2 --help lists the commands)")
    // In force for commands added later too, which inherit it.
    .exitOverride()
    .configureOutput({ writeErr: (text) => (json ? undefined : process.stderr.write(text)) });
  const wanted = words.filter((word) => !word.startsWith("-") && word !== "help")[0];
  for (const { name, description, load } of commands) {
    if (name === wanted) (await load())(program);
    else program.command(name).description(description).allowUnknownOption().allowExcessArguments();
  }
  return program;
}

function printError(error: unknown, json: boolean): void {
  const shown = shownError(error);
  if (json) process.stdout.write(`${JSON.stringify({ error: shown })}\n`);
  else {
    const { red, dim } = paletteFor(process.stderr);
    process.stderr.write(`${red("error")}: ${shown.message}\n${shown.hint ? `${dim(shown.hint)}\n` : ""}`);
  }
  if (process.env.VIDEO_R2_DEBUG) console.error(error);
}

/** What is told of anything that ended the program, and its exit code. */
function conclude(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) {
    // Help and version are no errors; the rest commander has printed.
    if (error.exitCode === 0) return 0;
    if (json) {
      const message = error.message.replace(/^error: /, "");
      process.stdout.write(
        `${JSON.stringify({ error: { code: "usage", message, hint: "video-r2 --help lists the commands." } })}\n`,
      );
    }
    return 2;
  }
  if (error instanceof Interrupted) {
    if (json)
      process.stdout.write(`${JSON.stringify({ error: { code: "interrupted", message: error.message } })}\n`);
    else process.stderr.write("\nstopped\n");
    return 130;
  }
  printError(error, json);
  return error instanceof UsageError ? 2 : 1;
}

async function main(argv: readonly string[]): Promise<number> {
  const words = argv.slice(2);
  const end = words.indexOf("--");
  const json = words.slice(0, end < 0 ? undefined : end).includes("--json");
  try {
    const program = await build(words, json);
    await program.parseAsync(argv);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return conclude(error, json);
  }
}

// A reader that went away, as in `video-r2 ... | head`, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

const code = await main(process.argv);
// Written out first: on a pipe, what is still in the stream would be lost.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
