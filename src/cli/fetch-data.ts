/** Data of benchmarks from the hub, as commands fetch it: said before, shown while, gone on with after a stop. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { Progress, UsageError } from "../base/index.ts";
import {
  type Benchmark,
  checkFolder,
  type FetchPlan,
  type FetchResult,
  isUnfinished,
  planFetch,
  runFetch,
} from "../benchmarks/index.ts";
import { checkSpace, formatBytes, Hub } from "../data/index.ts";
import { fetchFolder, locateData } from "../evaluation/index.ts";
import { commandAgain } from "./command-again.ts";
import { paletteFor, printable } from "./terminal.ts";

/** How the fetching is shown. */
export interface FetchShown {
  signal: AbortSignal;
  /** Files at once. Default 4. */
  connections?: number;
  /** Show nothing. Default false. */
  silent?: boolean;
}

/** A plan as `--json` prints it. */
export interface PlanRecord {
  benchmark: string;
  folder: string;
  repository: string;
  commit: string;
  /** Files and bytes that are still to come. */
  files: number;
  bytes: number;
  archives: number;
  freeBytes: number;
}

/** A plan for `--json`. */
export function planRecord({ benchmark, ...plan }: FetchPlan): PlanRecord {
  const { folder, repository, commit, files, bytes, archives, freeBytes } = plan;
  return { benchmark: benchmark.name, folder, repository, commit, files, bytes, archives, freeBytes };
}

/** A plan as one reads it, such as `MVBench: 4,023 files, 17.2 GB, from ...`. */
export function planText(plan: FetchPlan): string {
  const { benchmark, folder, repository, commit, files, bytes, archives, freeBytes } = plan;
  if (files === 0 && archives === 0)
    return `${benchmark.title}: nothing is left to fetch, all is in ${folder}`;
  const unpacked = archives === 0 ? "" : `, ${archives} archives to unpack`;
  return `${benchmark.title}: ${files.toLocaleString("en")} files, ${formatBytes(bytes)}${unpacked}, from ${repository} at ${commit.slice(0, 8)} to ${folder} (${formatBytes(freeBytes)} free)`;
}

/** Notes on standard error. */
const tell = (text: string, silent: boolean | undefined): void => {
  if (!silent) process.stderr.write(`${printable(text)}\n`);
};

async function fetchOne(
  hub: Hub,
  plan: FetchPlan,
  { signal, connections, silent = false }: FetchShown,
): Promise<FetchResult> {
  const { title } = plan.benchmark;
  const megabytes = (bytes: number) => Math.round(bytes / 1e6);
  const progress = new Progress({ label: `${title}, MB`, total: megabytes(plan.bytes), silent });
  let fetched = false;
  try {
    return await runFetch(hub, plan, {
      signal,
      ...(connections === undefined ? {} : { connections }),
      onProgress: ({ bytes, files, unpacking }) => {
        fetched = true;
        const note = unpacking === null ? `${files} of ${plan.files} files` : `unpacking ${unpacking}`;
        progress.update(megabytes(bytes), note);
      },
    });
  } finally {
    if (fetched) progress.finish();
  }
}

/**
 * Fetches what plans say, having checked that there is room for all of them.
 *
 * @returns what each folder holds then
 * @throws UsageError as `runFetch`; the signal's reason
 */
export async function fetchPlans(
  hub: Hub,
  plans: readonly FetchPlan[],
  shown: FetchShown,
): Promise<FetchResult[]> {
  const { signal, silent } = shown;
  for (const plan of plans) {
    tell(planText(plan), silent);
    for (const name of plan.useless)
      tell(
        `${paletteFor(process.stderr).yellow("note")}: ${name} cannot be unpacked here and is left out`,
        silent,
      );
  }
  const [first] = plans;
  const unpacking = Math.max(0, ...plans.map(({ neededBytes, bytes }) => neededBytes - bytes));
  if (first) await checkSpace(first.folder, unpacking + plans.reduce((sum, { bytes }) => sum + bytes, 0));
  const results: FetchResult[] = [];
  try {
    for (const plan of plans) results.push(await fetchOne(hub, plan, shown));
  } catch (error) {
    if (signal.aborted) tell(`what has come stays; go on with: ${commandAgain()}`, silent);
    throw error;
  }
  return results;
}

/** What an evaluation wants to be there. */
export interface WantedData {
  /** As `--data`. */
  data?: string | undefined;
  /** As `--videos`: then only questions are fetched. */
  videos?: string | undefined;
  /** As `--limit`. */
  limit?: number | undefined;
  /** Plan only. */
  dryRun?: boolean | undefined;
}

/** The folder a benchmark can be read from, null where there is none yet. */
async function locate(benchmark: Benchmark, data: string | undefined): Promise<string | null> {
  try {
    return await locateData(benchmark, data);
  } catch (error) {
    // A table that is damaged is fetched anew.
    if (error instanceof UsageError && /^benchmark-(?:folder|file)$/.test(error.code)) return null;
    throw error;
  }
}

/** The plan of what a benchmark lacks, null where it lacks nothing. */
async function planMissing(
  openHub: () => Promise<Hub>,
  benchmark: Benchmark,
  { data, videos, limit }: WantedData,
): Promise<FetchPlan | null> {
  const located = await locate(benchmark, data);
  if (located !== null) {
    const { missing } = await checkFolder(benchmark, located, { limit, videos });
    if (videos !== undefined || (missing.length === 0 && !isUnfinished(located))) return null;
  }
  // The hub's own cache is not ours to write to.
  const own = located !== null && !existsSync(join(located, "snapshots"));
  const folder = own ? located : fetchFolder(benchmark, data);
  return planFetch(await openHub(), benchmark, { folder, questionsOnly: videos !== undefined });
}

/**
 * Fetches what benchmarks lack: nothing is asked of the hub where all questions and videos are there.
 *
 * @returns the folders to which something was fetched, by benchmark, and with `dryRun` the plans instead
 * @throws UsageError as `planFetch` and `runFetch`; the signal's reason
 */
export async function fetchMissing(
  benchmarks: readonly Benchmark[],
  wanted: WantedData,
  shown: FetchShown,
): Promise<{ folders: ReadonlyMap<string, string>; plans: FetchPlan[] }> {
  let hub: Hub | undefined;
  const openHub = async () => {
    hub ??= await Hub.open({ signal: shown.signal });
    return hub;
  };
  const plans: FetchPlan[] = [];
  for (const benchmark of benchmarks) {
    const plan = benchmark.source.hub === null ? null : await planMissing(openHub, benchmark, wanted);
    if (plan !== null) plans.push(plan);
  }
  if (wanted.dryRun) return { folders: new Map(), plans };
  if (plans.length > 0) await fetchPlans(await openHub(), plans, shown);
  return { folders: new Map(plans.map(({ benchmark, folder }) => [benchmark.name, folder])), plans: [] };
}
