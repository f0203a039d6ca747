/** One process at a time fetches to a folder: two would write into the same files. */

import { mkdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { UsageError } from "../../base/index.ts";

/** Whoever holds the lock touches it so often, and has lost it when it was not touched for so long. */
const touchMilliseconds = 20_000;
const lostMilliseconds = 120_000;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === "EPERM";
  }
}

/** Who holds a lock, null where nobody does any more. */
async function holderOf(path: string): Promise<string | null> {
  const [text, found] = await Promise.all([readFile(path, "utf8"), stat(path)]).catch(
    () => ["", null] as const,
  );
  const [, pid, host] = /^(\d+) (.+)$/.exec(text) ?? [];
  if (found === null || Date.now() - found.mtimeMs > lostMilliseconds) return null;
  if (host === hostname() && !isAlive(Number(pid))) return null;
  return `process ${pid ?? "?"} on ${host ?? "?"}`;
}

async function take(path: string): Promise<void> {
  for (;;) {
    try {
      return await writeFile(path, `${process.pid} ${hostname()}`, { flag: "wx" });
    } catch (error) {
      if ((error as { code?: unknown }).code !== "EEXIST") throw error;
    }
    const holder = await holderOf(path);
    if (holder !== null)
      throw new UsageError(
        "fetch-running",
        `${dirname(dirname(path))}: must be fetched to by one process at a time, got ${holder}`,
        "Wait until it has ended; the same command then uses what it has fetched. For parts on several machines, fetch once with video-r2 data fetch before.",
      );
    await rm(path, { force: true });
  }
}

/**
 * Does work while no other process that asks for the same lock does. What a killed process has left is taken over.
 *
 * @param path of the lock's file, two levels below the folder that it is about
 * @throws UsageError `fetch-running`; what the work throws
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  await take(path);
  const touch = () => utimes(path, new Date(), new Date()).catch(() => {});
  const timer = setInterval(touch, touchMilliseconds);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await rm(path, { force: true });
  }
}
