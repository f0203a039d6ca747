/**
 * Makes the model that ships with video-r2, from nothing: the world, a tokenizer, random weights, SFT, the held-out
 * numbers, the card. Every stage is kept in the work folder, so that it can be stopped and started again.
 *
 *   npm run make:builtin [-- --work runs/builtin --out assets/builtin --steps N --videos N --rows N]
 */

import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { Progress, rerunKeepingHeap, writeFileAtomic } from "../src/base/index.ts";
import {
  readDataset,
  type Split,
  spreadRows,
  synthCorpus,
  synthesize,
  type WorldOptions,
} from "../src/data/index.ts";
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

Six stages of supervised fine-tuning on generated videos, from the random weights of \`recipes/builtin-model.yaml\`:
\`recipes/builtin-words.yaml\` (repeating what stands in the prompt), \`recipes/builtin-stills.yaml\` (what is where in 40,000
stills of one second, and questions), \`recipes/builtin-seconds.yaml\` (12,000 videos of 1 to 6 such stills),
\`recipes/builtin-clocks.yaml\` (10,000 more, whose clock starts at any second, so that it must be read),
\`recipes/builtin-world.yaml\` (questions, accounts and look-ups of 9,000 videos of 8 to 64 s) and
\`recipes/builtin-lookups.yaml\` (1,800 more, with more look-ups). Frames are sampled at 2 per second, at most 32, 112 x 112
pixels, with the time drawn on them; \`video-r2 ask\` does the same.

The weights here were trained stage by stage; up to step 526 of the fifth one, reasonings about whether a thing is there had
another wording. So the command gives a model like this one, not these very bytes.`;

const root = new URL("..", import.meta.url).pathname;
const { values: flags } = parseArgs({
  options: {
    work: { type: "string", default: join(root, "runs/builtin") },
    out: { type: "string", default: join(root, "assets/builtin") },
    /** Steps of each stage; default those of its recipe. */
    steps: { type: "string" },
    /** Videos of each training world; default those below. */
    videos: { type: "string" },
    /** Held-out questions that are asked. */
    rows: { type: "string", default: "1200" },
    /** Ship this trained model instead of training one. */
    model: { type: "string" },
    /** Held-out rows, where no world is made. */
    heldout: { type: "string" },
  },
});
const { work, out } = flags;

/** A generated data set, in a folder of its own. */
interface World extends Omit<WorldOptions, "split"> {
  split: Split;
  count: number;
}

const still = { seed: 4, levels: [0], lengths: [1] };
const stills = { ...still, questionsPerVideo: 2, timelines: 1, optionRows: 0.2 };
const seconds = {
  seed: 14,
  levels: [0],
  lengths: [1, 2, 2, 3, 3, 4, 6],
  questionsPerVideo: 6,
  lookups: 3,
  optionRows: 0.5,
};
const clocks = { ...seconds, seed: 15, lengths: [1, 1, 2, 2, 3, 4, 6], latestStart: 58 };
const worlds = {
  words: { ...still, split: "train", count: 10_000, questionsPerVideo: 0, optionRows: 2 },
  stills: { ...stills, split: "train", count: 40_000 },
  "stills-heldout": { ...stills, split: "heldout", count: 300 },
  seconds: { ...seconds, split: "train", count: 12_000 },
  "seconds-heldout": { ...seconds, split: "heldout", count: 100 },
  clocks: { ...clocks, split: "train", count: 10_000 },
  "clocks-heldout": { ...clocks, split: "heldout", count: 100 },
  world: {
    seed: 10,
    split: "train",
    count: 9000,
    levels: [0, 0, 1, 1, 2, 2, 3],
    questionsPerVideo: 8,
    timelines: 2,
    lookups: 2,
    optionRows: 0.5,
  },
  lookups: {
    seed: 12,
    split: "train",
    count: 1800,
    levels: [0, 0, 1, 1, 2, 2, 3],
    questionsPerVideo: 8,
    timelines: 1,
    lookups: 3,
    optionRows: 0.5,
  },
  heldout: { seed: 1, split: "heldout", count: 300, questionsPerVideo: 8, timelines: 3 },
} satisfies Record<string, World>;

const code = await rerunKeepingHeap();
if (code !== null) process.exit(code);
await ship(flags.model ?? (await trainFromNothing()));
const results = await evaluate();
const text = card(summariseHeldOut(results), results);
await writeFile(join(out, "README.md"), text);
console.log(text);

/** Worlds, tokenizer, random weights, the six stages. @returns the folder of the model */
async function trainFromNothing(): Promise<string> {
  for (const [name, world] of Object.entries(worlds)) await makeWorld(name, world);
  await makeBase();
  const rows = (world: string, split: Split): string => join(work, world, `${split}.jsonl`);
  let model = await train("words", { model: join(work, "base"), data: rows("words", "train") });
  for (const [stage, heldout] of [
    ["stills", "stills-heldout"],
    ["seconds", "seconds-heldout"],
    ["clocks", "clocks-heldout"],
    ["world", "heldout"],
    ["lookups", "heldout"],
  ] as const)
    model = await train(stage, { model, data: rows(stage, "train"), heldout: rows(heldout, "heldout") });
  return model;
}

/** Videos and rows. */
async function makeWorld(name: string, world: World): Promise<void> {
  const count = flags.videos === undefined ? world.count : Number(flags.videos);
  const progress = new Progress({ label: `${name} videos`, total: count });
  let done = 0;
  for await (const _ of synthesize({ ...world, count, out: join(work, name) })) progress.update(++done);
  progress.finish();
}

/** Tokenizer and random weights. */
async function makeBase(): Promise<void> {
  const base = join(work, "base");
  if (existsSync(join(base, "chat_template.jinja"))) return;
  const model = freshModelSchema.parse(
    parse(await readFile(join(root, "recipes/builtin-model.yaml"), "utf8")),
  );
  await makeFreshModel(base, model, [
    ...synthCorpus({ seed: 5, split: "train" }),
    ...synthCorpus({ seed: 6, split: "heldout" }, 100),
    ...synthCorpus({ seed: 7, split: "train", levels: [0], lengths: [8], timelines: 3 }, 200),
  ]);
}

/** One stage of supervised fine-tuning, in `<work>/<stage>-run`. @returns the folder of the model */
async function train(
  stage: string,
  paths: { model: string; data: string; heldout?: string },
): Promise<string> {
  const run = join(work, `${stage}-run`);
  if (existsSync(join(run, "model/config.json"))) return join(run, "model");
  const steps = flags.steps === undefined ? undefined : Number(flags.steps);
  const recipe = await loadRecipe(join(root, `recipes/builtin-${stage}.yaml`), { ...paths, steps });
  let progress: Progress | undefined;
  const { model } = await trainSft(recipe, {
    out: run,
    resume: existsSync(join(run, "recipe.json")),
    cache: join(work, "frames"),
    onEvent: (event) => {
      if (event.kind === "start")
        progress = new Progress({ label: stage, total: event.steps, done: event.step });
      if (event.kind === "step")
        progress?.update(event.metrics.step, `loss ${event.metrics.loss.toFixed(3)}`);
    },
  });
  progress?.finish();
  return model;
}

/** The weights as bfloat16, as they ship; what is evaluated is what ships. */
async function ship(model: string): Promise<void> {
  await rm(out, { recursive: true, force: true });
  const loaded = await Qwen25VL.load(model);
  await writeModel(out, { config: loaded.config, source: model }, loadParams(model), "bfloat16");
  await loaded.dispose();
  const { video } = await loadRecipe(join(root, "recipes/builtin-world.yaml"));
  await saveSampling(out, video, true);
}

/** Held-out rows, evenly spread, each asked about its own video and about another one. */
async function evaluate(): Promise<HeldOutResult[]> {
  const path = flags.heldout ?? join(work, "heldout/heldout.jsonl");
  const questions = (await readDataset(path)).filter(({ category }) => category !== "timeline");
  const rows = spreadRows(questions, Number(flags.rows));
  const recipe = await loadRecipe(join(root, "recipes/builtin-world.yaml"));
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

/** The model card. */
function card(summary: HeldOutSummary, results: readonly HeldOutResult[]): string {
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

${HISTORY}

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
