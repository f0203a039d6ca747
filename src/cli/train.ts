/** `video-r2 train sft`: trains a model by a recipe. */

import type { Command } from "commander";
import { formatDuration, Progress, rerunKeepingHeap } from "../base/index.ts";
import { loadRecipe, type SftEvent, type SftRecipe, trainSft } from "../training/index.ts";
import { choiceFlag, integerFlag } from "./flags.ts";

interface Flags {
  out: string;
  model?: string;
  data?: string;
  heldout?: string;
  steps?: number;
  seed?: number;
  resume?: true;
  device: "cpu" | "webgpu" | "cuda";
  threads?: number;
  cache?: string | false;
  dryRun?: true;
  json?: true;
}

const help = `
RECIPE is a YAML file; docs/training.md lists its fields, recipes/ has some. DIR gets metrics.jsonl (one line a
step), checkpoints/ and, when all steps are done, model/, which video-r2, transformers and vLLM load.

Ctrl-C stops after the present step with a checkpoint; --resume goes on, with the same result as if it had not
been stopped.

Examples:
  $ video-r2 train sft recipes/synth-sft.yaml --out runs/first
  $ video-r2 train sft recipes/synth-sft.yaml --out runs/first --resume
  $ video-r2 train sft recipes/synth-lora.yaml --model runs/first/model --out runs/second --steps 50
  $ video-r2 train sft recipes/synth-sft.yaml --out runs/x --dry-run     # prints the recipe with every default`;

/** Adds `train sft` to the program. */
export function registerTrain(program: Command): void {
  program
    .command("train")
    .description("train models: sft")
    .command("sft")
    .description("supervised fine-tuning on reasoning with times, on this machine")
    .argument("<recipe>", "a YAML file")
    .requiredOption("--out <dir>", "folder of the run")
    .option("--model <dir>", "start from this checkpoint instead of the recipe's")
    .option("--data <file>", "train on these rows instead of the recipe's")
    .option("--heldout <file>", "measure the held-out loss on these rows instead of the recipe's")
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
    .option("--dry-run", "check recipe and files, print the recipe with every default, train nothing")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", help)
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  const { model, data, heldout, steps, seed } = flags;
  const recipe = await loadRecipe(path, { model, data, heldout, steps, seed });
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
  const show = display(recipe, flags.json === true);
  try {
    const result = await trainSft(recipe, {
      out: flags.out,
      resume: flags.resume === true,
      device: flags.device,
      signal: stop.signal,
      onEvent: show.event,
      ...(flags.threads === undefined ? {} : { threads: flags.threads }),
      ...(typeof flags.cache === "string"
        ? { cache: flags.cache }
        : flags.cache === false
          ? { cache: false as const }
          : {}),
    });
    show.finish();
    const said = { ...result, metrics: `${flags.out}/metrics.jsonl` };
    if (flags.json) process.stdout.write(`${JSON.stringify(said)}\n`);
    else
      process.stdout.write(
        `${result.finished ? "trained" : "stopped at"} ${result.step} steps: ${result.model}\n`,
      );
    if (!result.finished) {
      process.stderr.write(`go on with: ${resuming(process.argv.slice(2))}\n`);
      process.exitCode = 1;
    }
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

/** The command that goes on with what these words began. */
function resuming(words: readonly string[]): string {
  const quoted = (word: string): string =>
    /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
  return ["video-r2", ...words.filter((word) => word !== "--resume").map(quoted), "--resume"].join(" ");
}

/** Progress on standard error. */
function display(
  recipe: SftRecipe,
  silent: boolean,
): { event: (event: SftEvent) => void; finish: () => void } {
  let progress: Progress | undefined;
  const tell = (text: string): void => {
    if (!silent) process.stderr.write(`${text}\n`);
  };
  return {
    event: (event) => {
      switch (event.kind) {
        case "start": {
          const { rows, steps, step, parameters, trained } = event;
          tell(
            `${rows} rows, ${steps} steps of ${recipe.batchSize}; training ${trained.toLocaleString("en")} of ${parameters.toLocaleString("en")} parameters${step > 0 ? `; going on after step ${step}` : ""}`,
          );
          progress = new Progress({ label: "sft", total: steps, done: step, silent });
          break;
        }
        case "step": {
          const { step, loss, heldoutLoss, seconds } = event.metrics;
          const held = heldoutLoss === undefined ? "" : `, held out ${heldoutLoss.toFixed(4)}`;
          progress?.update(step, `loss ${loss.toFixed(4)}${held}, ${formatStep(seconds)}`);
          break;
        }
        case "skipped":
          tell(`left out ${event.id}: ${event.reason}`);
          break;
        case "checkpoint":
          break;
      }
    },
    finish: () => progress?.finish(),
  };
}

function formatStep(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(2)} s a step` : `${formatDuration(seconds)} a step`;
}
