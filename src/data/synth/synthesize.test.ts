import { spawn } from "node:child_process";
import {
  appendFile,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  unlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256File } from "../../base/index.ts";
import { openVideo, readSubtitles } from "../../video/index.ts";
import { readDataset, rowFiles } from "../read-dataset.ts";
import { planVideo } from "./plan-video.ts";
import { colourAt, isVisible, type Scene } from "./scene.ts";
import { type SynthesizedVideo, type SynthesizeOptions, synthesize } from "./synthesize.ts";
import { type Colour, colourNames, colours } from "./vocabulary.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "synth-"));
});
afterAll(() => rm(root, { recursive: true }));

const base = {
  seed: 9,
  split: "train",
  count: 5,
  lengths: [8, 10],
  levels: [2, 3],
  subtitles: 0.5,
  workers: 0,
} as const;

async function write(out: string, options: Partial<SynthesizeOptions> = {}): Promise<SynthesizedVideo[]> {
  const videos: SynthesizedVideo[] = [];
  for await (const video of synthesize({ ...base, out: join(root, out), ...options })) videos.push(video);
  return videos;
}

/** Every file below a folder with its hash. */
async function hashes(out: string): Promise<Record<string, string>> {
  const found = await readdir(join(root, out), { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = await Promise.all(
    files.map(async (path) => [path.slice(join(root, out).length), await sha256File(path)] as const),
  );
  return Object.fromEntries(pairs.sort());
}

let whole: Record<string, string> = {};
beforeAll(async () => {
  await write("whole");
  whole = await hashes("whole");
});

describe("bytes", () => {
  it("are the same for the same seed, whatever the threads", async () => {
    await write("threads", { workers: 2 });
    expect(await hashes("threads")).toEqual(whole);
    const names = Object.keys(whole);
    expect(names.filter((name) => name.endsWith(".mp4"))).toHaveLength(5);
    expect(names.some((name) => name.endsWith(".srt"))).toBe(true);
  });

  it("of a part generated alone are those of the whole", async () => {
    await write("part", { start: 3, count: 2 });
    const part = await hashes("part");
    for (const name of Object.keys(part).filter((file) => file.startsWith("/videos/")))
      expect(part[name]).toBe(whole[name]);
    const lines = (await readFile(join(root, "whole/train.jsonl"), "utf8")).split("\n");
    expect(await readFile(join(root, "part/train.jsonl"), "utf8")).toBe(lines.slice(18).join("\n"));
  });
});

describe("going on", () => {
  it("keeps what is there and continues a smaller count", async () => {
    await write("grow", { count: 2 });
    const before = (await stat(join(root, "grow/videos/train-9-000001.mp4"))).mtimeMs;
    const videos = await write("grow");
    expect(videos.map(({ kept }) => kept)).toEqual([true, true, false, false, false]);
    expect((await stat(join(root, "grow/videos/train-9-000001.mp4"))).mtimeMs).toBe(before);
    expect(await hashes("grow")).toEqual(whole);
    expect((await write("grow", { count: 3 })).every(({ kept }) => kept)).toBe(true);
    expect(await hashes("grow")).toEqual(whole);
  });

  it.each([1, 700, 5000, 9001])("repairs rows cut off %i bytes before the end", async (bytes) => {
    const out = `cut-${bytes}`;
    await write(out);
    const file = join(root, out, "train.jsonl");
    await truncate(file, (await stat(file)).size - bytes);
    await write(out);
    expect(await hashes(out)).toEqual(whole);
  });

  it("draws again a video that is gone, without repeating its rows", async () => {
    await write("gone");
    await unlink(join(root, "gone/videos/train-9-000002.mp4"));
    const videos = await write("gone");
    expect(videos.map(({ kept }) => kept)).toEqual([true, true, false, true, true]);
    expect(await hashes("gone")).toEqual(whole);
  });

  it("survives a kill at any moment", async () => {
    const out = join(root, "killed");
    const script = join(root, "run.mts");
    const module = new URL("./synthesize.ts", import.meta.url).href;
    await writeFile(
      script,
      `import { synthesize } from ${JSON.stringify(module)};
for await (const video of synthesize(${JSON.stringify({ ...base, out, count: 400 })})) console.log(video.index);`,
    );
    const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => child.on("exit", (_code, signal) => resolve(signal)));
    // Killed in the middle of the work on the video after the third.
    child.stdout.on("data", (text: Buffer) => {
      if (/^3$/m.test(text.toString())) setTimeout(() => child.kill("SIGKILL"), 12);
    });
    expect(await ended).toBe("SIGKILL");
    const left = await readdir(join(out, "videos"));
    for (const name of left.filter((file) => file.endsWith(".mp4"))) {
      const video = await openVideo(join(out, "videos", name));
      expect(video.info.warnings).toEqual([]);
      await video.close();
    }
    await writeFile(join(out, "videos/train-9-000007.mp4.1-0.partial"), "half");
    await write("killed");
    expect((await readdir(join(out, "videos"))).filter((name) => !/^[^.]+\.(mp4|srt)$/.test(name))).toEqual(
      [],
    );
    const after = await hashes("killed");
    for (const [name, hash] of Object.entries(whole).filter(([file]) => file.startsWith("/videos/")))
      expect(after[name]).toBe(hash);
    const wanted = await readFile(join(root, "whole/train.jsonl"), "utf8");
    expect((await readFile(join(out, "train.jsonl"), "utf8")).startsWith(wanted)).toBe(true);
  });

  it("refuses a folder of another world, and rows that were changed", async () => {
    await write("other", { count: 1 });
    await expect(write("other", { count: 1, size: 128 })).rejects.toThrow("size 112 there and 128 here");
    await expect(write("other", { count: 1, seed: 10 })).rejects.toThrow("seed 9 there and 10 here");
    await appendFile(join(root, "other/train.jsonl"), '{"id":"mine"}\n'.repeat(600));
    await expect(write("other", { count: 1 })).rejects.toThrow("train.jsonl:7: must continue with video 1");
  });

  it("stops when told to", async () => {
    const stop = new AbortController();
    const videos: number[] = [];
    for await (const { index } of synthesize({ ...base, out: join(root, "stopped"), signal: stop.signal })) {
      videos.push(index);
      if (index === 1) stop.abort();
    }
    expect(videos.length).toBeLessThan(5);
    await write("stopped");
    expect(await hashes("stopped")).toEqual(whole);
  });
});

it.each([
  [{ count: 0 }, "count: must be a whole number of at least 1, got 0"],
  [{ start: -1 }, "start: must be a whole number of at least 0, got -1"],
  [{ workers: 0.5 }, "workers: must be a whole number of at least 0, got 0.5"],
])("refuses %j", async (options, message) => {
  await expect(write("never", options)).rejects.toThrow(message);
});

it("says so where the folder cannot be made", async () => {
  await writeFile(join(root, "file"), "");
  await expect(write("file")).rejects.toThrow("out: must be a folder that can be written to");
  await expect(write("file/below")).rejects.toThrow("out: must be a folder that can be written to");
});

it.skipIf(process.platform !== "linux")("does not hang where no folder can be made", async () => {
  await expect(write("x", { out: "/proc/none/here" })).rejects.toThrow("out: must be a folder");
});

it("writes rows that the reader takes, with files that are there", async () => {
  const path = join(root, "whole/train.jsonl");
  const rows = await readDataset(path);
  expect(rows).toHaveLength(30);
  for (const row of rows) {
    const files = rowFiles(path, row);
    expect((await stat(files.video)).size).toBeGreaterThan(1000);
    if (files.subtitles === undefined) continue;
    const cues = await readSubtitles(files.subtitles);
    expect(cues).toEqual(planVideo(base, Number(row.id.split("-")[2])).scene.cues);
  }
});

/** How many pixels of a frame are close to each colour of the world. */
function areas(data: Uint8Array): Record<Colour, number> {
  const found = Object.fromEntries(colourNames.map((name) => [name, 0])) as Record<Colour, number>;
  for (let at = 0; at < data.length; at += 3)
    for (const name of colourNames) {
      const [r, g, b] = colours[name];
      const distance = Math.hypot((data[at] ?? 0) - r, (data[at + 1] ?? 0) - g, (data[at + 2] ?? 0) - b);
      if (distance < 45) found[name]++;
    }
  return found;
}

function coloursAt(scene: Scene, seconds: number): Set<Colour> {
  return new Set(
    scene.entities.filter((entity) => isVisible(entity, seconds)).map((entity) => colourAt(entity, seconds)),
  );
}

it("shows in the decoded file, in every second, the colours that are said to be there and no others", async () => {
  for (let index = 0; index < 5; index++) {
    const { scene, video: name } = planVideo(base, index);
    const video = await openVideo(join(root, "whole", name));
    expect(video.info).toMatchObject({
      width: 112,
      height: 112,
      fps: 8,
      durationSeconds: scene.durationSeconds,
    });
    const indices = Array.from({ length: scene.durationSeconds }, (_, second) => [
      second * 8,
      second * 8 + 7,
    ]).flat();
    for await (const frame of video.frames(indices, { width: 112, height: 112 })) {
      const there = coloursAt(scene, frame.index / 8);
      for (const [colour, area] of Object.entries(areas(frame.data)) as [Colour, number][]) {
        const at = `${name} frame ${frame.index}: ${colour} covers ${area} pixels`;
        // The smallest thing, a digit 1, covers about 170 pixels; compression makes some at outlines look otherwise.
        if (there.has(colour)) expect(area, at).toBeGreaterThan(80);
        else expect(area, at).toBeLessThan(15);
      }
    }
    await video.close();
  }
});
