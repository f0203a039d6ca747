/** What the commands of `video-r2 data` share. */

import { type Command, Option } from "commander";
import { Progress } from "../base/index.ts";
import { duplicateThreshold } from "../data/index.ts";
import { numberFlag } from "./flags.ts";

/** The `data` command, added to the program where it is not there yet. */
export function dataCommand(program: Command): Command {
  return (
    program.commands.find((command) => command.name() === "data") ??
    program.command("data").description("make, convert and check data sets")
  );
}

/** `--duplicate-threshold`, as import and split have it. */
export function duplicateThresholdOption(): Option {
  return new Option(
    "--duplicate-threshold <n>",
    "how far the frames of two copies may be apart, of 255; 0 compares bytes only",
  )
    .argParser(numberFlag("--duplicate-threshold", 0, 255))
    .default(duplicateThreshold);
}

/** Counts as `12 video-short, 3 video-missing`; `none` where there are none. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  return (
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(", ") || "none"
  );
}

/** Writes a result as JSON. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Shows steps one after the other, each with its own line of progress; `null` totals are rows that nobody counted. */
export class Steps {
  readonly #silent: boolean;
  #label = "";
  #progress: Progress | null = null;
  #next = 0;

  /** @param silent show nothing */
  constructor(silent: boolean) {
    this.#silent = silent;
  }

  /** Tells how far a step is. */
  update(label: string, done: number, total: number | null): void {
    if (this.#silent) return;
    if (total === null) {
      this.finish();
      // Rows come by the hundred thousand: a line now and then will do.
      if (done < this.#next) return;
      this.#next = done + 20_000;
      if (done > 1) process.stderr.write(`${label}: ${done}\n`);
      return;
    }
    if (this.#label !== label) {
      this.finish();
      this.#label = label;
      this.#progress = new Progress({ label, total });
    }
    this.#progress?.update(done);
  }

  /** Ends the last step. */
  finish(): void {
    this.#progress?.finish();
    this.#progress = null;
    this.#label = "";
  }
}
