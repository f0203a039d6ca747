/**
 * Loads node-av, the FFmpeg libraries inside this process. It is an optional dependency: a platform without a
 * prebuilt binary (musl, 32 bit) installs without it, and the `ffmpeg` program takes its place.
 */

import { createRequire } from "node:module";
import { messageOf } from "../base/index.ts";

/** The two node-av modules that are used: its classes and FFmpeg's constants. */
export type Libav = typeof import("node-av/lib") & { readonly c: typeof import("node-av/constants") };

/** Which decoder reads or writes a video: the FFmpeg libraries in this process, or the `ffmpeg` program. */
export type VideoBackend = "node-av" | "ffmpeg";

let loading: Promise<Libav | undefined> | undefined;
let failure: string | undefined;

/** Why node-av, though installed, did not load; undefined where it loaded or is not installed. */
export function libavFailure(): string | undefined {
  return failure;
}

/**
 * node-av with FFmpeg's own log silenced, or undefined where it is not installed or does not load.
 * `VIDEO_R2_BACKEND=ffmpeg` in the environment hides it.
 */
export function loadLibav(): Promise<Libav | undefined> {
  if (process.env.VIDEO_R2_BACKEND === "ffmpeg") return Promise.resolve(undefined);
  loading ??= load();
  return loading;
}

async function load(): Promise<Libav | undefined> {
  try {
    createRequire(import.meta.url).resolve("node-av/lib");
  } catch {
    return undefined;
  }
  try {
    const [lib, c] = await Promise.all([import("node-av/lib"), import("node-av/constants")]);
    lib.Log.setLevel(c.AV_LOG_QUIET);
    return { ...lib, c };
  } catch (error) {
    failure = messageOf(error);
    return undefined;
  }
}
