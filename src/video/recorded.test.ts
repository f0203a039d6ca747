/** Against torch, torchvision and transformers; test/fixtures/video/record.py made the values. */

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sha256 } from "../base/index.ts";
import { createResizer } from "./resize.ts";
import { sampleIndices } from "./sample-indices.ts";
import { smartResize } from "./smart-resize.ts";
import { toPatches } from "./to-patches.ts";

interface Recorded {
  samples: {
    frames: number;
    videoFps: number;
    fps: number;
    minFrames: number;
    maxFrames: number;
    indices: number[];
    sampleFps: number;
  }[];
  sizes: [number, number, number, number, number, number, number][];
  resizes: { from: [number, number]; to: [number, number]; rgb: string }[];
  patches: {
    count: number;
    width: number;
    height: number;
    gridThw: number[];
    shape: number[];
    sha256: string;
    first: number[];
    last: number[];
  }[];
}

const recorded = JSON.parse(
  readFileSync(new URL("../../test/fixtures/video/recorded.json", import.meta.url), "utf8"),
) as Recorded;

/** The generator of record.py. */
function picture(width: number, height: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: width * height * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

describe("sampleIndices against torch.linspace", () => {
  for (const { frames, videoFps, indices, sampleFps, ...options } of recorded.samples) {
    it(`${frames} frames at ${videoFps}, ${options.fps} fps, at most ${options.maxFrames}`, () => {
      const sampled = sampleIndices(frames, videoFps, options);
      expect(sampled.indices).toEqual(indices);
      expect(sampled.sampleFps).toBeCloseTo(sampleFps, 12);
    });
  }
});

describe("smartResize against transformers", () => {
  it(`gives its ${recorded.sizes.length} sizes`, () => {
    for (const [height, width, factor, minPixels, maxPixels, toHeight, toWidth] of recorded.sizes) {
      expect(smartResize(height, width, { factor, minPixels, maxPixels })).toEqual({
        height: toHeight,
        width: toWidth,
      });
    }
  });
});

describe("exact resizing against torchvision", () => {
  for (const { from, to, rgb } of recorded.resizes) {
    it(`${from.join("x")} to ${to.join("x")}`, () => {
      const resize = createResizer(from[0], from[1], to[0], to[1]);
      const ours = resize(picture(from[0], from[1], from[0] * 1000 + from[1]));
      const theirs = Buffer.from(rgb, "base64");
      // Sums in another order differ in the last bit, which matters only where a value is almost a half.
      const off = theirs.filter((value, i) => Math.abs(value - (ours[i] ?? -9)) > 1).length;
      const different = theirs.filter((value, i) => value !== ours[i]).length;
      expect(off).toBe(0);
      expect(different / theirs.length).toBeLessThanOrEqual(0.0005);
    });
  }
});

describe("toPatches against transformers", () => {
  for (const { count, width, height, ...expected } of recorded.patches) {
    it(`${count} frames of ${width}x${height}, every bit`, () => {
      const frames = Array.from({ length: count }, (_, i) => ({
        width,
        height,
        data: picture(width, height, 7 + i),
      }));
      const { pixelValues, gridThw } = toPatches(frames);
      expect(gridThw).toEqual(expected.gridThw);
      expect(pixelValues.shape).toEqual(expected.shape);
      expect([...pixelValues.data.subarray(0, 8)]).toEqual(expected.first);
      expect([...pixelValues.data.subarray(-8)]).toEqual(expected.last);
      expect(sha256(new Uint8Array(pixelValues.data.buffer))).toBe(expected.sha256);
    });
  }

  const golden = new URL("../../../shared/golden/qwen2_5_vl/golden.safetensors", import.meta.url);
  it.skipIf(!existsSync(golden))("the golden video, every bit", () => {
    const file = readFileSync(golden);
    const headerLength = Number(file.readBigUInt64LE(0));
    const header = JSON.parse(file.subarray(8, 8 + headerLength).toString()) as Record<
      string,
      { shape: number[]; data_offsets: [number, number] }
    >;
    const tensor = (name: string) => {
      const entry = header[name];
      if (!entry) throw new Error(`no ${name}`);
      const [from, to] = entry.data_offsets;
      return {
        shape: entry.shape,
        bytes: Uint8Array.from(file.subarray(8 + headerLength + from, 8 + headerLength + to)),
      };
    };
    const { shape, bytes } = tensor("frames");
    const [count = 0, height = 0, width = 0] = shape;
    const size = width * height * 3;
    const frames = Array.from({ length: count }, (_, i) => ({
      width,
      height,
      data: bytes.subarray(i * size, (i + 1) * size),
    }));
    const expected = tensor("pixel_values_videos");
    const { pixelValues, gridThw } = toPatches(frames);
    expect(gridThw).toEqual([3, height / 14, width / 14]);
    expect(pixelValues.shape).toEqual(expected.shape);
    expect(Buffer.from(pixelValues.data.buffer).equals(expected.bytes)).toBe(true);
  });
});
