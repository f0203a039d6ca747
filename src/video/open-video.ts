/** Opens a video file by path, whichever decoder this machine has. */

import { stat } from "node:fs/promises";
import { messageOf, UsageError } from "../base/index.ts";
import { noBackendError } from "./ffmpeg-cli.ts";
import { openWithFfmpeg } from "./ffmpeg-video.ts";
import { loadLibav, type VideoBackend } from "./libav.ts";
import { openWithNodeAv } from "./node-av-video.ts";
import type { Video } from "./video.ts";
import { unreadable } from "./video-summary.ts";

/** How a video is opened. */
export interface OpenOptions {
  /** Default: node-av where it is installed, else the `ffmpeg` program. */
  backend?: VideoBackend;
}

/**
 * Opens a video file and indexes its frames; nothing is decoded yet.
 *
 * @param path of a local file; URLs are not fetched
 * @throws UsageError `video-missing`, `video-unreadable` (empty, not a video, no video stream, no frame),
 * `video-backend-missing`
 */
export async function openVideo(path: string, options: OpenOptions = {}): Promise<Video> {
  await checkPath(path);
  const libav = options.backend === "ffmpeg" ? undefined : await loadLibav();
  if (libav) return openWithNodeAv(libav, path);
  if (options.backend === "node-av") throw noBackendError();
  return openWithFfmpeg(path);
}

async function checkPath(path: string): Promise<void> {
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
  if (found.isDirectory()) throw unreadable(path, "must be a file, got a folder");
  if (found.size === 0 && found.isFile()) throw unreadable(path, "must be a video file, got an empty file");
}
