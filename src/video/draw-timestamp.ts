/** The time of a frame, burnt into its top left corner, as the reference trains with it. */

import { blendLayer, textLayer } from "./text-layer.ts";

/**
 * Draws `HH:MM:SS` (the floor of the second) in place. Font 5 % of the short side, 16 to 72 pixels; margin
 * `max(5, size / 4)`; black stroke `max(1, size / 12)`; white on a dark or red corner, else red.
 *
 * @param rgb RGB24, changed in place
 * @param seconds not below 0
 * @param font path of a font file; default the shipped one
 */
export function drawTimestamp(
  rgb: Uint8Array,
  width: number,
  height: number,
  seconds: number,
  font?: string,
): void {
  const fontSize = Math.min(72, Math.max(16, Math.floor(Math.min(width, height) * 0.05)));
  const margin = Math.max(5, Math.floor(fontSize / 4));
  const stroke = Math.max(1, Math.floor(fontSize / 12));
  const text = clockTime(seconds);
  const colour = cornerIsDarkOrRed(rgb, width, height) ? "#ffffff" : "#ff0000";
  const layer = textLayer({
    key: `time ${text} ${colour}`,
    fontSize,
    font,
    plan: (measuring) => {
      const metrics = measuring.measureText(text);
      const ascent = Math.ceil(metrics.fontBoundingBoxAscent);
      return {
        x: margin - stroke,
        y: margin - stroke,
        width: Math.ceil(metrics.width) + 2 * stroke + 1,
        height: ascent + Math.ceil(metrics.fontBoundingBoxDescent) + 2 * stroke,
        draw: (context) => {
          context.lineJoin = "round";
          context.lineWidth = 2 * stroke;
          context.strokeStyle = "#000000";
          context.fillStyle = colour;
          context.strokeText(text, stroke, stroke + ascent);
          context.fillText(text, stroke, stroke + ascent);
        },
      };
    },
  });
  blendLayer(rgb, width, height, layer);
}

/** Seconds as `HH:MM:SS`, rounded down. */
export function clockTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/**
 * Whether red would be hard to read on the top left 200 x 40 pixels: their mean luminance (BT.601) is below 80,
 * or their mean red is above 120 and exceeds green and blue by more than 40.
 */
export function cornerIsDarkOrRed(rgb: Uint8Array, width: number, height: number): boolean {
  const columns = Math.min(200, width);
  const rows = Math.min(40, height);
  let red = 0;
  let green = 0;
  let blue = 0;
  for (let y = 0; y < rows; y++) {
    const end = (y * width + columns) * 3;
    for (let at = y * width * 3; at < end; at += 3) {
      red += rgb[at] as number;
      green += rgb[at + 1] as number;
      blue += rgb[at + 2] as number;
    }
  }
  const pixels = columns * rows;
  red /= pixels;
  green /= pixels;
  blue /= pixels;
  const luminance = 0.299 * red + 0.587 * green + 0.114 * blue;
  return luminance < 80 || (red > 120 && red - Math.max(green, blue) > 40);
}
