/** Tables as pictures: maps of shares, and differences with their intervals. Each is an SVG document. */

import { scaleLinear } from "d3-scale";
import { asText } from "../page-html.ts";
import type { ReportRow, ReportTable } from "./report-tables.ts";

const ink = "#1d1c1a";
const soft = "#6b675f";
const line = "#e3dfd6";

/** How wide a text of 12 pixels is, about; bold letters are wide. */
const textWidth = (text: string): number => Math.ceil(text.length * 7.3);

const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(textWidth));

/** The picture of a table, or null where it is none that is drawn. */
export function reportFigure(table: ReportTable): string | null {
  // A map of a few numbers says less than the numbers.
  if (table.map && table.rows.length * table.heads.length >= 4) return heatMap(table);
  if (table.rows.length > 0 && differenceHeads.every((head) => table.heads.includes(head)))
    return differencePlot(table);
  return null;
}

function document(title: string, width: number, height: number, body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="${ink}" role="img">
<title>${asText(title)}</title>
<rect width="${width}" height="${height}" fill="#ffffff"/>
${body}
</svg>
`;
}

/** Rows by columns, more is darker; the scale spans what there is, in fives. */
function heatMap({ title, heads, rows, digits }: ReportTable): string {
  const values = rows.flatMap(({ cells }) => cells.filter((cell) => typeof cell === "number"));
  const low = Math.min(95, Math.floor(Math.min(...values) / 5) * 5);
  const high = Math.max(low + 5, Math.ceil(Math.max(...values) / 5) * 5);
  const colour = scaleLinear<string>()
    .domain([low, (low + high) / 2, high])
    .range(["#f5f8fb", "#8fb4d2", "#1f5c8b"]);
  const cell = { width: 58, height: 34 };
  const left = 16 + widest(rows.map(({ label }) => label));
  const slant = Math.ceil(widest(heads) * 0.72) + 24;
  const top = 16;
  const right = left + heads.length * cell.width;
  const bottom = top + rows.length * cell.height;
  const drawn = rows.flatMap(({ label, cells, printed }, r) => {
    const y = top + r * cell.height;
    const name = `<text x="${left - 8}" y="${y + cell.height / 2 + 4}" text-anchor="end"${printed ? ` fill="${soft}"` : ' font-weight="600"'}>${asText(label)}</text>`;
    return [
      name,
      ...cells.map((value, c) => {
        const x = left + c * cell.width;
        const known = typeof value === "number";
        const box = `<rect x="${x}" y="${y}" width="${cell.width - 1}" height="${cell.height - 1}" fill="${known ? colour(value) : "#ffffff"}"${known ? "" : ` stroke="${line}"`}/>`;
        const dark = known && value > low + 0.6 * (high - low);
        return `${box}<text x="${x + cell.width / 2}" y="${y + cell.height / 2 + 4}" text-anchor="middle"${dark ? ' fill="#ffffff"' : ""}>${known ? value.toFixed(digits) : "-"}</text>`;
      }),
    ];
  });
  const names = heads.map((head, c) => {
    const x = left + (c + 0.5) * cell.width + 4;
    return `<text transform="translate(${x} ${bottom + 14}) rotate(-40)" text-anchor="end">${asText(head)}</text>`;
  });
  const steps = Array.from({ length: 20 }, (_, i) => {
    const height = (bottom - top) / 20;
    const value = high - ((i + 0.5) / 20) * (high - low);
    return `<rect x="${right + 14}" y="${(top + i * height).toFixed(1)}" width="12" height="${(height + 0.5).toFixed(1)}" fill="${colour(value)}"/>`;
  });
  const scale = [
    `<text x="${right + 31}" y="${top + 9}" fill="${soft}">${high}</text>`,
    `<text x="${right + 31}" y="${bottom}" fill="${soft}">${low}</text>`,
  ];
  return document(title, right + 62, bottom + slant, [...drawn, ...names, ...steps, ...scale].join("\n"));
}

const differenceHeads = ["difference", "low", "high"];

/** Differences as points with their intervals about zero. */
function differencePlot({ title, heads, rows, digits }: ReportTable): string {
  const numbers = ({ cells }: ReportRow) =>
    differenceHeads.map((head) => {
      const cell = cells[heads.indexOf(head)];
      return typeof cell === "number" ? cell : null;
    });
  const all = rows.flatMap(numbers).filter((value) => value !== null);
  const left = 16 + widest(rows.map(({ label }) => label));
  const [width, height, top] = [360, 26, 14];
  const bottom = top + rows.length * height;
  const x = scaleLinear()
    .domain([Math.min(0, ...all), Math.max(0, ...all)])
    .nice(6)
    .range([left + 8, left + width]);
  const grid = x.ticks(6).map((tick) => {
    const at = x(tick).toFixed(1);
    return `<line x1="${at}" x2="${at}" y1="${top}" y2="${bottom}" stroke="${tick === 0 ? soft : line}"/><text x="${at}" y="${bottom + 16}" text-anchor="middle" fill="${soft}">${tick}</text>`;
  });
  const drawn = rows.map((row, r) => {
    const [value, low, high] = numbers(row);
    const y = top + (r + 0.5) * height;
    const name = `<text x="${left - 4}" y="${y + 4}" text-anchor="end">${asText(row.label)}</text>`;
    if (value === null || value === undefined) return name;
    // What cannot be told from noise is pale.
    const told = low != null && high != null && (low > 0 || high < 0);
    const colour = told ? "#1f5c8b" : "#9c968a";
    const bar =
      low == null || high == null
        ? ""
        : `<line x1="${x(low).toFixed(1)}" x2="${x(high).toFixed(1)}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="2.5"/>`;
    const figure = `<text x="${left + width + 12}" y="${y + 4}" fill="${told ? ink : soft}">${value > 0 ? "+" : ""}${value.toFixed(digits)}</text>`;
    return `${name}${bar}<circle cx="${x(value).toFixed(1)}" cy="${y}" r="4" fill="${colour}"/>${figure}`;
  });
  return document(title, left + width + 62, bottom + 26, [...grid, ...drawn].join("\n"));
}
