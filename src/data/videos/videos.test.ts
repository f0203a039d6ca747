import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writePatternVideo } from "../testing/patterned-video.ts";
import { DuplicateFinder } from "./duplicate-finder.ts";
import { VideoFolder } from "./find-video.ts";
import { fingerprintIndices, sameVideo } from "./fingerprint.ts";
import { isSound, type SoundVideo, VideoIndex } from "./video-index.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "videos-"));
});
afterAll(() => rm(folder, { recursive: true }));

const fingerprint = (frames: readonly number[]) =>
  Uint8Array.from(frames.flatMap((value) => Array<number>(192).fill(value)));

describe("fingerprints", () => {
  it("are of frames in the middle of equal parts", () => {
    expect(fingerprintIndices(80)).toEqual([5, 15, 25, 35, 45, 55, 65, 75]);
    expect(fingerprintIndices(3)).toEqual([0, 1, 2]);
    expect(fingerprintIndices(1)).toEqual([0]);
  });

  it("are the same within the threshold, one frame of eight left out", () => {
    const grey = fingerprint([9, 9, 9, 9, 9, 9, 9, 9]);
    expect(sameVideo(grey, fingerprint([15, 15, 3, 3, 15, 15, 15, 15]))).toBe(true);
    expect(sameVideo(grey, fingerprint([16, 9, 9, 9, 9, 9, 9, 9]))).toBe(true);
    expect(sameVideo(grey, fingerprint([16, 9, 9, 9, 9, 9, 9, 16]))).toBe(false);
    expect(sameVideo(grey, fingerprint([16, 16, 9, 9, 9, 9, 9, 9]), 7)).toBe(true);
    expect(sameVideo(fingerprint([9, 9]), fingerprint([9, 16]))).toBe(false);
    expect(sameVideo(grey, fingerprint([9, 9]))).toBe(false);
    expect(sameVideo(fingerprint([]), fingerprint([]))).toBe(false);
  });
});

const video = (seconds: number, value: number, sha256: string): SoundVideo => ({
  ...{ durationSeconds: seconds, fps: 10, frames: 99, width: 64, height: 64, codec: "h264", sha256 },
  fingerprint: Buffer.from(fingerprint(Array<number>(8).fill(value))).toString("base64"),
});

describe("DuplicateFinder", () => {
  it("finds bytes first, then frames of about the same length", () => {
    const finder = new DuplicateFinder();
    finder.add("a", video(10, 50, "aa"));
    finder.add("b", video(100, 50, "bb"));
    expect(finder.find(video(10, 200, "aa"))).toEqual({ of: "a", how: "same bytes" });
    expect(finder.find(video(10.4, 52, "cc"))).toEqual({ of: "a", how: "same frames" });
    expect(finder.find(video(101.9, 50, "cc"))).toEqual({ of: "b", how: "same frames" });
    expect(finder.find(video(11, 50, "cc"))).toBeNull();
    expect(finder.find(video(10, 60, "cc"))).toBeNull();
  });

  it("finds neighbours at every length, whatever bucket they are in", () => {
    for (let seconds = 0.1; seconds < 4000; seconds *= 1.013) {
      const finder = new DuplicateFinder();
      finder.add("a", video(seconds, 50, "aa"));
      const most = Math.max(0.5, seconds * 0.02);
      expect(finder.find(video(seconds + most * 0.999, 50, "b")), `${seconds} s`).not.toBeNull();
      if (seconds > most) expect(finder.find(video(seconds - most * 0.97, 50, "b"))).not.toBeNull();
    }
  });

  it("compares bytes only if asked", () => {
    const finder = new DuplicateFinder(0);
    finder.add("a", video(10, 50, "aa"));
    expect(finder.find(video(10, 50, "bb"))).toBeNull();
    expect(finder.find(video(10, 50, "aa"))).not.toBeNull();
  });
});

describe("VideoIndex", () => {
  it("tells what a video is, and finds it again after it was encoded anew", async () => {
    const path = (name: string) => join(folder, `${name}.mp4`);
    await writePatternVideo(path("a"), { seed: 1, seconds: 3 });
    await writePatternVideo(path("small"), { seed: 1, seconds: 3, size: 48, crf: 28 });
    await writePatternVideo(path("rate"), { seed: 1, seconds: 3, size: 96, fps: 25 });
    await writePatternVideo(path("other"), { seed: 2, seconds: 3 });
    const index = await VideoIndex.open(join(folder, "videos.jsonl"));
    const facts = await Promise.all(["a", "small", "rate", "other"].map((name) => index.facts(path(name))));
    const [a, small, rate, other] = facts.filter(isSound) as [SoundVideo, SoundVideo, SoundVideo, SoundVideo];
    expect(a).toMatchObject({
      durationSeconds: 3,
      fps: 10,
      frames: 30,
      width: 64,
      height: 64,
      codec: "h264",
    });
    const finder = new DuplicateFinder();
    finder.add("a", a);
    expect(finder.find(small)).toEqual({ of: "a", how: "same frames" });
    expect(finder.find(rate)).toEqual({ of: "a", how: "same frames" });
    expect(finder.find(other)).toBeNull();
  });

  it("takes over what another index knows, and tells missing from broken", async () => {
    await mkdir(join(folder, "else"));
    await writeFile(join(folder, "words.mp4"), "words");
    const first = await VideoIndex.open(join(folder, "videos.jsonl"));
    const known = await first.facts(join(folder, "a.mp4"));
    expect(first.opened).toBe(0);
    const second = await VideoIndex.open(join(folder, "else/videos.jsonl"), [join(folder, "videos.jsonl")]);
    expect(await second.facts(join(folder, "a.mp4"))).toEqual(known);
    expect(second.opened).toBe(0);
    expect(await second.facts(join(folder, "none.mp4"))).toMatchObject({ problem: "missing" });
    expect(await second.facts(join(folder, "words.mp4"))).toMatchObject({ problem: "broken" });
    await second.compact();
    const third = await VideoIndex.open(join(folder, "else/videos.jsonl"));
    await third.facts(join(folder, "a.mp4"));
    expect(third.opened).toBe(0);
  });
});

describe("VideoFolder", () => {
  it("finds a path, then a name, then a name with another ending", async () => {
    const deep = join(folder, "deep/er");
    await mkdir(deep, { recursive: true });
    await copyFile(join(folder, "a.mp4"), join(deep, "clip.webm"));
    await copyFile(join(folder, "a.mp4"), join(deep, "a.mp4"));
    await writeFile(join(deep, "clip.txt"), "no video");
    const videos = await VideoFolder.open(folder);
    expect(videos.find(["./a.mp4"])).toEqual({ path: join(folder, "a.mp4") });
    expect(videos.find(["x.mp4", "deep\\er\\a.mp4"])).toEqual({ path: join(deep, "a.mp4") });
    expect(videos.find(["elsewhere/clip.webm"])).toEqual({ path: join(deep, "clip.webm") });
    expect(videos.find(["clip.mp4", "clip.mkv"])).toEqual({ path: join(deep, "clip.webm") });
    expect(videos.find(["other/a.mp4"])).toMatchObject({ problem: "ambiguous" });
    expect(videos.find(["nothing.mp4"])).toEqual({
      problem: "missing",
      detail: "no file is called nothing.mp4",
    });
    await expect(VideoFolder.open(join(folder, "a.mp4"))).rejects.toMatchObject({ code: "videos-folder" });
  });
});
