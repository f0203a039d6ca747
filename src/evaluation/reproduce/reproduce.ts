/** The paper's ablation on the synthetic world, from nothing but a checkpoint: worlds, trainings, measurements, page. */

import { mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { sha256File, UsageError, writeFileAtomic } from "../../base/index.ts";
import { synthesize } from "../../data/index.ts";
import { curveFigure } from "./curve-figure.ts";
import { planJobs } from "./jobs.ts";
import { reproductionHtml, reproductionMarkdown } from "./report.ts";
import { type ReproductionResults, readResults } from "./results.ts";
import { runJobs } from "./run-jobs.ts";
import { checkSettings, type ReproduceSettings, worldsOf } from "./settings.ts";

/** How a reproduction is carried out. */
export interface ReproduceOptions {
  /** Folder of everything; one that was begun with the same settings, but for `seeds`, goes on where it was. */
  out: string;
  /** Folder of the checkpoint that the start is made from. */
  model: string;
  settings: ReproduceSettings;
  /** Trainings and measurements at a time, each on one core and with about 3 GB; results do not depend on it. */
  jobs: number;
  /** Stops cleanly; the same call goes on. */
  signal?: AbortSignal;
  /** Told how much is done, 0 to 1, and what is going on. */
  onProgress?: (share: number, doing: string) => void;
}

/** What came of it. */
export interface Reproduction {
  /** Null where it was stopped. */
  results: ReproductionResults | null;
  /** The page, and the same in Markdown. */
  page: string;
  markdown: string;
}

/** Seconds of work for a video, on a core: what progress is counted in. */
const VIDEO_WEIGHT = 0.04;

/**
 * Reproduces the ablation: the paper's five rows from one start, over several seeds. The same settings give the same
 * results on the same machine, whatever the number of jobs and however often it was stopped.
 *
 * @throws UsageError `reproduce-settings`; `reproduce-mismatch` where the folder was begun with other settings
 */
export async function reproduce(options: ReproduceOptions): Promise<Reproduction> {
  const { settings, jobs: threads, signal, onProgress = () => {} } = options;
  checkSettings(settings);
  const out = resolve(options.out);
  const page = join(out, "report.html");
  const markdown = join(out, "report.md");
  await begin(out, { ...settings, model: await sha256File(join(options.model, "model.safetensors")) });
  const worlds = worldsOf(settings);
  const jobs = planJobs(settings, out, resolve(options.model));
  const videos = worlds.reduce((sum, { world }) => sum + world.count, 0);
  const total = videos * VIDEO_WEIGHT + jobs.reduce((sum, { weight }) => sum + weight, 0);
  let drawn = 0;
  for (const { name, world } of worlds) {
    for await (const _ of synthesize({
      ...world,
      out: join(out, "worlds", name),
      workers: threads,
      ...(signal ? { signal } : {}),
    }))
      onProgress((++drawn * VIDEO_WEIGHT) / total, `videos of the world ${name}`);
    if (signal?.aborted) return { results: null, page, markdown };
  }
  const finished = await runJobs(jobs, {
    threads,
    cache: join(out, "frames"),
    signal,
    onProgress: (done, running) => onProgress((videos * VIDEO_WEIGHT + done) / total, running.join(", ")),
  });
  if (!finished) return { results: null, page, markdown };
  const results = await readResults(settings, out);
  await writeFileAtomic(join(out, "results.json"), `${JSON.stringify(results, null, 2)}\n`);
  const figure = curveFigure(results.training);
  await writeFileAtomic(join(out, "curves.svg"), figure);
  await writeFileAtomic(markdown, reproductionMarkdown(results, "curves.svg"));
  await writeFileAtomic(page, reproductionHtml(results, figure));
  return { results, page, markdown };
}

/** What may differ when a folder is gone on with: more seeds, or fewer, change nothing of the others. */
const FREE: readonly string[] = ["seeds"];

/** Writes down what a folder is begun with, or checks that it was begun with the same. */
async function begin(out: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
  await mkdir(out, { recursive: true });
  const path = join(out, "settings.json");
  const wanted = `${JSON.stringify(settings, null, 2)}\n`;
  const text = await readFile(path, "utf8").catch(() => null);
  const there = JSON.parse(text ?? wanted) as Record<string, unknown>;
  const different = Object.keys(settings).filter(
    (key) => !FREE.includes(key) && settings[key] !== there[key],
  );
  if (different.length === 0) return writeFileAtomic(path, wanted);
  throw new UsageError(
    "reproduce-mismatch",
    `${out}: must have been begun with the same settings, got ${different
      .map((key) => `${key} ${JSON.stringify(there[key])} there and ${JSON.stringify(settings[key])} here`)
      .join(", ")}`,
    "Choose another --out, or the flags that this one was begun with.",
  );
}
