/** `video-r2 prompts`: others' words for the benchmarks' questions. */

import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { UsageError, writeFileAtomic } from "../base/index.ts";
import {
  type Benchmark,
  benchmarks,
  type CheckoutImport,
  findBenchmark,
  type ImportedBenchmark,
  importCheckout,
  loadPromptProfile,
  ownProfile,
  promptExamples,
  type TaskVariant,
} from "../benchmarks/index.ts";
import { choiceFlag } from "./flags.ts";
import { paletteFor, printable } from "./terminal.ts";

interface ImportFlags {
  out: string;
  variant?: TaskVariant;
  modelKey?: string;
  json?: true;
}

interface ShowFlags {
  prompts?: string;
  json?: true;
}

/** The benchmarks that others have words for. */
const known = benchmarks.filter(({ group }) => group !== "synthetic");
const names = known.map(({ name }) => name).join(", ");

const importHelp = `
CHECKOUT is a clone of Video-R2, the folder of its lmms-eval, or another lmms-eval. It is read without Python. A benchmark
whose prompts are not understood is left out, with what was looked for and where; the exit code is then 1, and the file
has the others.

Examples:
  $ git clone https://github.com/mbzuai-oryx/Video-R2
  $ video-r2 prompts import Video-R2
  $ video-r2 prompts show vsibench --prompts prompts.json
  $ video-r2 eval vsibench --data /data/vsibench --prompts prompts.json
  $ video-r2 prompts import lmms-eval mvbench videomme --variant plain --out plain.json`;

const showHelp = `
Examples:
  $ video-r2 prompts show mvbench
  $ video-r2 prompts show --prompts prompts.json`;

/** Adds the command. */
export function registerPrompts(program: Command): void {
  const prompts = program.command("prompts").description("benchmarks in others' words: import, show");
  prompts
    .command("import")
    .description("take the words of an lmms-eval checkout into a file for eval --prompts")
    .argument("<checkout>", "its folder")
    .argument("[benchmark...]", `default all: ${names}`)
    .option("--out <file>", "where to write them", "prompts.json")
    .option(
      "--variant <variant>",
      "think or plain: tasks that ask for reasoning, or not (default: think, plain where there are none)",
      choiceFlag("--variant", ["think", "plain"]),
    )
    .option(
      "--model-key <name>",
      "lmms-eval's name of a model that has words of its own (default: qwen2_5_vl, else what all others get)",
    )
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", importHelp)
    .action(runImport);
  prompts
    .command("show")
    .description("put an example of each form of question into words")
    .argument("[benchmark...]", `default all: ${names}`)
    .option("--prompts <file>", "in the words of this file instead of our own")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", showHelp)
    .action(runShow);
}

/** @throws UsageError `usage` for the one benchmark that nobody else has */
function chosen(given: readonly string[]): readonly Benchmark[] {
  return given.map((name) => {
    const benchmark = findBenchmark(name);
    if (known.includes(benchmark)) return benchmark;
    throw new UsageError("usage", `benchmark: must be one of ${names}, got ${benchmark.name}`);
  });
}

/** A file of anything else is not written over. @throws UsageError `prompt-out` */
async function checkOut(path: string): Promise<void> {
  const there = await readFile(path, "utf8").catch(() => null);
  if (there === null || there.includes('"video-r2-benchmark-prompts"')) return;
  throw new UsageError(
    "prompt-out",
    `--out: must be a new file or one of prompts, got ${path}, which is another`,
    "Name another file.",
  );
}

async function runImport(checkout: string, given: readonly string[], flags: ImportFlags): Promise<void> {
  const { out, variant, modelKey: model, json } = flags;
  await checkOut(out);
  const selected = given.length === 0 ? undefined : chosen(given);
  const found = await importCheckout(checkout, { benchmarks: selected, variant, model });
  const { profile, text, sha256, imported, leftOut } = found;
  if (imported.length > 0) await writeFileAtomic(out, text);
  process.stdout.write(
    json
      ? `${JSON.stringify({ out: imported.length > 0 ? out : null, name: profile.name, source: profile.source, sha256, imported, leftOut }, null, 2)}\n`
      : importReport(found, out),
  );
  process.exitCode = leftOut.length > 0 ? 1 : 0;
}

function importReport({ profile, sha256, imported, leftOut }: CheckoutImport, out: string): string {
  const { green, yellow } = paletteFor(process.stdout);
  const width = Math.max(...known.map(({ name }) => name.length));
  const line = (mark: string, benchmark: string, text: string) =>
    `${mark}  ${benchmark.padEnd(width)}  ${printable(text)}\n`;
  const found = ({ writers, tasks, keys }: ImportedBenchmark) =>
    `${writers.join(", ")} (${[`${tasks.length} task${tasks.length === 1 ? "" : "s"}`, ...keys].join(", ")})`;
  return [
    ...imported.map((one) => line(green("imported"), one.benchmark, found(one))),
    ...leftOut.map(({ benchmark, reason }) => line(yellow("left out"), benchmark, reason)),
    imported.length === 0
      ? "nothing is written\n"
      : `${out}: ${imported.length} of ${imported.length + leftOut.length} benchmarks, ${printable(profile.name)}\nsha256 ${sha256}\n`,
  ].join("");
}

async function runShow(given: readonly string[], { prompts, json }: ShowFlags): Promise<void> {
  const profile = prompts === undefined ? ownProfile : await loadPromptProfile(prompts);
  const all =
    profile.kind === "own" ? known : known.filter(({ name }) => Object.hasOwn(profile.benchmarks, name));
  const shown = (given.length === 0 ? all : chosen(given)).flatMap((benchmark) =>
    promptExamples(benchmark).map(({ form, question }) => ({
      benchmark: benchmark.name,
      form,
      words: profile.name,
      prompt: benchmark.prompt(question, profile),
    })),
  );
  if (json) {
    process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
    return;
  }
  const { bold } = paletteFor(process.stdout);
  process.stdout.write(
    shown
      .map(
        ({ benchmark, form, words, prompt }) =>
          `${bold(`${benchmark}, ${form}, ${printable(words)}`)}\n${printable(prompt)}\n`,
      )
      .join("\n"),
  );
}
