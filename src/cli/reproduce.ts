/** `video-r2 reproduce`: the paper's ablation on the synthetic world. */

import { availableParallelism, totalmem } from "node:os";
import { resolve } from "node:path";
import type { Command } from "commander";
import { formatDuration, Progress, rerunKeepingHeap, UsageError } from "../base/index.ts";
import {
  fullSettings,
  quickSettings,
  type ReproduceSettings,
  type Reproduction,
  reproduce,
  reproductionText,
} from "../evaluation/index.ts";
import { locateModel } from "../models/index.ts";
import { commandAgain } from "./command-again.ts";
import { integerFlag, numberFlag } from "./flags.ts";
import { interruptible } from "./interrupt.ts";

interface ReproduceFlags {
  out: string;
  model: string;
  quick?: true;
  seed?: number;
  seeds?: number;
  steps?: number;
  firstOption?: number;
  jobs?: number;
  json?: true;
}

/** Memory that a training takes, in bytes. */
const JOB_MEMORY = 3.5e9;

const help = `
Trains and measures the rows of the paper's ablation: a start whose reasoning is loose, SFT on it, and GRPO rewarded
for the answer alone, for temporal alignment too (TAR), and for alignment where reasoning and answer agree (gate). The
world has a shortcut: the right option mostly comes first. The full reproduction repeats this with six seeds and more
questions, and adds a row that is trained without the shortcut.

DIR gets report.html and report.md with the table, what of it can be told from noise, learning curves and traces side
by side; results.json; and every model, its metrics and its outputs, scored as video-r2 score does it. Run it again to
go on after a stop.

Examples:
  $ video-r2 reproduce --quick
  $ video-r2 reproduce --out runs/full --jobs 8
  $ video-r2 reproduce --quick --first-option 0.25 --out runs/no-shortcut
  $ video-r2 reproduce --quick --seeds 1 --steps 10 --out runs/look`;

/** Adds the command. */
export function registerReproduce(program: Command): void {
  program
    .command("reproduce")
    .description("rerun the paper's ablation on a laptop: start, SFT, GRPO, TAR, gate; table, curves, traces")
    .option("--quick", "three seeds, no control: less than a quarter of an hour on two cores")
    .option(
      "--out <dir>",
      "folder of everything (default: runs/reproduce, with --quick runs/reproduce-quick)",
    )
    .option("--model <model>", "checkpoint that the start is made from: builtin or a folder", "builtin")
    .option("--seed <n>", "what everything follows from (default: 0)", integerFlag("--seed", 0))
    .option("--seeds <n>", "how often all is trained", integerFlag("--seeds", 1))
    .option("--steps <n>", "steps of GRPO", integerFlag("--steps", 5))
    .option(
      "--first-option <share>",
      "questions whose right option comes first (default: 0.8)",
      numberFlag("--first-option", 0, 1),
    )
    .option(
      "--jobs <n>",
      "trainings at a time, a core and 3 GB each (default: as many as fit)",
      integerFlag("--jobs", 1),
    )
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", help)
    .action(async (flags: ReproduceFlags) => {
      const out = flags.out ?? (flags.quick ? "runs/reproduce-quick" : "runs/reproduce");
      const code = await rerunKeepingHeap();
      process.exitCode = code ?? (await interruptible((signal) => run({ ...flags, out }, signal)));
    });
}

/** Percent done. What was there already, from an earlier run, says nothing about how long the rest takes. */
class ShareProgress {
  readonly #silent: boolean;
  #progress: Progress | undefined;
  #training = false;

  constructor(silent: boolean) {
    this.#silent = silent;
  }

  update(share: number, doing: string): void {
    const percent = Math.round(share * 1000) / 10;
    const training = !doing.startsWith("videos");
    if (this.#progress === undefined || training !== this.#training)
      this.#progress = new Progress({
        label: "percent",
        total: 100,
        done: percent,
        silent: this.#silent,
      });
    this.#training = training;
    this.#progress.update(percent, doing);
  }

  finish(): void {
    this.#progress?.finish();
  }
}

function settingsOf({ quick, seed, seeds, steps, firstOption }: ReproduceFlags): ReproduceSettings {
  return {
    ...(quick ? quickSettings : fullSettings),
    ...(seed === undefined ? {} : { seed }),
    ...(seeds === undefined ? {} : { seeds }),
    ...(steps === undefined ? {} : { steps }),
    ...(firstOption === undefined ? {} : { firstOption }),
  };
}

async function run(flags: ReproduceFlags, signal: AbortSignal): Promise<number> {
  const located = await locateModel(flags.model);
  if (located.kind !== "folder")
    throw new UsageError(
      "reproduce-model",
      `--model: must be builtin or a folder of a checkpoint, got ${flags.model}`,
      "What is trained here has to be here.",
    );
  const silent = flags.json === true;
  const progress = new ShareProgress(silent);
  const begun = performance.now();
  const fitting = Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / JOB_MEMORY)));
  let done: Reproduction;
  try {
    done = await reproduce({
      out: flags.out,
      model: located.dir,
      settings: settingsOf(flags),
      jobs: flags.jobs ?? fitting,
      signal,
      onProgress: (share, doing) => progress.update(share, doing),
    });
  } finally {
    progress.finish();
  }
  const { results, page } = done;
  if (results === null) {
    process.stderr.write(`stopped; go on with: ${commandAgain()}\n`);
    return 130;
  }
  if (silent) process.stdout.write(`${JSON.stringify({ page: resolve(page), ...results }, null, 2)}\n`);
  else {
    process.stdout.write(reproductionText(results));
    process.stdout.write(`\n${page} (${formatDuration((performance.now() - begun) / 1000)})\n`);
  }
  return 0;
}
