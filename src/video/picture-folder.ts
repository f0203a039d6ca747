/** A folder of pictures as a video: data sets such as TVQA come as frames, a few of each second. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../base/index.ts";
import { checkRequest } from "./frame-requests.ts";
import type { Cue } from "./subtitles.ts";
import type { Frame, FrameOptions, Video, VideoInfo } from "./video.ts";
import { noSuchTrack, undecodable, unreadable } from "./video-summary.ts";

const picture = /\.(?:jpe?g|png|webp|bmp)$/i;
const byNumber = new Intl.Collator("en", { numeric: true });

/** Names of the pictures in a folder, in the order of the numbers in them; empty where it cannot be read. */
export async function picturesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => picture.test(name)).sort(byNumber.compare);
}

/**
 * Opens a folder of pictures. The first picture gives the size; others are brought to it.
 *
 * @param fps pictures for each second of the video, above 0
 * @param open opens one picture as a video of one frame
 * @throws UsageError `video-unreadable` where there is no picture, or the first cannot be read; `video-frames` for a bad rate
 */
export async function openPictureFolder(
  path: string,
  fps: number,
  open: (path: string) => Promise<Video>,
): Promise<Video> {
  if (!(fps > 0 && Number.isFinite(fps)))
    throw new UsageError("video-frames", `pictures a second: must be above 0, got ${fps}`);
  const names = await picturesIn(path);
  const [first] = names;
  if (first === undefined)
    throw unreadable(path, "must be a file, or a folder of pictures (.jpg, .png, .webp, .bmp), got a folder");
  const opened = await open(join(path, first));
  await opened.close();
  return new PictureFolder(path, names, fps, opened.info, open);
}

class PictureFolder implements Video {
  readonly info: VideoInfo & { warnings: string[] };
  readonly #names: readonly string[];
  readonly #open: (path: string) => Promise<Video>;
  #closed = false;

  constructor(
    path: string,
    names: readonly string[],
    fps: number,
    first: VideoInfo,
    open: (path: string) => Promise<Video>,
  ) {
    this.#names = names;
    this.#open = open;
    this.info = {
      ...first,
      path,
      durationSeconds: names.length / fps,
      frameCount: names.length,
      fps,
      container: "pictures",
      warnings: [],
      subtitleTracks: [],
    };
  }

  async *frames(indices: readonly number[], options: FrameOptions = {}): AsyncGenerator<Frame> {
    checkRequest(this.info, indices, options);
    const { fps, path, warnings } = this.info;
    const size = { width: options.width ?? this.info.width, height: options.height ?? this.info.height };
    let read = 0;
    for (const index of indices) {
      if (this.#closed) return;
      const name = this.#names[index] as string;
      try {
        yield {
          ...(await this.#read(join(path, name), { ...options, ...size })),
          index,
          seconds: index / fps,
        };
        read++;
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        warnings.push(`${name} cannot be read and is left out`);
      }
    }
    if (read === 0 && indices.length > 0) throw undecodable(path, this.info.codec, warnings.at(-1));
  }

  async #read(path: string, options: FrameOptions): Promise<Frame> {
    const one = await this.#open(path);
    try {
      for await (const frame of one.frames([0], options)) return frame;
      throw undecodable(path, one.info.codec);
    } finally {
      await one.close();
    }
  }

  async subtitles(): Promise<Cue[]> {
    throw noSuchTrack(this.info);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}
