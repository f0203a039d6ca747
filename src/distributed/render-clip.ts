/**
 * Videos as a trainer is to see them: frames sampled, resized and drawn on as our own training does it, written as MP4s
 * whose frames are all of them to be taken. A trainer that reads such a file with its own sampling sees what we would.
 */

import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileStamp, hashJson, writeFileAtomic } from "../base/index.ts";
import type { RecipeVideo } from "../training/index.ts";
import { encodeVideo, sampleVideo } from "../video/index.ts";

/** A video of a row. */
export interface ClipSource {
  /** Path of the video. */
  video: string;
  /** Path of its subtitles. */
  subtitles?: string | undefined;
  /** What the clock shows at the first frame, in seconds; default 0. */
  startSeconds?: number | undefined;
}

/** A rendered video. */
export interface RenderedClip {
  /** Of the MP4. */
  path: string;
  frames: number;
  /** Frames per second, so that the time between two is the one between the sampled frames. */
  fps: number;
  /** Of every frame, in pixels; multiples of 28. */
  width: number;
  /** Of every frame, in pixels; multiples of 28. */
  height: number;
  /** What is wrong with the source though it could be read. */
  warnings: string[];
}

/** x264's rate factor: text of 16 pixels stays sharp, and a minute of 2 frames a second is about 2 MB. */
const CRF = 12;

/**
 * Renders a video into a folder, or finds it there.
 *
 * @param folder where rendered videos are kept, by a hash of source and settings
 * @throws UsageError as `sampleVideo` and `encodeVideo`
 */
export async function renderClip(
  source: ClipSource,
  settings: RecipeVideo,
  folder: string,
): Promise<RenderedClip> {
  const key = hashJson([
    await fileStamp(source.video),
    await fileStamp(source.subtitles),
    source.startSeconds ?? 0,
    settings,
    CRF,
  ]);
  const place = join(folder, key.slice(0, 2));
  const path = join(place, `${key}.mp4`);
  const record = join(place, `${key}.json`);
  const known = await readFile(record, "utf8").catch(() => null);
  if (known !== null && (await stat(path).catch(() => null))?.isFile())
    return { ...(JSON.parse(known) as Omit<RenderedClip, "path">), path };
  await mkdir(place, { recursive: true });
  const { subtitles: withSubtitles, ...sampling } = settings;
  const sampled = await sampleVideo(source.video, {
    ...sampling,
    startSeconds: source.startSeconds ?? 0,
    ...(withSubtitles && source.subtitles !== undefined ? { subtitles: source.subtitles } : {}),
  });
  const { width, height, sampleFps } = sampled;
  await encodeVideo(
    path,
    sampled.frames.map(({ data }) => data),
    { width, height, fps: sampleFps, crf: CRF },
  );
  const made = {
    frames: sampled.frames.length,
    fps: sampleFps,
    ...{ width, height },
    warnings: [...sampled.warnings],
  };
  // After the video: what has a record is whole.
  await writeFileAtomic(record, `${JSON.stringify(made)}\n`);
  return { ...made, path };
}
