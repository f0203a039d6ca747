import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadRecipe, parseRecipe } from "./recipe.ts";

const least = { kind: "sft", model: "m", data: "d.jsonl" };
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "recipe-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("parseRecipe", () => {
  it("fills in the reference's settings for SFT", () => {
    const recipe = parseRecipe(least);
    expect(recipe.video).toMatchObject({
      fps: 1,
      minFrames: 4,
      maxFrames: 128,
      maxPixels: 151_200,
      timestamps: true,
    });
    expect(recipe.optimizer).toMatchObject({ learningRate: 1e-5, weightDecay: 0.1, warmupRatio: 0.03 });
    expect(recipe).toMatchObject({
      freeze: ["vision", "merger"],
      batchSize: 32,
      microBatchSize: 32,
      epochs: 1,
    });
    expect(parseRecipe({ ...least, lora: {} }).lora).toEqual({ r: 64, alpha: 64, dropout: 0.05 });
  });

  it("names every field that is wrong", () => {
    const wrong = { ...least, batchSize: 0, video: { fps: -1 }, optimiser: {} };
    expect(() => parseRecipe(wrong)).toThrow(/video\.fps.*batchSize.*optimiser|batchSize.*video\.fps/);
    expect(() => parseRecipe({ ...least, batchSize: 10, microBatchSize: 4 })).toThrow(
      "multiple of microBatchSize",
    );
    expect(() => parseRecipe({ ...least, batchSize: 9, questionsPerVideo: 2 })).toThrow(
      "multiple of questionsPerVideo",
    );
  });
});

describe("loadRecipe", () => {
  it("takes paths relative to the recipe, and overrides relative to where the caller is", async () => {
    const path = join(folder, "r.yaml");
    await writeFile(path, "kind: sft\nmodel: base\ndata: d/train.jsonl\n");
    expect(await loadRecipe(path)).toMatchObject({
      model: join(folder, "base"),
      data: join(folder, "d/train.jsonl"),
    });
    expect(await loadRecipe(path, { data: "x.jsonl", steps: undefined })).toMatchObject({
      data: resolve("x.jsonl"),
    });
    expect((await loadRecipe(path, { steps: 7 })).steps).toBe(7);
  });

  it("says what is wrong with a file", async () => {
    const path = join(folder, "bad.yaml");
    await writeFile(path, "kind: [");
    await expect(loadRecipe(path)).rejects.toMatchObject({ code: "recipe-invalid" });
    await writeFile(path, "just text");
    await expect(loadRecipe(path)).rejects.toThrow("must be a mapping");
    await expect(loadRecipe(join(folder, "none.yaml"))).rejects.toMatchObject({ code: "recipe-missing" });
  });
});
