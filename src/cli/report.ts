/** `video-r2 report`: tables of runs. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { UsageError } from "../base/index.ts";
import {
  comparisonTable,
  type EvaluatedRun,
  formatReport,
  type ReportFormat,
  type ReportTable,
  type RunComparison,
  readRuns,
  reportFigure,
  reportFormats,
  reportTables,
} from "../evaluation/index.ts";
import { openEmbedder, openJudge } from "../judges/index.ts";
import { choiceFlag } from "./flags.ts";
import { interruptible } from "./interrupt.ts";

interface ReportFlags {
  against?: string;
  ablation?: true;
  data?: string;
  judge: string;
  embedder: string;
  format: ReportFormat;
  out?: string;
  figures?: string;
  published?: true;
  json?: true;
}

const help = `
DIR holds runs of video-r2 eval, at any depth; parts of one run (--shard) are put together. Runs of lmms-eval are read
as well (*_samples_*.jsonl), and scored anew; where their rows hold no question, --data names the data sets.

Examples:
  $ video-r2 report runs/eval
  $ video-r2 report runs/eval --published --format html --out report.html
  $ video-r2 report runs/new --against runs/old
  $ video-r2 report runs/sft runs/grpo runs/tar --ablation --figures figures/
  $ video-r2 report results/MBZUAI__Video-R2 --published`;

/** Adds the command. */
export function registerReport(program: Command): void {
  program
    .command("report")
    .description("tables of benchmark runs: accuracy both ways, TAC, VAS, categories, cost, comparisons")
    .argument("<dir...>", "folders with runs of video-r2 eval or of lmms-eval")
    .option("--against <dir>", "compare with the runs there, question by question")
    .option("--ablation", "averages of each model in the order of the folders, each against the one before")
    .option("--data <dir>", "the data sets, for runs of lmms-eval whose logs hold no questions")
    .option("--judge <judge>", "of runs of lmms-eval: what decides about consistency", "rules")
    .option("--embedder <embedder>", "of runs of lmms-eval: what compares claims", "lexical")
    .option("--format <format>", reportFormats.join(", "), choiceFlag("--format", reportFormats), "md")
    .option("--out <file>", "write there instead of to stdout")
    .option("--figures <dir>", "write the maps and comparisons there as SVG")
    .option("--published", "put the numbers that the paper prints beside them")
    .option("--json", "the same as --format json")
    .addHelpText("after", help)
    .action(async (dirs: string[], flags: ReportFlags) => {
      process.exitCode = await interruptible((signal) => run(dirs, flags, signal));
    });
}

async function run(dirs: string[], flags: ReportFlags, signal: AbortSignal): Promise<number> {
  const judge = await openJudge(flags.judge, { signal });
  const embedder = await openEmbedder(flags.embedder, { signal });
  const { threshold } = embedder;
  const scorer = { judge, embedder, threshold, compat: "paper" as const, deltaSeconds: 2 };
  const reading = { scorer, data: flags.data, signal };
  try {
    const runs = await readRuns(dirs, reading);
    const tables = reportTables(runs, {
      published: flags.published === true,
      ablation: flags.ablation === true,
    });
    if (flags.against !== undefined)
      tables.push(comparisonTable(compare(runs, await readRuns([flags.against], reading))));
    if (flags.figures !== undefined) await writeFigures(tables, flags.figures);
    const text = formatReport(tables, flags.json ? "json" : flags.format);
    if (flags.out === undefined) process.stdout.write(text);
    else {
      await writeFile(flags.out, text);
      process.stderr.write(`${flags.out}\n`);
    }
    return runs.some(({ incomplete }) => incomplete) ? 1 : 0;
  } finally {
    await Promise.all([judge.close(), embedder.close()]);
  }
}

/** Each run beside the other one of its benchmark. */
function compare(
  runs: readonly EvaluatedRun[],
  others: readonly EvaluatedRun[],
): { label: string; comparison: RunComparison }[] {
  const compared = runs.flatMap((run) => {
    const other = others.find(({ benchmark }) => benchmark === run.benchmark);
    if (other === undefined) return [];
    const comparison = run.comparable.against(other.comparable, 0);
    return [{ label: `${run.label} against ${other.label}, ${run.benchmark.title}`, comparison }];
  });
  if (compared.length === 0)
    throw new UsageError(
      "report-against",
      `--against: must hold a run of one of the same benchmarks, got ${others.map(({ benchmark }) => benchmark.name).join(", ")}`,
    );
  return compared;
}

async function writeFigures(tables: readonly ReportTable[], dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const table of tables) {
    const figure = reportFigure(table);
    if (figure === null) continue;
    const path = join(dir, `${table.name}.svg`);
    await writeFile(path, figure);
    process.stderr.write(`${path}\n`);
  }
}
