import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { readDataset } from "../data/index.ts";
import { registerDataSynth } from "./data-synth.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "data-synth-"));
});
afterAll(() => rm(root, { recursive: true }));

/** Runs `data synth` and returns what it wrote to stdout. */
async function run(...flags: string[]): Promise<string> {
  const program = new Command().exitOverride();
  registerDataSynth(program);
  let printed = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  try {
    await program.parseAsync(["node", "video-r2", "data", "synth", ...flags]);
  } finally {
    write.mockRestore();
  }
  return printed;
}

it("writes both splits and prints one JSON document", async () => {
  const out = join(root, "both");
  const flags = ["--out", out, "--count", "3", "--split", "both", "--lengths", "8", "--workers", "0"];
  const { splits, stopped } = JSON.parse(await run(...flags, "--seed", "5", "--subtitles", "--json"));
  expect(stopped).toBe(false);
  expect(splits).toEqual([
    { split: "train", file: join(out, "train.jsonl"), videos: 3, kept: 0, questions: 18, seconds: 24 },
    { split: "heldout", file: join(out, "heldout.jsonl"), videos: 1, kept: 0, questions: 6, seconds: 8 },
  ]);
  expect((await readDataset(join(out, "heldout.jsonl"))).every(({ split }) => split === "heldout")).toBe(
    true,
  );
  const again = JSON.parse(await run(...flags, "--seed", "5", "--subtitles", "--json"));
  expect(again.splits.map(({ kept }: { kept: number }) => kept)).toEqual([3, 1]);
});

it("says in one line what it wrote", async () => {
  const out = join(root, "plain");
  expect(await run("--out", out, "--count", "1", "--lengths", "8", "--workers", "0")).toBe(
    `train: 6 questions about 1 videos (0 minutes, 0 videos kept) in ${join(out, "train.jsonl")}\n`,
  );
});

it.each([
  [["--count", "many"], '--count: must be a whole number, got "many"'],
  [["--count", "0"], "count: must be a whole number of at least 1, got 0"],
  [["--count", "1", "--split", "test"], "--split: must be train, heldout or both, got test"],
  [["--count", "1", "--lengths", "8,x"], '--lengths: must be a whole number, got "x"'],
  [
    ["--count", "1", "--lengths", "8,80"],
    "lengths: must be whole numbers of seconds from 8 to 64 (from 1 where all levels are 0), got [8,80]",
  ],
  [["--count", "1", "--subtitles", "7"], '--subtitles: must be a share from 0 to 1, got "7"'],
  [["--count", "1", "--size", "9"], "size: must be an even number of pixels from 64 to 1024, got 9"],
])("refuses %j", async (flags, message) => {
  await expect(run("--out", join(root, "never"), ...flags)).rejects.toMatchObject({
    code: "synth-options",
    message,
  });
});
