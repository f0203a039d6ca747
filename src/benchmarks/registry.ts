/** All benchmarks, in the order of the paper's tables, and the names by which they are found. */

import { UsageError } from "../base/index.ts";
import { benchmarkOfFile } from "../data/index.ts";
import type { Benchmark } from "./benchmark.ts";
import { longvideobench } from "./longvideobench.ts";
import { minerva } from "./minerva.ts";
import { mlvu } from "./mlvu.ts";
import { mmvu } from "./mmvu.ts";
import { mvbench } from "./mvbench.ts";
import { parseProfile, readProfile } from "./prompts/load-profile.ts";
import type { ImportedProfile } from "./prompts/prompt-profile.ts";
import { scivideobench } from "./scivideobench.ts";
import { synthetic } from "./synthetic.ts";
import { tempcompass } from "./tempcompass.ts";
import { videoMmmu } from "./video-mmmu.ts";
import { videomathqa } from "./videomathqa.ts";
import { videomme } from "./videomme.ts";
import { vsibench } from "./vsibench.ts";

/** The paper's eleven in its order, then our own. */
export const benchmarks: readonly Benchmark[] = [
  ...[mvbench, videomme, tempcompass, mlvu, longvideobench],
  ...[videomathqa, videoMmmu, mmvu, vsibench, minerva, scivideobench],
  synthetic,
];

/**
 * The benchmark of a name: its own, its title, or lmms-eval's name of the task, in any case and with or without
 * hyphens and underscores (`video_mmmu`, `Video-MMMU`, `videommmu`, `lvb`, `longvideobench_val_v_think`).
 *
 * @throws UsageError `benchmark-unknown`
 */
export function findBenchmark(name: string): Benchmark {
  const bare = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const wanted = bare(name);
  const told = benchmarkOfFile(name).benchmark;
  const found =
    benchmarks.find((benchmark) => [benchmark.name, benchmark.title].some((own) => bare(own) === wanted)) ??
    benchmarks.find((benchmark) => benchmark.name === told);
  if (found) return found;
  throw new UsageError(
    "benchmark-unknown",
    `benchmark: must be one of ${benchmarks.map((benchmark) => benchmark.name).join(", ")}, got ${JSON.stringify(name)}`,
  );
}

/** The forms of each benchmark's prompt: what a profile has templates for. */
export const promptForms: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  benchmarks.map((benchmark) => [benchmark.name, benchmark.promptForms]),
);

/**
 * Reads prompts from JSON text.
 *
 * @param path names the source in messages
 * @throws UsageError `prompt-profile-invalid` saying what is missing or wrong
 */
export const parsePromptProfile = (text: string, path: string): ImportedProfile =>
  parseProfile(text, path, promptForms);

/** Reads a file of prompts. @throws UsageError `prompt-profile-missing`, or as `parsePromptProfile` */
export const loadPromptProfile = (path: string): Promise<ImportedProfile> => readProfile(path, promptForms);
