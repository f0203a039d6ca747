/** Paths that others have written, and that must not lead out of a folder. */

import { join, relative, resolve, sep } from "node:path";
import { UsageError } from "../../base/index.ts";

/**
 * The place of a path in a folder. Links that the user has put into the folder are followed; none are ever made here.
 *
 * @param path with slashes, as an archive or the hub names it
 * @param source names where it comes from in the error
 * @throws UsageError `path-unsafe` for a path that is absolute, goes up, or holds what no path holds
 */
export function insideFolder(folder: string, path: string, source: string): string {
  const target = resolve(folder, path);
  const way = relative(resolve(folder), target);
  const bad =
    path.includes("\0") ||
    path.split(/[\\/]/).includes("..") ||
    /^(?:[\\/]|[a-z]:)/i.test(path) ||
    way === "";
  if (bad || way === ".." || way.startsWith(`..${sep}`))
    throw new UsageError(
      "path-unsafe",
      `${source}: must hold files that stay in its folder, got ${JSON.stringify(path)}`,
      "Nothing was written outside of it. Do not use this copy of the data set.",
    );
  return join(folder, way);
}
