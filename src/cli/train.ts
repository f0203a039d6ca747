/** `video-r2 train sft` and `train grpo`: train a model by a recipe. */

import type { Command } from "commander";
import { formatDuration, Progress, rerunKeepingHeap } from "../base/index.ts";
import {
  type GrpoEvent,
  type GrpoMetrics,
  type GrpoRecipe,
  loadGrpoRecipe,
  loadRecipe,
  type SftEvent,
  type SftMetrics,
  type SftRecipe,
  type TrainingOptions,
  type TrainingResult,
  trainGrpo,
  trainSft,
} from "../training/index.ts";
import { commandAgain } from "./command-again.ts";
import { choiceFlag, integerFlag } from "./flags.ts";
import { modelFolder } from "./model-folder.ts";
import { type SwiftFlags, trainWithSwift } from "./train-swift.ts";

interface Flags extends SwiftFlags {
  engine: "local" | "swift";
  model?: string;
  data?: string;
  heldout?: string;
  judge?: string;
  embedder?: string;
  steps?: number;
  seed?: number;
  device: "cpu" | "webgpu" | "cuda";
  threads?: number;
}

const sftHelp = `
RECIPE is a YAML file; docs/training.md lists its fields, recipes/ has some. DIR gets metrics.jsonl (one line a
step), checkpoints/ and, when all steps are done, model/, which video-r2, transformers and vLLM load.

Ctrl-C stops after the present step with a checkpoint; --resume goes on, with the same result as if it had not
been stopped.

Examples:
  $ video-r2 train sft recipes/synth-sft.yaml --out runs/first
  $ video-r2 train sft recipes/synth-sft.yaml --out runs/first --resume
  $ video-r2 train sft recipes/synth-lora.yaml --model runs/first/model --out runs/second --steps 50
  $ video-r2 train sft recipes/synth-sft.yaml --out runs/x --dry-run     # prints the recipe with every default
  $ video-r2 train sft recipes/video-r2-7b-sft.yaml --engine swift --data sft.jsonl --out runs/7b-sft`;

const grpoHelp = `
RECIPE is a YAML file; docs/training.md lists its fields, recipes/ has some. DIR gets metrics.jsonl (one line a
step), samples.jsonl (one group of completions a step, each with its reward explained), checkpoints/ and, when all
steps are done, model/.

Ctrl-C stops after the present step with a checkpoint; --resume goes on, with the same result as if it had not
been stopped.

Examples:
  $ video-r2 train grpo recipes/synth-grpo.yaml --out runs/grpo
  $ video-r2 train grpo recipes/synth-grpo.yaml --model runs/first/model --out runs/grpo2 --steps 100
  $ video-r2 train grpo recipes/synth-grpo.yaml --judge http://localhost:8001/v1#Qwen3-8B --out runs/judged
  $ video-r2 train grpo recipes/synth-grpo.yaml --out runs/grpo --resume
  $ video-r2 train grpo recipes/video-r2-7b-grpo.yaml --engine swift --data grpo.jsonl --out runs/7b-grpo --dry-run`;

/** Adds `train` to the program. */
export function registerTrain(program: Command): void {
  const train = program.command("train").description("train models: sft, grpo");
  withFlags(
    train.command("sft").description("supervised fine-tuning on reasoning with times, on this machine"),
    "measure the held-out loss on these rows instead of the recipe's",
  )
    .addHelpText("after", sftHelp)
    .action((path: string, flags: Flags) => run(path, flags, sft));
  withFlags(
    train
      .command("grpo")
      .description("reinforcement learning from accuracy, format and temporal alignment, on this machine"),
    "score greedy answers to these rows at checkpoints instead of the recipe's",
  )
    .option("--judge <judge>", "rules, or http://host:port/v1#model, instead of the recipe's")
    .option(
      "--embedder <embedder>",
      "lexical, a MiniLM folder, hf:org/name or a server, instead of the recipe's",
    )
    .addHelpText("after", grpoHelp)
    .action((path: string, flags: Flags) => run(path, flags, grpo));
}

function withFlags(command: Command, heldout: string): Command {
  return command
    .argument("<recipe>", "a YAML file")
    .requiredOption("--out <dir>", "folder of the run")
    .option("--model <dir>", "start from this checkpoint instead of the recipe's")
    .option("--data <file>", "train on these rows instead of the recipe's")
    .option("--heldout <file>", heldout)
    .option("--steps <n>", "optimiser steps instead of the recipe's", integerFlag("--steps", 1))
    .option("--seed <n>", "seed instead of the recipe's", integerFlag("--seed", 0))
    .option("--resume", "go on with the run in --out")
    .option(
      "--device <device>",
      "cpu, webgpu or cuda",
      choiceFlag("--device", ["cpu", "webgpu", "cuda"] as const),
      "cpu",
    )
    .option("--threads <n>", "threads of the model (default: all)", integerFlag("--threads", 1))
    .option("--cache <dir>", "folder that keeps drawn frames (default: <out>/frames)")
    .option("--no-cache", "keep no drawn frames")
    .option(
      "--engine <engine>",
      "local, this process; or swift, ms-swift on this machine's GPUs or on many nodes",
      choiceFlag("--engine", ["local", "swift"] as const),
      "local",
    )
    .option("--python <program>", "of swift: a Python that has it (default: VIDEO_R2_PYTHON, else python3)")
    .option("--gpus <n>", "of swift: GPUs of a node, 0 for the CPU (default: all)", integerFlag("--gpus", 0))
    .option("--judge-recipe <file>", "of swift: a judge to start for the run, as recipes/judge-vllm.yaml")
    .option("--dry-run", "check recipe and files, print the recipe with every default, train nothing")
    .option("--json", "print one JSON document and nothing else");
}

/** A step as the progress line shows it, and a line to print of its own. */
type Shown =
  | { kind: "start"; head: string; step: number; steps: number }
  | { kind: "step"; step: number; text: string }
  | { kind: "note"; text: string };

/** One way of training: its recipe, and what carries it out. */
interface Method<R extends SftRecipe | GrpoRecipe> {
  name: string;
  load(path: string, overrides: Record<string, unknown>): Promise<R>;
  train(recipe: R, options: TrainingOptions, show: (shown: Shown) => void): Promise<TrainingResult>;
}

const sft: Method<Awaited<ReturnType<typeof loadRecipe>>> = {
  name: "sft",
  load: loadRecipe,
  train: (recipe, options, show) =>
    trainSft(recipe, {
      ...options,
      onEvent: (event) => showEvent(event, `steps of ${recipe.batchSize}`, sftText, show),
    }),
};

const grpo: Method<Awaited<ReturnType<typeof loadGrpoRecipe>>> = {
  name: "grpo",
  load: loadGrpoRecipe,
  train: (recipe, options, show) => {
    const { promptsPerStep, groupSize } = recipe;
    const of = `steps of ${promptsPerStep} ${promptsPerStep === 1 ? "question" : "questions"} x ${groupSize} completions`;
    return trainGrpo(recipe, { ...options, onEvent: (event) => showEvent(event, of, grpoText, show) });
  },
};

function showEvent<M extends { step: number }>(
  event: SftEvent | GrpoEvent,
  of: string,
  text: (metrics: M) => string,
  show: (shown: Shown) => void,
): void {
  switch (event.kind) {
    case "start": {
      const { rows, steps, step, parameters, trained } = event;
      const after = step > 0 ? `; going on after step ${step}` : "";
      const head = `${rows} rows, ${steps} ${of}; training ${trained.toLocaleString("en")} of ${parameters.toLocaleString("en")} parameters${after}`;
      show({ kind: "start", head, step, steps });
      break;
    }
    case "step":
      show({ kind: "step", step: event.metrics.step, text: text(event.metrics as unknown as M) });
      break;
    case "skipped":
      show({ kind: "note", text: `left out ${event.id}: ${event.reason}` });
      break;
    case "unscored":
      show({ kind: "note", text: `no reward for a completion of ${event.id}: ${event.reason}` });
      break;
    case "checkpoint":
      break;
  }
}

function sftText({ loss, heldoutLoss, seconds }: SftMetrics): string {
  const held = heldoutLoss === undefined ? "" : `, held out ${heldoutLoss.toFixed(4)}`;
  return `loss ${loss.toFixed(4)}${held}, ${formatStep(seconds)}`;
}

function grpoText({ reward, accuracy, tar, agreement, kl, seconds, ...rest }: GrpoMetrics): string {
  const shown = (value: number | null | undefined, digits = 2): string => value?.toFixed(digits) ?? "-";
  const held =
    rest.heldoutAccuracy === undefined ? "" : `, held out: accuracy ${shown(rest.heldoutAccuracy)}`;
  return `reward ${shown(reward)}: accuracy ${shown(accuracy)}, TAR ${shown(tar)}, agreement ${shown(agreement)}, KL ${shown(kl, 4)}${held}, ${formatStep(seconds)}`;
}

async function run<R extends SftRecipe | GrpoRecipe>(
  path: string,
  flags: Flags,
  method: Method<R>,
): Promise<void> {
  const { model, data, heldout, steps, seed, judge, embedder } = flags;
  const recipe = await method.load(path, { model, data, heldout, steps, seed, judge, embedder });
  if (flags.engine === "swift") {
    process.exitCode = await trainWithSwift(recipe, flags);
    return;
  }
  const { model: start } = recipe;
  if (start.startsWith("hf:")) recipe.model = await modelFolder("model", start);
  if (flags.dryRun) {
    process.stdout.write(`${JSON.stringify(recipe, null, 2)}\n`);
    return;
  }
  const code = await rerunKeepingHeap();
  if (code !== null) {
    process.exitCode = code;
    return;
  }
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
    process.stderr.write("\nstopping after this step; again to stop at once\n");
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const screen = display(method.name, flags.json === true);
  try {
    const { threads, cache } = flags;
    const options: TrainingOptions = {
      out: flags.out,
      resume: flags.resume === true,
      device: flags.device,
      signal: stop.signal,
      ...(threads === undefined ? {} : { threads }),
      // Without either flag commander says true.
      ...(typeof cache === "string" || cache === false ? { cache } : {}),
    };
    const result = await method.train(recipe, options, screen.show);
    screen.finish();
    const said = { ...result, metrics: `${flags.out}/metrics.jsonl` };
    if (flags.json) process.stdout.write(`${JSON.stringify(said)}\n`);
    else
      process.stdout.write(
        `${result.finished ? "trained" : "stopped at"} ${result.step} steps: ${result.model}\n`,
      );
    if (!result.finished) {
      process.stderr.write(`go on with: ${commandAgain(["--resume"])}\n`);
      process.exitCode = 1;
    }
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

/** Progress on standard error. */
function display(label: string, silent: boolean): { show: (shown: Shown) => void; finish: () => void } {
  let progress: Progress | undefined;
  const tell = (text: string): void => {
    if (!silent) process.stderr.write(`${text}\n`);
  };
  return {
    show: (shown) => {
      switch (shown.kind) {
        case "start":
          tell(shown.head);
          progress = new Progress({ label, total: shown.steps, done: shown.step, silent });
          break;
        case "step":
          progress?.update(shown.step, shown.text);
          break;
        case "note":
          tell(shown.text);
          break;
      }
    },
    finish: () => progress?.finish(),
  };
}

function formatStep(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(2)} s a step` : `${formatDuration(seconds)} a step`;
}
