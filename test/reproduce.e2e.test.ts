import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { quickSettings, reproduce } from "../src/evaluation/index.ts";
import { builtinDir } from "../src/models/index.ts";

// Everything there is, as small as it gets: real worlds, the shipped model, all five rows.
const settings = {
  ...quickSettings,
  seeds: 1,
  steps: 1,
  sftSteps: 1,
  startSteps: 1,
  promptsPerStep: 2,
  groupSize: 2,
  sftVideos: 24,
  grpoVideos: 8,
  heldoutVideos: 4,
};
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reproduce-"));
});
afterAll(() => rm(folder, { recursive: true }));

const read = (...path: string[]): Promise<string> => readFile(join(folder, ...path), "utf8");

it("goes on after a stop, and gives what a run that was left alone gives", { timeout: 400_000 }, async () => {
  const stop = new AbortController();
  const stopped = await reproduce({
    out: join(folder, "a"),
    model: builtinDir,
    settings,
    jobs: 2,
    signal: stop.signal,
    onProgress: (_, doing) => {
      if (doing.includes("seed-0/")) stop.abort();
    },
  });
  expect(stopped.results).toBeNull();
  expect(await stat(join(folder, "a/start/done.json"))).toBeTruthy();

  let kept = 0;
  const { results, page } = await reproduce({
    out: join(folder, "a"),
    model: builtinDir,
    settings,
    jobs: 2,
    onProgress: (share, doing) => {
      // The worlds and the start were there: half of the work, and no part of it is done again.
      if (kept === 0 && !doing.startsWith("videos")) kept = share;
    },
  });
  expect(kept).toBeGreaterThan(0.1);
  await reproduce({ out: join(folder, "b"), model: builtinDir, settings, jobs: 1 });
  expect(await read("a", "results.json")).toBe(await read("b", "results.json"));
  expect(await read("a", "report.md")).toBe(await read("b", "report.md"));

  expect(results?.rows.map(({ variant }) => variant)).toEqual(["start", "sft", "grpo", "tar", "gate"]);
  // One step of GRPO for the answer alone is another step than one for alignment too.
  const samples = await Promise.all(
    ["grpo", "gate"].map((variant) => read("a", "seed-0", variant, "samples.jsonl")),
  );
  expect(samples[0]).not.toBe(samples[1]);
  expect(results?.questions.greedy).toBe(32);
  for (const row of results?.rows ?? []) {
    expect(row.outputs.greedy.accuracy?.n).toBe(1);
    expect(row.attention?.mean).toBeGreaterThan(0);
    expect(row.attention?.mean).toBeLessThan(1);
    expect(row.reliance?.mean).toBeGreaterThan(0);
  }
  const html = await readFile(page, "utf8");
  expect(html).toContain("+ SFT + GRPO + TAR + gate");
  expect(html).not.toContain("NaN");
  // Each model's outputs can be looked at by themselves.
  expect(await read("a", "seed-0", "gate", "measured", "lot", "report.html")).toContain("video-r2 score");

  await expect(
    reproduce({ out: join(folder, "a"), model: builtinDir, settings: { ...settings, steps: 2 }, jobs: 1 }),
  ).rejects.toThrow("steps 1 there and 2 here");
});
