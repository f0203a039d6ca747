/** Whether this machine has the ffmpeg program; tests that compare with it are skipped where it has not. */

import { spawnSync } from "node:child_process";

/** True if both `ffmpeg` and `ffprobe` start. */
export const ffmpegPresent: boolean = ["ffmpeg", "ffprobe"].every(
  (program) => spawnSync(program, ["-version"]).status === 0,
);
