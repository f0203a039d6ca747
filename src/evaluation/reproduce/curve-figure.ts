/** Learning curves as a picture: one panel for each figure, one line for each row, the seeds' range behind it. */

import { scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";
import { type CurvePoint, curveNames, type TrainingResult } from "./results.ts";
import { type Variant, variantNames } from "./settings.ts";

/** Distinguishable in print and by most colour-blind readers (Okabe and Ito, 2008). */
const colours: Record<Variant, string> = {
  start: "#000000",
  sft: "#999999",
  grpo: "#d55e00",
  tar: "#e69f00",
  gate: "#0072b2",
  lot: "#009e73",
};

const panel = { width: 400, height: 190, left: 46, top: 34, right: 14, bottom: 34 };

/** An SVG document. */
export function curveFigure(training: readonly TrainingResult[]): string {
  const names = Object.keys(curveNames) as (keyof typeof curveNames)[];
  const width = panel.width * 2;
  const legend = 30;
  const height = panel.height * Math.ceil(names.length / 2) + legend;
  const panels = names.map((name, i) => {
    const x = (i % 2) * panel.width;
    const y = legend + Math.floor(i / 2) * panel.height;
    return `<g transform="translate(${x} ${y})">${drawPanel(curveNames[name], name, training)}</g>`;
  });
  let at = panel.left;
  const keys = training.map(({ variant }) => {
    const label = variantNames[variant].replace("+ SFT + ", "");
    const key = `<g transform="translate(${at} 16)"><line x2="18" stroke="${colours[variant]}" stroke-width="3"/><text x="23" y="4">${label}</text></g>`;
    at += 44 + label.length * 7;
    return key;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="#1d1c1a" role="img">
<title>Learning curves: ${names.map((name) => curveNames[name]).join("; ")}</title>
<rect width="${width}" height="${height}" fill="#ffffff"/>
${keys.join("\n")}
${panels.join("\n")}
</svg>
`;
}

function drawPanel(
  title: string,
  name: keyof typeof curveNames,
  training: readonly TrainingResult[],
): string {
  const points = training.flatMap(({ curves }) => curves[name]);
  const x = scaleLinear()
    .domain([Math.min(...points.map(({ step }) => step)), Math.max(...points.map(({ step }) => step))])
    .range([panel.left, panel.width - panel.right]);
  const y = scaleLinear()
    .domain([Math.min(...points.map(({ low }) => low)), Math.max(...points.map(({ high }) => high))])
    .nice(5)
    .range([panel.height - panel.bottom, panel.top]);
  const band = area<CurvePoint>()
    .x(({ step }) => x(step))
    .y0(({ low }) => y(low))
    .y1(({ high }) => y(high))
    .digits(1);
  const curve = line<CurvePoint>()
    .x(({ step }) => x(step))
    .y(({ mean }) => y(mean))
    .digits(1);
  const grid = y.ticks(5).map((tick) => {
    const label = `<text x="${panel.left - 6}" y="${y(tick) + 4}" text-anchor="end" fill="#6b675f">${tick}</text>`;
    return `<line x1="${panel.left}" x2="${panel.width - panel.right}" y1="${y(tick)}" y2="${y(tick)}" stroke="#e3dfd6"/>${label}`;
  });
  const steps = x
    .ticks(6)
    .map(
      (tick) =>
        `<text x="${x(tick)}" y="${panel.height - panel.bottom + 16}" text-anchor="middle" fill="#6b675f">${tick}</text>`,
    );
  const lines = training.map(({ variant, curves }) => {
    const colour = colours[variant];
    return `<path d="${band(curves[name]) ?? ""}" fill="${colour}" opacity="0.13"/><path d="${curve(curves[name]) ?? ""}" fill="none" stroke="${colour}" stroke-width="2"/>`;
  });
  return `<text x="${panel.left}" y="${panel.top - 12}" font-weight="600">${title}</text>${grid.join("")}${steps.join("")}${lines.join("")}`;
}
