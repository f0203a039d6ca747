/** Writes the files of one planned video: the MP4 and, where it has subtitles, the SRT. */

import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../../base/index.ts";
import { encodeVideo, formatSrt } from "../../video/index.ts";
import { planVideo, type WorldOptions } from "./plan-video.ts";
import { renderScene } from "./render.ts";

/** What a worker thread is asked for. */
export interface DrawJob {
  options: Required<WorldOptions>;
  index: number;
  /** The data set's folder. */
  out: string;
}

/** Draws and encodes the video with that index; each file appears under its name only when it is complete. */
export async function drawVideo({ options, index, out }: DrawJob): Promise<void> {
  const plan = planVideo(options, index);
  const path = join(out, plan.video);
  await mkdir(dirname(path), { recursive: true });
  if (plan.subtitles !== undefined)
    await writeFileAtomic(join(out, plan.subtitles), formatSrt(plan.scene.cues));
  const { size, fps } = options;
  await encodeVideo(path, renderScene(plan.scene, size, fps), {
    width: size,
    height: size,
    fps,
    crf: 18,
    preset: "veryfast",
  });
}
