/** What runs come to, as tables: the paper's main table and its maps, and what it leaves out. */

import { type Benchmark, benchmarks, published } from "../../benchmarks/index.ts";
import type { RunComparison } from "../score-against.ts";
import type { EvaluatedRun } from "./read-runs.ts";

/** A table of numbers. */
export interface ReportTable {
  /** For file names and `--json`. */
  name: string;
  title: string;
  /** Names of the columns, without that of the labels. */
  heads: string[];
  rows: { label: string; cells: (number | string | null)[] }[];
  /** Digits after the point. */
  digits: number;
  /** Whether larger is better, and colour shows it. */
  map?: boolean;
  /** What has to be known to read it; whole sentences. */
  notes: string[];
}

type Pick = (run: EvaluatedRun) => number | null;

/** The columns of the paper: the benchmarks that any run has, and the averages of each group that is complete. */
function byBenchmark(
  name: string,
  title: string,
  runs: readonly EvaluatedRun[],
  pick: Pick,
  printed: ((benchmark: string) => number | undefined) | null,
  notes: string[] = [],
): ReportTable {
  const shown = benchmarks.filter((benchmark) => runs.some((run) => run.benchmark === benchmark));
  const paper = benchmarks.filter(({ group }) => group !== "synthetic");
  const groups = [
    { head: "generic", of: paper.filter(({ group }) => group === "generic") },
    { head: "reasoning", of: paper.filter(({ group }) => group === "reasoning") },
    { head: "average", of: paper },
  ].filter(({ of }) => of.every((benchmark) => shown.includes(benchmark)));
  const row = (label: string, value: (benchmark: Benchmark) => number | null) => ({
    label,
    cells: [
      ...shown.map(value),
      ...groups.map(({ of }) => {
        const values = of.map(value);
        return values.some((one) => one === null)
          ? null
          : values.reduce<number>((sum, one) => sum + (one as number), 0) / values.length;
      }),
    ],
  });
  const labels = [...new Set(runs.map(({ label }) => label))];
  return {
    name,
    title,
    heads: [...shown.map((benchmark) => benchmark.title), ...groups.map(({ head }) => head)],
    rows: [
      ...(printed === null || shown.every((benchmark) => printed(benchmark.name) === undefined)
        ? []
        : [row(`${published.model} (as printed)`, (benchmark) => printed(benchmark.name) ?? null)]),
      ...labels.map((label) =>
        row(label, (benchmark) => {
          const run = runs.find((one) => one.label === label && one.benchmark === benchmark);
          return run === undefined ? null : pick(run);
        }),
      ),
    ],
    digits: 1,
    notes,
  };
}

const hundred = (value: number | null): number | null => (value === null ? null : 100 * value);

/** All tables of runs. @param withPublished puts the paper's printed numbers beside them */
export function reportTables(runs: readonly EvaluatedRun[], withPublished: boolean): ReportTable[] {
  const of = (figure: "accuracy" | "tac" | "vas") =>
    withPublished ? (name: string) => published.benchmarks[name]?.[figure] : null;
  const incomplete = runs.filter(({ missingParts }) => missingParts.length > 0);
  const notes = [
    ...incomplete.map(
      ({ label, benchmark, missingParts }) =>
        `Of ${label} on ${benchmark.title} the parts ${missingParts.join(", ")} are missing.`,
    ),
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
  ];
  if (withPublished || runs.some((run) => vasOf(run) !== null))
    tables.push({
      ...byBenchmark("vas", "VAS: judged attention to the video", runs, vasOf, of("vas")),
      map: true,
    });
  if (runs.some(({ scores }) => scores.tar.value !== null))
    tables.push(
      byBenchmark(
        "tar",
        "TAR, where there is a reference",
        runs,
        ({ scores }) => hundred(scores.tar.value),
        null,
      ),
    );
  const told = tables.filter(({ rows }) => rows.some(({ cells }) => cells.some((cell) => cell !== null)));
  return [...told, ...categoryTables(runs), costTable(runs)];
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
        notes: [],
      };
    });
  });
}

/** What the runs took. */
function costTable(runs: readonly EvaluatedRun[]): ReportTable {
  const sum = (
    run: EvaluatedRun,
    name: "questions" | "frames" | "promptTokens" | "completionTokens" | "failed" | "seconds",
  ) => run.records.reduce((total, record) => total + record[name], 0);
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
    rows: runs.map((run) => {
      const questions = sum(run, "questions");
      const each = (name: "frames" | "promptTokens" | "completionTokens"): number =>
        sum(run, name) / questions;
      return {
        label: `${run.label}, ${run.benchmark.title}`,
        cells: [
          String(questions),
          String(sum(run, "failed")),
          each("frames"),
          each("promptTokens") || null,
          each("completionTokens") || null,
          sum(run, "seconds"),
          questions / Math.max(0.1, sum(run, "seconds")),
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
