/** The page of a reproduction, as HTML that needs nothing else and as Markdown. */

import type { MeanInterval } from "../../stats/index.ts";
import { alignedTable } from "../aligned-table.ts";
import { asText, figureTableStyle, pageHtml } from "../page-html.ts";
import type { Mode, OutputFigures } from "./measure.ts";
import { type Comparison, figureNames, type ReproductionResults, type RowResult } from "./results.ts";
import { type Variant, variantNames } from "./settings.ts";

/** A table: a caption, heads, and rows of cells. */
interface Table {
  caption: string;
  heads: string[];
  rows: string[][];
}

const modeNames: Record<Mode, string> = {
  greedy: "Greedy answers to held-out questions",
  sampled: "Sampled at temperature 1, as in training",
  lot: "Greedy, with the right option at any place",
};

/** Shares in percent, with the half-width of the interval. */
function percent(value: MeanInterval | null, digits = 1): string {
  return value === null ? "-" : shown(value, 100, digits);
}

function shown({ mean, low, high }: MeanInterval, scale: number, digits: number): string {
  const half = low === null || high === null ? "" : ` ± ${((scale * (high - low)) / 2).toFixed(digits)}`;
  return `${(scale * mean).toFixed(digits)}${half}`;
}

/** The paper's table: accuracy, TAC, VAS, TAR. */
function mainTable({ rows, questions, settings }: ReproductionResults): Table {
  return {
    caption: `${modeNames.greedy} (${questions.greedy}), in percent; mean over ${settings.seeds} seeds and 95 % interval`,
    heads: [
      "",
      "accuracy",
      "TAC",
      "TAR",
      "VAS (attention)",
      "nats lost without the video",
      "accuracy, options by lot",
    ],
    rows: rows.map(({ variant, outputs, attention, reliance }) => [
      variantNames[variant],
      percent(outputs.greedy.accuracy),
      percent(outputs.greedy.tac),
      percent(outputs.greedy.tar),
      percent(attention),
      reliance === null ? "-" : shown(reliance, 1, 2),
      percent(outputs.lot.accuracy),
    ]),
  };
}

function sampledTable({ rows, questions }: ReproductionResults): Table {
  const names: (keyof OutputFigures)[] = ["accuracy", "tac", "agreement", "grounding", "tar"];
  const cells = ({ variant, outputs }: RowResult): string[] => [
    variantNames[variant],
    ...names.map((name) => percent(outputs.sampled[name])),
    outputs.sampled.claims === null ? "-" : shown(outputs.sampled.claims, 1, 2),
  ];
  return {
    caption: `${modeNames.sampled} (${questions.sampled}), in percent; claims by number`,
    heads: ["", ...names.map((name) => figureNames[name]), figureNames.claims],
    rows: rows.map(cells),
  };
}

/** What the paper says of each step, and what was found; the mode in which the effect is looked for. */
const sayings: {
  of: Variant;
  against: Variant;
  paper: string;
  figures: Comparison["figure"][];
  modes: Mode[];
}[] = [
  {
    of: "sft",
    against: "start",
    paper: "SFT buys consistency and grounding, not accuracy",
    figures: ["accuracy", "tac", "tar", "attention"],
    modes: ["greedy"],
  },
  {
    of: "grpo",
    against: "sft",
    paper: "GRPO for the answer alone buys accuracy, and loses consistency and grounding",
    figures: ["accuracy", "tac", "agreement", "grounding", "attention"],
    modes: ["greedy", "sampled"],
  },
  {
    of: "tar",
    against: "grpo",
    paper: "TAR brings grounding back",
    figures: ["accuracy", "grounding", "tar", "attention"],
    modes: ["greedy", "sampled"],
  },
  {
    of: "gate",
    against: "tar",
    paper: "the gate brings consistency back",
    figures: ["accuracy", "tac", "agreement", "tar"],
    modes: ["greedy", "sampled"],
  },
  {
    of: "gate",
    against: "sft",
    paper: "all of it, against SFT alone",
    figures: ["accuracy", "tac", "grounding", "tar"],
    modes: ["greedy", "sampled"],
  },
  {
    of: "lot",
    against: "sft",
    paper: "ours: the same rewards where no shortcut pays",
    figures: ["accuracy", "tac", "tar"],
    modes: ["greedy", "lot"],
  },
];

function comparisonTable({ comparisons }: ReproductionResults): Table {
  const rows = sayings.flatMap(({ of, against, paper, figures, modes }) =>
    figures.flatMap((figure) =>
      modes.flatMap((mode) => {
        const found = comparisons.find(
          (one) => one.of === of && one.against === against && one.figure === figure && one.mode === mode,
        );
        if (found === undefined) return [];
        const { mean, low, high } = found.difference;
        const scale = figure === "reliance" || figure === "claims" ? 1 : 100;
        const points = (value: number): string => `${value > 0 ? "+" : ""}${(scale * value).toFixed(1)}`;
        const interval = low === null || high === null ? "one seed" : `${points(low)} to ${points(high)}`;
        return [[paper, `${nameOf(figure)}, ${mode}`, points(mean), interval, found.verdict]];
      }),
    ),
  );
  return {
    caption: "One row less another, seed by seed, in points; intervals of 95 %",
    heads: ["the paper", "figure", "difference", "interval", "so it is"],
    rows: rows.map((row, i) => (rows[i - 1]?.[0] === row[0] ? ["", ...row.slice(1)] : row)),
  };
}

function nameOf(figure: Comparison["figure"]): string {
  if (figure === "attention") return "VAS (attention)";
  return figure === "reliance" ? "nats lost" : figureNames[figure];
}

function rewardTable({ training }: ReproductionResults): Table {
  return {
    caption: "Reward over training: the last quarter of the steps less the first",
    heads: ["", "rise", "interval"],
    rows: training.map(({ variant, rewardRise }) => {
      if (rewardRise === null) return [variantNames[variant], "-", "-"];
      const { mean, low, high } = rewardRise;
      return [
        variantNames[variant],
        mean.toFixed(3),
        low === null || high === null ? "one seed" : `${low.toFixed(3)} to ${high.toFixed(3)}`,
      ];
    }),
  };
}

function introduction({ settings }: ReproductionResults): string[] {
  const { firstOption, steps, promptsPerStep, groupSize, sftSteps, startSteps, seeds, seed } = settings;
  const often = `${Math.round(firstOption * 100)} %`;
  return [
    `${settings.control ? "Six" : "Five"} models from one start, ${seeds === 1 ? "once" : `${seeds} times over`}. The start is the given checkpoint after ${startSteps} steps on loose reasoning: something that is to be seen, without a time, and a conclusion that is another than the answer one time of two. SFT is ${sftSteps} steps on reasoning that cites times and leads to the answer. Each row of GRPO is ${steps} steps of ${promptsPerStep} questions with ${groupSize} completions each, at temperature 1 and without a KL penalty; they differ in their rewards alone. Seeds begin at ${seed}.`,
    `The right option comes first in ${often} of the questions, in training and held out: a shortcut past the video, of the kind that benchmarks have. Who answers (A) whatever is to be seen is right that often. The last column asks the same of questions whose right option is anywhere.`,
  ];
}

const explained = [
  "TAC: of the right answers, how many are what their reasoning concludes. TAR: the share of claims that the video bears out within 2 s, 0 where reasoning and answer differ. VAS (attention): the share of the last layer's attention, from tokens of the reasoning, that goes to the video. Nats lost: how much less likely a token of the reasoning becomes, given another video.",
  "Intervals are Student's, over seeds; those of differences are paired by seed.",
];

/** The table and what can be told from noise, for a terminal. */
export function reproductionText(results: ReproductionResults): string {
  const table = ({ caption, heads, rows }: Table): string => `${caption}\n\n${alignedTable(heads, rows)}`;
  return [mainTable(results), sampledTable(results), comparisonTable(results)].map(table).join("\n");
}

/** @param figure address of the learning curves */
export function reproductionMarkdown(results: ReproductionResults, figure: string): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  const table = ({ caption, heads, rows }: Table): string =>
    [
      `**${caption}**`,
      "",
      `| ${heads.map(cell).join(" | ")} |`,
      `|${heads.map((_, i) => (i === 0 ? "---" : "---:")).join("|")}|`,
      ...rows.map((row) => `| ${row.map(cell).join(" | ")} |`),
    ].join("\n");
  const traces = results.traces.map(({ id, question, options, gold, outputs }) =>
    [
      `### ${question}`,
      "",
      `${options.map(({ letter, text }) => `(${letter}) ${text}`).join(" ")} The right one is (${gold}); \`${id}\`.`,
      "",
      "| | output | |",
      "|---|---|---|",
      ...outputs.map(
        (one) =>
          `| ${variantNames[one.variant]} | \`${cell(one.output.replaceAll("\n", " "))}\` | ${marks(one).join(", ")} |`,
      ),
    ].join("\n"),
  );
  return `${[
    "# The ablation",
    ...introduction(results),
    table(mainTable(results)),
    table(sampledTable(results)),
    ...explained,
    "## What can be told from noise",
    table(comparisonTable(results)),
    "## Learning curves",
    `![means over seeds of three steps each, and the seeds' range](${figure})`,
    table(rewardTable(results)),
    "## Side by side",
    "Held-out questions on which the models of the first seed differ most; greedy.",
    ...traces,
  ].join("\n\n")}\n`;
}

function marks(one: ReproductionResults["traces"][number]["outputs"][number]): string[] {
  const { right, consistent, grounding } = one;
  return [
    right ? "right" : "wrong",
    consistent === null ? "no conclusion" : consistent ? "consistent" : "inconsistent",
    grounding === null ? "no claim" : `claims ${Math.round(grounding * 100)} %`,
  ];
}

const pageStyle = `
.prose { max-width: 90ch; }
.scroll { margin: 14px 0; }
.figures th[scope="row"] { white-space: normal; }
.figures thead th { white-space: normal; max-width: 130px; }
.figures th:first-child { text-align: left; }
.cards.wide { grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); }
.trace { font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere; }
.mark { border-radius: 5px; padding: 1px 7px; font-size: 13px; white-space: nowrap; }
.mark.good { background: var(--good-soft); color: var(--good); } .mark.bad { background: var(--bad-soft); color: var(--bad); } .mark.fair { background: var(--fair-soft); color: var(--fair); }
section { margin: 26px 0; }
figure { margin: 10px 0; } figure svg { max-width: 100%; height: auto; border-radius: 10px; }
`;

/** @param figure the learning curves as SVG */
export function reproductionHtml(results: ReproductionResults, figure: string): string {
  const table = ({ caption, heads, rows }: Table): string =>
    `<div class="scroll"><table class="figures"><caption>${asText(caption)}</caption><thead><tr>${heads
      .map((head) => `<th scope="col">${asText(head)}</th>`)
      .join("")}</tr></thead><tbody>${rows
      .map(
        ([first = "", ...rest]) =>
          `<tr><th scope="row">${asText(first)}</th>${rest.map((cell) => `<td>${asText(cell)}</td>`).join("")}</tr>`,
      )
      .join("")}</tbody></table></div>`;
  const paragraph = (value: string): string => `<p class="prose">${asText(value)}</p>`;
  const traces = results.traces.map(({ id, question, options, gold, outputs }) => {
    const shownOptions = options
      .map(
        ({ letter, text: option }) =>
          `${letter === gold ? "<b>" : ""}(${letter}) ${asText(option)}${letter === gold ? "</b>" : ""}`,
      )
      .join(" &nbsp; ");
    const cards = outputs.map((one) => {
      const said = marks(one)
        .map(
          (mark) =>
            `<span class="mark ${/wrong|inconsistent/.test(mark) ? "bad" : /no |claims [0-9]{1,2} %/.test(mark) ? "fair" : "good"}">${asText(mark)}</span>`,
        )
        .join(" ");
      return `<div class="card"><h3>${asText(variantNames[one.variant])}</h3><p class="trace">${asText(one.output)}</p><p>${said}</p></div>`;
    });
    return `<section><h2>${asText(question)}</h2><p>${shownOptions}</p><p class="small">${asText(id)}</p><div class="cards wide">${cards.join("")}</div></section>`;
  });
  return pageHtml(
    { title: "The ablation", command: "reproduce" },
    `
<h1>The ablation</h1>
${introduction(results).map(paragraph).join("\n")}
${table(mainTable(results))}
${table(sampledTable(results))}
${explained.map(paragraph).join("\n")}
<h2>What can be told from noise</h2>
${table(comparisonTable(results))}
<h2>Learning curves</h2>
<figure>${figure}<figcaption class="small">Means over seeds, of three steps each, and the seeds' range.</figcaption></figure>
${table(rewardTable(results))}
<h2>Side by side</h2>
<p class="small">Held-out questions on which the models of the first seed differ most; greedy.</p>
${traces.join("\n")}
`,
    { style: `${figureTableStyle}${pageStyle}` },
  );
}
