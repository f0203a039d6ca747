import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256File } from "../base/index.ts";
import { encodeJpeg } from "./encode-jpeg.ts";
import { encodeVideo, frameRateFraction } from "./encode-video.ts";
import type { VideoBackend } from "./libav.ts";
import { openVideo } from "./open-video.ts";
import { barcodeFrame, barcodeFrames } from "./testing/barcode.ts";
import { ffmpegPresent } from "./testing/ffmpeg-present.ts";
import type { Frame } from "./video.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "video-r2-encode-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const backends: readonly VideoBackend[] = ffmpegPresent ? ["node-av", "ffmpeg"] : ["node-av"];

describe.each(backends)("encodeVideo with %s", (backend) => {
  it("writes the same bytes each time, for sizes with and without padding", async () => {
    for (const [width, height] of [
      [112, 112],
      [98, 70],
    ] as const) {
      const hashes = new Set<string>();
      for (let i = 0; i < (backend === "node-av" ? 6 : 2); i++) {
        const path = join(folder, `same-${i}.mp4`);
        await encodeVideo(path, barcodeFrames(40, width, height), { width, height, fps: 10, backend });
        hashes.add(await sha256File(path));
      }
      expect(hashes.size).toBe(1);
    }
  });

  it("keeps colours: BT.601, written and read alike", async () => {
    const path = join(folder, "colours.mp4");
    const colours = [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
      [255, 255, 255],
      [0, 0, 0],
      [255, 200, 0],
      [90, 30, 160],
    ];
    const frames = colours.map((c) => Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => c[i % 3] ?? 0));
    await encodeVideo(path, frames, { width: 64, height: 64, fps: 5, crf: 10, backend });
    const video = await openVideo(path);
    for await (const frame of video.frames(colours.map((_, i) => i))) {
      const middle = [...frame.data.subarray((32 * 64 + 32) * 3, (32 * 64 + 32) * 3 + 3)];
      middle.forEach((value, c) => {
        // Limited range has 219 steps of brightness and 224 of colour.
        expect(Math.abs(value - (colours[frame.index]?.[c] ?? -99))).toBeLessThanOrEqual(4);
      });
    }
    await video.close();
  });

  it("takes rates such as 29.97 and frames that come asynchronously", async () => {
    const path = join(folder, "rate.mp4");
    async function* slow() {
      for (const frame of barcodeFrames(12, 32, 32)) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        yield frame;
      }
    }
    await encodeVideo(path, slow(), { width: 32, height: 32, fps: 29.97, backend });
    const video = await openVideo(path);
    expect(video.info.fps).toBeCloseTo(30_000 / 1001, 9);
    expect(video.info.frameCount).toBe(12);
    await video.close();
  });

  it("leaves nothing behind when it fails", async () => {
    const path = join(folder, "failed.mp4");
    const options = { width: 32, height: 32, fps: 10, backend };
    await expect(encodeVideo(path, [new Uint8Array(5)], options)).rejects.toThrow(
      /frame 0: must be 32x32x3 = 3072 bytes, got 5/,
    );
    await expect(encodeVideo(path, [], options)).rejects.toThrow(/at least one/);
    await expect(
      encodeVideo(join(folder, "no/where.mp4"), [barcodeFrame(1, 32, 32)], options),
    ).rejects.toMatchObject({
      code: "video-unwritable",
    });
    expect((await readdir(folder)).filter((name) => /failed|partial/.test(name))).toEqual([]);
  });
});

it("refuses sizes, rates and qualities that cannot be", async () => {
  const ok = { width: 32, height: 32, fps: 10 };
  for (const [change, message] of [
    [{ width: 33 }, /width: must be an even/],
    [{ height: 0 }, /height: must be an even/],
    [{ fps: 0 }, /fps: must be above 0/],
    [{ fps: Number.NaN }, /fps: must be above 0/],
    [{ crf: 99 }, /crf: must be from 0 to 51/],
  ] as const) {
    await expect(encodeVideo(join(folder, "bad.mp4"), [], { ...ok, ...change })).rejects.toThrow(message);
  }
});

it("writes frame rates as fractions", () => {
  expect([25, 29.97, 23.976, 59.94, 12.5, 0.5].map(frameRateFraction)).toEqual([
    { num: 25, den: 1 },
    { num: 30_000, den: 1001 },
    { num: 24_000, den: 1001 },
    { num: 60_000, den: 1001 },
    { num: 25, den: 2 },
    { num: 1, den: 2 },
  ]);
});

it("writes JPEG that shows the picture", async () => {
  const frame: Frame = { index: 0, seconds: 0, width: 96, height: 72, data: barcodeFrame(1234, 96, 72) };
  const jpeg = encodeJpeg(frame);
  expect([...jpeg.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);
  expect(encodeJpeg(frame, 20).length).toBeLessThan(jpeg.length);
  const { loadImage, createCanvas } = await import("@napi-rs/canvas");
  const image = await loadImage(Buffer.from(jpeg));
  const context = createCanvas(96, 72).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, 96, 72);
  let difference = 0;
  for (let i = 0; i < 96 * 72; i++)
    difference += Math.abs((data[i * 4 + 1] ?? 0) - (frame.data[i * 3 + 1] ?? 0));
  expect(difference / (96 * 72)).toBeLessThan(6);
});
