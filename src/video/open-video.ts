/** Opens a video by path, a file or a folder of pictures, whichever decoder this machine has. */

import { stat } from "node:fs/promises";
import { messageOf, UsageError } from "../base/index.ts";
import { noBackendError } from "./ffmpeg-cli.ts";
import { openWithFfmpeg } from "./ffmpeg-video.ts";
import { loadLibav, type VideoBackend } from "./libav.ts";
import { openWithNodeAv } from "./node-av-video.ts";
import { openPictureFolder } from "./picture-folder.ts";
import type { Video } from "./video.ts";
import { unreadable } from "./video-summary.ts";

/** How a video is opened. */
export interface OpenOptions {
  /** Default: node-av where it is installed, else the `ffmpeg` program. */
  backend?: VideoBackend;
  /** Of a folder of pictures: how many there are for each second; default 1. */
  picturesPerSecond?: number;
}

/**
 * Opens a video file and indexes its frames; nothing is decoded yet. A folder of pictures is a video whose frames
 * they are, in the order of the numbers in their names.
 *
 * @param path of a local file or folder; URLs are not fetched
 * @throws UsageError `video-missing`, `video-unreadable` (empty, not a video, no video stream, no frame),
 * `video-backend-missing`
 */
export async function openVideo(path: string, options: OpenOptions = {}): Promise<Video> {
  if ((await checkPath(path)) === "folder")
    return openPictureFolder(path, options.picturesPerSecond ?? 1, (file) => openFile(file, options));
  return openFile(path, options);
}

async function openFile(path: string, options: OpenOptions): Promise<Video> {
  const libav = options.backend === "ffmpeg" ? undefined : await loadLibav();
  if (libav) return openWithNodeAv(libav, path);
  if (options.backend === "node-av") throw noBackendError();
  return openWithFfmpeg(path);
}

async function checkPath(path: string): Promise<"file" | "folder"> {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path)) {
    throw new UsageError(
      "video-missing",
      `video ${path}: must be the path of a local file, got a URL`,
      "download the file first, and give its path",
    );
  }
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(path);
  } catch (cause) {
    throw new UsageError(
      "video-missing",
      `video ${path}: must be an existing file, got ${messageOf(cause)}`,
      undefined,
      {
        cause,
      },
    );
  }
  if (found.isDirectory()) return "folder";
  if (found.size === 0 && found.isFile()) throw unreadable(path, "must be a video file, got an empty file");
  return "file";
}
