/** What a reproduction found: a table over seeds, what of it can be told from noise, and how training went. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readJsonl } from "../../base/index.ts";
import { type MeanInterval, mean, studentInterval } from "../../stats/index.ts";
import type { GrpoMetrics } from "../../training/index.ts";
import type { SampleRecord } from "../score-record.ts";
import { measurementName, modelName } from "./jobs.ts";
import { type Measurement, type Mode, modes, type OutputFigures } from "./measure.ts";
import { type ReproduceSettings, type Variant, variantsOf } from "./settings.ts";

/** What is told of a row, by name. */
export const figureNames = {
  accuracy: "accuracy",
  tac: "TAC",
  agreement: "agreement",
  tar: "TAR",
  grounding: "claims that are so",
  claims: "claims",
} as const satisfies Record<keyof OutputFigures, string>;

/** The figures of a row over its seeds. */
export interface RowResult {
  variant: Variant;
  /** By how the model was asked. The start has one seed. */
  outputs: Record<Mode, Record<keyof OutputFigures, MeanInterval | null>>;
  /** Of greedy traces; see `Measurement`. */
  attention: MeanInterval | null;
  reliance: MeanInterval | null;
}

/** One row less another, seed by seed. */
export interface Comparison {
  of: Variant;
  against: Variant;
  mode: Mode;
  figure: keyof OutputFigures | "attention" | "reliance";
  difference: MeanInterval;
  /** What can be said: more or less where the interval is on one side of 0. */
  verdict: "more" | "less" | "cannot be told";
}

/** A point of a learning curve. */
export interface CurvePoint {
  step: number;
  /** Mean over seeds, and the smallest and largest of them. */
  mean: number;
  low: number;
  high: number;
}

/** What is followed through training, by its name in `metrics.jsonl`. */
export const curveNames = {
  accuracy: "accuracy",
  temporal: "claims that are so (TAR before the gate)",
  agreement: "agreement of reasoning and answer",
  entropy: "entropy of a token, nats",
} as const;

/** How reinforcement learning went. */
export interface TrainingResult {
  variant: Variant;
  curves: Record<keyof typeof curveNames, CurvePoint[]>;
  /** The reward's mean over the last quarter of the steps less that over the first, over seeds. */
  rewardRise: MeanInterval | null;
}

/** A held-out question, and what the models of one seed make of it. */
export interface SideBySide {
  id: string;
  question: string;
  options: { letter: string; text: string }[];
  gold: string;
  outputs: {
    variant: Variant;
    output: string;
    right: boolean;
    consistent: boolean | null;
    /** Share of its claims that are so; null where it makes none that could be checked. */
    grounding: number | null;
  }[];
}

/** All that was found. */
export interface ReproductionResults {
  settings: ReproduceSettings;
  /** Held-out questions that each model was asked, by mode. */
  questions: Record<Mode, number>;
  rows: RowResult[];
  comparisons: Comparison[];
  training: TrainingResult[];
  traces: SideBySide[];
}

/** Questions shown side by side. */
const SHOWN = 6;

/** Steps that curves are averaged over, or all where there are fewer. */
const SMOOTH = 3;

const figures = Object.keys(figureNames) as (keyof OutputFigures)[];

/** Reads what the jobs left. */
export async function readResults(settings: ReproduceSettings, out: string): Promise<ReproductionResults> {
  const seeds = Array.from({ length: settings.seeds }, (_, seed) => seed);
  const chosen = variantsOf(settings);
  const measured = new Map<Variant, Measurement[]>();
  for (const variant of chosen) {
    const of = variant === "start" ? [0] : seeds;
    measured.set(
      variant,
      await Promise.all(of.map((seed) => readMeasurement(join(out, measurementName(variant, seed))))),
    );
  }
  const rows = chosen.map((variant) => rowOf(variant, measured.get(variant) ?? []));
  const training: TrainingResult[] = [];
  for (const variant of chosen) {
    if (variant === "start" || variant === "sft") continue;
    const runs = await Promise.all(seeds.map((seed) => readMetrics(join(out, modelName(variant, seed)))));
    training.push(trainingOf(variant, runs));
  }
  const [first] = measured.get("start") ?? [];
  const asked = (mode: Mode): number => {
    const { n = 0, unscored = 0 } = first?.outputs[mode].accuracy ?? {};
    return n + unscored;
  };
  return {
    settings,
    questions: { greedy: asked("greedy"), sampled: asked("sampled"), lot: asked("lot") },
    rows,
    comparisons: comparisonsOf(measured),
    training,
    traces: await sideBySide(settings, out),
  };
}

async function readMeasurement(folder: string): Promise<Measurement> {
  return JSON.parse(await readFile(join(folder, "measurement.json"), "utf8")) as Measurement;
}

async function readMetrics(folder: string): Promise<GrpoMetrics[]> {
  const lines: GrpoMetrics[] = [];
  for await (const line of readJsonl<GrpoMetrics>(join(folder, "metrics.jsonl"))) lines.push(line);
  return lines;
}

const known = (values: readonly (number | null | undefined)[]): number[] =>
  values.filter((value): value is number => typeof value === "number");

function rowOf(variant: Variant, measured: readonly Measurement[]): RowResult {
  const outputs = Object.fromEntries(
    modes.map((mode) => [
      mode,
      Object.fromEntries(
        figures.map((name) => [
          name,
          studentInterval(known(measured.map((one) => one.outputs[mode][name].value))),
        ]),
      ),
    ]),
  ) as RowResult["outputs"];
  return {
    variant,
    outputs,
    attention: studentInterval(known(measured.map(({ attention }) => attention))),
    reliance: studentInterval(known(measured.map(({ reliance }) => reliance))),
  };
}

/** The comparisons that the paper makes, each row against the one that it adds to; and what the shortcut costs. */
const compared: readonly [Variant, Variant][] = [
  ["sft", "start"],
  ["grpo", "sft"],
  ["tar", "grpo"],
  ["gate", "tar"],
  ["gate", "grpo"],
  ["gate", "sft"],
  ["lot", "sft"],
];

function comparisonsOf(measured: ReadonlyMap<Variant, readonly Measurement[]>): Comparison[] {
  return compared.flatMap(([of, against]) => {
    const ours = measured.get(of);
    const theirs = measured.get(against);
    if (!ours || !theirs) return [];
    const told = (
      mode: Mode,
      figure: Comparison["figure"],
      pick: (one: Measurement) => number | null,
    ): Comparison[] => {
      const differences = ours.map((one, seed) => {
        const other = theirs[theirs.length === 1 ? 0 : seed];
        const [a, b] = [pick(one), other === undefined ? null : pick(other)];
        return a === null || b === null ? null : a - b;
      });
      const difference = studentInterval(known(differences));
      return difference === null
        ? []
        : [{ of, against, mode, figure, difference, verdict: verdictOf(difference) }];
    };
    return [
      ...modes.flatMap((mode) =>
        figures.flatMap((name) => told(mode, name, (one) => one.outputs[mode][name].value)),
      ),
      ...told("greedy", "attention", ({ attention }) => attention),
      ...told("greedy", "reliance", ({ reliance }) => reliance),
    ];
  });
}

function verdictOf({ low, high }: MeanInterval): Comparison["verdict"] {
  if (low !== null && low > 0) return "more";
  return high !== null && high < 0 ? "less" : "cannot be told";
}

function trainingOf(variant: Variant, runs: readonly (readonly GrpoMetrics[])[]): TrainingResult {
  const curves = Object.fromEntries(
    (Object.keys(curveNames) as (keyof typeof curveNames)[]).map((name) => [name, curveOf(runs, name)]),
  ) as TrainingResult["curves"];
  const rises = runs.map((lines) => {
    const rewards = known(lines.map(({ reward }) => reward));
    const part = Math.max(1, Math.floor(rewards.length / 4));
    return (mean(rewards.slice(-part)) ?? 0) - (mean(rewards.slice(0, part)) ?? 0);
  });
  return { variant, curves, rewardRise: studentInterval(rises) };
}

/** The mean of each seed's moving average, and their range. */
function curveOf(runs: readonly (readonly GrpoMetrics[])[], name: keyof typeof curveNames): CurvePoint[] {
  const steps = Math.min(...runs.map(({ length }) => length));
  const width = Math.min(SMOOTH, steps);
  return Array.from({ length: steps - width + 1 }, (_, at) => {
    const values = known(
      runs.map((lines) => mean(known(lines.slice(at, at + width).map((line) => line[name])))),
    );
    return {
      step: at + width,
      mean: mean(values) ?? 0,
      low: Math.min(...values),
      high: Math.max(...values),
    };
  }).filter(({ low }) => Number.isFinite(low));
}

/** Questions on which the first seed's models differ most, each of another kind. */
async function sideBySide(settings: ReproduceSettings, out: string): Promise<SideBySide[]> {
  const chosen = variantsOf(settings);
  const byVariant = new Map<Variant, Map<string, SampleRecord>>();
  for (const variant of chosen) {
    const records = new Map<string, SampleRecord>();
    const path = join(out, measurementName(variant, 0), "greedy", "samples.jsonl");
    for await (const record of readJsonl<SampleRecord>(path)) records.set(record.id, record);
    byVariant.set(variant, records);
  }
  const ids = [...(byVariant.get("sft")?.keys() ?? [])];
  const differing = ids
    .map((id) => ({ id, score: differenceOf(byVariant, id) }))
    .sort((a, b) => b.score - a.score || ids.indexOf(a.id) - ids.indexOf(b.id));
  const kinds = new Set<string>();
  const shown: SideBySide[] = [];
  for (const { id } of differing) {
    const record = byVariant.get("sft")?.get(id);
    if (shown.length === SHOWN || record === undefined) break;
    if (kinds.has(record.category ?? "")) continue;
    kinds.add(record.category ?? "");
    shown.push({
      id,
      question: record.question,
      options: record.options,
      gold: record.gold ?? "",
      outputs: chosen.flatMap((variant) => {
        const found = byVariant.get(variant)?.get(id);
        if (found === undefined) return [];
        return [
          {
            variant,
            output: found.output ?? "",
            right: found.accuracy.score === 1,
            consistent: found.consistent.value,
            grounding: found.claims.length === 0 ? null : (found.alignment?.precision ?? null),
          },
        ];
      }),
    });
  }
  return shown;
}

/** How much a question shows: reward for the answer alone went wrong where the gate did not. */
function differenceOf(
  byVariant: ReadonlyMap<Variant, ReadonlyMap<string, SampleRecord>>,
  id: string,
): number {
  const of = (variant: Variant): SampleRecord | undefined => byVariant.get(variant)?.get(id);
  const fault = (record: SampleRecord | undefined): number =>
    (record?.consistent.value === false ? 1 : 0) + (1 - (record?.alignment?.precision ?? 1));
  return fault(of("grpo")) + fault(of("tar")) - 2 * fault(of("gate"));
}
