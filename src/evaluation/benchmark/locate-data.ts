/** Where a benchmark's questions are on this machine. */

import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { UsageError } from "../../base/index.ts";
import type { Benchmark } from "../../benchmarks/index.ts";

/** Where the hub's caches are: `HF_HOME`, else `~/.cache/huggingface`. */
export function hubHome(): string {
  return process.env.HF_HOME ?? join(homedir(), ".cache/huggingface");
}

/**
 * The first of the places in which a benchmark may be that it can be read from: the folder itself where one is named,
 * what it is called there, and the caches of lmms-eval.
 *
 * @param data as the user names it; default the hub's home
 * @throws UsageError `benchmark-folder`, of the likeliest place
 */
export async function locateData(benchmark: Benchmark, data: string | undefined): Promise<string> {
  const { cacheFolders } = benchmark.source;
  const base = data ?? hubHome();
  const places = [
    ...(data === undefined ? [] : [base]),
    ...[benchmark.name, ...cacheFolders].map((name) => join(base, name)),
  ];
  let first: unknown;
  for (const place of places) {
    if ((await stat(place).catch(() => null)) === null) continue;
    try {
      await benchmark.inspect(place);
      return place;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      first ??= error;
    }
  }
  if (first !== undefined) throw first;
  const { hub, gated } = benchmark.source;
  throw new UsageError(
    "benchmark-folder",
    `${benchmark.title}: must be in a folder, got none of ${places.join(", ")}`,
    hub === null
      ? "Name one with --data DIR."
      : `Download ${hub}${gated ? " (its owner has to let you in)" : ""}, as with \`hf download ${hub} --repo-type dataset --local-dir DIR\`, and name the folder with --data DIR.`,
  );
}
