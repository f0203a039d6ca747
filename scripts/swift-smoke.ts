/**
 * SFT, merge and GRPO by the real ms-swift on a CPU: a tiny random Qwen2.5-VL, real MP4s, rewards from our server, all by
 * our own commands; then the last checkpoint is loaded and asked. Takes about six minutes; nothing else needs it.
 *
 *     python3 -m venv .venv && .venv/bin/pip install torch -r python/requirements-swift.txt
 *     npx tsx scripts/swift-smoke.ts --python .venv/bin/python --log docs/swift-smoke.md
 */

import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { inspectPython } from "../src/distributed/index.ts";
import { builtinDir } from "../src/models/index.ts";
import { loadParams } from "../src/nn/index.ts";
import { writeTinyCheckpoint } from "../test/tiny-checkpoint.ts";

const { values } = parseArgs({
  options: {
    python: { type: "string", default: process.env.VIDEO_R2_PYTHON ?? "python3" },
    log: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});

const python = resolve(values.python);
const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "swift-smoke-"));
const at = (...path: string[]): string => join(folder, ...path);
const lines: string[] = [];
const say = (line: string): void => {
  lines.push(line);
  process.stdout.write(`${line}\n`);
};

/** Runs one of our commands, and notes it with its time. */
async function command(...args: string[]): Promise<string> {
  const begun = performance.now();
  const child = spawn(process.execPath, ["--import", "tsx", main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, said] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const code = await new Promise<number | null>((done) => child.once("close", done));
  // 1 says that something is to be known, such as that the noise was cut off.
  if (code !== 0 && code !== 1)
    throw new Error(`video-r2 ${args.join(" ")} ended with ${code}: ${said}\n${out}`);
  const shown = args.map((arg) => arg.replace(folder, ".").replace(python, "python")).join(" ");
  say(`$ video-r2 ${shown}    # ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  return out;
}

async function metrics(run: string): Promise<Record<string, number>[]> {
  const text = await readFile(at(run, "metrics.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number>);
}

async function rewardsOf(run: string): Promise<void> {
  for (const { step, reward, accuracy, format, tar, completionTokens } of await metrics(run))
    say(
      `grpo step ${step}: reward ${reward}, accuracy ${accuracy}, format ${format}, TAR ${tar ?? "-"}, ${completionTokens} tokens each`,
    );
}

/** How many tensors of each part differ between two checkpoints. */
function changed(before: string, after: string): { vision: string; language: string } {
  const [old, now] = [loadParams(before), loadParams(after)];
  const count = (isVision: boolean): string => {
    const names = [...old.keys()].filter((name) => /visual|vision|merger/.test(name) === isVision);
    const different = names.filter((name) => {
      const [a, b] = [old.get(name)?.data, now.get(name)?.data];
      return a === undefined || b === undefined || a.some((value, i) => value !== b[i]);
    });
    return `${different.length} of ${names.length}`;
  };
  return { vision: count(true), language: count(false) };
}

function check(holds: boolean, what: string): void {
  say(`${holds ? "ok " : "NOT"} ${what}`);
  if (!holds) process.exitCode = 1;
}

const tiny = { fps: 2, minFrames: 4, maxFrames: 8, minPixels: 12_544, maxPixels: 12_544 };
const recipe = (value: object): string => JSON.stringify(value, null, 2);
const engine = (run: string): string[] => [
  "--engine",
  "swift",
  "--python",
  python,
  "--gpus",
  "0",
  "--out",
  at(run),
];

try {
  const { versions } = await inspectPython(python);
  const installed = Object.entries(versions).filter(([, version]) => version !== null);
  say(installed.map(([name, version]) => `${name} ${version}`).join(", "));
  say(`node ${process.version}`);
  await writeTinyCheckpoint(at("base"));
  await command("data", "synth", "--out", at("world"), "--count", "4", "--seed", "7");
  await writeFile(
    at("sft.yaml"),
    recipe({
      ...{
        kind: "sft",
        model: "base",
        data: "world/train.jsonl",
        video: tiny,
        steps: 4,
        batchSize: 4,
        saveEvery: 4,
      },
      lora: { r: 8, alpha: 16, dropout: 0 },
      optimizer: { learningRate: 1e-3, weightDecay: 0 },
      cluster: { perDevice: 2, maxLength: 2048 },
    }),
  );
  await command("train", "sft", at("sft.yaml"), ...engine("sft"));
  for (const { step, loss, tokenAccuracy } of await metrics("sft"))
    say(`sft step ${step}: loss ${loss?.toFixed(4)}, tokens right ${tokenAccuracy?.toFixed(3)}`);
  await command("merge", at("sft", "swift", "checkpoint-4"), "--base", at("base"), "--out", at("merged"));
  const apart = changed(at("merged"), at("sft", "model"));
  check(/^0 /.test(apart.vision) && /^0 /.test(apart.language), "the run's model/ is the same merge");
  const sft = changed(at("base"), at("merged"));
  check(sft.vision.startsWith("0 "), `SFT changed ${sft.vision} tensors of vision tower and merger`);
  check(!sft.language.startsWith("0 "), `SFT changed ${sft.language} tensors of the language model`);
  await writeFile(
    at("grpo.yaml"),
    recipe({
      ...{ kind: "grpo", model: "merged", data: "world/train.jsonl", video: tiny, steps: 3, saveEvery: 3 },
      ...{ promptsPerStep: 1, groupSize: 4, maxNewTokens: 32, temperature: 1, topK: 0, maskTruncated: false },
      optimizer: { learningRate: 1e-4, weightDecay: 0 },
      cluster: { perDevice: 4, maxLength: 2048 },
    }),
  );
  await command("train", "grpo", at("grpo.yaml"), ...engine("grpo"));
  await rewardsOf("grpo");
  const requests = (await readFile(at("grpo", "rewards.log"), "utf8"))
    .split("\n")
    .filter((line) => line.includes('"path":"/v1/rewards"'));
  check(
    requests.length === 3 &&
      requests.every((line) => line.includes('"status":200') && line.includes('"items":4')),
    `the reward server had ${requests.length} requests of 4 completions for 3 steps`,
  );
  const last = at("grpo", "swift", "checkpoint-3");
  const grpo = changed(at("merged"), last);
  check(grpo.vision.startsWith("0 "), `GRPO changed ${grpo.vision} tensors of vision tower and merger`);
  const [video] = await readdir(at("world", "videos"));
  const asked = await command(
    ...[
      "ask",
      at("world", "videos", video as string),
      "What is seen?",
      "--model",
      last,
      "--max-tokens",
      "16",
      "--json",
    ],
  );
  const { output, usage } = JSON.parse(asked) as { output: string; usage: { completionTokens: number } };
  check(usage.completionTokens > 0, `its last checkpoint answers here: ${JSON.stringify(output)} (noise)`);
  // Noise is rewarded with nothing and learns nothing; the model of the package is right now and then.
  await writeFile(
    at("builtin.yaml"),
    recipe({
      ...{
        kind: "grpo",
        model: builtinDir,
        data: "world/train.jsonl",
        video: { ...tiny, maxFrames: 32 },
        steps: 3,
      },
      ...{ saveEvery: 3, promptsPerStep: 2, groupSize: 4, maxNewTokens: 96, temperature: 1, topK: 0 },
      optimizer: { learningRate: 1e-4, weightDecay: 0 },
      cluster: { perDevice: 8, maxLength: 2048 },
    }),
  );
  await command("train", "grpo", at("builtin.yaml"), ...engine("builtin"));
  await rewardsOf("builtin");
  const learned = changed(builtinDir, at("builtin", "swift", "checkpoint-3"));
  check(learned.vision.startsWith("0 "), `GRPO changed ${learned.vision} tensors of vision tower and merger`);
  check(!learned.language.startsWith("0 "), `GRPO changed ${learned.language} tensors of the language model`);
} finally {
  if (values.keep) process.stdout.write(`${folder}\n`);
  else await rm(folder, { recursive: true });
}
if (values.log !== undefined)
  await writeFile(
    values.log,
    `# A run of ms-swift on a CPU\n\nWritten by \`npx tsx scripts/swift-smoke.ts --python PYTHON --log docs/swift-smoke.md\`; versions in \`python/requirements-swift.txt\`.\n\n\`\`\`\n${lines.join("\n")}\n\`\`\`\n`,
  );
