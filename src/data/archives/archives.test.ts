import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { Random } from "../../base/index.ts";
import { split, writeTar, writeZip } from "../testing/write-archives.ts";
import { archiveSets, isForeignArchive } from "./archive-sets.ts";
import { choosePlacement, placed } from "./choose-placement.ts";
import { insideFolder } from "./inside-folder.ts";
import { unpackArchive } from "./unpack.ts";
import { isUnpacked, recordUnpacked } from "./unpacked-record.ts";

const root = await mkdtemp(join(tmpdir(), "archives-"));
afterAll(() => rm(root, { recursive: true }));
let folder = "";
let runs = 0;
beforeEach(async () => {
  folder = join(root, String(runs++));
  await mkdir(folder);
});

const random = new Random(1);
const bytes = (count: number) => Uint8Array.from({ length: count }, () => random.integer(0, 256));
const foreign = "data/ü 日本.mp4";
const long = `${"a".repeat(60)}/${"b".repeat(80)}.mp4`;
const files = [
  { path: "data/one.mp4", content: bytes(3000) },
  { path: "data/empty.mp4", content: bytes(0) },
  { path: long, content: bytes(70_000) },
  { path: foreign, content: bytes(700) },
  { path: "__MACOSX/data/._one.mp4", content: bytes(10) },
];
const kept = files.slice(0, -1);

async function unpack(
  kind: "zip" | "tar",
  parts: readonly Uint8Array[],
  options: { wanted?: string[] } = {},
) {
  const paths = parts.map((_, i) => join(folder, `part${i}`));
  await Promise.all(parts.map((part, i) => writeFile(paths[i] as string, part)));
  return unpackArchive({ name: "x", kind, paths }, { folder: join(folder, "out"), ...options });
}

describe("unpacking", () => {
  it.each([
    ["zip", "zip", writeZip(files)],
    ["zip, compressed", "zip", writeZip(files, { deflate: true })],
    ["zip64", "zip", writeZip(files, { zip64: true })],
    ["tar", "tar", writeTar(files)],
    ["tar.gz", "tar", writeTar(files, true)],
  ] as const)("%s, whole and in pieces of any size", async (_, kind, content) => {
    for (const size of [content.length, 1000, 333]) {
      const written = await unpack(kind, split(content, size));
      expect(Object.fromEntries(written)).toEqual(
        Object.fromEntries(kept.map((file) => [file.path, file.content.length])),
      );
      for (const file of kept)
        expect(new Uint8Array(await readFile(join(folder, "out", file.path)))).toEqual(file.content);
      expect((await readdir(join(folder, "out"))).sort()).toEqual(["a".repeat(60), "data"]);
      await rm(join(folder, "out"), { recursive: true });
    }
  });

  it("leaves what is there whole, and writes what is not", async () => {
    await unpack("tar", [writeTar(files)]);
    const [one, other] = ["data/one.mp4", long].map((path) => join(folder, "out", path)) as [string, string];
    const before = await stat(one);
    await writeFile(other, "short");
    await unpack("tar", [writeTar(files)]);
    expect((await stat(one)).mtimeMs).toBe(before.mtimeMs);
    expect((await stat(other)).size).toBe(70_000);
  });

  it.each([
    ["zip", writeZip(files).subarray(0, 4000)],
    ["zip", writeZip(files, { deflate: true }).fill(7, 40, 80)],
    ["zip", new Uint8Array(0)],
    ["tar", writeTar(files).subarray(0, 5000)],
    ["tar", writeTar(files, true).subarray(0, 2000)],
    ["tar", bytes(2048)],
    ["tar", new Uint8Array(1024)],
  ] as const)("says of a damaged %s that it cannot be read", async (kind, content) => {
    await expect(unpack(kind, [content])).rejects.toMatchObject({
      code: "archive-unreadable",
      message: expect.stringContaining("x: must be a"),
    });
    const left = await readdir(join(folder, "out"), { recursive: true }).catch(() => []);
    // Files are whole or not there.
    for (const { path, content: whole } of kept)
      if ((left as string[]).includes(path))
        expect((await stat(join(folder, "out", path))).size).toBe(whole.length);
  });

  it.each(["../evil.mp4", "data/../../evil.mp4", "/evil.mp4", "C:\\evil.mp4", "..\\evil.mp4"])(
    "refuses %s",
    async (path) => {
      for (const [kind, write] of [["zip", writeZip] as const, ["tar", writeTar] as const])
        await expect(unpack(kind, [write([{ path, content: bytes(5) }])])).rejects.toMatchObject({
          code: "path-unsafe",
        });
      expect(existsSync(join(folder, "evil.mp4")) || existsSync("/evil.mp4")).toBe(false);
      expect((await readdir(folder)).filter((name) => !name.startsWith("part"))).toEqual([]);
    },
  );

  it("is stopped by a signal", async () => {
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    const path = join(folder, "x.zip");
    await writeFile(path, writeZip(files));
    await expect(
      unpackArchive(
        { name: "x", kind: "zip", paths: [path] },
        { folder: join(folder, "out"), signal: stop.signal },
      ),
    ).rejects.toThrow("enough");
  });

  it("is remembered as long as all of it is there", async () => {
    const written = await unpack("zip", [writeZip(files)]);
    const out = join(folder, "out");
    await recordUnpacked(out, "a/x.zip", "content", written);
    expect(await isUnpacked(out, "a/x.zip", "content")).toBe(true);
    expect(await isUnpacked(out, "a/x.zip", "other content")).toBe(false);
    expect(await isUnpacked(out, "x.zip", "content")).toBe(false);
    await rm(join(out, "data/one.mp4"));
    expect(await isUnpacked(out, "a/x.zip", "content")).toBe(false);
  });
});

describe("where the files of an archive go", () => {
  it.each([
    ["as they are, if they are looked for there", "data/a1.mp4", ["data/a1.mp4"], "data/a1.mp4"],
    ["as they are, if nothing is looked for", "x/a1.mp4", [], "x/a1.mp4"],
    ["into the folder where they are looked for", "a1.mp4", ["videos/a1.mp4"], "videos/a1.mp4"],
    ["out of a folder of the archive", "data0613/star/a1.mp4", ["star/a1.mp4"], "star/a1.mp4"],
    ["from one folder to another", "clips/a1.mp4", ["videos/a1.mp4"], "videos/a1.mp4"],
    ["whatever the ending", "clips/a1.MP4", ["videos/a1.mp4"], "videos/a1.MP4"],
    ["by the longest common end", "top/art/a1.mp4", ["art/a1.mp4", "law/a1.mp4"], "art/a1.mp4"],
    ["as they are, if two places would do", "a1.mp4", ["art/a1.mp4", "law/a1.mp4"], "a1.mp4"],
  ])("%s", (_, name, wanted, place) => {
    expect(placed(name, choosePlacement([name], wanted))).toBe(place);
  });

  it("is decided by most of them, and the others stay together", () => {
    const names = ["clips/a.mp4", "clips/b.mp4", "c.mp4", "clips/notes.txt", "more/d.txt"];
    const placement = choosePlacement(names, ["videos/a.mp4", "videos/b.mp4", "videos/c.mp4"]);
    expect(names.map((name) => placed(name, placement))).toEqual([
      "videos/a.mp4",
      "videos/b.mp4",
      "c.mp4",
      "videos/notes.txt",
      "more/d.txt",
    ]);
  });

  it("unpacks there, but never outside of the folder, whoever asks for it", async () => {
    const archive = writeZip([{ path: "a.mp4", content: bytes(5) }]);
    await unpack("zip", [archive], { wanted: ["videos/a.mp4"] });
    expect(existsSync(join(folder, "out/videos/a.mp4"))).toBe(true);
    await expect(unpack("zip", [archive], { wanted: ["../../a.mp4"] })).rejects.toMatchObject({
      code: "path-unsafe",
    });
  });
});

describe("which files are archives", () => {
  const setsOf = (...paths: string[]) => {
    const { sets, gaps } = archiveSets(paths.map((path) => ({ path })));
    return { sets: sets.map(({ name, kind, parts }) => [name, kind, parts.map(({ path }) => path)]), gaps };
  };

  it.each([
    ["x.tar.part.aa", "x.tar.part.ab", "x.tar"],
    ["x.tar.partaa", "x.tar.partab", "x.tar"],
    ["x.zip.001", "x.zip.002", "x.zip"],
    ["v/x.tar.gz.00", "v/x.tar.gz.01", "v/x.tar.gz"],
    ["x.tar.gz-aa", "x.tar.gz-ab", "x.tar.gz"],
    ["x.zip.part1", "x.zip.part2", "x.zip"],
    ["x.zip.part-0", "x.zip.part-1", "x.zip"],
  ])("%s and %s are %s", (one, two, name) => {
    const kind = name.endsWith(".zip") ? "zip" : "tar";
    expect(setsOf(two, one)).toEqual({ sets: [[name, kind, [one, two]]], gaps: [] });
  });

  it("puts thirty-one parts in order", () => {
    const ending = (i: number) => String.fromCharCode(97 + Math.floor(i / 26), 97 + (i % 26));
    const parts = Array.from({ length: 31 }, (_, i) => `videos.tar.part.${ending(i)}`);
    expect(parts.at(-1)).toBe("videos.tar.part.be");
    expect(setsOf(...parts.toReversed()).sets).toEqual([["videos.tar", "tar", parts]]);
    expect(setsOf(...parts.filter((_, i) => i !== 3)).gaps).toEqual([{ name: "videos.tar", missing: [3] }]);
    expect(setsOf(...parts.slice(1)).gaps).toEqual([{ name: "videos.tar", missing: [0] }]);
    expect(setsOf("x.zip.002", "x.zip.003")).toEqual({ sets: [], gaps: [{ name: "x.zip", missing: [1] }] });
    expect(setsOf("y.zip", "y.z01", "x.zip").sets.map(([name]) => name)).toEqual(["x.zip"]);
    const numbered = Array.from({ length: 12 }, (_, i) => `x.zip.part${i + 1}`);
    expect(setsOf(...numbered.toSorted()).sets[0]?.[2]).toEqual(numbered);
  });

  it("takes whole ones alone, and nothing else", () => {
    const paths = [
      "a_1.zip",
      "a_2.zip",
      "b.tgz",
      "c.TAR",
      "d.tar.gz",
      "e.tar.xz",
      "f.zip.md5",
      "g.mp4",
      "h.tar.zst",
    ];
    expect(setsOf(...paths).sets.map(([name]) => name)).toEqual([
      "a_1.zip",
      "a_2.zip",
      "b.tgz",
      "c.TAR",
      "d.tar.gz",
    ]);
    expect([...paths, "i.7z", "j.z01", "k.7z.001"].filter(isForeignArchive)).toEqual([
      "e.tar.xz",
      "h.tar.zst",
      "i.7z",
      "j.z01",
      "k.7z.001",
    ]);
  });
});

it("paths of others stay in the folder", () => {
  expect(insideFolder("/a", "b/c.mp4", "x")).toBe("/a/b/c.mp4");
  expect(insideFolder("/a", "b..c/..d", "x")).toBe("/a/b..c/..d");
  for (const path of ["..", "b/../../c", "/c", "", ".", "b\0", "D:/c"])
    expect(() => insideFolder("/a", path, "x")).toThrow("stay in its folder");
});
