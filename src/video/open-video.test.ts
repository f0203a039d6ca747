/** Which frame comes out, for every kind of file: each test frame carries its number. */

import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../base/index.ts";
import { encodeJpeg, encodePng } from "./encode-jpeg.ts";
import { encodeVideo } from "./encode-video.ts";
import type { VideoBackend } from "./libav.ts";
import { openVideo } from "./open-video.ts";
import { sampleIndices } from "./sample-indices.ts";
import { barcodeFrame, barcodeFrames, readBarcode } from "./testing/barcode.ts";
import { ffmpegPresent } from "./testing/ffmpeg-present.ts";
import { remux } from "./testing/remux.ts";
import type { Frame, FrameOptions } from "./video.ts";

let folder: string;
const at = (name: string) => join(folder, name);
const width = 128;
const height = 96;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "video-r2-open-"));
  const make = (name: string, keyframeSeconds: number) =>
    encodeVideo(at(name), barcodeFrames(150, width, height), {
      width,
      height,
      fps: 25,
      keyframeSeconds,
      subtitles: [
        { startSeconds: 1, endSeconds: 2.5, text: "first words" },
        { startSeconds: 3, endSeconds: 4, text: "second\nline & 1 < 2" },
      ],
    });
  await make("dense.mp4", 0.2);
  await make("sparse.mp4", 100);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(
  path: string,
  indices: readonly number[] | "all",
  options: FrameOptions = {},
  backend?: VideoBackend,
): Promise<{
  frames: Frame[];
  warnings: readonly string[];
  info: Awaited<ReturnType<typeof openVideo>>["info"];
}> {
  const video = await openVideo(path, backend ? { backend } : {});
  const wanted = indices === "all" ? Array.from({ length: video.info.frameCount }, (_, i) => i) : indices;
  const frames: Frame[] = [];
  for await (const frame of video.frames(wanted, options)) frames.push(frame);
  await video.close();
  return { frames, warnings: video.info.warnings, info: video.info };
}

const encode = (data: Uint8Array, lossless: boolean) =>
  (lossless ? encodePng : encodeJpeg)({ width, height, data });

const numbers = (frames: readonly Frame[]) => frames.map(readBarcode);
const some = [0, 1, 4, 5, 6, 24, 25, 26, 60, 61, 90, 120, 148, 149];

const backends: readonly VideoBackend[] = ffmpegPresent ? ["node-av", "ffmpeg"] : ["node-av"];

describe.each(backends)("%s", (backend) => {
  it.each(["dense.mp4", "sparse.mp4"])("%s: facts, and each frame asked for", async (name) => {
    const { frames, info } = await read(at(name), some, {}, backend);
    expect(numbers(frames)).toEqual(some);
    expect(frames.map((frame) => frame.index)).toEqual(some);
    expect(frames.map((frame) => frame.seconds)).toEqual(some.map((i) => expect.closeTo(i / 25, 9)));
    expect(info).toMatchObject({
      frameCount: 150,
      fps: 25,
      width,
      height,
      rotation: 0,
      codec: "h264",
      backend,
    });
    expect(info.durationSeconds).toBeCloseTo(6, 6);
    expect(info.warnings).toEqual([]);
  });

  it("every single frame in order", async () => {
    const { frames } = await read(at("dense.mp4"), "all", { width: 64, height: 48 }, backend);
    expect(numbers(frames)).toEqual(Array.from({ length: 150 }, (_, i) => i));
  });

  it.each([
    ["matroska", "copy.mkv"],
    ["mpegts", "copy.ts"],
    ["avi", "copy.avi"],
    ["mov", "copy.mov"],
  ])("in a %s container", async (format, name) => {
    for (const source of backend === "ffmpeg" ? ["sparse.mp4"] : ["sparse.mp4", "dense.mp4"]) {
      await remux(at(source), at(name), { format });
      const { frames, info } = await read(at(name), some, {}, backend);
      expect(numbers(frames)).toEqual(some);
      expect(info.frameCount).toBe(150);
      expect(info.warnings).toEqual([]);
    }
  });

  it("at a variable frame rate, by index and with true times", async () => {
    const retime = (seconds: number) => seconds + 0.002 * seconds * seconds * 25;
    await remux(at("dense.mp4"), at("vfr.mp4"), { format: "mp4", retime });
    const { frames } = await read(at("vfr.mp4"), some, {}, backend);
    expect(numbers(frames)).toEqual(some);
    for (const frame of frames) expect(frame.seconds).toBeCloseTo(retime(frame.index / 25), 3);
  });

  it("with an edit list: what lies before its start is decoded but not shown", async () => {
    await remux(at("sparse.mp4"), at("edited.mp4"), { format: "mp4", retime: (seconds) => seconds - 1 });
    const { frames, info } = await read(at("edited.mp4"), [0, 1, 50, 124], {}, backend);
    expect(info.frameCount).toBe(125);
    expect(numbers(frames)).toEqual([25, 26, 75, 149]);
    expect(frames.map((frame) => frame.seconds)).toEqual([0, 0.04, 2, 4.96].map((s) => expect.closeTo(s, 6)));
  });

  it.each([90, 180, 270] as const)("turned upright by %d degrees", async (rotation) => {
    await remux(at("dense.mp4"), at("turned.mp4"), { format: "mp4", rotation });
    const { frames, info } = await read(at("turned.mp4"), [7, 77], {}, backend);
    expect(info.rotation).toBe(rotation);
    expect([info.width, info.height]).toEqual(rotation === 180 ? [width, height] : [height, width]);
    const original = await read(at("dense.mp4"), [7, 77], {}, backend);
    frames.forEach((frame, i) => {
      const turned = rotate(original.frames[i] as Frame, rotation);
      // Chroma is subsampled before the turn on one side and after it on the other.
      expect(meanDifference(frame.data, turned)).toBeLessThan(1);
    });
  });

  it.each([
    ["mp4", "mov_text"],
    ["matroska", "subrip"],
    ["matroska", "webvtt"],
    ["matroska", "ass"],
  ] as const)("reads the text track of %s in %s", async (format, textCodec) => {
    await remux(at("dense.mp4"), at("text"), { format, textCodec });
    const video = await openVideo(at("text"), { backend });
    expect(video.info.subtitleTracks).toEqual([{ index: 1, codec: textCodec, language: undefined }]);
    expect(await video.subtitles()).toEqual([
      { startSeconds: expect.closeTo(1, 2), endSeconds: expect.closeTo(2.5, 2), text: "first words" },
      { startSeconds: expect.closeTo(3, 2), endSeconds: expect.closeTo(4, 2), text: "second\nline & 1 < 2" },
    ]);
    await expect(video.subtitles(7)).rejects.toThrow(/text track/);
    await video.close();
  });

  it("cut off: what is there comes, nothing is repeated, and a warning says so", async () => {
    const bytes = await readFile(at("dense.mp4"));
    await writeFile(at("cut.mp4"), bytes);
    await truncate(at("cut.mp4"), Math.floor(bytes.length * 0.6));
    const { frames, warnings, info } = await read(at("cut.mp4"), "all", {}, backend);
    expect(info.frameCount).toBeGreaterThan(60);
    expect(info.frameCount).toBeLessThan(110);
    expect(numbers(frames)).toEqual(frames.map((frame) => frame.index));
    expect(new Set(numbers(frames)).size).toBe(frames.length);
    expect(warnings.join(" ")).toMatch(/holds 3\.\d of the 6\.0 seconds/);
  });

  it("damaged in the middle: frames under their own index, with a warning", async () => {
    const bytes = await readFile(at("dense.mp4"));
    const random = new Random(3);
    // The picture data: after the header boxes at the front, before the text at the end.
    for (let i = 0; i < 400; i++) {
      const position = Math.floor(bytes.length * (0.3 + 0.5 * random.uniform()));
      bytes[position] = Math.floor(random.uniform() * 256);
    }
    await writeFile(at("damaged.mp4"), bytes);
    const { frames, warnings } = await read(at("damaged.mp4"), "all", {}, backend);
    expect(frames.length).toBeGreaterThan(50);
    const wrong = frames.filter((frame) => frame.index < 30 && readBarcode(frame) !== frame.index);
    expect(wrong).toEqual([]);
    expect(warnings.join(" ")).toMatch(/have errors|left out/);
  });

  it("one frame, and a picture of odd size resized to another", async () => {
    await encodeVideo(at("one.mp4"), [barcodeFrame(9, 66, 50)], { width: 66, height: 50, fps: 10, backend });
    const { frames, info } = await read(at("one.mp4"), "all", { width: 112, height: 84 }, backend);
    expect(info).toMatchObject({ frameCount: 1, width: 66, height: 50 });
    expect(info.durationSeconds).toBeCloseTo(0.1, 6);
    expect(frames.map((f) => [f.width, f.height, f.data.length])).toEqual([[112, 84, 112 * 84 * 3]]);
    expect(numbers(frames)).toEqual([9]);
  });

  it.each([
    ["an empty file", "empty.mp4", "", "video-unreadable", /empty file/],
    ["a text", "text.mp4", "this is not a video\n".repeat(50), "video-unreadable", /must be a video file/],
    ["a missing path", "nowhere.mp4", undefined, "video-missing", /no such file/],
  ])("refuses %s", async (_, name, content, code, message) => {
    if (content !== undefined) await writeFile(at(name), content);
    const error = await openVideo(at(name), { backend }).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ name: "UsageError", code, message: expect.stringMatching(message) });
  });

  it("a folder of pictures is a video of them, in the order of their numbers", async () => {
    const pictures = at(`pictures-${backend}`);
    await mkdir(pictures);
    const all = [...barcodeFrames(12, width, height)];
    for (const [i, data] of all.entries())
      await writeFile(join(pictures, `frame_${i + 1}.${i % 2 ? "png" : "jpg"}`), encode(data, i % 2 === 1));
    await writeFile(join(pictures, "notes.txt"), "no picture");
    const video = await openVideo(pictures, { backend, picturesPerSecond: 3 });
    expect(video.info).toMatchObject({ frameCount: 12, fps: 3, durationSeconds: 4, width, height });
    const frames: Frame[] = [];
    for await (const frame of video.frames([0, 1, 9, 11])) frames.push(frame);
    expect(numbers(frames)).toEqual([0, 1, 9, 11]);
    expect(frames.map(({ index, seconds }) => [index, seconds])).toEqual([
      [0, 0],
      [1, 1 / 3],
      [9, 3],
      [11, 11 / 3],
    ]);
    await writeFile(join(pictures, "frame_2.png"), "damaged");
    const left: number[] = [];
    for await (const { index } of video.frames([1, 2], { width: 56, height: 28 })) left.push(index);
    expect(left).toEqual([2]);
    expect(video.info.warnings).toEqual([expect.stringContaining("frame_2.png")]);
    await expect(async () => {
      for await (const _ of video.frames([1]));
    }).rejects.toMatchObject({ code: "video-undecodable" });
    await expect(openVideo(pictures, { backend, picturesPerSecond: 0 })).rejects.toThrow(/above 0/);
  });

  it("refuses a folder without pictures, a URL, a file without video, and a file whose header is missing", async () => {
    await expect(openVideo(folder, { backend })).rejects.toThrow(/got a folder/);
    await expect(openVideo("https://example.com/a.mp4", { backend })).rejects.toThrow(/got a URL/);
    await remux(at("dense.mp4"), at("words.mp4"), { format: "mp4", onlyText: true });
    await expect(openVideo(at("words.mp4"), { backend })).rejects.toThrow(/must hold a video stream/);
    const bytes = await readFile(at("dense.mp4"));
    await writeFile(at("tail.mp4"), bytes.subarray(5000));
    await expect(openVideo(at("tail.mp4"), { backend })).rejects.toMatchObject({ code: "video-unreadable" });
  });

  it("refuses indices that do not ascend or are out of range", async () => {
    await expect(read(at("dense.mp4"), [3, 3], {}, backend)).rejects.toThrow(
      /strictly ascending, got 3 after 3/,
    );
    await expect(read(at("dense.mp4"), [150], {}, backend)).rejects.toThrow(/from 0 to 149/);
    await expect(read(at("dense.mp4"), [1], { width: 0 }, backend)).rejects.toThrow(/frame width/);
  });

  it("stops in the middle without harm, and two readings at once do not mix", async () => {
    const video = await openVideo(at("dense.mp4"), { backend });
    for await (const frame of video.frames([3, 50, 149])) {
      expect(readBarcode(frame)).toBe(3);
      break;
    }
    const a = video.frames([1, 70, 140])[Symbol.asyncIterator]();
    const b = video.frames([2, 71, 141])[Symbol.asyncIterator]();
    for (const expected of [1, 70, 140]) {
      expect(readBarcode((await a.next()).value as Frame)).toBe(expected);
      expect(readBarcode((await b.next()).value as Frame)).toBe(expected + 1);
    }
    await a.return?.();
    await b.return?.();
    await video.close();
  });
});

describe("node-av alone", () => {
  it("resizes exactly like the graph, but for small differences", async () => {
    const fast = await read(at("dense.mp4"), [10, 100], { width: 84, height: 56 });
    const exact = await read(at("dense.mp4"), [10, 100], { width: 84, height: 56, exact: true });
    fast.frames.forEach((frame, i) => {
      const difference = meanDifference(frame.data, (exact.frames[i] as Frame).data);
      expect(difference).toBeLessThan(0.06);
      expect(difference).toBeGreaterThan(0);
    });
  });

  it("keeps memory flat while frames stream", async () => {
    const size = { width: 640, height: 480 };
    const video = await openVideo(at("sparse.mp4"));
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    for (let round = 0; round < 3; round++) {
      for await (const frame of video.frames(
        Array.from({ length: 150 }, (_, i) => i),
        size,
      )) {
        if (frame.index % 25 !== 24 || (round === 0 && frame.index < 100)) continue;
        globalThis.gc?.();
        least = Math.min(least, process.memoryUsage().rss);
        most = Math.max(most, process.memoryUsage().rss);
      }
    }
    await video.close();
    // 350 frames of 0.9 MB went by: 310 MB if they were kept.
    expect(most - least).toBeLessThan(120e6);
  });

  it("survives 60 mutants of small files: frames or a UsageError, never a crash or a hang", async () => {
    await encodeVideo(at("seed.mp4"), barcodeFrames(24, 64, 48), {
      width: 64,
      height: 48,
      fps: 12,
      keyframeSeconds: 1,
    });
    await remux(at("seed.mp4"), at("seed.mkv"), { format: "matroska" });
    await remux(at("seed.mp4"), at("seed.ts"), { format: "mpegts" });
    const random = new Random(11);
    const outcomes = { frames: 0, errors: 0 };
    for (let i = 0; i < 60; i++) {
      const original = await readFile(at(["seed.mp4", "seed.mkv", "seed.ts"][i % 3] as string));
      let bytes = Buffer.from(original);
      for (let flips = 1 + Math.floor(random.uniform() * 40); flips > 0; flips--) {
        bytes[Math.floor(random.uniform() * bytes.length)] = Math.floor(random.uniform() * 256);
      }
      if (random.uniform() < 0.3) bytes = bytes.subarray(0, Math.floor(random.uniform() * bytes.length));
      await writeFile(at("mutant"), bytes);
      try {
        const video = await openVideo(at("mutant"));
        const { indices } = sampleIndices(video.info.frameCount, video.info.fps, { maxFrames: 8 });
        let before = -1;
        for await (const frame of video.frames(indices, { width: 56, height: 28 })) {
          expect(frame.index).toBeGreaterThan(before);
          before = frame.index;
        }
        await video.close();
        outcomes.frames++;
      } catch (error) {
        expect(error).toMatchObject({ name: "UsageError" });
        outcomes.errors++;
      }
    }
    expect(outcomes.frames).toBeGreaterThan(5);
    expect(outcomes.errors).toBeGreaterThan(2);
  });
});

describe.skipIf(!ffmpegPresent)("node-av and the ffmpeg program", () => {
  it.each(["dense.mp4", "copy.mkv", "copy.ts", "copy.avi", "vfr.mp4", "turned.mp4"])(
    "give the same bytes for %s",
    async (name) => {
      for (const options of [
        { width: 84, height: 56 },
        { width: 196, height: 140 },
      ]) {
        const a = await read(at(name), some, options, "node-av");
        const b = await read(at(name), some, options, "ffmpeg");
        expect(b.frames.map((f) => [f.index, f.seconds])).toEqual(a.frames.map((f) => [f.index, f.seconds]));
        expect(
          b.frames.every((f, i) => Buffer.from(f.data).equals(a.frames[i]?.data ?? Buffer.alloc(0))),
        ).toBe(true);
        const facts = ({ backend: _, durationSeconds, ...rest }: typeof a.info) => ({
          ...rest,
          durationSeconds: expect.closeTo(durationSeconds, 4),
        });
        expect(b.info).toMatchObject(facts(a.info));
      }
    },
  );
});

it("says what to install when there is no decoder at all", async () => {
  const { PATH } = process.env;
  process.env.PATH = "/nonexistent";
  process.env.VIDEO_R2_BACKEND = "ffmpeg";
  try {
    await expect(openVideo(at("dense.mp4"))).rejects.toMatchObject({
      code: "video-backend-missing",
      hint: expect.stringMatching(/npm install node-av.*ffmpeg/),
    });
  } finally {
    process.env.PATH = PATH;
    delete process.env.VIDEO_R2_BACKEND;
  }
});

function rotate({ width: w, height: h, data }: Frame, degrees: 90 | 180 | 270): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const to =
        degrees === 90
          ? x * h + (h - 1 - y)
          : degrees === 180
            ? (h - 1 - y) * w + (w - 1 - x)
            : (w - 1 - x) * h + y;
      for (let c = 0; c < 3; c++) out[to * 3 + c] = data[(y * w + x) * 3 + c] ?? 0;
    }
  }
  return out;
}

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  return sum / a.length;
}
