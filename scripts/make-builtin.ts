/**
 * Makes the model that ships with video-r2, from nothing: the world, a tokenizer, random weights, SFT, the held-out
 * numbers, the card. Every stage is kept in the work folder, so that it can be stopped and started again.
 *
 *   npm run make:builtin [-- --work runs/builtin] [--steps N] [--rows N]
 */

import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { Progress, writeFileAtomic } from "../src/base/index.ts";
import { type DataRow, readDataset, type Split, synthCorpus, synthesize } from "../src/data/index.ts";
import {
  evaluateHeldOut,
  type HeldOutResult,
  type HeldOutSummary,
  summariseHeldOut,
} from "../src/evaluation/index.ts";
import { saveSampling } from "../src/models/index.ts";
import { loadParams, Qwen25VL } from "../src/nn/index.ts";
import { freshModelSchema, loadRecipe, makeFreshModel, trainSft, writeModel } from "../src/training/index.ts";

const HISTORY = `\`\`\`bash
npm run make:builtin
\`\`\`

4,000 training videos with 8 questions and up to 3 timelines each (seed 1), supervised fine-tuning by
\`recipes/builtin-sft.yaml\` from the model of \`recipes/builtin-model.yaml\`. Frames are sampled at 2 per second, at most
32, 112 x 112 pixels, with the time drawn on them; \`video-r2 ask\` does the same.`;

const root = new URL("..", import.meta.url).pathname;
const { values: flags } = parseArgs({
  options: {
    work: { type: "string", default: join(root, "runs/builtin") },
    out: { type: "string", default: join(root, "assets/builtin") },
    steps: { type: "string" },
    rows: { type: "string", default: "1200" },
    /** Ship this trained model instead of training one. */
    model: { type: "string" },
    /** Held-out rows, where no world is made. */
    heldout: { type: "string" },
    /** How the model came to be, in Markdown, where it was not this script. */
    history: { type: "string" },
  },
});
const { work, out } = flags;
const world = { seed: 1, questionsPerVideo: 8, timelines: 3 };
const videos: Record<Split, number> = { train: 4000, heldout: 300 };

if (flags.model === undefined) {
  await makeWorld();
  await makeBase();
}
await ship(flags.model ?? (await train()));
const results = await evaluate();
const history = flags.history === undefined ? HISTORY : await readFile(flags.history, "utf8");
await writeFile(join(out, "README.md"), card(summariseHeldOut(results), results, history));
console.log(card(summariseHeldOut(results), results, history));

/** Stage 1: videos and rows. */
async function makeWorld(): Promise<void> {
  for (const split of ["train", "heldout"] as const) {
    const progress = new Progress({ label: `${split} videos`, total: videos[split] });
    let done = 0;
    for await (const _ of synthesize({ ...world, split, count: videos[split], out: join(work, "world") }))
      progress.update(++done);
    progress.finish();
  }
}

/** Stage 2: tokenizer and random weights. */
async function makeBase(): Promise<void> {
  const base = join(work, "base");
  if (existsSync(join(base, "chat_template.jinja"))) return;
  const model = freshModelSchema.parse(
    parse(await readFile(join(root, "recipes/builtin-model.yaml"), "utf8")),
  );
  await makeFreshModel(base, model, [
    ...synthCorpus({ seed: 5, split: "train" }),
    ...synthCorpus({ seed: 6, split: "heldout" }, 100),
  ]);
}

/** Stage 3: supervised fine-tuning. */
async function train(): Promise<string> {
  const recipe = await loadRecipe(join(root, "recipes/builtin-sft.yaml"), {
    model: join(work, "base"),
    data: join(work, "world/train.jsonl"),
    heldout: join(work, "world/heldout.jsonl"),
    steps: flags.steps === undefined ? undefined : Number(flags.steps),
  });
  const run = join(work, "sft");
  let progress: Progress | undefined;
  const result = await trainSft(recipe, {
    out: run,
    resume: existsSync(join(run, "recipe.json")),
    onEvent: (event) => {
      if (event.kind === "start")
        progress = new Progress({ label: "sft", total: event.steps, done: event.step });
      if (event.kind === "step")
        progress?.update(event.metrics.step, `loss ${event.metrics.loss.toFixed(3)}`);
    },
  });
  progress?.finish();
  return result.model;
}

/** Stage 4: the weights as bfloat16, as they ship; what is evaluated is what ships. */
async function ship(model: string): Promise<void> {
  await rm(out, { recursive: true, force: true });
  const loaded = await Qwen25VL.load(model);
  await writeModel(out, { config: loaded.config, source: model }, loadParams(model), "bfloat16");
  await loaded.dispose();
  const { video } = await loadRecipe(join(root, "recipes/builtin-sft.yaml"));
  await saveSampling(out, video, true);
}

/** Stage 5: held-out rows, evenly spread, each asked about its own video and about another one. */
async function evaluate(): Promise<HeldOutResult[]> {
  const path = flags.heldout ?? join(work, "world/heldout.jsonl");
  const questions = (await readDataset(path)).filter(({ category }) => category !== "timeline");
  const rows = spread(questions, Number(flags.rows));
  const recipe = await loadRecipe(join(root, "recipes/builtin-sft.yaml"));
  const model = await Qwen25VL.load(out);
  const progress = new Progress({ label: "held-out questions", total: rows.length });
  const found = await evaluateHeldOut(model, path, rows, {
    video: recipe.video,
    cache: join(work, "frames"),
    swap: true,
    onProgress: (done) => progress.update(done),
  });
  progress.finish();
  await model.dispose();
  await writeFileAtomic(
    join(work, "heldout-results.jsonl"),
    found.map((row) => `${JSON.stringify(row)}\n`).join(""),
  );
  return found;
}

function spread(rows: readonly DataRow[], count: number): DataRow[] {
  if (rows.length <= count) return [...rows];
  return Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)] as DataRow);
}

/** The model card. */
function card(summary: HeldOutSummary, results: readonly HeldOutResult[], history: string): string {
  const percent = ({ value, n }: { value: number | null; n: number }): string =>
    value === null ? "- (n = 0)" : `${(100 * value).toFixed(1)} % (n = ${n})`;
  const rows = (shares: Record<string, { value: number | null; n: number }>): string =>
    Object.entries(shares)
      .map(([name, share]) => `| ${name} | ${percent(share)} |`)
      .join("\n");
  const times = results.filter(({ withinOneSecond }) => withinOneSecond !== undefined);
  const near = {
    value: times.length ? times.filter((r) => r.withinOneSecond).length / times.length : null,
    n: times.length,
  };
  return `---
license: apache-2.0
library_name: video-r2
pipeline_tag: video-text-to-text
---

# The builtin model

A Qwen2.5-VL of 2.8 million parameters with a vocabulary of 768 tokens, trained from random weights on the synthetic
world of \`video-r2 data synth\`. **It knows that world and nothing else**: coloured shapes, digits and words that appear,
move, change and disappear on a dark background, asked about in a few dozen templates of English. Asked about anything
else it answers in the same words, and is wrong. It is there so that the whole program runs on a laptop, and so that
training, metrics and rewards can be tried in minutes.

It is an ordinary checkpoint: \`config.json\`, \`model.safetensors\` (bfloat16), \`tokenizer.json\`, and loads in transformers.

## Made by

${history.trim()}

## Held out

Greedy answers to ${results.length} questions about held-out videos, each of which shows pairs of colour and form that never occur in
training. An answer is right if it is the letter, the number, the second, or the words of the gold answer.

| | |
|---|---|
| questions that one moment answers | ${percent(summary.momentary)} |
| questions of order, count, duration, change, time | ${percent(summary.temporal)} |
| all | ${percent(summary.accuracy)} |
| reasoning and answer agree (rules judge) | ${percent(summary.consistency)} |
| right, and reasoning and answer agree | ${percent(summary.consistentAndCorrect)} |
| open questions for a time: within one second | ${percent(near)} |

**Does it look?** The same questions about another held-out video of equal length:

| | |
|---|---|
| the answer changes | ${percent(summary.changedBySwap)} |
| the answer is still the right one for the first video | ${percent(summary.accuracyUnderSwap)} |

| category | accuracy |
|---|---|
${rows(summary.byCategory)}

| answer type | accuracy |
|---|---|
${rows(summary.byAnswerType)}
`;
}
