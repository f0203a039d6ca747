/** Subtitles at the bottom of a frame, as the reference trains with them. */

import type { SKRSContext2D } from "@napi-rs/canvas";
import type { Cue } from "./subtitles.ts";
import { blendLayer, textLayer } from "./text-layer.ts";

/** A cue is shown this long before its start and after its end, in seconds. */
const tolerance = 0.05;

/**
 * The text on screen at a time: of every cue with `start - 0.05 <= t < end + 0.05`, one under the other.
 *
 * @param seconds since the first frame
 */
export function subtitleAt(cues: readonly Cue[], seconds: number): string {
  return cues
    .filter((cue) => cue.startSeconds - tolerance <= seconds && seconds < cue.endSeconds + tolerance)
    .map((cue) => cue.text)
    .join("\n");
}

/**
 * Draws text in place, centred at the bottom: font 6 % of the short side, 20 to 96 pixels; wrapped to 90 % of
 * the width; white on a black box of opacity 0.55. Lines that do not fit into the height are left out.
 *
 * @param rgb RGB24, changed in place
 * @param text lines separated by `\n`; nothing is drawn if it is empty
 * @param font path of a font file; default the shipped one, which has no Chinese, Japanese or Korean
 */
export function drawSubtitle(
  rgb: Uint8Array,
  width: number,
  height: number,
  text: string,
  font?: string,
): void {
  if (text.trim() === "") return;
  const fontSize = Math.min(96, Math.max(20, Math.floor(Math.min(width, height) * 0.06)));
  const layer = textLayer({
    key: `subtitle ${width}x${height} ${text}`,
    fontSize,
    font,
    plan: (measuring) => planBox(measuring, text, width, height, fontSize),
  });
  blendLayer(rgb, width, height, layer);
}

function planBox(measuring: SKRSContext2D, text: string, width: number, height: number, fontSize: number) {
  const padding = Math.max(2, Math.floor(fontSize / 4));
  const metrics = measuring.measureText("Ág");
  const ascent = Math.ceil(metrics.fontBoundingBoxAscent);
  const lineHeight = ascent + Math.ceil(metrics.fontBoundingBoxDescent);
  const fitting = Math.max(1, Math.floor((height - 2 * padding) / lineHeight));
  const lines = wrap(measuring, text, width * 0.9 - 2 * padding).slice(0, fitting);
  const widths = lines.map((line) => measuring.measureText(line).width);
  const boxWidth = Math.min(width, Math.ceil(Math.max(...widths)) + 2 * padding);
  const boxHeight = Math.min(height, lines.length * lineHeight + 2 * padding);
  const bottom = Math.min(Math.floor(fontSize / 2), Math.max(0, height - boxHeight));
  return {
    x: Math.floor((width - boxWidth) / 2),
    y: height - boxHeight - bottom,
    width: boxWidth,
    height: boxHeight,
    draw: (context: SKRSContext2D) => {
      context.fillStyle = "rgba(0, 0, 0, 0.55)";
      context.fillRect(0, 0, boxWidth, boxHeight);
      context.fillStyle = "#ffffff";
      lines.forEach((line, i) => {
        context.fillText(line, (boxWidth - (widths[i] ?? 0)) / 2, padding + i * lineHeight + ascent);
      });
    },
  };
}

/** Breaks text at spaces, and inside words that alone are too wide. */
function wrap(measuring: SKRSContext2D, text: string, maxWidth: number): string[] {
  const fits = (line: string) => measuring.measureText(line).width <= maxWidth;
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(/\s+/).filter((part) => part !== "")) {
      const longer = line === "" ? word : `${line} ${word}`;
      if (fits(longer)) {
        line = longer;
        continue;
      }
      if (line !== "") lines.push(line);
      line = "";
      for (const character of word) {
        if (line !== "" && !fits(line + character)) {
          lines.push(line);
          line = "";
        }
        line += character;
      }
    }
    if (line !== "") lines.push(line);
  }
  return lines;
}
