/** The work of a reproduction: trainings and measurements, which one after which, in which folder. */

import { join } from "node:path";
import type { GrpoRecipe, SftRecipe } from "../../training/index.ts";
import {
  grpoRecipe,
  type ReproduceSettings,
  sftRecipe,
  type Variant,
  variantsOf,
  type WorldName,
} from "./settings.ts";

/** A piece of work, which a thread does by itself. */
export type Job =
  | { kind: "sft"; out: string; recipe: SftRecipe }
  | { kind: "grpo"; out: string; recipe: GrpoRecipe }
  | { kind: "measure"; out: string; model: string; heldout: string; lot: string; seed: number };

/** A job in its place among the others. */
export interface PlannedJob {
  /** Unique; the job's folder below that of the reproduction. */
  name: string;
  job: Job;
  /** Names of the jobs that have to be done before. */
  after: string[];
  /** Seconds that it takes about, on a core of a laptop: what progress is counted in. */
  weight: number;
}

/** The model of a row, for a seed: the start is the same for all. */
export function modelName(variant: Variant, seed: number): string {
  return variant === "start" ? "start" : `seed-${seed}/${variant}`;
}

/** The measurement of a row, for a seed. */
export function measurementName(variant: Variant, seed: number): string {
  return `${modelName(variant, seed)}/measured`;
}

/** The rows of a world. */
export function worldFile(out: string, world: WorldName, split: "train" | "heldout"): string {
  return join(out, "worlds", world, `${split}.jsonl`);
}

/**
 * All jobs, each after those that it needs.
 *
 * @param out folder of the reproduction
 * @param model the checkpoint that the start is made from
 */
export function planJobs(settings: ReproduceSettings, out: string, model: string): PlannedJob[] {
  const { seeds, startSteps, sftSteps, steps, promptsPerStep, groupSize, heldoutVideos } = settings;
  const jobs: PlannedJob[] = [];
  const trained = (name: string): string => join(out, name, "model");
  const measure = (name: string): void => {
    jobs.push({
      name: `${name}/measured`,
      job: {
        kind: "measure",
        out: join(out, name, "measured"),
        model: trained(name),
        heldout: worldFile(out, "grpo", "heldout"),
        lot: worldFile(out, "lot", "heldout"),
        seed: settings.seed,
      },
      after: [name],
      weight: 10 + heldoutVideos * 0.9,
    });
  };
  const sft = (
    name: string,
    from: string,
    world: WorldName,
    count: number,
    seed: number,
    after: string[],
  ): void => {
    const recipe = sftRecipe(settings, {
      model: from,
      data: worldFile(out, world, "train"),
      steps: count,
      seed,
    });
    jobs.push({ name, job: { kind: "sft", out: join(out, name), recipe }, after, weight: 8 + count });
    measure(name);
  };
  sft("start", model, "loose", startSteps, 0, []);
  for (let seed = 0; seed < seeds; seed++) {
    const start = modelName("sft", seed);
    sft(start, trained("start"), "sft", sftSteps, seed, ["start"]);
    for (const variant of variantsOf(settings)) {
      const recipe = grpoRecipe(settings, variant, {
        model: trained(start),
        data: worldFile(out, variant === "lot" ? "lot" : "grpo", "train"),
        seed,
      });
      if (recipe === undefined) continue;
      const name = modelName(variant, seed);
      jobs.push({
        name,
        job: { kind: "grpo", out: join(out, name), recipe },
        after: [start],
        weight: 15 + (steps * promptsPerStep * groupSize) / 22,
      });
      measure(name);
    }
  }
  // What others wait for comes first.
  return jobs.sort((a, b) => Number(a.job.kind === "measure") - Number(b.job.kind === "measure"));
}
