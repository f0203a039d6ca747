import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadProcessor, processorJson, QWEN_PROCESSOR } from "./processor.ts";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "processor-"));
});
afterEach(() => rm(dir, { recursive: true }));

it("reads what it writes, and has Qwen's values without a file", async () => {
  expect(await loadProcessor(dir)).toEqual(QWEN_PROCESSOR);
  const own = {
    ...QWEN_PROCESSOR,
    mean: [0, 0.5, 1] as [number, number, number],
    patchSize: 7,
    minPixels: 49,
  };
  await writeFile(join(dir, "preprocessor_config.json"), JSON.stringify(processorJson(own)));
  expect(await loadProcessor(dir)).toEqual(own);
});

it("prefers the file for videos, whose size is spelt in edges", async () => {
  await writeFile(join(dir, "preprocessor_config.json"), JSON.stringify({ min_pixels: 1 }));
  const video = { size: { shortest_edge: 100, longest_edge: 200 } };
  await writeFile(join(dir, "video_preprocessor_config.json"), JSON.stringify(video));
  expect(await loadProcessor(dir)).toMatchObject({ minPixels: 100, maxPixels: 200 });
});

it("names file and field of what is wrong", async () => {
  await writeFile(join(dir, "preprocessor_config.json"), JSON.stringify({ patch_size: "14" }));
  await expect(loadProcessor(dir)).rejects.toThrow(/preprocessor_config\.json: .*patch_size/);
});
