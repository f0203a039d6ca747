/**
 * Media in requests: images as data URLs, videos as data URLs or as files below folders that the operator has
 * opened. The server never fetches an address and never reads any other file.
 */

import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import { UsageError } from "../base/index.ts";
import type { FrameSampling, VideoFrame, VideoInput } from "../models/index.ts";
import { sampleVideo, smartResize } from "../video/index.ts";
import { HttpError } from "./http-error.ts";

/** Side of the largest image that is decoded, in pixels. */
const largestSide = 8192;

const dataUrl = /^data:([\w.+/-]+)?(?:;[\w=.+-]+)*;base64,/i;

/** The bytes of a base64 data URL, or null if it is none. */
function dataBytes(url: string): Buffer | null {
  const head = dataUrl.exec(url);
  return head ? Buffer.from(url.slice(head[0].length), "base64") : null;
}

/** Decodes an image and brings it to the size the model takes. @throws HttpError 400 */
export async function readImage(
  url: string,
  sampling: FrameSampling,
  param: string,
): Promise<Omit<VideoFrame, "seconds">> {
  const bytes = dataBytes(url);
  if (bytes === null)
    throw new HttpError(
      400,
      "invalid_image",
      `${param}: must be a base64 data URL, got ${url.slice(0, 40)}`,
      param,
    );
  const image = await loadImage(bytes).catch(() => {
    throw new HttpError(400, "invalid_image", `${param}: must be an image that can be decoded`, param);
  });
  if (Math.max(image.width, image.height) > largestSide)
    throw new HttpError(
      400,
      "invalid_image",
      `${param}: must be at most ${largestSide} pixels a side`,
      param,
    );
  const { width, height } = smartResize(image.height, image.width, sampling);
  const context = createCanvas(width, height).getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = rgba[from] as number;
    data[to + 1] = rgba[from + 1] as number;
    data[to + 2] = rgba[from + 2] as number;
  }
  return { width, height, data };
}

async function sampleFile(path: string, sampling: FrameSampling): Promise<VideoInput> {
  const { frames, sampleFps } = await sampleVideo(path, sampling);
  return { frames, sampleFps };
}

async function allowedPath(url: string, roots: readonly string[], param: string): Promise<string> {
  // The same answer for files that are not there and files that may not be read, so that nothing can be probed.
  const refused = new HttpError(
    400,
    "invalid_video",
    `${param}: must be a file below a folder given with --media-root`,
    param,
  );
  let path: string;
  try {
    path = await realpath(fileURLToPath(url));
  } catch {
    throw refused;
  }
  const real = await Promise.all(roots.map((root) => realpath(root)));
  if (!real.some((root) => path.startsWith(root.endsWith(sep) ? root : root + sep))) throw refused;
  return path;
}

/** Samples a video as the model wants its frames. @throws HttpError 400, or UsageError for a file that is no video */
export async function readVideo(
  url: string,
  sampling: FrameSampling,
  roots: readonly string[],
  param: string,
): Promise<VideoInput> {
  if (/^file:/i.test(url)) return sampleFile(await allowedPath(url, roots, param), sampling);
  const bytes = dataBytes(url);
  if (bytes === null)
    throw new HttpError(
      400,
      "invalid_video",
      `${param}: must be a base64 data URL or a file: URL, got ${url.slice(0, 40)}; addresses are not fetched`,
      param,
    );
  const folder = await mkdtemp(join(tmpdir(), "video-r2-"));
  try {
    const path = join(folder, "video");
    await writeFile(path, bytes, { mode: 0o600 });
    return await sampleFile(path, sampling).catch((error: unknown) => {
      // The temporary file is nothing that the client knows.
      if (!(error instanceof UsageError)) throw error;
      throw new HttpError(400, error.code, `${param}: ${error.message.replaceAll(path, "data URL")}`, param);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
