/** Tables as Markdown, CSV, LaTeX, JSON and a page. */

import { asText, figureTableStyle, pageHtml } from "../page-html.ts";
import type { ReportTable } from "./report-tables.ts";

/** How tables can be written. */
export const reportFormats = ["md", "html", "latex", "csv", "json"] as const;

/** One of them. */
export type ReportFormat = (typeof reportFormats)[number];

const shown = (cell: number | string | null, digits: number): string =>
  cell === null ? "-" : typeof cell === "string" ? cell : cell.toFixed(digits);

/** The tables in a format. */
export function formatReport(tables: readonly ReportTable[], format: ReportFormat): string {
  switch (format) {
    case "md":
      return `${tables.map(markdown).join("\n\n")}\n`;
    case "csv":
      return tables.map(csv).join("");
    case "latex":
      return `${tables.map(latex).join("\n\n")}\n`;
    case "json":
      return `${JSON.stringify(tables, null, 2)}\n`;
    case "html":
      return html(tables);
  }
}

function markdown({ title, heads, rows, digits, notes }: ReportTable): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  return [
    `### ${title}`,
    "",
    `| | ${heads.map(cell).join(" | ")} |`,
    `|---|${heads.map(() => "---:").join("|")}|`,
    ...rows.map(
      ({ label, cells }) =>
        `| ${cell(label)} | ${cells.map((one) => cell(shown(one, digits))).join(" | ")} |`,
    ),
    ...notes.flatMap((note) => ["", note]),
  ].join("\n");
}

/** One long table: table, row, column, value; numbers unrounded. */
function csv({ name, heads, rows }: ReportTable, index: number): string {
  const field = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = rows.flatMap(({ label, cells }) =>
    cells.map((cell, i) => [name, label, heads[i] as string, cell === null ? "" : String(cell)]),
  );
  const all = index === 0 ? [["table", "row", "column", "value"], ...lines] : lines;
  return all.map((line) => `${line.map(field).join(",")}\n`).join("");
}

function latex({ title, heads, rows, digits }: ReportTable): string {
  const escaped = (text: string): string =>
    text.replace(/[\\&%$#_{}~^]/g, (c) =>
      c === "\\" ? "\\textbackslash{}" : c === "~" || c === "^" ? `\\${c}{}` : `\\${c}`,
    );
  return [
    `% ${title}`,
    `\\begin{tabular}{l${"r".repeat(heads.length)}}`,
    "\\toprule",
    ` & ${heads.map(escaped).join(" & ")} \\\\`,
    "\\midrule",
    ...rows.map(
      ({ label, cells }) =>
        `${escaped(label)} & ${cells.map((one) => escaped(shown(one, digits)).replace(/^-$/, "--")).join(" & ")} \\\\`,
    ),
    "\\bottomrule",
    "\\end{tabular}",
  ].join("\n");
}

function html(tables: readonly ReportTable[]): string {
  const cell = (one: number | string | null, digits: number, map: boolean): string => {
    const colour =
      map && typeof one === "number"
        ? ` style="background: color-mix(in oklab, var(--accent) ${Math.round(Math.max(0, Math.min(100, one)) * 0.55)}%, transparent)"`
        : "";
    return `<td${colour}>${asText(shown(one, digits))}</td>`;
  };
  const drawn = tables.map(
    ({ title, heads, rows, digits, map = false, notes }) =>
      `<section><h2>${asText(title)}</h2><div class="scroll"><table class="figures"><thead><tr><th></th>${heads
        .map((head) => `<th scope="col">${asText(head)}</th>`)
        .join("")}</tr></thead><tbody>${rows
        .map(
          ({ label, cells }) =>
            `<tr><th scope="row">${asText(label)}</th>${cells.map((one) => cell(one, digits, map)).join("")}</tr>`,
        )
        .join(
          "",
        )}</tbody></table></div>${notes.map((note) => `<p class="small">${asText(note)}</p>`).join("")}</section>`,
  );
  return pageHtml(
    { title: "Benchmarks", command: "report" },
    `
<h1>Benchmarks</h1>
${drawn.join("\n")}
`,
    { style: `${figureTableStyle}\nsection { margin: 22px 0; }\n` },
  );
}
