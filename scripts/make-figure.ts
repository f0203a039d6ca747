/**
 * Draws docs/figures/ask.png: frames of the example on a time line, the model's claims at their times, its answer.
 * The words come from `video-r2 ask --json` on the example.
 *
 *   npm run build && npx tsx scripts/make-figure.ts
 */

import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createCanvas, GlobalFonts, ImageData } from "@napi-rs/canvas";
import { sampleVideo } from "../src/video/index.ts";

interface Answer {
  answer: string;
  claims: { startSeconds: number; endSeconds: number; text: string; time: string }[];
  option: { letter: string; text: string } | null;
  consistency: { verdict: string; reason: string };
}

const root = new URL("..", import.meta.url).pathname;
const video = `${root}examples/shapes.mp4`;
const question = JSON.parse(await readFile(`${root}examples/shapes.json`, "utf8")) as { question: string };
const args = [
  `${root}dist/cli/main.js`,
  "ask",
  video,
  "--question-file",
  `${root}examples/shapes.json`,
  "--json",
];
const answer = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as Answer;
GlobalFonts.registerFromPath(`${root}assets/fonts/DejaVuSans.ttf`, "DejaVu Sans");

const sampled = await sampleVideo(video, {
  fps: 1,
  minFrames: 4,
  maxFrames: 16,
  minPixels: 12544,
  maxPixels: 12544,
  timestamps: true,
});
const { frames, info } = sampled;
const [side, gap, left, top] = [104, 8, 24, 60];
const width = left * 2 + frames.length * (side + gap) - gap;
const { claims } = answer;
const height = top + side + 34 + claims.length * 30 + 92;
const canvas = createCanvas(width * 2, height * 2);
const context = canvas.getContext("2d");
context.scale(2, 2);
context.fillStyle = "#ffffff";
context.fillRect(0, 0, width, height);
const text = (value: string, x: number, y: number, size: number, colour: string, weight = ""): void => {
  context.font = `${weight} ${size}px "DejaVu Sans"`.trim();
  context.fillStyle = colour;
  context.fillText(value, x, y);
};
text(`“${question.question}”`, left, 36, 20, "#111827");
frames.forEach((frame, i) => {
  const rgba = new Uint8ClampedArray(frame.width * frame.height * 4).fill(255);
  for (let p = 0; p < frame.width * frame.height; p++)
    for (let c = 0; c < 3; c++) rgba[p * 4 + c] = frame.data[p * 3 + c] as number;
  const picture = createCanvas(frame.width, frame.height);
  picture.getContext("2d").putImageData(new ImageData(rgba, frame.width, frame.height), 0, 0);
  context.drawImage(picture, left + i * (side + gap), top, side, side);
});
const at = (seconds: number): number => left + (seconds / info.durationSeconds) * (width - 2 * left);
const line = top + side + 18;
context.fillStyle = "#d1d5db";
context.fillRect(left, line, width - 2 * left, 3);
claims.forEach((claim, i) => {
  const y = line + 26 + i * 30;
  const [from, to] = [at(claim.startSeconds), Math.max(at(claim.endSeconds), at(claim.startSeconds) + 8)];
  context.fillStyle = "#2563eb";
  context.fillRect(from, line - 3, to - from, 9);
  const label = `${claim.time}  ${claim.text}`;
  context.font = '15px "DejaVu Sans"';
  const x = Math.min(from, width - left - context.measureText(label).width);
  text(label, x, y, 15, "#1e3a8a");
});
const bottom = line + 26 + claims.length * 30 + 18;
text(
  `Answer: ${answer.option ? `(${answer.option.letter}) ${answer.option.text}` : answer.answer}`,
  left,
  bottom,
  18,
  "#111827",
  "bold",
);
const agrees = answer.consistency.verdict === "consistent";
text(
  `${agrees ? "consistent" : answer.consistency.verdict}: ${answer.consistency.reason}`,
  left,
  bottom + 26,
  14,
  agrees ? "#15803d" : "#b91c1c",
);
await writeFile(`${root}docs/figures/ask.png`, canvas.toBuffer("image/png"));
