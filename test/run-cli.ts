/** Runs the program from its sources, as a user would run it. */

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));

/** How a run ended. */
export interface CliResult {
  /** The exit code, or null where a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

/** Starts the program; `result` resolves when it ends. */
export function startCli(
  args: readonly string[],
  env: Record<string, string> = {},
): { child: ChildProcess; result: Promise<CliResult> } {
  const begun = performance.now();
  const child = spawn(process.execPath, ["--import", "tsx", main, ...args], {
    env: { ...process.env, VIDEO_R2_DEBUG: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const result = new Promise<CliResult>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({ code, stdout, stderr, seconds: (performance.now() - begun) / 1000 }),
    );
  });
  return { child, result };
}

/** Runs the program to its end. */
export function runCli(args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
  return startCli(args, env).result;
}
