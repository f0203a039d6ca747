/** What runs come to, as tables: the paper's main table, its maps and its ablation, and what it leaves out. */

import { type Benchmark, benchmarks, type PublishedAverages, published } from "../../benchmarks/index.ts";
import { averageAgainst, type RunComparison } from "../score-against.ts";
import type { EvaluatedRun, RunCost } from "./evaluated-run.ts";

/** A table of numbers. */
export interface ReportTable {
  /** For file names and `--json`. */
  name: string;
  title: string;
  /** Names of the columns, without that of the labels. */
  heads: string[];
  rows: ReportRow[];
  /** Which columns are averages of others; default none. */
  averages?: number[];
  /** Digits after the point. */
  digits: number;
  /** Whether its numbers are shares of 100 of which more is better: then it is drawn as a map too. */
  map?: boolean;
  /** What it breaks down, where it is one of many such; pages fold them away. */
  detail?: string;
  /** What has to be known to read it; whole sentences. */
  notes: string[];
}

/** A row of a table. */
export interface ReportRow {
  label: string;
  cells: (number | string | null)[];
  /** Whether it is out of the paper, and not of these runs. */
  printed?: boolean;
}

type Pick = (run: EvaluatedRun) => number | null;
type PublishedFigure = "accuracy" | "tac" | "vas";

const labelsOf = (runs: readonly EvaluatedRun[]): string[] => [...new Set(runs.map(({ label }) => label))];

/** The mean, or null where a value is missing. */
function meanOfAll(values: readonly (number | null)[]): number | null {
  if (values.length === 0) return null;
  let sum = 0;
  for (const value of values) {
    if (value === null) return null;
    sum += value;
  }
  return sum / values.length;
}

const paper = benchmarks.filter(({ group }) => group !== "synthetic");
const groupsOfPaper = [
  { head: "generic", of: paper.filter(({ group }) => group === "generic") },
  { head: "reasoning", of: paper.filter(({ group }) => group === "reasoning") },
];

/** The columns of the paper: the benchmarks that any run has, after each group its average where it is complete. */
function byBenchmark(
  name: string,
  title: string,
  runs: readonly EvaluatedRun[],
  pick: Pick,
  printed: PublishedFigure | null,
  notes: string[] = [],
  withAverages = true,
): ReportTable {
  const shown = benchmarks.filter((benchmark) => runs.some((run) => run.benchmark === benchmark));
  const averages = [...groupsOfPaper, { head: "average", of: paper }].filter(
    ({ of }) => withAverages && of.every((benchmark) => shown.includes(benchmark)),
  );
  const columns = shown.flatMap((benchmark): { head: string; of: readonly Benchmark[] }[] => [
    { head: benchmark.title, of: [benchmark] },
    ...averages.filter(({ of }) => of.at(-1) === benchmark),
  ]);
  const cells = (value: (benchmark: Benchmark) => number | null) =>
    columns.map(({ of }) => meanOfAll(of.map(value)));
  const rows = labelsOf(runs).map((label): ReportRow => {
    const find = (benchmark: Benchmark) =>
      runs.find((one) => one.label === label && one.benchmark === benchmark);
    return {
      label,
      cells: cells((benchmark) => {
        const run = find(benchmark);
        return run === undefined ? null : pick(run);
      }),
    };
  });
  const fromPaper = (printed === null ? [] : published.models).flatMap((model): ReportRow[] => {
    const figures = model[printed as PublishedFigure];
    if (figures === null || shown.every((benchmark) => figures[benchmark.name] === undefined)) return [];
    return [
      {
        label: `${model.model} (as printed)`,
        cells: cells((benchmark) => figures[benchmark.name] ?? null),
        printed: true,
      },
    ];
  });
  return {
    name,
    title,
    heads: columns.map(({ head }) => head),
    averages: columns.flatMap(({ of }, i) => (of.length > 1 ? [i] : [])),
    rows: [...fromPaper, ...rows],
    digits: 1,
    notes,
  };
}

const hundred = (value: number | null): number | null => (value === null ? null : 100 * value);

/** What tables there are to be. */
export interface ReportTableOptions {
  /** Puts the paper's printed numbers beside those of the runs. */
  published: boolean;
  /** Takes the runs' labels, in their order, for the steps of an ablation. */
  ablation: boolean;
}

/** All tables of runs. */
export function reportTables(runs: readonly EvaluatedRun[], options: ReportTableOptions): ReportTable[] {
  const of = (figure: PublishedFigure) => (options.published ? figure : null);
  const notes = [
    ...(options.published
      ? [`Printed figures: ${published.source}. Their averages are computed from them here.`]
      : []),
    ...runs.flatMap((run) => run.notes),
    ...runs.flatMap(({ label, benchmark, result }) =>
      result.robust.unscored === 0
        ? []
        : [
            `${result.robust.unscored} of ${result.questions} questions of ${benchmark.title} have no score for ${label}: ${Object.entries(result.robust.reasons)[0]?.[0] ?? ""}`,
          ],
    ),
  ];
  const tables: ReportTable[] = [
    byBenchmark("accuracy", "Accuracy", runs, ({ result }) => result.robust.value, of("accuracy"), notes),
    byBenchmark(
      "accuracy-released",
      "Accuracy as the released code scores",
      runs,
      ({ result }) => result.reference.value,
      of("accuracy"),
    ),
    {
      ...byBenchmark(
        "differ",
        "Questions that the two scorings judge differently",
        runs,
        ({ differ }) => differ,
        null,
        [],
        false,
      ),
      digits: 0,
    },
    {
      ...byBenchmark("tac", "TAC: right answers whose reasoning reaches them", runs, tacOf, of("tac")),
      map: true,
    },
    {
      ...byBenchmark("agreement", "Answers that say what their reasoning concludes", runs, agreementOf, null),
      map: true,
    },
    { ...byBenchmark("vas", "VAS: judged attention to the video", runs, vasOf, of("vas")), map: true },
    byBenchmark(
      "tar",
      "TAR, where there is a reference",
      runs,
      ({ scores }) => hundred(scores.tar.value),
      null,
    ),
    ...(options.ablation ? ablationTables(runs, options.published) : []),
    ...otherDefinitions(runs),
  ];
  const told = tables.filter(({ rows }) => rows.some(({ cells }) => cells.some((cell) => cell !== null)));
  return [...told, ...categoryTables(runs), costTable(runs)];
}

/** Figures by other definitions, such as those of the mean relative accuracy in VSI-Bench. */
function otherDefinitions(runs: readonly EvaluatedRun[]): ReportTable[] {
  return benchmarks.flatMap((benchmark): ReportTable[] => {
    const own = runs.filter((run) => run.benchmark === benchmark);
    const names = [...new Set(own.flatMap(({ result }) => Object.keys(result.robust.others)))];
    const [first] = own;
    if (names.length === 0 || first === undefined) return [];
    return [
      {
        name: `${benchmark.name}-definitions`,
        title: `${benchmark.title}: by other definitions`,
        heads: ["accuracy", ...names.map((name) => name.replaceAll("_", " "))],
        rows: own.map(({ label, result: { robust } }) => ({
          label,
          cells: [robust.value, ...names.map((name) => robust.others[name]?.value ?? null)],
        })),
        digits: 1,
        detail: benchmark.title,
        notes: [`Accuracy: ${first.result.robust.definition}. docs/benchmarks.md says what the others are.`],
      },
    ];
  });
}

const averageHeads = ["generic", "reasoning", "overall"];

/** The paper's ablation: averages of each step, and each against the one before. */
function ablationTables(runs: readonly EvaluatedRun[], withPublished: boolean): ReportTable[] {
  const steps = labelsOf(runs).map((label) => ({ label, runs: runs.filter((run) => run.label === label) }));
  const common = benchmarks.filter((benchmark) =>
    steps.every((step) => step.runs.some((run) => run.benchmark === benchmark)),
  );
  const groups = [...groupsOfPaper.map(({ of }) => of), common];
  const averages = (step: readonly EvaluatedRun[], pick: Pick) =>
    groups.map((of) =>
      meanOfAll(
        of.map((benchmark) => {
          const run = step.find((one) => one.benchmark === benchmark);
          return run === undefined ? null : pick(run);
        }),
      ),
    );
  const figures = [
    { name: "accuracy", pick: (run: EvaluatedRun) => run.result.robust.value },
    { name: "TAC", pick: tacOf },
    { name: "VAS", pick: vasOf },
  ];
  const printed = (averages: PublishedAverages | null) =>
    averages === null ? [null, null, null] : [averages.generic, averages.reasoning, averages.overall];
  const table: ReportTable = {
    name: "ablation",
    title: "Ablation",
    heads: figures.flatMap(({ name }) => averageHeads.map((head) => `${name} ${head}`)),
    rows: [
      ...(withPublished ? published.ablation : []).map((step) => ({
        label: `${step.method} (as printed)`,
        cells: [...printed(step.accuracy), ...printed(step.tac), ...printed(step.vas)],
        printed: true,
      })),
      ...steps.map((step) => ({
        label: step.label,
        cells: figures.flatMap(({ pick }) => averages(step.runs, pick)),
      })),
    ],
    digits: 1,
    notes: [
      `Overall: the mean over what all steps have: ${common.map(({ title }) => title).join(", ") || "no benchmark"}.`,
    ],
  };
  return [table, stepTable(steps)];
}

/** Each step against the one before. */
function stepTable(steps: readonly { label: string; runs: readonly EvaluatedRun[] }[]): ReportTable {
  const rows = steps.slice(1).flatMap((step, i): ReportRow[] => {
    const before = steps[i] as (typeof steps)[number];
    const both = step.runs.flatMap((second) => {
      const first = before.runs.find((run) => run.benchmark === second.benchmark);
      return first === undefined ? [] : [{ first: first.comparable, second: second.comparable }];
    });
    return (["accuracy", "agreement", "tar"] as const).flatMap((figure): ReportRow[] => {
      const found = averageAgainst(both, figure, 0);
      if (found === null) return [];
      const { first, second, value, interval, benchmarks: count } = found;
      return [
        {
          label: `${step.label} after ${before.label}: ${figure}`,
          cells: [
            ...[first, second, value, interval?.low ?? null, interval?.high ?? null].map(hundred),
            String(count),
          ],
        },
      ];
    });
  });
  return {
    name: "steps",
    title: "Each step against the one before, in points",
    heads: ["first", "second", "difference", "low", "high", "benchmarks"],
    rows,
    digits: 1,
    notes: [
      "Averages over the benchmarks that both have, question by question; intervals of 95 %, videos resampled whole within each benchmark.",
    ],
  };
}

const tacOf: Pick = ({ scores }) => hundred(scores.consistencyAccuracy.value);
const agreementOf: Pick = ({ scores }) => hundred(scores.agreement.value);
const vasOf: Pick = ({ scores }) => (scores.attention.value === null ? null : 10 * scores.attention.value);

/** Accuracy by the categories of each benchmark. */
function categoryTables(runs: readonly EvaluatedRun[]): ReportTable[] {
  return benchmarks.flatMap((benchmark) => {
    const own = runs.filter((run) => run.benchmark === benchmark);
    const dimensions = [...new Set(own.flatMap(({ result }) => Object.keys(result.robust.groups)))];
    return dimensions.map((dimension): ReportTable => {
      const values = [
        ...new Set(own.flatMap(({ result }) => Object.keys(result.robust.groups[dimension] ?? {}))),
      ].sort();
      return {
        name: `${benchmark.name}-${dimension}`,
        title: `${benchmark.title}: accuracy by ${dimension.replaceAll("_", " ")}`,
        heads: own.flatMap(({ label }) => [label, "n"]),
        rows: values.map((value) => ({
          label: value,
          cells: own.flatMap(({ result }) => {
            const figure = result.robust.groups[dimension]?.[value];
            return [figure?.value ?? null, String(figure?.n ?? 0)];
          }),
        })),
        digits: 1,
        detail: benchmark.title,
        notes: [],
      };
    });
  });
}

/** What the runs took. */
function costTable(runs: readonly EvaluatedRun[]): ReportTable {
  return {
    name: "cost",
    title: "What it took",
    heads: [
      "questions",
      "failed",
      "frames each",
      "prompt tokens each",
      "tokens written each",
      "seconds",
      "questions a second",
    ],
    rows: runs.map(({ label, benchmark, cost }) => {
      const { questions, failed, seconds } = cost;
      const each = (name: keyof RunCost): number | null => {
        const value = cost[name];
        return value === null ? null : value / questions;
      };
      return {
        label: `${label}, ${benchmark.title}`,
        cells: [
          String(questions),
          failed === null ? null : String(failed),
          ...[each("frames"), each("promptTokens"), each("completionTokens")],
          seconds,
          seconds === null ? null : questions / Math.max(0.1, seconds),
        ],
      };
    }),
    digits: 1,
    notes: ["Of runs in parts, seconds are those of all parts together."],
  };
}

/** Runs beside others on the same questions. */
export function comparisonTable(
  compared: readonly { label: string; comparison: RunComparison }[],
): ReportTable {
  const names = ["accuracy", "agreement", "tar"] as const;
  return {
    name: "comparison",
    title: "Against the other runs, question by question, in points",
    heads: ["first", "second", "difference", "low", "high", "better", "worse", "pairs"],
    rows: compared.flatMap(({ label, comparison }) =>
      names.flatMap((name) => {
        const { first, second, value, interval, better, worse, same } = comparison[name];
        if (first === null) return [];
        return [
          {
            label: `${label}: ${name}`,
            cells: [
              hundred(first),
              hundred(second),
              hundred(value),
              hundred(interval?.low ?? null),
              hundred(interval?.high ?? null),
              String(better),
              String(worse),
              String(better + worse + same),
            ],
          },
        ];
      }),
    ),
    digits: 1,
    notes: ["Intervals of 95 %, videos resampled whole."],
  };
}
