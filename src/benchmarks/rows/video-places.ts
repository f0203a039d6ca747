/** Which of the places where a video may be holds it. */

import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";

/** A video in a folder: a file, or a folder of frames. */
export interface VideoPlace {
  videos: string[];
  images: string[];
}

const picture = /\.(?:jpe?g|png)$/i;
const byNumber = new Intl.Collator("en", { numeric: true });

/** The same path with each of the endings in turn, its own first; a path without ending gets them after itself. */
export function withEndings(path: string, endings: readonly string[]): string[] {
  const stem = path.replace(/\.[a-z0-9]{2,4}$/i, "");
  return [...new Set([path, ...endings.map((ending) => stem + ending)])];
}

/**
 * The first of the paths that is there; the first of all where none is. A folder there is taken as frames, its
 * pictures in the order of the numbers in their names.
 *
 * @param paths relative to `folder`, at least one
 */
export async function findVideo(folder: string, paths: readonly string[]): Promise<VideoPlace> {
  for (const path of paths) {
    const full = resolve(folder, path);
    const found = await stat(full).catch(() => null);
    if (found?.isFile()) return { videos: [full], images: [] };
    if (!found?.isDirectory()) continue;
    const frames = (await readdir(full)).filter((name) => picture.test(name)).sort(byNumber.compare);
    if (frames.length > 0) return { videos: [], images: frames.map((name) => join(full, name)) };
  }
  return { videos: [resolve(folder, paths[0] as string)], images: [] };
}

/** The files of a question that are not there; empty where all are. */
export async function missingFiles({
  videos,
  images,
}: {
  videos: readonly string[];
  images: readonly string[];
}): Promise<string[]> {
  const missing: string[] = [];
  for (const path of [...videos, ...images])
    if (!(await stat(path).catch(() => null))?.isFile()) missing.push(path);
  return missing;
}
