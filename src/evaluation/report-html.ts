/**
 * The report: one HTML file that needs nothing else. The traces are in it as JSON; the page's script, which is the
 * source of the functions in `report-script.ts`, draws those that are looked at.
 */

import { parseTrace } from "../trace/index.ts";
import { markClaims } from "./mark-claims.ts";
import { pageHtml } from "./page-html.ts";
import type { ReportData, ReportSample } from "./report-data.ts";
import { reportScript } from "./report-script.ts";
import type { SampleRecord } from "./score-record.ts";
import type { ScoreSummary } from "./score-summary.ts";

/** Characters of an output that are shown; a page of thousands of them has to stay readable. */
const longest = 20_000;

const clip = (text: string | null) =>
  text !== null && text.length > longest ? `${text.slice(0, longest)} [...]` : text;

const round = (value: number) => Number(value.toFixed(4));

function sampleOf(record: SampleRecord): ReportSample {
  const durationSeconds = record.durationSeconds ?? undefined;
  const trace =
    record.output === null
      ? null
      : parseTrace(record.output, { durationSeconds, truncated: record.truncated !== null });
  const think = clip(trace?.think ?? null);
  const { key: _key, output, ...rest } = record;
  return {
    ...rest,
    think,
    output: record.problems.length > 0 || think === null ? clip(output) : null,
    marks:
      think === null
        ? []
        : markClaims(think, record.claims, record.concluded.words ?? record.consistent.words),
    alignment: record.alignment && {
      ...record.alignment,
      matches: record.alignment.matches.map((match) => ({
        ...match,
        similarity: round(match.similarity),
        seconds: round(match.seconds),
      })),
    },
  };
}

/** JSON that can stand in a script element: nothing in it ends the element or begins a comment. */
const embedded = (value: unknown) => JSON.stringify(value).replaceAll("<", "\\u003c");

/**
 * The report as a page.
 *
 * @param records those to show, all or a fair choice of them; `summary.outputs` says how many there are
 */
export function reportHtml(records: readonly SampleRecord[], summary: ScoreSummary): string {
  const data: ReportData = { summary, samples: records.map(sampleOf) };
  const title = summary.files
    .map(({ path }) => path.replace(/^.*[/\\]/, ""))
    .slice(0, 3)
    .join(", ");
  return pageHtml(
    { title, command: "score" },
    "<noscript>This report is drawn by a script, which is off.</noscript>",
    {
      after: `<script type="application/json" id="data">${embedded(data)}</script>
<script type="module">${reportScript()}</script>
`,
    },
  );
}
