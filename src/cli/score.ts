/** `video-r2 score`: how right, how consistent and how grounded outputs are. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { formatDuration, UsageError } from "../base/index.ts";
import { findTraceFiles, openJoin } from "../data/index.ts";
import {
  ComparableRun,
  type RunComparison,
  readComparable,
  type SampleRecord,
  type ScoreRun,
  scoreFiles,
} from "../evaluation/index.ts";
import { openEmbedder, openJudge } from "../judges/index.ts";
import type { Compat } from "../rewards/index.ts";
import { choiceFlag, integerFlag, matchingOptions } from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { Findings, scoreReport } from "./score-report.ts";
import { paletteFor, printable } from "./terminal.ts";

interface ScoreFlags {
  references?: string;
  annotations?: string;
  judge: string;
  judgePrompts?: string;
  embedder: string;
  threshold?: number;
  delta: number;
  compat: Compat;
  out?: string;
  against?: string;
  concurrency: number;
  seed: number;
  json?: boolean;
}

const examples = `
Examples:
  $ video-r2 score examples/predictions.jsonl
  $ video-r2 score results/ --annotations mlvu.json --out scored/
  $ video-r2 score predictions.jsonl --references claims.jsonl --judge http://localhost:8001/v1#Qwen3-8B --out scored/
  $ video-r2 score new.jsonl --out new/ --against old/

Reads lmms-eval's *_samples_*.jsonl, results of Video-R1's evaluation, and JSON or JSON Lines of objects with id,
question, options, answer (the right one) and output; .gz too, and - for the standard input. docs/score.md has more.
With --out, a run that was stopped goes on where it was when it is started again.`;

/** Adds the command. */
export function registerScore(program: Command): void {
  const { embedder, threshold, delta } = matchingOptions();
  program
    .command("score")
    .description("score outputs: accuracy, consistency (TAC), attention (VAS), temporal alignment (TAR)")
    .argument("<file...>", "logs of outputs, or folders of them")
    .option("--references <file>", "what is to be seen when: rows with temporal_grounding, by id or video")
    .option("--annotations <file>", "questions with options and right answers, by id or doc_id")
    .option("--judge <judge>", "rules, or http://host:port/v1#model", "rules")
    .option("--judge-prompts <file>", "what the judge is asked, instead of our own prompts")
    .addOption(embedder)
    .addOption(threshold)
    .addOption(delta)
    .option(
      "--compat <mode>",
      "paper, or reference for the released code's numbers",
      choiceFlag("--compat", ["paper", "reference"]),
      "paper",
    )
    .option("--out <dir>", "write samples.jsonl, summary.json and report.html there")
    .option("--against <dir>", "compare with an earlier run, question by question")
    .option("--concurrency <n>", "requests to the judge in flight", integerFlag("--concurrency", 1), 16)
    .option("--seed <n>", "seed of the intervals", integerFlag("--seed", 0), 0)
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", examples)
    .action(async (files: string[], flags: ScoreFlags) => {
      process.exitCode = await interruptible((signal) => run(files, flags, signal));
    });
}

/** Says how far it is: a line redrawn on a terminal, a line now and then elsewhere. */
class Ticker {
  readonly #begun = performance.now();
  #last = performance.now();
  readonly #silent: boolean;

  constructor(silent: boolean) {
    this.#silent = silent;
  }

  update(outputs: number, share: number | null): void {
    const now = performance.now();
    const every = process.stderr.isTTY ? 100 : 10_000;
    if (this.#silent || now - this.#last < every) return;
    this.#last = now;
    const seconds = (now - this.#begun) / 1000;
    const left =
      share !== null && share > 0 && share < 1
        ? `, ${formatDuration((seconds * (1 - share)) / share)} left`
        : "";
    const read = share === null ? "" : `, ${(share * 100).toFixed(0)} % read`;
    const line = `scoring: ${outputs} outputs, ${Math.round(outputs / seconds)}/s${read}${left}`;
    process.stderr.write(process.stderr.isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
  }

  clear(): void {
    if (!this.#silent && process.stderr.isTTY) process.stderr.write("\r\u001b[2K");
  }
}

function checkFlags(flags: ScoreFlags): void {
  if (flags.judgePrompts !== undefined && flags.judge === "rules")
    throw new UsageError("usage", "--judge-prompts: must come with --judge URL#model, got rules");
  if (flags.against !== undefined && flags.out !== undefined && flags.against === flags.out)
    throw new UsageError("usage", `--against: must be another folder than --out, got ${flags.against} twice`);
}

async function run(paths: readonly string[], flags: ScoreFlags, signal: AbortSignal): Promise<number> {
  checkFlags(flags);
  const files = await findTraceFiles(paths);
  const first = flags.against === undefined ? null : await readComparable(flags.against);
  const joined = await openJoin({ annotations: flags.annotations, references: flags.references });
  const warn = (message: string) => {
    if (!flags.json)
      process.stderr.write(`${paletteFor(process.stderr).yellow("note")}: ${printable(message)}\n`);
  };
  const embedder = await openEmbedder(flags.embedder, { signal });
  const judge = await openJudge(flags.judge, {
    prompts: flags.judgePrompts,
    compat: flags.compat,
    concurrency: flags.concurrency,
    // What was paid for is kept, also where nothing else is written.
    cacheDir: flags.out === undefined ? undefined : join(flags.out, "judge-cache"),
    signal,
    warn,
  });
  const ticker = new Ticker(flags.json === true);
  const second = first === null ? null : new ComparableRun();
  const findings = new Findings();
  const resumed = flags.out !== undefined && existsSync(join(flags.out, "samples.jsonl"));
  try {
    const done = await scoreFiles({
      files,
      join: joined,
      judge,
      embedder,
      compat: flags.compat,
      threshold: flags.threshold ?? embedder.threshold,
      deltaSeconds: flags.delta,
      outDir: flags.out,
      inFlight: judge.name === "rules" ? 64 : flags.concurrency * 4,
      seed: flags.seed,
      signal,
      onProgress: (outputs, share) => ticker.update(outputs, share),
      onRecord: (record: SampleRecord) => {
        findings.add(record);
        second?.add(record);
      },
    });
    ticker.clear();
    if (resumed && done.taken > 0)
      warn(`${done.taken} of ${done.summary.outputs} outputs were taken over from the earlier run`);
    for (const name of ["annotations", "references"] as const)
      if (flags[name] !== undefined && joined.used[name] < done.summary.outputs)
        warn(`--${name}: has something for ${joined.used[name]} of ${done.summary.outputs} outputs`);
    return print(done, flags, {
      findings,
      against: first && second ? second.against(first, flags.seed) : null,
    });
  } catch (error) {
    ticker.clear();
    if (signal.aborted && flags.out !== undefined)
      warn(`what was scored is in ${flags.out}; the same command goes on from there`);
    throw error;
  } finally {
    await Promise.all([judge.close(), embedder.close()]);
  }
}

/** Prints the figures; the exit code is 1 where a judge failed or nothing was there to score. */
function print(
  { summary, taken }: ScoreRun,
  flags: ScoreFlags,
  found: { findings: Findings; against: RunComparison | null },
): number {
  if (flags.json) {
    const { against } = found;
    process.stdout.write(
      `${JSON.stringify({ ...summary, taken, ...(against ? { against } : {}) }, null, 2)}\n`,
    );
  } else
    process.stdout.write(
      scoreReport(
        summary,
        { ...found, out: flags.out ?? null, againstDir: flags.against ?? null },
        paletteFor(process.stdout),
      ),
    );
  return summary.usage.failed > 0 || summary.outputs === 0 ? 1 : 0;
}
