/** `video-r2 report`: tables of runs. */

import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { UsageError } from "../base/index.ts";
import {
  ComparableRun,
  comparisonTable,
  type EvaluatedRun,
  formatReport,
  type ReportFormat,
  readInto,
  readRuns,
  reportFormats,
  reportTables,
} from "../evaluation/index.ts";
import { choiceFlag } from "./flags.ts";

interface ReportFlags {
  against?: string;
  format: ReportFormat;
  out?: string;
  published?: true;
  json?: true;
}

const help = `
DIR holds runs of video-r2 eval, at any depth; parts of one run (--shard) are put together.

Examples:
  $ video-r2 report runs/eval
  $ video-r2 report runs/eval --published --format html --out report.html
  $ video-r2 report runs/new --against runs/old`;

/** Adds the command. */
export function registerReport(program: Command): void {
  program
    .command("report")
    .description("tables of benchmark runs: accuracy both ways, TAC, VAS, categories, cost, comparisons")
    .argument("<dir...>", "folders with runs of video-r2 eval")
    .option("--against <dir>", "compare with the runs there, question by question")
    .option("--format <format>", reportFormats.join(", "), choiceFlag("--format", reportFormats), "md")
    .option("--out <file>", "write there instead of to stdout")
    .option("--published", "put the numbers that the paper prints beside them")
    .option("--json", "the same as --format json")
    .addHelpText("after", help)
    .action(run);
}

async function run(dirs: string[], flags: ReportFlags): Promise<void> {
  const runs = await readRuns(dirs);
  const tables = reportTables(runs, flags.published === true);
  if (flags.against !== undefined) {
    const others = await readRuns([flags.against]);
    const compared = [];
    for (const run of runs) {
      const other = others.find(({ benchmark }) => benchmark === run.benchmark);
      if (other === undefined) continue;
      const comparison = (await comparable(run)).against(await comparable(other), 0);
      compared.push({ label: `${run.label} against ${other.label}, ${run.benchmark.title}`, comparison });
    }
    if (compared.length === 0)
      throw new UsageError(
        "report-against",
        `--against: must hold a run of one of the same benchmarks, got ${others.map(({ benchmark }) => benchmark.name).join(", ")}`,
      );
    tables.push(comparisonTable(compared));
  }
  const text = formatReport(tables, flags.json ? "json" : flags.format);
  if (flags.out === undefined) process.stdout.write(text);
  else {
    await writeFile(flags.out, text);
    process.stderr.write(`${flags.out}\n`);
  }
  if (runs.some(({ missingParts }) => missingParts.length > 0)) process.exitCode = 1;
}

async function comparable({ folders }: EvaluatedRun): Promise<ComparableRun> {
  const run = new ComparableRun();
  for (const folder of folders) await readInto(run, `${folder}/scored`);
  return run;
}
