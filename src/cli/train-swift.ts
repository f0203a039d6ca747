/** `video-r2 train ... --engine swift`: the same recipe, trained by ms-swift. */

import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { Progress, UsageError } from "../base/index.ts";
import {
  inspectPython,
  type PythonEnvironment,
  planSwift,
  runSwift,
  type SwiftEvent,
  type SwiftPlan,
  type SwiftRunOptions,
  type SwiftStep,
} from "../distributed/index.ts";
import { mergeAdapter } from "../nn/index.ts";
import type { GrpoRecipe, SftRecipe } from "../training/index.ts";
import { commandAgain } from "./command-again.ts";
import { interruptible } from "./interrupt.ts";
import { modelFolder } from "./model-folder.ts";
import { paletteFor, printable } from "./terminal.ts";

/** What the command line says about such a run. */
export interface SwiftFlags {
  out: string;
  python?: string;
  gpus?: number;
  judgeRecipe?: string;
  cache?: string | false;
  resume?: true;
  dryRun?: true;
  json?: true;
}

const plugin = fileURLToPath(new URL("../../python/video_r2_swift.py", import.meta.url));
const main = process.argv[1] as string;

/** Trains, or with `--dry-run` prints every file and command. @returns the exit code */
export async function trainWithSwift(recipe: SftRecipe | GrpoRecipe, flags: SwiftFlags): Promise<number> {
  const python = await pythonOf(flags);
  const model = await modelForSwift(recipe.model);
  const judge = flags.judgeRecipe === undefined ? {} : { judge: await readJudge(flags.judgeRecipe) };
  const cluster = { perDevice: 1, swift: {}, env: {}, ...recipe.cluster, ...judge };
  const options: SwiftRunOptions = {
    out: flags.out,
    python,
    gpus: flags.gpus ?? python.gpus,
    plugin,
    clips: typeof flags.cache === "string" ? flags.cache : undefined,
    resume: flags.resume === true,
    rewardCommand,
    env: process.env,
  };
  const plan = await planSwift({ ...recipe, model, cluster }, options);
  const warn = paletteFor(process.stderr).yellow("note");
  for (const text of plan.warnings) if (!flags.json) process.stderr.write(`${warn}: ${printable(text)}\n`);
  if (flags.dryRun) {
    process.stdout.write(flags.json ? `${JSON.stringify(plan, null, 2)}\n` : planText(plan));
    return 0;
  }
  return interruptible((signal) => train(plan, options, flags, signal));
}

async function train(
  plan: SwiftPlan,
  options: SwiftRunOptions,
  flags: SwiftFlags,
  signal: AbortSignal,
): Promise<number> {
  let progress: Progress | undefined;
  const silent = flags.json === true;
  const show = (event: SwiftEvent): void => {
    if (event.kind === "note" && !silent) process.stderr.write(`${printable(event.text)}\n`);
    if (event.kind !== "step") return;
    const { step, steps } = event.metrics;
    progress ??= new Progress({ label: plan.recipe.kind, total: steps, done: step, silent });
    progress.update(step, stepText(event.metrics));
  };
  try {
    const result = await runSwift(plan, options, signal, show);
    progress?.finish();
    const model = result.finished ? await finalModel(plan, options.out, result.checkpoint, signal) : null;
    if (flags.json)
      process.stdout.write(
        `${JSON.stringify({ ...result, model, metrics: `${flags.out}/metrics.jsonl` })}\n`,
      );
    else
      process.stdout.write(
        `${result.finished ? "trained" : "stopped at"} ${result.step} steps: ${model ?? result.checkpoint}\n`,
      );
    if (!result.finished) process.stderr.write(`go on with: ${commandAgain(["--resume"])}\n`);
    return result.finished ? 0 : 1;
  } catch (error) {
    progress?.finish();
    if (signal.aborted) process.stderr.write(`\ngo on with: ${commandAgain(["--resume"])}\n`);
    throw error;
  }
}

/**
 * The model that came of a run: the last checkpoint, or where that is an adapter `<out>/model`, into which it is merged.
 */
async function finalModel(
  { recipe, place }: SwiftPlan,
  out: string,
  checkpoint: string | null,
  signal: AbortSignal,
): Promise<string | null> {
  if (recipe.lora === undefined || checkpoint === null || place.rank > 0) return checkpoint;
  // What was a name before has been downloaded since.
  const base = isAbsolute(recipe.model) ? recipe.model : await modelForSwift(`hf:${recipe.model}`);
  const merged = join(out, "model");
  await mergeAdapter({ adapter: checkpoint, base, out: merged, force: true, signal });
  return merged;
}

/** The Python that trains; a dry run does without. */
async function pythonOf({ python: named, dryRun, json }: SwiftFlags): Promise<PythonEnvironment> {
  const python = named ?? process.env.VIDEO_R2_PYTHON ?? "python3";
  try {
    return await inspectPython(python);
  } catch (error) {
    if (!dryRun || !(error instanceof UsageError)) throw error;
    if (!json) process.stderr.write(`${paletteFor(process.stderr).yellow("note")}: ${error.message}\n`);
    return { python, versions: {}, gpus: 0 };
  }
}

/** A folder as it is, a cached `hf:` as its folder, another `hf:` as a name for ms-swift to download. */
async function modelForSwift(model: string): Promise<string> {
  if (!model.startsWith("hf:")) return model;
  try {
    return await modelFolder("model", model);
  } catch (error) {
    if (error instanceof UsageError && error.code === "model-missing") return model.slice("hf:".length);
    throw error;
  }
}

async function readJudge(path: string): Promise<NonNullable<NonNullable<SftRecipe["cluster"]>["judge"]>> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new UsageError(
      "recipe-missing",
      `--judge-recipe: must be a readable file, got ${path}`,
      undefined,
      {
        cause,
      },
    );
  });
  const { command, url, waitSeconds = 1800 } = (parse(text) ?? {}) as Record<string, unknown>;
  if (
    !Array.isArray(command) ||
    command.length === 0 ||
    typeof url !== "string" ||
    typeof waitSeconds !== "number"
  )
    throw new UsageError(
      "recipe-invalid",
      `${path}: must have command (a list) and url, got ${Object.keys(parse(text) ?? {}).join(", ") || "nothing"}`,
      "recipes/judge-vllm.yaml is one.",
    );
  return { command: command.map(String), url, waitSeconds };
}

function rewardCommand(
  recipe: GrpoRecipe,
  { host, port, judge }: { host: string; port: string; judge: string },
): string[] {
  const { rewards, embedder } = recipe;
  return [
    ...[process.execPath, ...process.execArgv, main, "serve", "rewards"],
    ...["--host", host, "--port", port, "--judge", judge, "--embedder", embedder],
    ...["--delta", String(rewards.deltaSeconds), "--mode", rewards.mode],
    ...(rewards.threshold === undefined ? [] : ["--threshold", String(rewards.threshold)]),
    ...(rewards.gate ? [] : ["--no-gate"]),
  ];
}

function stepText({ loss, reward, accuracy, tar, kl, heldoutLoss, seconds }: SwiftStep): string {
  const shown = (name: string, value: number | undefined, digits = 2): string =>
    value === undefined ? "" : `${name} ${value.toFixed(digits)}, `;
  return `${shown("reward", reward)}${shown("accuracy", accuracy)}${shown("TAR", tar)}${shown("KL", kl, 4)}${shown("loss", loss, 4)}${shown("held out", heldoutLoss, 4)}${(seconds ?? 0).toFixed(2)} s a step`;
}

/** Every file and command of a run. */
function planText({
  place,
  settings,
  settingsPath,
  data,
  judge,
  rewards,
  rewardUrl,
  train: trainer,
}: SwiftPlan): string {
  const quoted = (words: readonly string[]): string =>
    words
      .map((word) => (/^[\w./:#@=,+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
      .join(" ");
  const lines = [
    ...(place.nodes > 1
      ? [`# node ${place.rank} of ${place.nodes}, the first one is ${place.address}`, ""]
      : []),
    "# data: videos rendered with times and subtitles, rows in ms-swift's form",
    ...data.map(({ from, to }) => `${from} -> ${to}`),
    "",
    `# ${settingsPath}`,
    JSON.stringify(settings, null, 2),
    ...(judge === null ? [] : ["", "# judge", quoted(judge)]),
    ...(rewards === null ? [] : ["", "# reward server (PORT: a free one)", quoted(rewards)]),
    "",
    "# trainer",
    `${rewardUrl === null ? "" : `VIDEO_R2_REWARD_URL=${rewardUrl} `}${quoted(trainer)}`,
  ];
  return `${lines.join("\n")}\n`;
}
