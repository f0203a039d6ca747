/**
 * Runs the benches one after the other and writes their tables into docs/performance.md, each into its own section;
 * sections of benches that were not run stay as they are.
 *
 *   VIDEO_R2_PYTHON=/path/to/python npm run bench [-- engine video generate train-step grpo score rewards scale eval data real-size]
 */

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { messageOf, UsageError, writeFileAtomic } from "../src/base/index.ts";
import { benchData } from "./data.ts";
import { benchEngine, engineTable } from "./engine.ts";
import { benchEval } from "./eval.ts";
import { benchGenerate } from "./generate.ts";
import { benchGrpo } from "./grpo.ts";
import { benchRealSize } from "./real-size.ts";
import { benchRewards } from "./rewards.ts";
import { benchScale } from "./scale.ts";
import { benchScore } from "./score.ts";
import { benchTrainStep, trainStepTable } from "./train-step.ts";
import { benchVideo } from "./video.ts";

const file = new URL("../docs/performance.md", import.meta.url);
const example = new URL("../examples/shapes.mp4", import.meta.url).pathname;

const benches: Record<string, () => Promise<string>> = {
  engine: async () => engineTable(await benchEngine()),
  "train-step": async () => trainStepTable(await benchTrainStep()),
  generate: async () => (await benchGenerate()).markdown,
  grpo: async () => (await benchGrpo()).markdown,
  video: async () => (await benchVideo()).markdown,
  score: async () => (await benchScore()).markdown,
  rewards: async () => (await benchRewards()).markdown,
  scale: async () => (await benchScale()).markdown,
  eval: async () => (await benchEval()).markdown,
  data: async () => (await benchData()).markdown,
  "real-size": async () => (await benchRealSize(process.env.VIDEO_R2_BENCH_VIDEO ?? example)).markdown,
};

/** Everything but `real-size`, which needs 20 GiB of memory and 8 of disk and is run by name. */
const usual = [
  "engine",
  "train-step",
  "generate",
  "grpo",
  "video",
  "score",
  "rewards",
  "scale",
  "eval",
  "data",
];

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in benches));
if (unknown !== undefined) {
  const error = new UsageError(
    "usage",
    `bench: must be one of ${Object.keys(benches).join(", ")}, got ${unknown}`,
  );
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
}

let failed = 0;
for (const name of wanted.length > 0 ? wanted : usual) {
  process.stderr.write(`${name} ...\n`);
  try {
    const table = await (benches[name] as () => Promise<string>)();
    process.stdout.write(`\n${table}\n`);
    await store(name, `${table}\n\n${circumstances()}`);
  } catch (error) {
    failed++;
    process.stderr.write(`${name}: ${messageOf(error)}\n`);
    if (error instanceof UsageError && error.hint) process.stderr.write(`${error.hint}\n`);
  }
}
process.exit(failed > 0 ? 1 : 0);

/** Puts a table between the markers of its section. */
async function store(name: string, table: string): Promise<void> {
  const text = await readFile(file, "utf8");
  const begin = `<!-- bench:${name} -->`;
  const end = `<!-- /bench:${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`internal: docs/performance.md has no section ${name}`);
  await writeFileAtomic(file.pathname, `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`);
}

/** What the numbers hold for. */
function circumstances(): string {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const cores = cpus();
  return `<sub>${new Date().toISOString().slice(0, 10)}, commit ${commit}, ${cores.length} x ${cores[0]?.model.trim() ?? "unknown processor"}, Node ${process.version}</sub>`;
}
