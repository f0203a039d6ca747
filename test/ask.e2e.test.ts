import { existsSync, readdirSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { encodeVideo } from "../src/video/index.ts";
import { runCli, startCli } from "./run-cli.ts";
import { writeTinyCheckpoint } from "./tiny-checkpoint.ts";
import { writeTinyVideo } from "./tiny-video.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let folder = "";
const at = (name: string) => join(folder, name);
const tiny = () => ["--model", at("tiny"), "--max-tokens", "16"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ask-"));
  await writeTinyCheckpoint(at("tiny"));
  await writeTinyVideo(at("clip.mp4"));
  await writeFile(at("empty.mp4"), "");
  await writeFile(at("text.mp4"), "This is a text, whatever its name says.\n".repeat(50));
  const whole = await readFile(at("clip.mp4"));
  await writeFile(at("cut.mp4"), whole.subarray(0, whole.length >> 1));
  await copyFile(at("clip.mp4"), at("-dash.mp4"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("an answer", () => {
  it("as JSON: one document and nothing else", async () => {
    const { stdout, stderr, code } = await runCli([
      "ask",
      at("clip.mp4"),
      "What is seen?",
      ...tiny(),
      "--json",
    ]);
    const shown = JSON.parse(stdout);
    expect(stderr).toBe("");
    expect(shown).toMatchObject({
      video: { path: at("clip.mp4"), durationSeconds: 2, width: 64, height: 64 },
      question: { text: "What is seen?", type: "text", options: [] },
      model: { name: "tiny", kind: "in-process", syntheticOnly: true },
      sampling: { frames: 4, width: 56, height: 56 },
      usage: { frames: 4, videoTokens: 8, completionTokens: 16 },
    });
    expect(shown.seconds.load).toBeGreaterThan(0);
    expect(shown.warnings.join(" ")).toContain("synthetic world only");
    expect(code).toBe(shown.answer ? 0 : 1);
  });

  it("for people: reasoning, claims, answer, verdict, cost", async () => {
    const options = ["--option", "A. a red square", "--option", "B. a blue circle"];
    const { stdout, stderr } = await runCli(["ask", at("clip.mp4"), "What is seen?", ...options, ...tiny()]);
    expect(stderr).toBe(`${at("clip.mp4")}: 00:02, 4 frames\n`);
    for (const word of [
      "Claims",
      "Answer",
      "Consistent",
      "Seen",
      "4 frames (56x56) of 2.0 s, 8 video tokens of",
      "Speed",
      "Note",
    ])
      expect(stdout).toContain(word);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: nothing may steer the reader's terminal
    expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
  });

  it("is the same for the same seed, and sees what it is told to", async () => {
    const args = ["ask", at("clip.mp4"), "What?", ...tiny(), "--temperature", "1.2", "--json"];
    const ask = async (...more: string[]) => JSON.parse((await runCli([...args, ...more])).stdout);
    const [a, b, c] = [
      await ask("--seed", "1"),
      await ask("--seed", "1"),
      await ask("--seed", "2", "--max-frames", "2"),
    ];
    expect(a.output).toBe(b.output);
    expect(c.output).not.toBe(a.output);
    expect([a.sampling.frames, c.sampling.frames]).toEqual([4, 2]);
  });

  it("takes the question from a file, beside which the subtitles lie", async () => {
    await writeFile(at("q.srt"), "1\n00:00:00,000 --> 00:00:02,000\nHello there\n");
    await writeFile(
      at("q.json"),
      JSON.stringify({
        question: "Which?",
        options: ["(A) red", "(B) blue"],
        subtitles: "q.srt",
        answer: "A",
      }),
    );
    const plain = ["ask", at("clip.mp4"), ...tiny(), "--json"];
    const { stdout } = await runCli([...plain, "--question-file", at("q.json")]);
    expect(JSON.parse(stdout)).toMatchObject({
      question: {
        type: "choice",
        options: [
          { letter: "A", text: "red" },
          { letter: "B", text: "blue" },
        ],
      },
      expected: "A",
    });
    const without = await runCli([...plain, "Which?", "--option", "red", "--option", "blue"]);
    expect(JSON.parse(without.stdout).output).not.toBe(JSON.parse(stdout).output);
  });

  it("comes with a plain warning where the video is not of the model's world", async () => {
    const frames = Array.from({ length: 20 }, (_, t) =>
      Uint8Array.from({ length: 128 * 64 * 3 }, (_, i) => (i * 7 + t * 41 + (i >> 5) * t) % 251),
    );
    await encodeVideo(at("wide.mp4"), frames, { width: 128, height: 64, fps: 10 });
    const { stdout } = await runCli(["ask", at("wide.mp4"), "What?", ...tiny(), "--json"]);
    expect(JSON.parse(stdout).warnings[0]).toMatch(/not from the synthetic world.*do not believe its answer/);
  });
});

describe("what cannot be used", () => {
  const bad: [string, string, () => string[]][] = [
    ["an empty file", "video-unreadable", () => [at("empty.mp4"), "What?"]],
    ["a text", "video-unreadable", () => [at("text.mp4"), "What?"]],
    ["no such file", "video-missing", () => [at("none.mp4"), "What?"]],
    ["an address", "video-missing", () => ["https://example.org/clip.mp4", "What?"]],
    ["an unknown flag", "usage", () => [at("clip.mp4"), "What?", "--frob"]],
    [
      "nobody listening",
      "server-unreachable",
      () => [at("clip.mp4"), "What?", "--model", "http://127.0.0.1:9/v1#m"],
    ],
  ];
  it.each(bad)("%s: %s", async (_what, code, args) => {
    const json = await runCli(["ask", ...args(), "--json"]);
    const { error } = JSON.parse(json.stdout);
    expect([error.code, json.code, json.stderr]).toEqual([code, 2, ""]);
    expect(json.seconds).toBeLessThan(30);
  });

  it.each([
    ["before the model is there", () => [at("text.mp4"), "What?"]],
    ["after it", () => [at("clip.mp4"), "What? <|im_end|>", "--model", at("tiny")]],
  ])("in words, without a stack trace: %s", async (_when, args) => {
    const plain = await runCli(["ask", ...args()]);
    expect([plain.code, plain.stdout]).toEqual([2, ""]);
    expect(plain.stderr).toMatch(/(?:^|\n)error: .*: must /);
    expect(plain.stderr).not.toMatch(/\n\s+at /);
  });

  it("a truncated file: what there is, or an error", async () => {
    const { stdout, code } = await runCli(["ask", at("cut.mp4"), "What?", ...tiny(), "--json"]);
    const shown = JSON.parse(stdout);
    if (shown.error) expect([shown.error.code, code]).toEqual(["video-unreadable", 2]);
    else expect(shown.warnings.length).toBeGreaterThan(1);
  });
});

it("takes a file whose name begins with a dash after --", async () => {
  const { stdout } = await runCli(["ask", ...tiny(), "--json", "--", at("-dash.mp4"), "What?"]);
  expect(JSON.parse(stdout).video.path).toBe(at("-dash.mp4"));
});

it("stops cleanly at Ctrl-C, while a server keeps it waiting", async () => {
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/v1#m`;
  const asked = new Promise((resolve) => silent.once("request", resolve));
  const { child, result } = startCli(["ask", at("clip.mp4"), "What?", "--model", url]);
  await Promise.race([asked, result.then(() => Promise.reject(new Error("it ended before it asked")))]);
  child.kill("SIGINT");
  const { code, stderr } = await result;
  silent.closeAllConnections();
  silent.close();
  expect([code, stderr]).toEqual([130, "\nstopped\n"]);
});

it("helps, and names what it does not know", async () => {
  const [help, none, unknown, askHelp] = await Promise.all([
    runCli(["--help"]),
    runCli([]),
    runCli(["frob", "--json"]),
    runCli(["ask", "--help"]),
  ]);
  expect([help.code, none.code, unknown.code]).toEqual([0, 2, 2]);
  expect(help.stdout).toContain("ask");
  expect(none.stderr).toContain("Usage:");
  expect(JSON.parse(unknown.stdout).error).toMatchObject({
    code: "usage",
    message: "unknown command 'frob'",
  });
  expect(askHelp.stdout).toContain("Examples:");
});

const shared = new URL("../../shared/videos/", import.meta.url).pathname;
const real = existsSync(shared) ? readdirSync(shared).filter((name) => /\.(?:mp4|mkv|avi)$/.test(name)) : [];
it.skipIf(real.length === 0).each(real)("real footage: %s", async (name) => {
  const { stdout, stderr, code } = await runCli([
    "ask",
    join(shared, name),
    "What happens?",
    ...tiny(),
    "--json",
  ]);
  expect(stderr).toBe("");
  const shown = JSON.parse(stdout);
  expect(shown.error).toBeUndefined();
  expect([0, 1]).toContain(code);
  expect(shown.warnings.join(" ")).toContain("not from the synthetic world");
});
