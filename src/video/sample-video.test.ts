import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256, WorkerPool } from "../base/index.ts";
import { drawTimestamp } from "./draw-timestamp.ts";
import { encodeVideo } from "./encode-video.ts";
import { openVideo } from "./open-video.ts";
import { sampleIndices } from "./sample-indices.ts";
import { type PreparedVideo, prepareVideo, type SampleOptions, sampleVideo } from "./sample-video.ts";
import { smartResize } from "./smart-resize.ts";
import { formatSrt } from "./subtitles.ts";
import { barcodeFrames, readBarcode } from "./testing/barcode.ts";

let folder: string;
let path: string;
const cues = [{ startSeconds: 1, endSeconds: 3, text: "words" }];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "video-r2-sample-"));
  path = join(folder, "clip.mp4");
  await encodeVideo(path, barcodeFrames(80, 112, 112), { width: 112, height: 112, fps: 10, subtitles: cues });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const hash = (data: Uint8Array) => sha256(data);

describe("sampleVideo", () => {
  it("takes two frames a second, evenly from the first to the last", async () => {
    const sampled = await sampleVideo(path, { maxPixels: 112 * 112 });
    const { indices } = sampleIndices(80, 10);
    expect(indices.length).toBe(16);
    expect(sampled.frames.map(readBarcode)).toEqual(indices);
    expect(sampled).toMatchObject({ width: 112, height: 112, sampleFps: 2, warnings: [] });
    expect(sampled.frames.at(-1)).toMatchObject({ index: 79, seconds: expect.closeTo(7.9, 9) });
  });

  it("draws the same subtitles from cues, from a file and from inside the video", async () => {
    const srt = join(folder, "clip.srt");
    await writeFile(srt, formatSrt(cues));
    const plain = await sampleVideo(path, { maxFrames: 8 });
    const sources: NonNullable<SampleOptions["subtitles"]>[] = [cues, srt, "embedded"];
    for (const subtitles of sources) {
      const drawn = await sampleVideo(path, { maxFrames: 8, subtitles });
      drawn.frames.forEach((frame, i) => {
        const shown = frame.seconds >= 0.95 && frame.seconds < 3.05;
        expect(hash(frame.data) !== hash(plain.frames[i]?.data ?? new Uint8Array())).toBe(shown);
      });
    }
    await expect(sampleVideo(path, { subtitles: join(folder, "none.srt") })).rejects.toMatchObject({
      code: "subtitles-unreadable",
    });
  });

  it("burns times in only if asked, and leaves an opened video open", async () => {
    const video = await openVideo(path);
    const plain = await sampleVideo(video, { maxFrames: 4 });
    const timed = await sampleVideo(video, { maxFrames: 4, timestamps: true });
    plain.frames.forEach((frame, i) => {
      expect(hash(frame.data)).not.toBe(hash(timed.frames[i]?.data ?? frame.data));
    });
    await video.close();
  });

  it("starts the clock where it is told to: the frame at 1 s then shows what a frame at 60 s would", async () => {
    const options = { fps: 1, timestamps: true };
    const [plain, later] = [
      await sampleVideo(path, { ...options, startSeconds: 0 }),
      await sampleVideo(path, { ...options, startSeconds: 59 }),
    ];
    expect(later.frames.map(({ seconds }) => seconds)).toEqual(plain.frames.map(({ seconds }) => seconds));
    const bare = await sampleVideo(path, { fps: 1 });
    bare.frames.forEach((frame, i) => {
      expect(hash(frame.data)).not.toBe(hash(later.frames[i]?.data ?? frame.data));
      drawTimestamp(frame.data, bare.width, bare.height, frame.seconds + 59);
      expect(hash(frame.data)).toBe(hash(later.frames[i]?.data ?? new Uint8Array()));
    });
  });
});

describe("prepareVideo", () => {
  const options = { maxFrames: 8, maxPixels: 112 * 112, timestamps: true };

  it("gives patches, times and rates", async () => {
    const prepared = await prepareVideo(path, options);
    expect(prepared.gridThw).toEqual([4, 8, 8]);
    expect(prepared.pixelValues.shape).toEqual([256, 1176]);
    expect(prepared.seconds).toEqual([0, 1.1, 2.3, 3.4, 4.5, 5.6, 6.8, 7.9].map((s) => expect.closeTo(s, 9)));
    expect(prepared.sampleFps).toBe(1);
    expect(prepared.secondsPerGrid).toBe(2);
    expect(prepared.durationSeconds).toBeCloseTo(8, 6);
  });

  it("gives the same in worker threads, several at once", async () => {
    const here = await prepareVideo(path, options);
    const pool = new WorkerPool<{ path: string; options: SampleOptions }, PreparedVideo>(
      new URL("./testing/prepare-worker.ts", import.meta.url),
      2,
    );
    try {
      const there = await Promise.all(Array.from({ length: 6 }, () => pool.run({ path, options })));
      for (const prepared of there) {
        expect(hash(new Uint8Array(prepared.pixelValues.data.buffer))).toBe(
          hash(new Uint8Array(here.pixelValues.data.buffer)),
        );
        expect(prepared.seconds).toEqual(here.seconds);
      }
      await expect(pool.run({ path: join(folder, "none.mp4"), options })).rejects.toMatchObject({
        code: "video-missing",
      });
    } finally {
      await pool.close();
    }
  });
});

describe("options", () => {
  it("refuses bounds that cross", () => {
    expect(() => sampleIndices(100, 25, { minFrames: 8, maxFrames: 4 })).toThrow(
      /maxFrames: must be at least 2/,
    );
    expect(() => sampleIndices(100, 25, { fps: 0 })).toThrow(/fps: must be above 0, got 0/);
    expect(() => smartResize(10, 2100)).toThrow(/at most 200 times/);
    expect(() => smartResize(100, 100, { minPixels: 9000, maxPixels: 400 })).toThrow(/maxPixels/);
  });

  it("takes what there is of very short videos", () => {
    expect(sampleIndices(1, 25).indices).toEqual([0]);
    expect(sampleIndices(2, 25).indices).toEqual([0, 1]);
    expect(sampleIndices(3, 25).indices).toEqual([0, 2]);
    expect(sampleIndices(5, 25).indices).toEqual([0, 1, 3, 4]);
  });
});
