/** Every benchmark from an imitated hub, in the shapes that data sets have there. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { Hub } from "../../data/index.ts";
import { type ImitatedDataset, type ImitatedHub, startImitatedHub } from "../../data/testing/imitated-hub.ts";
import { split, writeTar, writeZip } from "../../data/testing/write-archives.ts";
import type { Benchmark } from "../benchmark.ts";
import { benchmarks, findBenchmark } from "../registry.ts";
import { tinyBenchmarks, writeBenchmark } from "../testing/write-benchmark.ts";
import {
  checkFolder,
  type FetchPlan,
  type FetchProgress,
  isUnfinished,
  planFetch,
  runFetch,
} from "./fetch-benchmark.ts";

type Files = Map<string, Uint8Array>;

const root = await mkdtemp(join(tmpdir(), "fetch-"));
const eleven = benchmarks.filter(({ source }) => source.hub !== null);
const editions = new Map<string, Files>();

/** The files of a tiny edition. */
function edition(name: string): Files {
  const found = editions.get(name);
  if (found !== undefined) return new Map(found);
  const folder = join(root, "editions", name);
  writeBenchmark(name, folder, new TextEncoder().encode(`video of ${name} `.repeat(50)));
  const files: Files = new Map();
  for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort())
    if (/\.\w+$/.test(path)) files.set(path, readFileSync(join(folder, path)));
  editions.set(name, files);
  return new Map(files);
}

/** An edition whose videos are packed by `pack`, which gets them and gives the files that hold them. */
function packed(
  name: string,
  pack: (videos: { path: string; content: Uint8Array }[]) => [string, Uint8Array][],
): Files {
  const files = edition(name);
  const videos = [...files]
    .filter(([path]) => path.endsWith(".mp4"))
    .map(([path, content]) => ({ path, content }));
  for (const { path } of videos) files.delete(path);
  for (const [path, content] of pack(videos)) files.set(path, content);
  return files;
}

const srt = new TextEncoder().encode("1\n00:00:01,000 --> 00:00:02,000\nWords\n");
const parts = (name: string, content: Uint8Array, endings: readonly string[]): [string, Uint8Array][] =>
  split(content, Math.ceil(content.length / endings.length)).map((part, i) => [`${name}${endings[i]}`, part]);
const flat = (videos: { path: string; content: Uint8Array }[]) =>
  videos.map(({ path, content }) => ({ path: path.replace(/^.*\//, ""), content }));

/** Each in the shape that is known of it, and the others in shapes that may be. */
const shapes: Record<string, () => Files> = {
  videomme: () =>
    packed("videomme", (videos) => [
      ["videos_chunked_01.zip", writeZip(videos.slice(0, 2), { zip64: true })],
      ["videos_chunked_02.zip", writeZip(videos.slice(2))],
      ["subtitle.zip", writeZip([{ path: "subtitle/a.srt", content: srt }])],
    ]),
  longvideobench: () =>
    packed("longvideobench", (videos) => [
      ...parts("videos.tar.part.", writeTar(videos), ["aa", "ab", "ac"]),
      ["subtitles.tar", writeTar([{ path: "subtitles/a.json", content: srt }])],
    ]),
  mlvu: () =>
    packed("mlvu", (videos) => [
      ["video_part_1.zip", writeZip(videos)],
      ["figs/overview.png", srt],
    ]),
  video_mmmu: () =>
    packed("video_mmmu", (videos) => [
      ["Art.zip", writeZip(videos.filter(({ path }) => path.startsWith("Art")))],
      [
        "Others.zip",
        writeZip(
          videos.filter(({ path }) => !path.startsWith("Art")),
          { deflate: true },
        ),
      ],
    ]),
  // The card names a table that lies elsewhere than one would look for it; the archive has no folder.
  videomathqa: () => {
    const files = packed("videomathqa", (videos) => [
      ["videos.zip", writeZip(flat(videos))],
      ["subtitles.zip", writeZip([{ path: "a.srt", content: srt }])],
    ]);
    const [path] = files.keys();
    files.set("videomathqa_mcq_test.parquet", files.get(path as string) as Uint8Array);
    files.set("videomathqa_mbin_test.parquet", srt);
    files.delete(path as string);
    const card = "configs:\n- config_name: mcq\n  data_files:\n  - split: test\n    path: videomathqa_mcq*";
    return files.set("README.md", new TextEncoder().encode(`---\n${card}\n---\n`));
  },
  minerva: () => packed("minerva", (videos) => parts("videos.tar.gz.", writeTar(videos, true), ["00", "01"])),
  mmvu: () => packed("mmvu", (videos) => [["data/videos.tgz", writeTar(videos.map(deeper), true)]]),
  vsibench: () => packed("vsibench", (videos) => parts("scannet.zip.", writeZip(videos), ["001", "002"])),
  // Its tables are only in a form that is not read; the hub has made others.
  scivideobench: () => {
    const files = edition("scivideobench");
    files.delete("data/test-00000-of-00001.parquet");
    return files.set("test/data-00000-of-00001.arrow", srt);
  },
};
const deeper = ({ path, content }: { path: string; content: Uint8Array }) => ({
  path: `MMVU/${path}`,
  content,
});

function dataset({ name, source }: Benchmark): ImitatedDataset {
  const main = (shapes[name] ?? (() => edition(name)))();
  const branches: ImitatedDataset["branches"] = { [source.revision ?? "main"]: main };
  if (name === "scivideobench") {
    const table = edition(name).get("data/test-00000-of-00001.parquet") as Uint8Array;
    branches["refs/convert/parquet"] = new Map([["default/test/0000.parquet", table]]);
  }
  return { branches, access: source.gated ? "gated" : "open" };
}

let server: ImitatedHub;
let hub: Hub;
let folder = "";
let runs = 0;
beforeAll(async () => {
  server = await startImitatedHub(
    Object.fromEntries(eleven.map((benchmark) => [benchmark.source.hub as string, dataset(benchmark)])),
  );
  hub = await Hub.open({ endpoint: server.url, token: "hf_accepted", waitMilliseconds: 1 });
});
afterAll(async () => {
  await server.close();
  await rm(root, { recursive: true });
});
beforeEach(() => {
  folder = join(root, "fetched", String(runs++));
  server.requests.length = 0;
  server.faults.clear();
});
afterEach(() => vi.unstubAllEnvs());

const plan = (name: string, options: { questionsOnly?: boolean; keepArchives?: boolean } = {}) =>
  planFetch(hub, findBenchmark(name), { folder, ...options });
const never = new AbortController().signal;
const run = (planned: FetchPlan) => runFetch(hub, planned, { signal: never });
const downloads = () => server.requests.filter(({ at, method }) => at === "cdn" && method === "GET").length;
const listed = async () =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .filter((path) => !path.startsWith(".video-r2/unpacked"))
    .sort();

describe.each(eleven.map(({ name }) => name))("%s", (name) => {
  it("is fetched, every video in its place, and not fetched again", async () => {
    const benchmark = findBenchmark(name);
    const first = await plan(name);
    expect(first).toMatchObject({ folder, repository: benchmark.source.hub, useless: [] });
    expect(existsSync(folder)).toBe(false);
    const seen: FetchProgress[] = [];
    const result = await runFetch(hub, first, { signal: never, onProgress: (now) => seen.push({ ...now }) });
    const videos = tinyBenchmarks[name]?.videos ?? [];
    expect(result).toEqual({ folder, questions: videos.length, videos: videos.length, missing: [] });
    expect(seen.at(-1)).toEqual({ bytes: first.bytes, files: first.files, unpacking: null });
    expect(first.bytes).toBeGreaterThan(0);
    const tables = (await benchmark.inspect(folder)).flatMap(({ files }) =>
      files.map((path) => path.slice(folder.length + 1)),
    );
    // Nothing else is left: no archive, no part, no subtitles.
    expect(await listed()).toEqual([...tables, ...videos].sort());
    const before = downloads();
    const second = await plan(name);
    expect(second).toMatchObject({ files: 0, bytes: 0, archives: 0 });
    expect(await run(second)).toEqual(result);
    expect(downloads()).toBe(before);
  });
});

describe("fetching", () => {
  it("takes the questions alone", async () => {
    const planned = await plan("longvideobench", { questionsOnly: true });
    expect(planned).toMatchObject({ files: 1, archives: 0 });
    const result = await run(planned);
    expect(result).toMatchObject({ questions: 3, videos: 3 });
    expect(result.missing).toHaveLength(3);
    expect(await listed()).toEqual(["validation-00000-of-00001.parquet"]);
    const all = await plan("longvideobench");
    expect(all).toMatchObject({ files: 3, archives: 1 });
    expect((await run(all)).missing).toEqual([]);
  });

  it("keeps archives where that is wanted, and then does not unpack them again", async () => {
    const planned = await plan("videomme", { keepArchives: true });
    expect(planned.neededBytes).toBeGreaterThan(planned.bytes);
    await run(planned);
    expect(await listed()).toContain("videos_chunked_01.zip");
    expect(await plan("videomme", { keepArchives: true })).toMatchObject({ files: 0, archives: 0 });
  });

  it("uses archives that are there, and leaves them", async () => {
    await mkdir(folder, { recursive: true });
    const archive = servedFile("videomme", "videos_chunked_01.zip");
    await writeFile(join(folder, "videos_chunked_01.zip"), archive);
    const planned = await plan("videomme");
    expect(planned).toMatchObject({ files: 2, archives: 2 });
    expect((await run(planned)).missing).toEqual([]);
    expect(await listed()).toContain("videos_chunked_01.zip");
    expect(await listed()).not.toContain("videos_chunked_02.zip");
  });

  it("unpacks again what was taken away, and fetches a table that is another", async () => {
    await run(await plan("videomme"));
    await rm(join(folder, "data/yt-0.mp4"));
    const table = join(folder, "videomme/test-00000-of-00001.parquet");
    const { size } = await stat(table);
    await writeFile(table, Buffer.alloc(size));
    const again = await plan("videomme");
    expect(again).toMatchObject({ files: 2, archives: 1 });
    expect((await run(again)).missing).toEqual([]);
  });

  it("goes on after a stop in the middle of a file", async () => {
    server.faults.set("videos.tar.part.ab", [{ kind: "cut", value: 700 }, { kind: "hang" }]);
    const stop = new AbortController();
    const first = await plan("longvideobench");
    const stopped = runFetch(hub, first, {
      signal: stop.signal,
      onProgress: ({ bytes }) => {
        if (first.bytes - bytes === servedFile("longvideobench", "videos.tar.part.ab").length - 700)
          stop.abort(new Error("enough"));
      },
    });
    await expect(stopped).rejects.toThrow("enough");
    server.faults.clear();
    expect(isUnfinished(folder)).toBe(true);
    const second = await plan("longvideobench");
    expect(second.bytes).toBe(servedFile("longvideobench", "videos.tar.part.ab").length - 700);
    expect(second.files).toBe(1);
    server.requests.length = 0;
    expect((await run(second)).missing).toEqual([]);
    expect(server.requests.filter(({ at }) => at === "cdn").map(({ range }) => range)).toEqual([
      "bytes=700-",
    ]);
  });

  it("is done by one process at a time; what a killed one has left is taken over", async () => {
    const lock = join(folder, ".video-r2/fetching");
    await mkdir(join(folder, ".video-r2"), { recursive: true });
    // This very process lives.
    await writeFile(lock, `${process.pid} ${hostname()}`);
    await expect(run(await plan("tempcompass"))).rejects.toMatchObject({
      code: "fetch-running",
      message: `${folder}: must be fetched to by one process at a time, got process ${process.pid} on ${hostname()}`,
    });
    await writeFile(lock, "1 another");
    await expect(run(await plan("tempcompass"))).rejects.toMatchObject({ code: "fetch-running" });
    const long = new Date(Date.now() - 300_000);
    await utimes(lock, long, long);
    expect((await run(await plan("tempcompass"))).missing).toEqual([]);
    expect([existsSync(lock), isUnfinished(folder)]).toEqual([false, false]);
    await rm(join(folder, "videos/100.mp4"));
    await writeFile(lock, `4194305 ${hostname()}`);
    expect((await run(await plan("tempcompass"))).missing).toEqual([]);
  });

  it("stops all downloads when one fails, and says why", async () => {
    server.faults.set("videos.tar.part.aa", Array(9).fill({ kind: "flip" }));
    server.faults.set("videos.tar.part.ab", [{ kind: "hang" }]);
    await expect(run(await plan("longvideobench"))).rejects.toMatchObject({ code: "download-damaged" });
  });

  it("asks before anything else whether it may, and whether there is room", async () => {
    const stranger = await Hub.open({ endpoint: server.url, token: "hf_known" });
    await expect(planFetch(stranger, findBenchmark("lvb"), { folder })).rejects.toMatchObject({
      code: "hub-gated",
    });
    const planned = await plan("videomme");
    await expect(run({ ...planned, neededBytes: 1e18 })).rejects.toMatchObject({ code: "disk-full" });
    await writeFile(join(root, "a file"), "");
    const inFile = await planFetch(hub, findBenchmark("videomme"), { folder: join(root, "a file/videomme") });
    await expect(run(inFile)).rejects.toMatchObject({ code: "folder-unwritable" });
    await expect(plan("synthetic")).rejects.toMatchObject({ code: "hub-none" });
    expect(existsSync(folder)).toBe(false);
  });

  it("leaves videos that are there in another place alone", async () => {
    await run(await plan("tempcompass"));
    await rename(join(folder, "videos"), join(folder, "elsewhere"));
    const found = await checkFolder(findBenchmark("tempcompass"), folder);
    expect(found.missing).toHaveLength(3);
    expect(await plan("tempcompass")).toMatchObject({ files: 3 });
  });
});

describe("a data set of another shape", () => {
  async function planOf(name: string, files: Files): Promise<FetchPlan> {
    const benchmark = findBenchmark(name);
    const other = await startImitatedHub({ [benchmark.source.hub as string]: { branches: { main: files } } });
    try {
      const visited = await Hub.open({ endpoint: other.url, token: null, waitMilliseconds: 1 });
      const planned = await planFetch(visited, benchmark, { folder });
      await runFetch(visited, planned, { signal: never });
      return planned;
    } finally {
      await other.close();
    }
  }

  it("without questions is refused, saying what is there", async () => {
    const files = edition("videomme");
    files.delete("videomme/test-00000-of-00001.parquet");
    await expect(planOf("videomme", files)).rejects.toMatchObject({
      code: "hub-layout",
      message: expect.stringMatching(
        /must hold questions of Video-MME at videomme\/test-.*got data\/yt-0\.mp4/,
      ),
    });
  });

  it("with paths that lead out of the folder is refused, on the hub as in an archive", async () => {
    const outside = edition("tempcompass").set("../evil.mp4", srt);
    await expect(planOf("tempcompass", outside)).rejects.toMatchObject({ code: "path-unsafe" });
    const inArchive = packed("tempcompass", (videos) => [
      ["videos.zip", writeZip([...videos, { path: "../evil.mp4", content: srt }])],
    ]);
    await expect(planOf("tempcompass", inArchive)).rejects.toMatchObject({ code: "path-unsafe" });
    expect(existsSync(join(folder, "../evil.mp4"))).toBe(false);
  });

  it("may hold videos as folders of pictures; single pictures, sound and subtitles are left there", async () => {
    const files = edition("tempcompass");
    files.delete("videos/100.mp4");
    for (let i = 0; i < 4; i++) files.set(`videos/100/${i}.jpg`, srt);
    for (const path of [
      "teaser.png",
      "figs/a.png",
      "audio/a.mp4",
      "subtitles/a.mp4",
      "captions.tar",
      "notes.txt",
    ])
      files.set(path, srt);
    files.set("feature_film.mp4", srt);
    await planOf("tempcompass", files);
    expect(await listed()).toEqual([
      "feature_film.mp4",
      "mcq/test-00000-of-00001.parquet",
      ...[0, 1, 2, 3].map((i) => `videos/100/${i}.jpg`),
      "videos/101.mp4",
      "videos/102.mp4",
    ]);
  });

  it("tells of archives that are of no use", async () => {
    const files = packed("tempcompass", (videos) => [
      ["videos.7z", srt],
      ...parts("more.tar.part.", writeTar(videos), ["aa", "ac"]),
    ]);
    const planned = await planOf("tempcompass", files);
    expect(planned.useless).toEqual(["videos.7z", "more.tar (parts 1 are missing)"]);
  });
});

/** A file as the server has it. */
function servedFile(name: string, path: string): Uint8Array {
  const shape = shapes[name] as () => Files;
  return shape().get(path) as Uint8Array;
}
