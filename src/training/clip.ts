/** Videos as a model takes them: sampled, drawn on, cut into patches; with a cache of the drawn frames on disk. */

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { threadId } from "node:worker_threads";
import { fileStamp, hashJson } from "../base/index.ts";
import type { ProcessorConfig } from "../nn/index.ts";
import { type Frame, sampleVideo, toPatches } from "../video/index.ts";
import type { RecipeVideo } from "./recipe-file.ts";

/** What clips have in common in a run. */
export interface ClipSettings {
  video: RecipeVideo;
  processor: ProcessorConfig;
  /** Folder that keeps the drawn frames; undefined keeps nothing. */
  cache?: string;
}

/** A video, and the subtitles to draw on it. */
export interface ClipRequest {
  /** Path of the video. */
  video: string;
  /** Path of its subtitles. */
  subtitles?: string;
  /** What the clock shows at the first frame, in seconds; default 0. */
  startSeconds?: number;
  /** Of a folder of pictures: how many there are for each second; default 1. */
  picturesPerSecond?: number;
}

/** A video as patches. */
export interface Clip {
  /** `patches x (3 * temporalPatchSize * patchSize^2)`, normalised. */
  pixelValues: Float32Array;
  /** Patches in time, height and width. */
  grid: [number, number, number];
  /** Seconds between two patches in time. */
  secondsPerGrid: number;
  warnings: string[];
}

interface DrawnFrames {
  count: number;
  width: number;
  height: number;
  sampleFps: number;
  seconds: number[];
  warnings: string[];
}

/**
 * Reads a video as a clip, from the cache where it is there.
 *
 * @throws UsageError where the video cannot be read
 */
export async function readClip(request: ClipRequest, settings: ClipSettings): Promise<Clip> {
  const { head, data } = await drawnFrames(request, settings);
  const size = head.width * head.height * 3;
  const frames: Frame[] = head.seconds.map((seconds, index) => ({
    index,
    seconds,
    width: head.width,
    height: head.height,
    data: data.subarray(index * size, (index + 1) * size),
  }));
  const { pixelValues, gridThw } = toPatches(frames, settings.processor);
  const [t, h, w] = gridThw;
  return {
    pixelValues: pixelValues.data,
    grid: [t, h, w],
    secondsPerGrid: settings.processor.temporalPatchSize / head.sampleFps,
    warnings: head.warnings,
  };
}

async function drawnFrames(
  request: ClipRequest,
  settings: ClipSettings,
): Promise<{ head: DrawnFrames; data: Uint8Array }> {
  const path = settings.cache === undefined ? undefined : await cachePath(request, settings, settings.cache);
  const cached = path === undefined ? undefined : await readFile(path).catch(() => undefined);
  if (cached) {
    const length = cached.readUInt32LE(0);
    return {
      head: JSON.parse(cached.toString("utf8", 4, 4 + length)) as DrawnFrames,
      data: cached.subarray(4 + length),
    };
  }
  const { video, processor } = settings;
  const { subtitles, ...sampling } = video;
  const sampled = await sampleVideo(request.video, {
    ...sampling,
    factor: processor.patchSize * processor.mergeSize,
    ...(request.startSeconds === undefined ? {} : { startSeconds: request.startSeconds }),
    ...(request.picturesPerSecond === undefined ? {} : { picturesPerSecond: request.picturesPerSecond }),
    ...(subtitles && request.subtitles !== undefined ? { subtitles: request.subtitles } : {}),
  });
  const head: DrawnFrames = {
    count: sampled.frames.length,
    width: sampled.width,
    height: sampled.height,
    sampleFps: sampled.sampleFps,
    seconds: sampled.frames.map((frame) => frame.seconds),
    warnings: [...sampled.warnings],
  };
  const data = Buffer.concat(sampled.frames.map((frame) => frame.data));
  if (path !== undefined) {
    const text = Buffer.from(JSON.stringify(head));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    const temporary = `${path}.${process.pid}-${threadId}.tmp`;
    await writeFile(temporary, Buffer.concat([length, text, data]));
    await rename(temporary, path);
  }
  return { head, data };
}

/** The cache key holds all that decides the frames; size and time of change stand for the file's content. */
async function cachePath(request: ClipRequest, settings: ClipSettings, folder: string): Promise<string> {
  const { patchSize, mergeSize } = settings.processor;
  const key = hashJson([
    await fileStamp(request.video),
    await fileStamp(request.subtitles),
    settings.video,
    patchSize * mergeSize,
    1,
    // Left out where they are the default, so that frames of before are found.
    ...(request.startSeconds ? [request.startSeconds] : []),
    ...((request.picturesPerSecond ?? 1) === 1 ? [] : [{ picturesPerSecond: request.picturesPerSecond }]),
  ]);
  const place = join(folder, key.slice(0, 2));
  await mkdir(place, { recursive: true });
  return join(place, `${key}.frames`);
}
