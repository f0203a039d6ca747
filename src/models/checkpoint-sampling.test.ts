import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { processorJson, QWEN_PROCESSOR } from "../nn/index.ts";
import { checkpointSampling, saveSampling } from "./checkpoint-sampling.ts";
import { builtinDir } from "./open-model.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sampling-"));
});
afterAll(() => rm(dir, { recursive: true }));
const write = (value: unknown) => writeFile(join(dir, "preprocessor_config.json"), JSON.stringify(value));

it("takes the reference's sampling where a checkpoint says nothing, and never its largest frames", async () => {
  await write(processorJson({ ...QWEN_PROCESSOR }));
  expect(await checkpointSampling(dir)).toEqual({
    sampling: {
      fps: 2,
      minFrames: 4,
      maxFrames: 32,
      minPixels: 3136,
      maxPixels: 151_200,
      factor: 28,
      timestamps: false,
    },
    syntheticOnly: false,
  });
});

it("reads back what was saved, beside what was there", async () => {
  await write(processorJson({ ...QWEN_PROCESSOR, minPixels: 12_544, maxPixels: 12_544 }));
  await saveSampling(dir, { fps: 4, minFrames: 2, maxFrames: 16, timestamps: true }, true);
  expect(await checkpointSampling(dir)).toEqual({
    sampling: {
      fps: 4,
      minFrames: 2,
      maxFrames: 16,
      minPixels: 12_544,
      maxPixels: 12_544,
      factor: 28,
      timestamps: true,
    },
    syntheticOnly: true,
  });
  expect(JSON.parse(await readFile(join(dir, "preprocessor_config.json"), "utf8")).patch_size).toBe(14);
});

it("names what is wrong", async () => {
  await write({ fps: -1 });
  await expect(checkpointSampling(dir)).rejects.toMatchObject({ code: "processor-invalid" });
  await expect(checkpointSampling(dir)).rejects.toThrow("fps");
});

// The model was trained with the time on its frames; asked without, it would guess.
it.skipIf(!existsSync(builtinDir))("the model of this package says how it was trained", async () => {
  const { sampling, syntheticOnly } = await checkpointSampling(builtinDir);
  expect([sampling.timestamps, syntheticOnly]).toEqual([true, true]);
});
