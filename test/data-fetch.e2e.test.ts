import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { tinyBenchmarks, writeBenchmark } from "../src/benchmarks/testing/write-benchmark.ts";
import { type ImitatedHub, startImitatedHub } from "../src/data/testing/imitated-hub.ts";
import { split, writeTar, writeZip } from "../src/data/testing/write-archives.ts";
import { startAnsweringServer } from "./answering-server.ts";
import { runCli, startCli } from "./run-cli.ts";
import { writeTinyVideo } from "./tiny-video.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let root = "";
let home = "";
let hub: ImitatedHub;

/** A tiny edition as files, its videos handed to `pack`. */
function edition(
  name: string,
  video: Uint8Array,
  pack: (videos: { path: string; content: Uint8Array }[]) => [string, Uint8Array][],
): Map<string, Uint8Array> {
  const folder = join(root, "editions", name);
  writeBenchmark(name, folder, video);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.\w+$/.test(path))
    .map((path) => ({ path, content: new Uint8Array(readFileSync(join(folder, path))) }));
  const videos = files.filter(({ path }) => path.endsWith(".mp4"));
  const tables = files.filter(({ path }) => !path.endsWith(".mp4"));
  return new Map([
    ...tables.map(({ path, content }): [string, Uint8Array] => [path, content]),
    ...pack(videos),
  ]);
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "data-fetch-"));
  await writeTinyVideo(join(root, "tiny.mp4"));
  const video = new Uint8Array(await readFile(join(root, "tiny.mp4")));
  const loose = (videos: { path: string; content: Uint8Array }[]) =>
    videos.map(({ path, content }): [string, Uint8Array] => [path, content]);
  hub = await startImitatedHub({
    "OpenGVLab/MVBench": { branches: { video: edition("mvbench", video, loose) } },
    "lmms-lab/Video-MME": {
      branches: {
        main: edition("videomme", video, (videos) => [["videos_chunked_01.zip", writeZip(videos)]]),
      },
    },
    "mmaaz60/tempcompass": { branches: { main: edition("tempcompass", video, loose) } },
    "longvideobench/LongVideoBench": {
      access: "gated",
      branches: {
        main: edition("longvideobench", video, (videos) => {
          const whole = writeTar(videos);
          const [one, two] = split(whole, whole.length / 2) as [Buffer, Buffer];
          return [
            ["videos.tar.part.aa", one],
            ["videos.tar.part.ab", two],
          ];
        }),
      },
    },
  });
});
afterAll(async () => {
  await hub.close();
  await rm(root, { recursive: true });
});
beforeEach(async () => {
  home = await mkdtemp(join(root, "home-"));
  hub.requests.length = 0;
  hub.faults.clear();
});

const env = (more: Record<string, string> = {}) => ({
  ...{ HF_ENDPOINT: hub.url, HF_HOME: home, HF_TOKEN: "", HF_TOKEN_PATH: "", HF_HUB_OFFLINE: "" },
  ...more,
});
const errorOf = (stdout: string) => (JSON.parse(stdout) as { error: Record<string, string> }).error;

describe("data fetch", () => {
  it("brings benchmarks to where eval and lmms-eval look for them", async () => {
    const { stdout, stderr, code } = await runCli(["data", "fetch", "mvbench", "Video-MME"], env());
    expect(code).toBe(0);
    expect(stdout).toBe(
      `MVBench: 20 questions about 20 videos, in ${join(home, "mvbench_video")}\nVideo-MME: 3 questions about 3 videos, in ${join(home, "videomme")}\n`,
    );
    expect(stderr).toMatch(
      /MVBench: 40 files, [\d.]+ [kM]B, from OpenGVLab\/MVBench at \w{8} to .*mvbench_video \([\d.]+ [GT]B free\)\n/,
    );
    expect(stderr).toMatch(/Video-MME: 2 files, .*, 1 archives to unpack, from lmms-lab\/Video-MME/);
    expect(existsSync(join(home, "videomme/data/yt-0.mp4"))).toBe(true);
    const dry = await runCli(["eval", "mvbench", "videomme", "--dry-run", "--json"], env());
    expect(dry.code).toBe(0);
    expect(JSON.parse(dry.stdout)).toMatchObject([
      { benchmark: "mvbench", questions: 20, missing: [] },
      { benchmark: "videomme", questions: 3, missing: [] },
    ]);
    const downloads = () => hub.requests.filter(({ at, method }) => at === "cdn" && method === "GET").length;
    const before = downloads();
    const again = await runCli(["data", "fetch", "mvbench", "videomme", "--json"], env());
    expect(JSON.parse(again.stdout)).toMatchObject([
      { benchmark: "mvbench", files: 0, bytes: 0, questions: 20, missing: [] },
      { benchmark: "videomme", files: 0, archives: 0, questions: 3, missing: [] },
    ]);
    expect(downloads()).toBe(before);
  });

  it("takes questions alone, to a folder that is named", async () => {
    const out = join(home, "out");
    const args = ["data", "fetch", "videomme", "--questions-only", "--out", out];
    const dry = await runCli([...args, "--dry-run"], env());
    expect(dry.stdout).toMatch(/^Video-MME: 1 files, .* to .*out\/videomme /);
    expect(existsSync(out)).toBe(false);
    const { stdout, code } = await runCli(args, env());
    expect([code, stdout]).toEqual([
      0,
      `Video-MME: 3 questions about 3 videos, which were left out, in ${join(out, "videomme")}\n`,
    ]);
    expect((await readdir(join(out, "videomme"))).sort()).toEqual([".video-r2", "videomme"]);
  });

  it("asks for access before anything is fetched, and shows the token to nobody", async () => {
    const refused = await runCli(["data", "fetch", "videomme", "longvideobench", "--json"], env());
    expect(refused.code).toBe(2);
    expect(errorOf(refused.stdout)).toMatchObject({
      code: "hub-gated",
      hint: expect.stringContaining(`${hub.url}/datasets/longvideobench/LongVideoBench`),
    });
    expect(await readdir(home)).toEqual([]);
    const stranger = await runCli(["data", "fetch", "longvideobench"], env({ HF_TOKEN: "hf_known" }));
    expect([stranger.code, stranger.stdout]).toEqual([2, ""]);
    expect(stranger.stderr).toContain("Ask for access on");
    const wrong = await runCli(["data", "fetch", "longvideobench", "--json"], env({ HF_TOKEN: "hf_wrong" }));
    expect(errorOf(wrong.stdout)).toMatchObject({ code: "hub-token" });
    const letIn = await runCli(["data", "fetch", "longvideobench"], env({ HF_TOKEN: "hf_accepted" }));
    expect(letIn.code).toBe(0);
    for (const { stdout, stderr } of [refused, stranger, wrong, letIn])
      expect(stdout + stderr).not.toMatch(/hf_(?:known|wrong|accepted)/);
    for (const entry of await readdir(home, { recursive: true, withFileTypes: true }))
      if (entry.isFile())
        expect(readFileSync(join(entry.parentPath, entry.name)).includes("hf_accepted")).toBe(false);
    expect(
      hub.requests.filter(({ at }) => at === "cdn").every(({ authorization }) => authorization === undefined),
    ).toBe(true);
  });

  it("stopped by Ctrl-C, goes on where it was", async () => {
    const args = ["data", "fetch", "longvideobench", "--connections", "2"];
    hub.faults.set("videos.tar.part.ab", [{ kind: "cut", value: 100 }, { kind: "hang" }]);
    const { child, result } = startCli(args, env({ HF_TOKEN: "hf_accepted" }));
    const asked = () => hub.requests.filter(({ at, range }) => at === "cdn" && range === "bytes=100-").length;
    await vi.waitFor(() => expect(asked()).toBe(1), { timeout: 30_000 });
    child.kill("SIGINT");
    const { code, stderr } = await result;
    expect(code).toBe(130);
    expect(stderr).toContain(
      "what has come stays; go on with: video-r2 data fetch longvideobench --connections 2",
    );
    hub.faults.clear();
    const second = await runCli(args, env({ HF_TOKEN: "hf_accepted" }));
    expect(second.code).toBe(0);
    expect(second.stdout).toContain("3 questions about 3 videos, in ");
    expect(asked()).toBe(2);
  });

  it("says what is wrong: no such benchmark, one that is generated, no network", async () => {
    const unknown = await runCli(["data", "fetch", "nobench", "--json"], env());
    expect([unknown.code, errorOf(unknown.stdout).code]).toEqual([2, "benchmark-unknown"]);
    const own = await runCli(["data", "fetch", "synthetic", "--json"], env());
    expect(errorOf(own.stdout).hint).toContain("data synth");
    const offline = await runCli(["data", "fetch", "mlvu", "--json"], env({ HF_HUB_OFFLINE: "1" }));
    expect([offline.code, errorOf(offline.stdout).code]).toEqual([2, "hub-offline"]);
    const absent = await runCli(["data", "fetch", "mlvu", "--json"], env());
    expect([absent.code, errorOf(absent.stdout).code]).toEqual([2, "hub-repository"]);
  });
});

describe("eval --download", () => {
  it("says in a dry run what would be fetched, asking the hub only if it may", async () => {
    const without = await runCli(["eval", "tempcompass", "--dry-run", "--json"], env());
    expect(errorOf(without.stdout)).toMatchObject({
      code: "benchmark-folder",
      hint: expect.stringContaining("would be fetched from mmaaz60/tempcompass with --download"),
    });
    expect(hub.requests).toEqual([]);
    const args = ["eval", "tempcompass", "--dry-run", "--download"];
    const { stdout, code } = await runCli([...args, "--json"], env());
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      {
        benchmark: "tempcompass",
        fetch: { folder: join(home, "tempcompass_complete"), files: 4, archives: 0 },
      },
    ]);
    expect((await runCli(args, env())).stdout).toMatch(/^to be fetched: TempCompass: 4 files/);
    const gated = await runCli(["eval", "lvb", "--dry-run", "--download", "--json"], env());
    expect(errorOf(gated.stdout).code).toBe("hub-gated");
    expect(await readdir(home)).toEqual([]);
  });

  it("fetches what is missing, runs, and asks nothing of the hub when all is there", async () => {
    const server = await startAnsweringServer();
    const args = [
      ...["eval", "tempcompass", "--download", "--model", `${server.url}#answering`],
      ...["--out", join(home, "run"), "--json"],
    ];
    try {
      const { stdout, stderr, code } = await runCli(args, env());
      expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
      expect(JSON.parse(stdout)).toMatchObject([{ record: { questions: 3, failed: 0 } }]);
      expect(
        existsSync(join(home, "tempcompass_complete", tinyBenchmarks.tempcompass?.videos[0] ?? "")),
      ).toBe(true);
      const again = await runCli(args, env({ HF_HUB_OFFLINE: "1" }));
      expect(again.code).toBe(0);
      await rm(join(home, "tempcompass_complete/videos/100.mp4"));
      const dry = await runCli(["eval", "tempcompass", "--download", "--dry-run", "--json"], env());
      expect(JSON.parse(dry.stdout)).toMatchObject([{ fetch: { files: 1 } }]);
      // The first question's video is the one that is gone.
      const offline = await runCli([...args, "--limit", "1"], env({ HF_HUB_OFFLINE: "1" }));
      expect(errorOf(offline.stdout).code).toBe("hub-offline");
      const whole = await runCli(args, env());
      expect(whole.code).toBe(0);
      expect(existsSync(join(home, "tempcompass_complete/videos/100.mp4"))).toBe(true);
    } finally {
      await server.close();
    }
  });
});
