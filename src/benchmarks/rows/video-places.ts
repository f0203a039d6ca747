/** Which of the places where a video may be holds it. */

import { readdir, stat } from "node:fs/promises";
import { resolve } from "node:path";

/** The same path with each of the endings in turn, its own first; a path without ending gets them after itself. */
export function withEndings(path: string, endings: readonly string[]): string[] {
  const stem = path.replace(/\.[a-z0-9]{2,4}$/i, "");
  return [...new Set([path, ...endings.map((ending) => stem + ending)])];
}

/** Whether a video is there: a file, or a folder that holds something. */
async function isThere(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) return (await readdir(path)).length > 0;
  return found?.isFile() ?? false;
}

/**
 * The first of the paths that is there, a file or a folder of pictures; the first of all where none is.
 *
 * @param paths relative to `folder`, at least one
 * @returns an absolute path
 */
export async function findVideo(folder: string, paths: readonly string[]): Promise<string> {
  for (const path of paths) if (await isThere(resolve(folder, path))) return resolve(folder, path);
  return resolve(folder, paths[0] as string);
}

/** The videos of a question that are not there; empty where all are. */
export async function missingFiles({ videos }: { videos: readonly string[] }): Promise<string[]> {
  const missing: string[] = [];
  for (const path of videos) if (!(await isThere(path))) missing.push(path);
  return missing;
}
