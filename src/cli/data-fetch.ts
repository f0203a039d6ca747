/** `video-r2 data fetch`: benchmarks from the Hugging Face hub. */

import type { Command } from "commander";
import { UsageError } from "../base/index.ts";
import {
  benchmarks,
  type FetchPlan,
  type FetchResult,
  findBenchmark,
  planFetch,
} from "../benchmarks/index.ts";
import { Hub } from "../data/index.ts";
import { fetchFolder } from "../evaluation/index.ts";
import { fetchPlans, planRecord, planText } from "./fetch-data.ts";
import { integerFlag } from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { printable } from "./terminal.ts";

interface Flags {
  out?: string;
  questionsOnly?: true;
  keepArchives?: true;
  connections: number;
  dryRun?: true;
  json?: true;
}

const help = `
Each benchmark goes to DIR/NAME, by default to the folder in HF_HOME where lmms-eval looks for its videos; video-r2
eval finds it there. Archives are unpacked and removed. Run it again to go on after a stop: what is there is kept.

Some data sets are gated: ask for access on their page, then give a token in HF_TOKEN or by \`hf auth login\`. A mirror
is named in HF_ENDPOINT.

Examples:
  $ video-r2 data fetch mvbench videomme
  $ video-r2 data fetch mlvu --dry-run                       # what would be fetched: files, GB, access
  $ video-r2 data fetch videomathqa --questions-only --out benchmarks`;

/** Adds `data fetch` to the program, and `data` where the program does not have it yet. */
export function registerDataFetch(program: Command): void {
  const data =
    program.commands.find((command) => command.name() === "data") ??
    program.command("data").description("make, convert and check data sets");
  data
    .command("fetch")
    .description("fetch benchmarks from the Hugging Face hub, with their videos")
    .argument("<benchmark...>", `any of ${names().join(", ")}`)
    .option("--out <dir>", "folder of the benchmarks' folders (default: HF_HOME, as lmms-eval names them)")
    .option("--questions-only", "leave the videos out")
    .option("--keep-archives", "keep archives when they are unpacked, beside the videos")
    .option("--connections <n>", "files at once", integerFlag("--connections", 1), 4)
    .option("--dry-run", "say what would be fetched, and end")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", help)
    .action(async (wanted: string[], flags: Flags) => {
      process.exitCode = await interruptible((signal) => run(wanted, flags, signal));
    });
}

const names = () => benchmarks.filter(({ source }) => source.hub !== null).map(({ name }) => name);

async function run(wanted: readonly string[], flags: Flags, signal: AbortSignal): Promise<number> {
  const chosen = [...new Set(wanted.map(findBenchmark))];
  const generated = chosen.find(({ source }) => source.hub === null);
  if (generated !== undefined)
    throw new UsageError(
      "usage",
      `benchmark: must be one of ${names().join(", ")}, got ${generated.name}`,
      "It is generated: video-r2 data synth --out DIR --count N --split heldout",
    );
  const hub = await Hub.open({ signal });
  const { out, questionsOnly = false, keepArchives = false, connections, json: silent = false } = flags;
  // Access is asked for all of them before anything is fetched.
  const plans: FetchPlan[] = [];
  for (const benchmark of chosen)
    plans.push(
      await planFetch(hub, benchmark, { folder: fetchFolder(benchmark, out), questionsOnly, keepArchives }),
    );
  if (flags.dryRun) {
    if (silent) print(plans.map(planRecord));
    else for (const plan of plans) process.stdout.write(`${printable(planText(plan))}\n`);
    return 0;
  }
  const results = await fetchPlans(hub, plans, { signal, connections, silent });
  if (silent) print(results.map((result, i) => ({ ...planRecord(plans[i] as FetchPlan), ...result })));
  else
    results.forEach((result, i) => {
      process.stdout.write(`${printable(resultText(plans[i] as FetchPlan, result, questionsOnly))}\n`);
    });
  return !questionsOnly && results.some(({ missing }) => missing.length > 0) ? 1 : 0;
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

function resultText(plan: FetchPlan, result: FetchResult, questionsOnly: boolean): string {
  const { folder, questions, videos, missing } = result;
  const gone = questionsOnly
    ? ", which were left out"
    : missing.length === 0
      ? ""
      : `, ${missing.length} of which the data set does not have, such as ${missing[0]}`;
  return `${plan.benchmark.title}: ${questions} questions about ${videos} videos${gone}, in ${folder}`;
}
