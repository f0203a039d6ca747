/** Which files a folder of results holds. */

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../../base/index.ts";

/**
 * The logs that paths name: files as they are, and of folders every `*samples*.jsonl` below (else every JSON Lines
 * file), in the order of their names.
 *
 * @throws UsageError `traces-unreadable` for a path that is not there, or a folder without logs
 */
export async function findTraceFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const found = path === "-" ? null : await stat(path).catch(() => null);
    if (path === "-" || found?.isFile()) {
      files.push(path);
      continue;
    }
    if (!found?.isDirectory())
      throw new UsageError(
        "traces-unreadable",
        `traces: must be a file or a folder, got ${path}, which is not there`,
      );
    const names = (await readdir(path, { recursive: true }))
      .filter((name) => /\.jsonl(?:\.gz)?$/.test(name))
      .sort();
    const logs = names.filter((name) => /samples/i.test(name));
    const wanted = logs.length > 0 ? logs : names;
    if (wanted.length === 0)
      throw new UsageError(
        "traces-unreadable",
        `traces: must hold .jsonl files, got the folder ${path} without`,
      );
    files.push(...wanted.map((name) => join(path, name)));
  }
  return files;
}
