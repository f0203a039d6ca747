import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sha256 } from "../base/index.ts";
import { drawSubtitle, subtitleAt } from "./draw-subtitles.ts";
import { clockTime, cornerIsDarkOrRed, drawTimestamp } from "./draw-timestamp.ts";
import { defaultFontPath } from "./text-layer.ts";

const width = 224;
const height = 140;

function plain(r: number, g: number, b: number): Uint8Array {
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => [r, g, b][i % 3] ?? 0);
}

/** Bounds of the pixels that differ, and how many there are of each colour. */
function changes(before: Uint8Array, after: Uint8Array) {
  const box = { left: width, top: height, right: -1, bottom: -1 };
  const colours = { white: 0, red: 0, black: 0 };
  let count = 0;
  for (let i = 0; i < width * height; i++) {
    const [r = 0, g = 0, b = 0] = after.subarray(i * 3, i * 3 + 3);
    if (before[i * 3] === r && before[i * 3 + 1] === g && before[i * 3 + 2] === b) continue;
    count++;
    const [x, y] = [i % width, Math.floor(i / width)];
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y);
    if (r > 240 && g > 240 && b > 240) colours.white++;
    if (r > 240 && g < 16 && b < 16) colours.red++;
    if (r < 16 && g < 16 && b < 16) colours.black++;
  }
  return { ...box, ...colours, count };
}

describe("drawTimestamp", () => {
  it("ships its font", () => expect(existsSync(defaultFontPath)).toBe(true));

  it("writes HH:MM:SS rounded down", () => {
    expect([0, 0.99, 59.999, 61, 3599.5, 3661, 36_000].map(clockTime)).toEqual([
      "00:00:00",
      "00:00:00",
      "00:00:59",
      "00:01:01",
      "00:59:59",
      "01:01:01",
      "10:00:00",
    ]);
  });

  it.each([
    ["dark", [30, 30, 30], "white"],
    ["bright", [200, 200, 200], "red"],
    ["red", [200, 60, 60], "white"],
    ["orange, not red enough", [200, 165, 20], "red"],
    ["luminance just below 80", [79, 79, 79], "white"],
    ["luminance just above 80", [81, 81, 81], "red"],
  ] as const)("on a %s corner", (_, [r, g, b], colour) => {
    const before = plain(r, g, b);
    const after = before.slice();
    drawTimestamp(after, width, height, 83);
    const found = changes(before, after);
    expect(found[colour]).toBeGreaterThan(60);
    expect(found[colour === "white" ? "red" : "white"]).toBe(0);
    expect(cornerIsDarkOrRed(before, width, height)).toBe(colour === "white");
    // 16-pixel font: margin 5, stroke 1; nothing outside the corner changes.
    expect(found.left).toBeGreaterThanOrEqual(4);
    expect(found.left).toBeLessThan(9);
    expect(found.top).toBeGreaterThanOrEqual(4);
    expect(found.right).toBeLessThan(90);
    expect(found.bottom).toBeLessThan(26);
  });

  it("looks at 200 x 40 pixels of the corner and no more", () => {
    const frame = plain(30, 30, 30);
    for (let y = 40; y < height; y++) frame.fill(255, y * width * 3, (y + 1) * width * 3);
    for (let y = 0; y < 40; y++) frame.fill(255, (y * width + 200) * 3, (y + 1) * width * 3);
    expect(cornerIsDarkOrRed(frame, width, height)).toBe(true);
  });

  it("draws the same pixels each time, other pixels for another second, bigger on bigger frames", () => {
    const drawn = (seconds: number) => {
      const frame = plain(30, 30, 30);
      drawTimestamp(frame, width, height, seconds);
      return sha256(frame);
    };
    expect(drawn(7)).toBe(drawn(7.9));
    expect(drawn(7)).not.toBe(drawn(8));
    const big = new Uint8Array(1280 * 720 * 3);
    drawTimestamp(big, 1280, 720, 7);
    const lit = big.reduce((sum, value) => sum + (value > 240 ? 1 : 0), 0);
    const small = new Uint8Array(224 * 140 * 3);
    drawTimestamp(small, 224, 140, 7);
    // 36 pixels against 16: about five times the area.
    expect(lit / small.reduce((sum, value) => sum + (value > 240 ? 1 : 0), 0)).toBeGreaterThan(4);
  });

  it("refuses a font that is not there", () => {
    expect(() => drawTimestamp(plain(0, 0, 0), width, height, 1, "/no/font.ttf")).toThrow(
      /font \/no\/font.ttf: must be/,
    );
  });
});

describe("drawSubtitle", () => {
  it("draws white words on a darkened box, centred at the bottom", () => {
    const before = plain(200, 200, 200);
    const after = before.slice();
    drawSubtitle(after, width, height, "hello");
    const found = changes(before, after);
    expect(found.white).toBeGreaterThan(30);
    expect(Math.abs(found.left - (width - 1 - found.right))).toBeLessThanOrEqual(1);
    expect(found.top).toBeGreaterThan(height / 2);
    expect(found.bottom).toBeLessThan(height);
    // The box: 200 * 0.45 = 90.
    expect(Math.abs((after[(found.top * width + found.left) * 3] ?? 0) - 90)).toBeLessThanOrEqual(1);
  });

  it("wraps to 90 % of the width, and keeps even one endless word inside the frame", () => {
    for (const text of ["many words that do not fit into one line of the frame", "x".repeat(60)]) {
      const before = plain(200, 200, 200);
      const after = before.slice();
      drawSubtitle(after, width, height, text);
      const found = changes(before, after);
      expect(found.right - found.left + 1).toBeLessThanOrEqual(Math.ceil(width * 0.9));
      expect(found.bottom - found.top).toBeGreaterThan(45);
      expect(found.top).toBeGreaterThanOrEqual(0);
    }
  });

  it("leaves the frame alone without text, and never leaves the frame with too much of it", () => {
    const frame = plain(9, 9, 9);
    drawSubtitle(frame, width, height, "  \n ");
    expect(sha256(frame)).toBe(sha256(plain(9, 9, 9)));
    drawSubtitle(frame, width, height, "line\n".repeat(40));
    expect(frame.length).toBe(width * height * 3);
  });
});

describe("subtitleAt", () => {
  const cues = [
    { startSeconds: 1, endSeconds: 2, text: "a" },
    { startSeconds: 2, endSeconds: 3, text: "b" },
  ];
  it.each([
    [0.94, ""],
    [0.95, "a"],
    [1.9, "a"],
    [1.97, "a\nb"],
    [2.04, "a\nb"],
    [2.06, "b"],
    [3.05, ""],
  ])("at %f seconds", (seconds, text) => expect(subtitleAt(cues, seconds)).toBe(text));
});
