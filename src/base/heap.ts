/**
 * Memory that a program frees and soon wants again. glibc hands large blocks back to the system at once, which then
 * has to clear them anew; a training run over batches of many shapes spends up to half its time on that. Settings that
 * glibc reads at a program's start make it keep them.
 */

import { spawn } from "node:child_process";

const settings = {
  /** Large blocks come from the heap, ... */
  MALLOC_MMAP_THRESHOLD_: String(2 ** 33),
  /** ... whose end is not given back, ... */
  MALLOC_TRIM_THRESHOLD_: String(2 ** 34),
  /** ... and threads share two heaps. */
  MALLOC_ARENA_MAX: "2",
};

/** Whether this process keeps what it frees for its next use, so that nothing else need hold on to it. */
export function keepsHeap(): boolean {
  return (
    process.platform === "linux" && process.env.MALLOC_TRIM_THRESHOLD_ === settings.MALLOC_TRIM_THRESHOLD_
  );
}

/**
 * Runs this very program again, as a child that keeps its heap: the same arguments, streams and signals.
 *
 * @returns the child's exit code; null where this process already is that child, or has no glibc
 */
export async function rerunKeepingHeap(): Promise<number | null> {
  const parent = process.channel;
  if (keepsHeap()) {
    // A parent that was killed takes its work along, as if there had been one process.
    parent?.unref();
    if (parent) process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
    return null;
  }
  if (process.platform !== "linux" || !hasGlibc()) return null;
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env: { ...process.env, ...settings },
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  // A terminal gives Ctrl-C to both; anything else gives it to this process alone.
  const pass = (signal: NodeJS.Signals): void => {
    if (signal === "SIGTERM" || !process.stdin.isTTY) child.kill(signal);
  };
  process.on("SIGINT", pass);
  process.on("SIGTERM", pass);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      process.off("SIGINT", pass);
      process.off("SIGTERM", pass);
      resolve(code ?? (signal === "SIGINT" ? 130 : 1));
    });
  });
}

function hasGlibc(): boolean {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime !== undefined;
}
