/** What `video-r2 score` prints for people: the figures, what has none and why, and where to look. */

import { join } from "node:path";
import { formatDuration } from "../base/index.ts";
import type { RunComparison, SampleRecord, ScoreSummary } from "../evaluation/index.ts";
import type { Comparison, Figure } from "../metrics/index.ts";
import { hanging, type Palette, printable } from "./terminal.ts";

const width = 100;
const most = 3;

/** The first few outputs that somebody should look at. */
export class Findings {
  readonly inconsistent: SampleRecord[] = [];
  count = 0;

  /** Looks at one record. */
  add(record: SampleRecord): void {
    if (record.consistent.value !== false) return;
    this.count++;
    if (this.inconsistent.length < most) this.inconsistent.push(record);
  }
}

/** What the report needs beyond the figures. */
export interface ScoreContext {
  findings: Findings;
  against: RunComparison | null;
  againstDir: string | null;
  /** The folder that was written, or null. */
  out: string | null;
}

interface Line {
  name: string;
  figure: Figure;
  /** What 1 is printed as. */
  scale: "percent" | "plain";
  /** What the figure is, in words. */
  about?: string;
  /** Part of the line above. */
  under?: boolean;
}

const number = (value: number, scale: Line["scale"]) =>
  scale === "percent" ? `${(value * 100).toFixed(1)} %` : value.toFixed(2);

function interval(figure: Figure, scale: Line["scale"]): string {
  if (figure.interval === null) return "";
  const [low, high] = [figure.interval.low, figure.interval.high];
  return scale === "percent"
    ? `${(low * 100).toFixed(1)} to ${(high * 100).toFixed(1)}`
    : `${low.toFixed(2)} to ${high.toFixed(2)}`;
}

const groups = (figures: Record<string, Figure>, least: number): Line[] =>
  Object.keys(figures).length < least
    ? []
    : Object.entries(figures)
        .slice(0, 12)
        .map(([name, figure]) => ({ name: printable(name), figure, scale: "percent", under: true }));

function lines(summary: ScoreSummary): Line[] {
  const percent = "percent" as const;
  const found: Line[] = [
    { name: "Accuracy", figure: summary.accuracy, scale: percent, about: "answers that are right" },
    ...groups(summary.accuracyByType, 2),
    ...groups(summary.accuracyByBenchmark, 2),
    {
      name: "TAC",
      figure: summary.consistencyAccuracy,
      scale: percent,
      about: "right answers whose reasoning concludes the right one",
    },
    {
      name: "Agreement",
      figure: summary.agreement,
      scale: percent,
      about: "answers that say what their reasoning concludes",
    },
    {
      name: "TAR",
      figure: summary.tar,
      scale: percent,
      about: "claims that the reference confirms, 0 if inconsistent",
    },
  ];
  if (summary.claimPrecision.n > 0)
    found.push(
      { name: "before the gate", figure: summary.claimPrecision, scale: percent, under: true },
      { name: "recall", figure: summary.claimRecall, scale: percent, under: true },
    );
  found.push(
    {
      name: "VAS",
      figure: summary.attention,
      scale: "plain",
      about: "attention to the video as judged, 0 to 10",
    },
    { name: "Format", figure: summary.format, scale: percent, about: "reasoning and answer in their tags" },
  );
  if (summary.logged.accuracy.n > 0)
    found.push({
      name: "Logged",
      figure: summary.logged.accuracy,
      scale: percent,
      about: `accuracy as the log has it; ${summary.logged.differs} differ`,
    });
  return found;
}

/** Cells in columns; the first to the left, `right` ones to the right. */
function columns(rows: readonly (readonly string[])[], right: ReadonlySet<number>): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  return rows.map((row) =>
    row
      .map((cell, i) => (right.has(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

function table(summary: ScoreSummary, { bold, dim }: Palette): string[] {
  const shown = lines(summary);
  const rows = columns(
    [
      ["", "", "95 % interval", "n", "unscored", ""],
      ...shown.map(({ name, figure, scale, about, under }) => [
        under ? `  ${name}` : name,
        figure.value === null ? "-" : number(figure.value, scale),
        interval(figure, scale),
        String(figure.n),
        figure.unscored === 0 ? "" : String(figure.unscored),
        about ?? "",
      ]),
    ],
    new Set([1, 3, 4]),
  );
  return rows.map((row, i) => {
    const line = shown[i - 1];
    return line === undefined || line.under ? dim(row) : row.replace(line.name, bold(line.name));
  });
}

/** Why figures have no value for some outputs, the same reasons once. */
function unscoredLines(summary: ScoreSummary, { dim }: Palette): string[] {
  const reasons = new Map<string, string[]>();
  const named: [string, Figure][] = [
    ["accuracy", summary.accuracy],
    ["TAC", summary.consistencyAccuracy],
    ["agreement", summary.agreement],
    ["TAR", summary.tar],
    ["VAS", summary.attention],
  ];
  for (const [name, { reasons: found }] of named)
    for (const [reason, count] of Object.entries(found))
      reasons.set(reason, [...(reasons.get(reason) ?? []), `${name} ${count}`]);
  if (reasons.size === 0) return [];
  const all = [...reasons];
  return [
    "",
    "Without a score",
    ...all
      .slice(0, 8)
      .map(([reason, counts]) => dim(hanging("  ", `${printable(reason)} (${counts.join(", ")})`, width))),
    ...(all.length > 8 ? [dim(`  and ${all.length - 8} more reasons`)] : []),
  ];
}

function findingLines({ inconsistent, count }: Findings, { red, dim }: Palette): string[] {
  if (count === 0) return [];
  return [
    "",
    `Inconsistent: ${count}`,
    ...inconsistent.flatMap(({ id, consistent }) => [
      `${hanging("  ", `${red(printable(id))}: ${printable(consistent.why)}`, width)}`,
      ...(consistent.words ? [dim(hanging("    ", `"${printable(consistent.words.trim())}"`, width))] : []),
    ]),
    ...(count > inconsistent.length ? [dim(`  and ${count - inconsistent.length} more`)] : []),
  ];
}

function comparisonLines(against: RunComparison, dir: string, { dim, green, red }: Palette): string[] {
  const percent = (value: number) => `${value >= 0 ? "+" : ""}${(value * 100).toFixed(1)}`;
  const row = (name: string, c: Comparison): string[] =>
    c.value === null
      ? []
      : [
          `  ${name.padEnd(10)} ${(c.value > 0 ? green : c.value < 0 ? red : dim)(`${percent(c.value)} points`)}${
            c.interval
              ? ` (95 %: ${percent(c.interval.low)} to ${percent(c.interval.high)}, p ${c.p === null ? "-" : c.p.toFixed(3)})`
              : ""
          }, ${c.better} better, ${c.worse} worse, ${c.same} the same${c.unscored ? `, ${c.unscored} unscored` : ""}`,
        ];
  const { accuracy, agreement, tar } = against;
  const alone = accuracy.onlyFirst + accuracy.onlySecond;
  return [
    "",
    `Against ${dir}`,
    ...row("accuracy", accuracy),
    ...row("agreement", agreement),
    ...row("TAR", tar),
    ...(alone > 0
      ? [dim(`  ${accuracy.onlyFirst} outputs only there, ${accuracy.onlySecond} only here`)]
      : []),
    ...(accuracy.n === 0 && accuracy.same === 0 ? [dim("  no question is in both")] : []),
  ];
}

function costLine({ usage, seconds, outputs }: ScoreSummary): string {
  const rate = `${outputs} outputs in ${seconds < 10 ? `${seconds.toFixed(1)} s` : formatDuration(seconds)}`;
  if (usage.requests + usage.cached + usage.failed === 0) return rate;
  const { requests, cached, failed, promptTokens, completionTokens } = usage;
  return `${rate}; the judge: ${requests} requests, ${cached} from the cache, ${failed} failed, ${promptTokens} + ${completionTokens} tokens`;
}

/** The report; ends with a line end. */
export function scoreReport(summary: ScoreSummary, context: ScoreContext, palette: Palette): string {
  const { dim, bold } = palette;
  const { settings, files, outputs, truncated, missing } = summary;
  const names = files.length > 3 ? `${files.length} files` : files.map(({ path }) => path).join(", ");
  const odd = [truncated > 0 && `${truncated} cut off`, missing > 0 && `${missing} missing`].filter(Boolean);
  const how = `judged by ${settings.judge}; claims match within ${settings.deltaSeconds} s at a similarity of ${Number(settings.threshold.toFixed(3))} (${settings.embedder})${settings.compat === "reference" ? "; as the released code computes" : ""}`;
  const { out } = context;
  return [
    `${bold(names || "no file")}: ${outputs} outputs${odd.length > 0 ? `, ${odd.join(", ")}` : ""}`,
    dim(hanging("", how, width)),
    "",
    ...table(summary, palette),
    ...unscoredLines(summary, palette),
    ...findingLines(context.findings, palette),
    ...(context.against === null ? [] : comparisonLines(context.against, context.againstDir ?? "", palette)),
    "",
    dim(costLine(summary)),
    ...(out === null ? [] : [`Read each of them: ${join(out, "report.html")}`]),
    "",
  ].join("\n");
}
