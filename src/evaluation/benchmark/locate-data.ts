/** Where a benchmark's questions are on this machine, and where they go when they are fetched. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../../base/index.ts";
import type { Benchmark } from "../../benchmarks/index.ts";
import { hubHome } from "../../data/index.ts";

/**
 * The first of the places in which a benchmark may be that it can be read from: the folder itself where one is named,
 * what it is called there, and the caches of lmms-eval and of the hub's own tools.
 *
 * @param data as the user names it; default the hub's home
 * @throws UsageError `benchmark-folder`, of the likeliest place
 */
export async function locateData(benchmark: Benchmark, data: string | undefined): Promise<string> {
  const { cacheFolders, hub, gated } = benchmark.source;
  const base = data ?? hubHome();
  const cached = hub === null ? [] : [`datasets--${hub.replace("/", "--")}`];
  const names = [benchmark.name, ...cacheFolders];
  const places = [
    ...(data === undefined ? [] : [base]),
    ...names.map((name) => join(base, name)),
    ...[...cacheFolders, "hub"].flatMap((name) => cached.map((folder) => join(base, name, folder))),
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
  throw new UsageError(
    "benchmark-folder",
    `${benchmark.title}: must be in a folder, got none of ${places.slice(0, 3).join(", ")}`,
    hub === null
      ? "Name one with --data DIR."
      : `It would be fetched from ${hub}${gated ? " (its owner has to let you in)" : ""} with --download. Or name a folder that holds it with --data DIR.`,
  );
}

/**
 * The folder that a benchmark is fetched to, where `locateData` finds it: in the hub's home the one that lmms-eval
 * looks for its videos in, so that both share them.
 *
 * @param base as the user names it; default the hub's home
 */
export function fetchFolder({ name, source }: Benchmark, base: string | undefined): string {
  return base === undefined ? join(hubHome(), source.cacheFolders[0] ?? name) : join(base, name);
}
