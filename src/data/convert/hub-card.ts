/** The card of a data set on the Hugging Face hub, `README.md`: which files are which split, and what is in them. */

import { sortedCounts, tally } from "../rows/rejection.ts";
import type { ConvertibleRow } from "./convertible-row.ts";
import { parquetColumns } from "./parquet-rows.ts";

/** Told by this, a card of ours is written anew; another one is left alone. */
export const cardMark = "<!-- written by video-r2 data convert -->";

/** What a card says of a split. */
export class SplitCounts {
  readonly name: string;
  rows = 0;
  withReasoning = 0;
  readonly #videos = new Map<string, number>();
  readonly answerTypes = new Map<string, number>();
  readonly sources = new Map<string, number>();
  readonly licences = new Map<string, number>();

  /** @param name of the split */
  constructor(name: string) {
    this.name = name;
  }

  /** Counts a row. */
  add(row: ConvertibleRow): void {
    this.rows++;
    if (row.reasoning !== undefined) this.withReasoning++;
    this.#videos.set(row.video, row.durationSeconds);
    tally(this.answerTypes, row.answerType);
    tally(this.sources, row.source ?? "unknown");
    if (row.licence !== undefined) tally(this.licences, row.licence);
  }

  /** Different videos. */
  get videos(): number {
    return this.#videos.size;
  }

  /** Hours of different videos. */
  get hours(): number {
    return [...this.#videos.values()].reduce((sum, seconds) => sum + seconds, 0) / 3600;
  }
}

/** The hub's classes of size. */
function sizeCategory(rows: number): string {
  const ends = ["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M"];
  return ends.find((_, i) => rows < 10 ** (3 + i)) ?? "1M<n<10M";
}

const listed = (counts: ReadonlyMap<string, number>) =>
  Object.entries(sortedCounts(counts))
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");

/** @param title its name */
export function hubCard(title: string, splits: readonly SplitCounts[]): string {
  const rows = splits.reduce((sum, split) => sum + split.rows, 0);
  const licences = [...new Set(splits.flatMap((split) => [...split.licences.keys()]))].sort();
  return [
    "---",
    "task_categories:",
    "- video-text-to-text",
    "size_categories:",
    `- ${sizeCategory(rows)}`,
    "configs:",
    "- config_name: default",
    "  data_files:",
    ...splits.flatMap(({ name }) => [`  - split: ${name}`, `    path: data/${name}.parquet`]),
    "---",
    "",
    cardMark,
    "",
    `# ${title}`,
    "",
    "Questions about videos. The videos are not in the Parquet files; `video` is a path from the folder of this page.",
    "",
    "| split | rows | videos | hours | with reasoning | answer types | sources |",
    "|---|---|---|---|---|---|---|",
    ...splits.map(
      (split) =>
        `| ${split.name} | ${split.rows} | ${split.videos} | ${split.hours.toFixed(1)} | ${split.withReasoning} | ${listed(split.answerTypes)} | ${listed(split.sources)} |`,
    ),
    "",
    "| column | type |",
    "|---|---|",
    ...Object.entries(parquetColumns).map(([name, type]) => `| \`${name}\` | ${type} |`),
    "",
    "With `options`, `answer` is a letter, `A` for the first one. `temporal_grounding` is an object of times, `MM:SS` or",
    "`MM:SS-MM:SS`, and what is to be seen then. `extra` holds fields that have no column.",
    ...(licences.length === 0
      ? []
      : ["", "What the rows say about licences:", "", ...licences.map((licence) => `- ${licence}`)]),
    "",
  ].join("\n");
}
