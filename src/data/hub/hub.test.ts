import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { Random } from "../../base/index.ts";
import { type Fault, type ImitatedHub, startImitatedHub } from "../testing/imitated-hub.ts";
import { cardFiles } from "./card-files.ts";
import { checkSpace, formatBytes } from "./disk-space.ts";
import { bytesHere, type Download, downloadFile, isSameFile, partPath } from "./download-file.ts";
import { Hub } from "./hub.ts";
import { hubEndpoint, hubHome, hubToken } from "./hub-environment.ts";

const random = new Random(2);
const bytes = (count: number) => Uint8Array.from({ length: count }, () => random.integer(0, 256));
const files = new Map<string, Uint8Array>([
  ["README.md", new TextEncoder().encode("# Über\n")],
  ["json/a b#1?.json", new TextEncoder().encode("[1, 2]")],
  ...Array.from({ length: 20 }, (_, i): [string, Uint8Array] => [`videos/v${i}.mp4`, bytes(10 + i)]),
  ["videos/big.mp4", bytes(300_000)],
]);

let server: ImitatedHub;
let folder = "";
beforeAll(async () => {
  const branches = { main: files, video: new Map([["only.txt", bytes(3)]]) };
  server = await startImitatedHub({
    "us/open": { branches },
    "us/gated": { branches, access: "gated" },
    "us/private": { branches, access: "private" },
  });
});
afterAll(() => server.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hub-"));
  server.requests.length = 0;
  server.faults.clear();
  server.ranges = true;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const open = (token: string | null = null) => Hub.open({ endpoint: server.url, token, waitMilliseconds: 1 });
const never = new AbortController().signal;

async function toDownload(hub: Hub, path: string, repository = "us/open"): Promise<Download> {
  const commit = await hub.commit(repository, null);
  const file = (await hub.listFiles(repository, commit)).find((one) => one.path === path);
  if (file === undefined) throw new Error(`${path} is not listed`);
  return { ...file, repository, commit, target: join(folder, path) };
}

describe("lists", () => {
  it("have every file of all pages, with sizes and hashes, of the branch that is asked for", async () => {
    const hub = await open();
    const listed = await hub.listFiles("us/open", await hub.commit("us/open", null));
    expect(listed.map(({ path, size }) => [path, size])).toEqual(
      [...files].map(([path, content]) => [path, content.length]),
    );
    expect(server.requests.filter(({ url }) => url.includes("/tree/"))).toHaveLength(4);
    expect(listed.filter(({ sha256 }) => sha256 === null).map(({ path }) => path)).toEqual([
      "README.md",
      "json/a b#1?.json",
    ]);
    const video = await hub.listFiles("us/open", await hub.commit("us/open", "video"));
    expect(video.map(({ path }) => path)).toEqual(["only.txt"]);
  });

  it("bring errors that say what to do", async () => {
    const ask = async (token: string | null, repository: string, path?: string) => {
      const hub = await open(token);
      const commit = await hub.commit(repository, null);
      if (path !== undefined) await hub.checkAccess(repository, commit, path);
    };
    const error = (code: string, message: string, hint: string) => ({
      code,
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
    await expect(ask(null, "us/gated", "README.md")).rejects.toMatchObject(
      error(
        "hub-gated",
        "us/gated: must be read by those its owner lets in, got no token",
        `${server.url}/datasets/us/gated`,
      ),
    );
    await expect(ask("hf_known", "us/gated", "README.md")).rejects.toMatchObject(
      error(
        "hub-gated",
        "got the token of someone who is not",
        `Ask for access on ${server.url}/datasets/us/gated`,
      ),
    );
    await expect(ask("hf_accepted", "us/gated", "README.md")).resolves.toBeUndefined();
    await expect(ask("hf_wrong", "us/open")).rejects.toMatchObject(
      error("hub-token", `must be one that ${server.url} knows`, "settings/tokens"),
    );
    await expect(ask(null, "us/nothing")).rejects.toMatchObject(
      error("hub-repository", "us/nothing: must be a data set", "HF_TOKEN"),
    );
    await expect(ask("hf_known", "us/private")).rejects.toMatchObject(
      error("hub-repository", "none that the token may see", "made private"),
    );
    const hub = await open();
    await expect(hub.commit("us/open", "nowhere")).rejects.toMatchObject({ code: "hub-revision" });
  });

  it("say what the network or the environment does not allow", async () => {
    const gone = await startImitatedHub({});
    await gone.close();
    const hub = await Hub.open({ endpoint: gone.url, token: null, waitMilliseconds: 1 });
    await expect(hub.commit("us/open", null)).rejects.toMatchObject({
      code: "hub-unreachable",
      message: `${gone.url}: must be reachable, got ECONNREFUSED`,
    });
    await expect(Hub.open({ endpoint: "nonsense" })).rejects.toMatchObject({ code: "hub-endpoint" });
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    await expect(open()).rejects.toMatchObject({ code: "hub-offline" });
    vi.stubEnv("HF_HUB_OFFLINE", "0");
    await expect(open()).resolves.toBeInstanceOf(Hub);
  });
});

describe("downloads", () => {
  it("bring files of every kind and name, the token nowhere but to the hub", async () => {
    const hub = await open("hf_accepted");
    for (const path of files.keys()) {
      const download = await toDownload(hub, path, "us/gated");
      await downloadFile(hub, download, never);
      expect(new Uint8Array(await readFile(download.target))).toEqual(files.get(path));
      expect(await isSameFile(download.target, download)).toBe(true);
    }
    const of = (at: string) => server.requests.filter((request) => request.at === at);
    expect(of("cdn").length).toBe(21);
    expect(of("cdn").every(({ authorization }) => authorization === undefined)).toBe(true);
    expect(of("hub").every(({ authorization }) => authorization === "Bearer hf_accepted")).toBe(true);
    expect(await readdir(join(folder, "videos"))).toHaveLength(21);
  });

  it.each<[string, Fault[]]>([
    [
      "connections that break",
      [
        { kind: "cut", value: 100_000 },
        { kind: "cut", value: 0 },
        { kind: "cut", value: 50 },
      ],
    ],
    [
      "answers that fail for now",
      [
        { kind: "status", value: 503 },
        { kind: "status", value: 403 },
        { kind: "status", value: 429 },
      ],
    ],
    ["a byte that is another", [{ kind: "flip" }]],
  ])("survive %s", async (_, faults) => {
    const hub = await open();
    const download = await toDownload(hub, "videos/big.mp4");
    server.faults.set(download.path, [...faults]);
    let told = 0;
    await downloadFile(hub, download, never, (count) => {
      told += count;
    });
    expect(new Uint8Array(await readFile(download.target))).toEqual(files.get(download.path));
    expect(told).toBe(download.size);
    expect(await readdir(join(folder, "videos"))).toEqual(["big.mp4"]);
    expect(server.faults.get(download.path)).toEqual([]);
    const asked = server.requests.filter(({ at }) => at === "cdn").map(({ range }) => range);
    if (faults[0]?.kind === "cut")
      expect(asked).toEqual([undefined, "bytes=100000-", "bytes=100000-", "bytes=100050-"]);
    else expect(asked).toEqual(Array(faults.length + 1).fill(undefined));
  });

  it("go on in another run with what one left when it was stopped", async () => {
    const hub = await open();
    const download = await toDownload(hub, "videos/big.mp4");
    server.faults.set(download.path, [{ kind: "cut", value: 200_000 }, { kind: "hang" }]);
    const stop = new AbortController();
    let come = 0;
    const stopped = downloadFile(hub, download, stop.signal, (count) => {
      come += count;
      if (come === 200_000) setTimeout(() => stop.abort(new Error("enough")), 50);
    });
    await expect(stopped).rejects.toThrow("enough");
    expect(existsSync(download.target)).toBe(false);
    expect(await bytesHere(download)).toBe(200_000);
    server.requests.length = 0;
    await downloadFile(hub, download, never);
    expect(server.requests.at(-1)?.range).toBe("bytes=200000-");
    expect(await isSameFile(download.target, download)).toBe(true);
    expect(await bytesHere(download)).toBe(download.size);
    server.requests.length = 0;
    await downloadFile(hub, download, never);
    expect(server.requests).toEqual([]);
  });

  it("begin anew where parts cannot be asked for, and where what was left is of no use", async () => {
    const hub = await open();
    const download = await toDownload(hub, "videos/big.mp4");
    server.ranges = false;
    server.faults.set(download.path, [{ kind: "cut", value: 1000 }]);
    await downloadFile(hub, download, never);
    expect(await isSameFile(download.target, download)).toBe(true);
    server.ranges = true;
    for (const left of [bytes(500), bytes(download.size), bytes(download.size + 5)]) {
      await rm(download.target);
      await writeFile(partPath(download), left);
      await downloadFile(hub, download, never);
      expect(await isSameFile(download.target, download)).toBe(true);
    }
  });

  it("give up what comes damaged again and again, and keep nothing of it", async () => {
    const hub = await open();
    for (const path of ["videos/big.mp4", "README.md"]) {
      const download = await toDownload(hub, path);
      server.faults.set(path, Array(9).fill({ kind: "flip" }));
      await expect(downloadFile(hub, download, never)).rejects.toMatchObject({
        code: "download-damaged",
        message: expect.stringContaining(`${path} must have ${download.size} bytes with the hash`),
      });
      expect(existsSync(download.target)).toBe(false);
      expect((await stat(partPath(download))).size).toBe(0);
      expect(server.faults.get(path)).toHaveLength(6);
    }
  });

  it("give up an answer that never comes right, and keep what is there", async () => {
    const hub = await open();
    const download = await toDownload(hub, "videos/big.mp4");
    server.faults.set(download.path, [
      { kind: "cut", value: 7 },
      ...Array(9).fill({ kind: "cut", value: 0 }),
    ]);
    await expect(downloadFile(hub, download, never)).rejects.toMatchObject({ code: "hub-unreachable" });
    expect(await bytesHere(download)).toBe(7);
  });
});

describe("the environment", () => {
  it("names the hub, its home and the token as the hub's own tools have it", async () => {
    vi.stubEnv("HF_HOME", folder);
    vi.stubEnv("HF_TOKEN", "");
    vi.stubEnv("HF_TOKEN_PATH", "");
    vi.stubEnv("HF_ENDPOINT", "http://mirror/");
    expect([hubHome(), hubEndpoint(), await hubToken()]).toEqual([folder, "http://mirror", null]);
    await writeFile(join(folder, "token"), "hf_file\n");
    expect(await hubToken()).toBe("hf_file");
    await writeFile(join(folder, "other"), "hf_other");
    vi.stubEnv("HF_TOKEN_PATH", join(folder, "other"));
    expect(await hubToken()).toBe("hf_other");
    vi.stubEnv("HF_TOKEN", " hf_own ");
    expect(await hubToken()).toBe("hf_own");
    vi.stubEnv("HF_HOME", "");
    vi.stubEnv("XDG_CACHE_HOME", "/cache");
    expect(hubHome()).toBe("/cache/huggingface");
  });

  it("has a disk with so much room", async () => {
    await expect(checkSpace(join(folder, "not/there/yet"), 1000)).resolves.toBeUndefined();
    await expect(checkSpace(folder, 1e18)).rejects.toMatchObject({
      code: "disk-full",
      message: expect.stringMatching(/must have room for about 1000000 TB, got [\d.]+ [GT]B/),
    });
    expect([0, 999, 1000, 1_234_000, 285e9].map(formatBytes)).toEqual([
      "0 bytes",
      "999 bytes",
      "1.0 kB",
      "1.2 MB",
      "285 GB",
    ]);
  });
});

describe("the card of a data set", () => {
  const paths = [
    "videomathqa_mcq_test.parquet",
    "videomathqa_mbin_test.parquet",
    "mcq/test-0.parquet",
    "a/b/c.json",
  ];
  const cards: [string, string | null, string, string[]][] = [
    [
      "configs:\n- config_name: mcq\n  data_files:\n  - split: test\n    path: videomathqa_mcq*",
      "mcq",
      "test",
      paths.slice(0, 1),
    ],
    [
      "configs:\n- config_name: mcq\n  data_files:\n  - split: test\n    path: [mcq/test-*]",
      "mcq",
      "test",
      ["mcq/test-0.parquet"],
    ],
    ["configs:\n- config_name: mcq\n  data_files:\n    test: '**/c.json'", "mcq", "test", ["a/b/c.json"]],
    [
      "configs:\n- config_name: mcq\n  data_files: videomathqa_mcq_test.parquet",
      "mcq",
      "train",
      paths.slice(0, 1),
    ],
    [
      "configs:\n- config_name: only\n  data_dir: a/b\n  data_files:\n  - split: test\n    path: ?.json",
      null,
      "test",
      ["a/b/c.json"],
    ],
    [
      "configs:\n- config_name: one\n  data_files: '*'\n- config_name: two\n  data_files: '*'",
      null,
      "train",
      [],
    ],
    ["configs:\n- config_name: mcq\n  data_files:\n  - split: test\n    path: mcq/*", "mcq", "train", []],
    ["configs: 3", "mcq", "test", []],
    ["license: mit", "mcq", "test", []],
    ["a: [", "mcq", "test", []],
  ];
  it.each(cards)("%j", (head, config, split, found) => {
    expect(cardFiles(`---\n${head}\n---\n# Card\n`, config, split, paths)).toEqual(found);
    expect(cardFiles(`# ${head}`, config, split, paths)).toEqual([]);
  });
});
