/** From a file to what a model is shown: frames sampled, resized, and drawn on. */

import { drawSubtitle, subtitleAt } from "./draw-subtitles.ts";
import { drawTimestamp } from "./draw-timestamp.ts";
import { type OpenOptions, openVideo } from "./open-video.ts";
import { type SamplingOptions, sampleIndices } from "./sample-indices.ts";
import { type ResizeOptions, smartResize } from "./smart-resize.ts";
import { type Cue, readSubtitles } from "./subtitles.ts";
import { type Patches, type PatchOptions, toPatches } from "./to-patches.ts";
import type { Frame, Video, VideoInfo } from "./video.ts";

/** How a video is sampled; the defaults are the reference's. */
export interface SampleOptions extends SamplingOptions, ResizeOptions, OpenOptions {
  /** Burn the time into every frame; default false (the reference does in training and not in evaluation). */
  timestamps?: boolean;
  /** What that clock shows at the first frame, in seconds, where the video is a part of a longer one; default 0. */
  startSeconds?: number;
  /** Draw subtitles: cues, the path of an SRT or WebVTT file, or `embedded` for the file's first text track. */
  subtitles?: string | readonly Cue[];
  /** Path of the font to draw with; default DejaVu Sans. */
  font?: string;
  /** Resize exactly as torchvision does, slower; default false. */
  exact?: boolean;
  /** Decoder threads. */
  threads?: number;
}

/** A sampled video. */
export interface SampledVideo {
  readonly info: VideoInfo;
  /** In order of time; fewer than asked for where the file is damaged (`warnings` says so). */
  readonly frames: Frame[];
  /** Frames per second of the sample: the time between two sampled frames is its inverse. */
  readonly sampleFps: number;
  /** Of every frame, in pixels. */
  readonly width: number;
  /** Of every frame, in pixels. */
  readonly height: number;
  /** What is wrong with the file though it could be read. */
  readonly warnings: readonly string[];
}

/**
 * Samples a video file as the reference does: indices by `sampleIndices`, size by `smartResize`, times and
 * subtitles drawn if wanted. Runs in a worker thread as well.
 *
 * @param source path of the file, or an opened video, which stays open
 * @throws UsageError as `openVideo`, `frames`, `readSubtitles` and the option checks do
 */
export async function sampleVideo(
  source: string | Video,
  options: SampleOptions = {},
): Promise<SampledVideo> {
  const video = typeof source === "string" ? await openVideo(source, options) : source;
  try {
    const { info } = video;
    const { startSeconds = 0 } = options;
    const { indices, sampleFps } = sampleIndices(info.frameCount, info.fps, options);
    const { width, height } = smartResize(info.height, info.width, options);
    const cues = await cuesOf(video, options.subtitles);
    const frames: Frame[] = [];
    for await (const frame of video.frames(indices, { ...frameOptions(options), width, height })) {
      if (options.timestamps)
        drawTimestamp(frame.data, width, height, frame.seconds + startSeconds, options.font);
      if (cues.length > 0) {
        drawSubtitle(frame.data, width, height, subtitleAt(cues, frame.seconds), options.font);
      }
      frames.push(frame);
    }
    return { info, frames, sampleFps, width, height, warnings: info.warnings };
  } finally {
    if (typeof source === "string") await video.close();
  }
}

/** A video as the model takes it, in a form that can be sent between threads. */
export interface PreparedVideo extends Patches {
  /** Time of each sampled frame in seconds. */
  readonly seconds: number[];
  readonly sampleFps: number;
  /** `second_per_grid_ts`: seconds from one step in time to the next, `temporalPatchSize / sampleFps`. */
  readonly secondsPerGrid: number;
  readonly durationSeconds: number;
  readonly width: number;
  readonly height: number;
  readonly warnings: readonly string[];
}

/** `sampleVideo`, then `toPatches`: what training and generation run in worker threads. */
export async function prepareVideo(
  path: string,
  options: SampleOptions & PatchOptions = {},
): Promise<PreparedVideo> {
  const { patchSize = 14, mergeSize = 2, temporalPatchSize = 2 } = options;
  const sampled = await sampleVideo(path, { factor: patchSize * mergeSize, ...options });
  return {
    ...toPatches(sampled.frames, options),
    seconds: sampled.frames.map((frame) => frame.seconds),
    sampleFps: sampled.sampleFps,
    secondsPerGrid: temporalPatchSize / sampled.sampleFps,
    durationSeconds: sampled.info.durationSeconds,
    width: sampled.width,
    height: sampled.height,
    warnings: [...sampled.warnings],
  };
}

function frameOptions({ exact, threads }: SampleOptions) {
  return { ...(exact === undefined ? {} : { exact }), ...(threads === undefined ? {} : { threads }) };
}

async function cuesOf(video: Video, subtitles: SampleOptions["subtitles"]): Promise<readonly Cue[]> {
  if (subtitles === undefined) return [];
  if (subtitles === "embedded") return video.subtitles();
  return typeof subtitles === "string" ? readSubtitles(subtitles) : subtitles;
}
