/** Tables as Markdown, CSV, LaTeX, JSON and a page. */

import { asText, figureTableStyle, pageHtml } from "../page-html.ts";
import { reportFigure } from "./report-figures.ts";
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

const pageStyle = `${figureTableStyle}
section { margin: 26px 0; }
tr.printed th, tr.printed td { color: var(--soft); }
.many th, .many td { padding: 5px 9px; }
.many thead th span { writing-mode: vertical-rl; transform: rotate(180deg); }
.figures .average { font-weight: 700; background: color-mix(in oklab, var(--line) 45%, transparent); }
figure { margin: 12px 0; overflow-x: auto; }
figure svg { max-width: 100%; height: auto; border-radius: 8px; }
details { margin: 8px 0; }
summary { cursor: pointer; font-weight: 600; }
`;

function html(tables: readonly ReportTable[]): string {
  const plain = tables.filter(({ detail }) => detail === undefined);
  const names = [...new Set(tables.flatMap(({ detail }) => detail ?? []))];
  const folded = names.map((name) => {
    const own = tables.filter(({ detail }) => detail === name).map(htmlTable);
    return `<details${names.length === 1 ? " open" : ""}><summary>${asText(name)}</summary>${own.join("\n")}</details>`;
  });
  return pageHtml(
    { title: "Benchmarks", command: "report" },
    `
<h1>Benchmarks</h1>
${plain.map(htmlTable).join("\n")}
${folded.length === 0 ? "" : `<section><h2>By category</h2>${folded.join("\n")}</section>`}
`,
    { style: pageStyle },
  );
}

/** A table with its picture, if it has one; what a map shows in colour stands in the table as well. */
function htmlTable(table: ReportTable): string {
  const { title, heads, rows, averages = [], digits, detail, notes } = table;
  const figure = reportFigure(table);
  const strong = (column: number): string => (averages.includes(column) ? ' class="average"' : "");
  const head = heads
    .map((name, i) => `<th scope="col"${strong(i)}><span>${asText(name)}</span></th>`)
    .join("");
  const body = rows.map(({ label, cells, printed }) => {
    const drawn = cells.map((one, i) => `<td${strong(i)}>${asText(shown(one, digits))}</td>`).join("");
    return `<tr${printed ? ' class="printed"' : ""}><th scope="row">${asText(label)}</th>${drawn}</tr>`;
  });
  const grid = `<div class="scroll"><table class="figures${heads.length > 8 ? " many" : ""}"><thead><tr><th></th>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
  const level = detail === undefined ? "h2" : "h3";
  return `<section><${level}>${asText(title)}</${level}>${
    figure === null
      ? grid
      : `<figure>${figure}</figure><details><summary>as a table</summary>${grid}</details>`
  }${notes.map((note) => `<p class="small">${asText(note)}</p>`).join("")}</section>`;
}
