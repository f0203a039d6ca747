/**
 * 100,000 questions imported from JSON Lines over a few hundred small videos, filtered and balanced, and split, each as
 * its own command with its start included; and the same with three times as many, to see what memory grows by. Then how
 * copies are told from videos that are alike: 600 videos of the synthetic world, of which 100 are encoded again.
 *
 * Run: npm run bench -- data. VIDEO_R2_BENCH_ROWS (default 100,000) is how many questions there are.
 */

import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { Random } from "../src/base/index.ts";
import { duplicateThreshold, synthesize, VideoIndex } from "../src/data/index.ts";
import { writePatternVideo } from "../src/data/testing/patterned-video.ts";
import { sameVideo } from "../src/data/videos/fingerprint.ts";
import { encodeVideo, openVideo } from "../src/video/index.ts";

const videos = 300;
const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

async function writeQuestions(path: string, count: number): Promise<void> {
  const random = new Random(1);
  const file = createWriteStream(path);
  for (let i = 0; i < count; i++) {
    const options = ["a red boat", "a blue boat", "a green boat", "no boat at all"];
    const kind = random.pick(["choice", "choice", "number", "text"]);
    const answer = kind === "choice" ? options[random.integer(0, 4)] : kind === "number" ? "3" : "green";
    const row = {
      id: i,
      video: `${random.integer(0, videos)}.mp4`,
      source: random.pick(["one", "one", "two", "three"]),
      question: `What is to be seen at the place that is called number ${i}, after the ${random.pick(["first", "second", "third"])} boat has left the harbour?`,
      ...(kind === "choice" ? { options } : {}),
      answer,
      category: random.pick(["next", "why", "how many"]),
      passRate: random.integer(0, 9) / 8,
      note: "This stays with the row, as everything does that has no meaning here.",
    };
    if (!file.write(`${JSON.stringify(row)}\n`))
      await new Promise<void>((resolve) => file.once("drain", () => resolve()));
  }
  file.end();
  await finished(file);
}

interface Run {
  seconds: number;
  /** The most memory that it took, in MiB. */
  peak: number;
  printed: Record<string, unknown>;
}

/** Runs a command; its memory is what the system says that it had at most. */
async function run(args: readonly string[]): Promise<Run> {
  const tell = `process.on("exit", () => require("node:fs").writeSync(2, "\\npeak " + process.resourceUsage().maxRSS + "\\n"))`;
  const preload = `data:text/javascript,import { createRequire } from "node:module"; const require = createRequire("/"); ${tell}`;
  const begun = performance.now();
  const child = spawn(process.execPath, ["--import", preload, main, "data", ...args, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text: Buffer) => {
    stdout += text.toString();
  });
  child.stderr.on("data", (text: Buffer) => {
    stderr += text.toString();
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  const peak = /^peak (\d+)$/m.exec(stderr)?.[1];
  if (code !== 0 || peak === undefined)
    throw new Error(`data ${args[0]}: ended with ${code}: ${stdout}${stderr}`);
  return {
    seconds: (performance.now() - begun) / 1000,
    peak: Number(peak) / 1024,
    printed: JSON.parse(stdout) as Record<string, unknown>,
  };
}

async function pipeline(folder: string, count: number): Promise<Record<string, Run>> {
  const at = (name: string) => join(folder, String(count), name);
  await mkdir(join(folder, String(count)));
  await writeQuestions(at("source.jsonl"), count);
  const source = ["import", at("source.jsonl"), "--from", "jsonl", "--videos", join(folder, "videos")];
  const balance = ["--balance", "source,answerType", "--cap", String(Math.floor(count / 12))];
  return {
    "import, videos opened": await run([...source, "--out", at("imported")]),
    "import again, videos known": await run([...source, "--out", at("imported")]),
    "filter and balance": await run([
      ...["filter", at("imported/questions.jsonl"), "--keep-pass-rate", "0.1..0.9", ...balance],
      ...["--out", at("imported/kept.jsonl")],
    ]),
    "split 70:30": await run(["split", at("imported/questions.jsonl"), "--out", at("split")]),
    "convert to Parquet": await run([
      ...["convert", at("imported/questions.jsonl"), "--to", "parquet", "--out", at("hub")],
    ]),
  };
}

/** How far the split is from 70:30, and whether a video is in both parts. */
async function checkSplit(folder: string, count: number): Promise<string> {
  const read = async (name: string) =>
    (await readFile(join(folder, String(count), "split", `${name}.jsonl`), "utf8"))
      .split("\n")
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { video: string }).video);
  const [sft, grpo] = [await read("sft"), await read("grpo")];
  const inSft = new Set(sft);
  const shared = new Set(grpo.filter((video) => inSft.has(video))).size;
  const share = (100 * sft.length) / (sft.length + grpo.length);
  return `${share.toFixed(2)} % of the rows are in the first part; ${shared} videos are in both.`;
}

const [alike, copies] = [600, 100];

/** Encodes a video again, smaller and worse; each second frame only if `half`. */
async function encodeAgain(from: string, to: string, half: boolean): Promise<void> {
  const video = await openVideo(from);
  const { frameCount, fps } = video.info;
  const step = half ? 2 : 1;
  const indices = Array.from({ length: Math.ceil(frameCount / step) }, (_, i) => i * step);
  const frames: Uint8Array[] = [];
  for await (const { data } of video.frames(indices, { width: 80, height: 80 }))
    frames.push(new Uint8Array(data));
  await video.close();
  await encodeVideo(to, frames, { width: 80, height: 80, fps: fps / step, crf: 34 });
}

/** Fingerprints of the synthetic world's videos, and of their copies at the same rate and at half. */
async function fingerprints(folder: string): Promise<Uint8Array[][]> {
  const out = join(folder, "world");
  for await (const _ of synthesize({
    out,
    split: "train",
    count: alike,
    seed: 11,
    questionsPerVideo: 1,
    lengths: [8],
  }));
  const names = (await readdir(join(out, "videos"))).filter((name) => name.endsWith(".mp4")).sort();
  const index = await VideoIndex.open(join(folder, "alike.jsonl"));
  const read = async (path: string) => {
    const facts = await index.facts(path);
    if (!("fingerprint" in facts)) throw new Error(`${path}: ${facts.detail}`);
    return new Uint8Array(Buffer.from(facts.fingerprint, "base64"));
  };
  const found: Uint8Array[][] = [];
  for (const [i, name] of names.entries()) {
    const path = join(out, "videos", name);
    const own = [await read(path)];
    for (const half of i < copies ? [false, true] : []) {
      const copy = join(folder, `${half}-${name}`);
      await encodeAgain(path, copy, half);
      own.push(await read(copy));
    }
    found.push(own);
  }
  return found;
}

async function copiesTable(folder: string): Promise<string> {
  const all = await fingerprints(folder);
  const lines = [4, 6, 8, 12].map((threshold) => {
    const same = (a: Uint8Array | undefined, b: Uint8Array | undefined) =>
      a !== undefined && b !== undefined && sameVideo(a, b, threshold);
    const found = [1, 2].map((which) => all.filter((own) => same(own[0], own[which])).length);
    let alarms = 0;
    for (const [i, own] of all.entries())
      for (const other of all.slice(i + 1)) if (same(own[0], other[0])) alarms++;
    return `| ${threshold}${threshold === duplicateThreshold ? ", the default" : ""} | ${found.map((n) => `${n} of ${copies}`).join(" | ")} | ${alarms} |`;
  });
  return [
    `| threshold | smaller and worse copies found | at half the frame rate, too | false alarms, of ${((alike * (alike - 1)) / 2).toLocaleString("en")} pairs |`,
    "|---|---|---|---|",
    ...lines,
  ].join("\n");
}

/** Runs the bench. @returns a table in Markdown */
export async function benchData(): Promise<{ markdown: string }> {
  const count = Number(process.env.VIDEO_R2_BENCH_ROWS ?? 100_000);
  const folder = await mkdtemp(join(tmpdir(), "bench-data-"));
  try {
    await mkdir(join(folder, "videos"));
    for (let seed = 0; seed < videos; seed++)
      await writePatternVideo(join(folder, "videos", `${seed}.mp4`), { seed, seconds: 1 + (seed % 4) });
    const some = await pipeline(folder, count);
    const more = await pipeline(folder, 3 * count);
    const lines = Object.entries(some).map(([name, { seconds, peak }]) => {
      const { peak: later } = more[name] as Run;
      return `| ${name} | ${seconds.toFixed(1)} | ${Math.round(count / seconds).toLocaleString("en")} | ${peak.toFixed(0)} | ${later.toFixed(0)} | ${((1024 * (later - peak)) / (2 * count)).toFixed(2)} |`;
    });
    return {
      markdown: [
        `| ${count.toLocaleString("en")} questions about ${videos} videos, whole command | seconds | rows a second | peak memory, MiB | with three times the rows, MiB | KiB more for each |`,
        "|---|---|---|---|---|---|",
        ...lines,
        "",
        await checkSplit(folder, count),
        "",
        await copiesTable(folder),
      ].join("\n"),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
