/** Whether there is room on the disk. */

import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { UsageError } from "../../base/index.ts";

/** Bytes as people read them: `1.2 GB`, `340 MB`, in powers of ten. */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** Bytes that may still be written below a folder, which need not be there yet. */
export async function freeBytes(folder: string): Promise<number> {
  const found = await statfs(folder).catch(() => null);
  if (found !== null) return found.bavail * found.bsize;
  const parent = dirname(folder);
  return parent === folder ? Number.POSITIVE_INFINITY : freeBytes(parent);
}

const makeRoom = "Make room, or name a folder on another disk. The same command goes on with what is there.";

/** @throws UsageError `disk-full` where fewer bytes are free than are needed */
export async function checkSpace(folder: string, needed: number): Promise<void> {
  const free = await freeBytes(folder);
  if (needed > free)
    throw new UsageError(
      "disk-full",
      `${folder}: must have room for about ${formatBytes(needed)}, got ${formatBytes(free)}`,
      makeRoom,
    );
}

/** The error that a failure to write means to the user; the failure itself where it is another. */
export function diskError(error: unknown, folder: string): unknown {
  const code = String((error as { code?: unknown } | null)?.code);
  if (code === "ENOSPC" || code === "EDQUOT")
    return new UsageError(
      "disk-full",
      `${folder}: must have room for more, got a full disk${code === "EDQUOT" ? " (quota)" : ""}`,
      makeRoom,
      { cause: error },
    );
  if (["EACCES", "EROFS", "EPERM", "ENOTDIR", "EEXIST"].includes(code))
    return new UsageError(
      "folder-unwritable",
      `${folder}: must be a folder that can be written to, got ${code}`,
      "Name another.",
      {
        cause: error,
      },
    );
  return error;
}
