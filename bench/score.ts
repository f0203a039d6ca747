/**
 * Scoring by rules on one core, beside the reference's own reward functions with their judge answering at once; and
 * the memory that a million rows take. Both score the same rows: accuracy, format, claims and their matching, gate. Ours
 * also parses the claims out of the text and decides on consistency, which the reference's judge is asked for.
 *
 * Run: npm run bench -- score. For the comparison set VIDEO_R2_REFERENCE to a checkout of the reference and
 * VIDEO_R2_PYTHON to a Python with torch and rouge_score; VIDEO_R2_MINILM to a folder of all-MiniLM-L6-v2 to have the
 * reference embed as it does in training, too. VIDEO_R2_BENCH_ROWS (default 1,000,000) is the long run's length.
 */

import { execFileSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { Random } from "../src/base/index.ts";
import { scoreFiles } from "../src/evaluation/index.ts";
import { type Embedder, openEmbedder, openJudge } from "../src/judges/index.ts";
import { formatInterval } from "../src/trace/index.ts";

const shapes = ["a red circle", "the blue square", "a green star", "the small dog", "a man with a hat"];
const deeds = ["appears on the left", "moves to the right", "jumps over the fence", "leaves the picture"];
const letters = ["A", "B", "C", "D"];

const pick = <T>(random: Random, items: readonly T[]) => items[random.integer(0, items.length)] as T;

/** A made-up row of the length of real ones: some seven claims, about 1,200 characters of reasoning. */
function row(random: Random, id: number): object {
  const events = Array.from({ length: 7 }, (_, i) => {
    const start = 3 + i * 6 + random.integer(0, 3);
    const text = `${pick(random, shapes)} ${pick(random, deeds)}`;
    return { key: formatInterval(start, start + 2 * random.integer(0, 2)), text };
  });
  const said = events.map((event) =>
    random.uniform() < 0.8 ? event : { ...event, text: "nothing of note is seen" },
  );
  const letter = pick(random, letters);
  const prose = said.map(
    ({ key, text }) =>
      `At ${key.replace("-", " to ")} ${text}, which the question does not name but which helps to keep the order of what is seen in this part of the video.`,
  );
  return {
    id: String(id),
    video: `video-${id % 50_000}.mp4`,
    question: "Which of these comes last?",
    options: shapes.slice(0, 4),
    answer: letter,
    output: `<think>${prose.join(" ")} So the answer is ${letter}.</think>\n<answer>${pick(random, letters)}</answer>`,
    temporal_grounding: Object.fromEntries(events.map(({ key, text }) => [key, text])),
    claims: Object.fromEntries(said.map(({ key, text }) => [key, text])),
  };
}

async function writeRows(path: string, count: number): Promise<void> {
  const random = new Random(1);
  const file = createWriteStream(path);
  for (let i = 0; i < count; i++)
    if (!file.write(`${JSON.stringify(row(random, i))}\n`))
      await new Promise<void>((resolve) => file.once("drain", () => resolve()));
  file.end();
  await finished(file);
}

interface Run {
  rows: number;
  seconds: number;
}

async function ours(path: string, embedder: Embedder, onRow?: (rows: number) => void): Promise<Run> {
  const judge = await openJudge("rules");
  const begun = performance.now();
  const { summary } = await scoreFiles({
    files: [path],
    judge,
    embedder,
    compat: "paper",
    threshold: embedder.threshold,
    deltaSeconds: 2,
    onProgress: (rows) => onRow?.(rows),
  });
  return { rows: summary.outputs, seconds: (performance.now() - begun) / 1000 };
}

function reference(path: string, embedder: string): Run | null {
  const { VIDEO_R2_REFERENCE: checkout, VIDEO_R2_PYTHON: python } = process.env;
  if (checkout === undefined || python === undefined) return null;
  const script = new URL("score.py", import.meta.url).pathname;
  const printed = execFileSync(python, [script, join(checkout, "train"), path, embedder], {
    encoding: "utf8",
    env: { ...process.env, OMP_NUM_THREADS: "1" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  return JSON.parse(printed.trim().split("\n").at(-1) as string) as Run;
}

const perSecond = ({ rows, seconds }: Run) => rows / seconds;
const middle = (runs: Run[]) => runs.sort((a, b) => perSecond(a) - perSecond(b))[runs.length >> 1] as Run;

/** Runs the bench. @returns a table in Markdown */
export async function benchScore(): Promise<{ markdown: string; speedup: number | null }> {
  const folder = await mkdtemp(join(tmpdir(), "bench-score-"));
  try {
    const path = join(folder, "rows.jsonl");
    await writeRows(path, Number(process.env.VIDEO_R2_BENCH_SHORT ?? 5000));
    const embedder = await openEmbedder("lexical");
    await ours(path, embedder);
    const [us, them]: [Run[], Run[]] = [[], []];
    // Taking turns, so that both see the same machine.
    for (let round = 0; round < 3; round++) {
      us.push(await ours(path, embedder));
      const run = reference(path, "none");
      if (run) them.push(run);
    }
    // Thousands of rows would take the reference's embedder an hour.
    const few = join(folder, "few.jsonl");
    const { VIDEO_R2_MINILM: model } = process.env;
    if (model) await writeRows(few, 200);
    const minilm = model ? reference(few, model) : null;
    const best = middle(us);
    const theirs = them.length > 0 ? middle(them) : null;
    const line = (name: string, run: Run | null) =>
      run === null
        ? []
        : [`| ${name} | ${perSecond(run).toFixed(0)} | ${(perSecond(best) / perSecond(run)).toFixed(1)}x |`];
    const memory = await benchMemory(folder, embedder);
    return {
      speedup: theirs && perSecond(best) / perSecond(theirs),
      markdown: [
        "| scoring by rules, one core | traces a second | ours is |",
        "|---|---|---|",
        ...line("video-r2 score: parsing, claims, consistency, lexical similarity, matching", best),
        ...line("the reference, judge and embedder both answering at once", theirs),
        ...line("the reference, judge answering at once, its embedder (all-MiniLM-L6-v2)", minilm),
        "",
        memory,
      ].join("\n"),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Memory of the process after a tenth and after all of a long file. */
async function benchMemory(folder: string, embedder: Embedder): Promise<string> {
  const count = Number(process.env.VIDEO_R2_BENCH_ROWS ?? 1_000_000);
  const path = join(folder, "long.jsonl");
  await writeRows(path, count);
  const gigabytes = (await stat(path)).size / 1e9;
  const seen: number[] = [];
  const tenth = Math.max(1, Math.floor(count / 10));
  const run = await ours(path, embedder, (rows) => {
    if (rows % tenth === 0) seen.push(process.memoryUsage().rss / 2 ** 20);
  });
  return `${count.toLocaleString("en")} rows (${gigabytes.toFixed(1)} GB) in ${run.seconds.toFixed(0)} s; memory of the process after each tenth, in MiB: ${seen.map((mib) => mib.toFixed(0)).join(", ")}.`;
}
