/**
 * 128 frames of a 10-minute 720p H.264 file, resized to 504x280 with the time drawn on them: this package beside
 * decord and torchcodec, which then use torchvision and Pillow (bench/video.py). Everybody has two decoder
 * threads; the least of three rounds counts, all in one run. Imports are not counted on either side.
 *
 * Run: tsx bench/video.ts   (ffmpeg makes the files; VIDEO_R2_PYTHON names a Python with decord, torchcodec,
 * torchvision and Pillow; without it only this package is measured)
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { openVideo, sampleVideo } from "../src/video/index.ts";

/** One measured reader of one file. */
export interface VideoBenchRow {
  /** Key frames every so many seconds. */
  keyframeSeconds: number;
  reader: string;
  /** Wall time of each round. */
  seconds: number[];
  /** Time of all threads in the fastest round by CPU. */
  cpuSeconds: number;
  frames: number;
}

const rounds = 3;
const frameCount = 128;
const width = 504;
const height = 280;
const files = [
  { keyframeSeconds: 1, every: 30 },
  { keyframeSeconds: 8.3, every: 249 },
];

/** Runs the comparison and prints its table. @returns the rows, and the table as Markdown */
export async function benchVideo(): Promise<{ rows: VideoBenchRow[]; markdown: string }> {
  const rows: VideoBenchRow[] = [];
  const notes: string[] = [];
  await warmUp();
  for (const { keyframeSeconds, every } of files) {
    const path = madeFile(every);
    rows.push({ keyframeSeconds, reader: "video-r2", ...(await measureOurs(path)) });
    for (const answer of measurePython(path)) {
      if ("error" in answer) notes.push(`${answer.reader}: ${answer.error}`);
      else rows.push({ keyframeSeconds, ...answer });
    }
  }
  const markdown = [table(rows), ...new Set(notes)].join("\n");
  console.log(markdown);
  return { rows, markdown };
}

/** A 10-minute file: one minute is encoded and repeated ten times. Kept between runs. */
function madeFile(every: number): string {
  const folder = join(tmpdir(), "video-r2-bench");
  const path = join(folder, `720p-10min-gop${every}.mp4`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const minute = join(folder, `minute-${every}.mp4`);
  const source = "testsrc2=size=1280x720:rate=30:duration=60,noise=alls=6:allf=t";
  const run = (args: string[]) => {
    const { status, stderr, error } = spawnSync("ffmpeg", ["-v", "error", "-y", ...args], {
      encoding: "utf8",
    });
    if (status !== 0)
      throw new Error(`bench/video: ffmpeg must make ${path}, got ${error?.message ?? stderr}`);
  };
  run([
    ...[
      "-f",
      "lavfi",
      "-i",
      source,
      "-c:v",
      "libx264",
      "-preset",
      "veryfast",
      "-crf",
      "26",
      "-pix_fmt",
      "yuv420p",
    ],
    ...["-g", String(every), "-keyint_min", String(every), "-sc_threshold", "0", minute],
  ]);
  run(["-stream_loop", "9", "-i", minute, "-c", "copy", "-f", "mp4", `${path}.partial`]);
  renameSync(`${path}.partial`, path);
  return path;
}

/** Loads the decoder, the font and the code paths, as imports do on the other side. */
async function warmUp(): Promise<void> {
  const video = await openVideo(madeFile(30));
  for await (const _ of video.frames([0], { width: 56, height: 28 }));
  await video.close();
}

async function measureOurs(path: string) {
  const seconds: number[] = [];
  let cpuSeconds = Number.POSITIVE_INFINITY;
  let frames = 0;
  for (let round = 0; round < rounds; round++) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    const sampled = await sampleVideo(path, { maxFrames: frameCount, timestamps: true, threads: 2 });
    seconds.push((performance.now() - start) / 1000);
    const used = process.cpuUsage(cpu);
    cpuSeconds = Math.min(cpuSeconds, (used.user + used.system) / 1e6);
    frames = sampled.frames.length;
    if (sampled.width !== width || sampled.height !== height || frames !== frameCount) {
      throw new Error(
        `bench/video: expected ${frameCount} frames of ${width}x${height}, got ${frames} of ${sampled.width}x${sampled.height}`,
      );
    }
  }
  return { seconds, cpuSeconds, frames };
}

type PythonAnswer =
  | { reader: string; seconds: number[]; cpuSeconds: number; frames: number }
  | { reader: string; error: string };

function measurePython(path: string): PythonAnswer[] {
  const python = process.env.VIDEO_R2_PYTHON ?? "python3";
  const script = fileURLToPath(new URL("./video.py", import.meta.url));
  const font = fileURLToPath(new URL("../assets/fonts/DejaVuSans.ttf", import.meta.url));
  const args = [script, path, rounds, frameCount, width, height, font].map(String);
  const { stdout, stderr, error } = spawnSync(python, args, { encoding: "utf8", maxBuffer: 1 << 24 });
  const lines = (stdout ?? "").split("\n").filter((line) => line.startsWith("{"));
  if (lines.length === 0)
    return [{ reader: python, error: error?.message ?? stderr.trim().split("\n").at(-1) ?? "" }];
  return lines.map((line) => {
    const { reader, version, seconds, cpuSeconds, frames, error } = JSON.parse(line) as {
      reader: string;
      version: string;
      seconds: number[];
      cpuSeconds: number[];
      frames: number;
      error?: string;
    };
    if (error !== undefined) return { reader, error };
    return { reader: `${reader} ${version}`, seconds, cpuSeconds: Math.min(...cpuSeconds), frames };
  });
}

function table(rows: readonly VideoBenchRow[]): string {
  const lines = [
    "| key frames every | reader | wall s (least of 3) | CPU s | wall / video-r2 |",
    "|---|---|---|---|---|",
  ];
  for (const row of rows) {
    const ours = rows.find((r) => r.keyframeSeconds === row.keyframeSeconds && r.reader === "video-r2");
    const least = Math.min(...row.seconds);
    const ratio = least / Math.min(...(ours?.seconds ?? [Number.NaN]));
    lines.push(
      `| ${row.keyframeSeconds} s | ${row.reader} | ${least.toFixed(2)} | ${row.cpuSeconds.toFixed(2)} | ${ratio.toFixed(2)} |`,
    );
  }
  return lines.join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await benchVideo();
