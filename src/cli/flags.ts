/** Values of command-line flags. */

import { Option } from "commander";
import { UsageError } from "../base/index.ts";

function refuse(flag: string, rule: string, text: string): never {
  throw new UsageError("usage", `${flag}: must be ${rule}, got ${JSON.stringify(text)}`);
}

/** The flags of how claims are compared: `--embedder`, `--threshold`, `--delta`. */
export function matchingOptions(): Record<"embedder" | "threshold" | "delta", Option> {
  return {
    embedder: new Option(
      "--embedder <embedder>",
      "what compares claims: lexical, a MiniLM folder, hf:org/name, or a server",
    ).default("lexical"),
    threshold: new Option(
      "--threshold <x>",
      "similarity from which claims match (default: the embedder's own)",
    ).argParser(numberFlag("--threshold", -1, 1)),
    delta: new Option("--delta <seconds>", "time within which claims match")
      .argParser(numberFlag("--delta", 0, Number.POSITIVE_INFINITY))
      .default(2),
  };
}

/** An integer of at least `least`. @throws UsageError `usage` */
export function integerFlag(flag: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[-+]?\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
      refuse(flag, `an integer of at least ${least}`, text);
    return value;
  };
}

/** A number from `low` to `high`, or above `low` if `open`. @throws UsageError `usage` */
export function numberFlag(flag: string, low: number, high: number, open = false): (text: string) => number {
  const range =
    high === Number.POSITIVE_INFINITY
      ? `above ${low}`
      : `${open ? "above" : "from"} ${low} ${open ? "and at most" : "to"} ${high}`;
  return (text) => {
    const value = Number(text);
    const inside = (open ? value > low : value >= low) && value <= high;
    if (text.trim() === "" || !Number.isFinite(value) || !inside) refuse(flag, `a number ${range}`, text);
    return value;
  };
}

/** A number of bytes with a unit: `5GB`, `500MB`, `2GiB`. @throws UsageError `usage` */
export function bytesFlag(flag: string): (text: string) => number {
  const units: Readonly<Record<string, number>> = {
    KB: 1e3,
    MB: 1e6,
    GB: 1e9,
    TB: 1e12,
    KiB: 2 ** 10,
    MiB: 2 ** 20,
    GiB: 2 ** 30,
    TiB: 2 ** 40,
  };
  return (text) => {
    const [, number, unit] = /^(\d+(?:\.\d+)?) ?([KMGT]i?B)$/.exec(text) ?? [];
    const bytes = Math.floor(Number(number) * (units[unit ?? ""] ?? 0));
    if (!(bytes > 0)) refuse(flag, "a size such as 5GB, 500MB or 2GiB", text);
    return bytes;
  };
}

/** One of some words. @throws UsageError `usage` */
export function choiceFlag<T extends string>(flag: string, choices: readonly T[]): (text: string) => T {
  return (text) =>
    choices.find((choice) => choice === text) ?? refuse(flag, `one of ${choices.join(", ")}`, text);
}

/** Collects a flag that may be given several times. */
export function collect(text: string, earlier: string[] = []): string[] {
  return [...earlier, text];
}
