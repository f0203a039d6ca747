import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { synthCorpus, synthesize } from "../data/index.ts";
import { Qwen25VL, readAdapter } from "../nn/index.ts";
import { makeFreshModel } from "./fresh-model.ts";
import { parseRecipe } from "./recipe.ts";
import { type SftEvent, type SftMetrics, trainSft } from "./sft.ts";

// The real thing in small: real videos, a real Qwen2.5-VL of 0.1 million parameters, the real engine.
let folder = "";
const recipe = (extra: object = {}) =>
  parseRecipe({
    kind: "sft",
    model: join(folder, "base"),
    data: join(folder, "world/train.jsonl"),
    video: { fps: 1, minFrames: 4, maxFrames: 8, minPixels: 3136, maxPixels: 3136 },
    freeze: [],
    optimizer: { learningRate: 0.01, warmupRatio: 0.1 },
    steps: 6,
    batchSize: 8,
    microBatchSize: 4,
    questionsPerVideo: 2,
    padTo: 256,
    saveEvery: 2,
    seed: 3,
    ...extra,
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sft-"));
  const world = { seed: 1, split: "train" as const, count: 8, questionsPerVideo: 4, lengths: [8], size: 64 };
  for await (const _ of synthesize({ ...world, out: join(folder, "world"), workers: 0 }));
  await makeFreshModel(
    join(folder, "base"),
    {
      vocabSize: 400,
      language: {
        hiddenSize: 32,
        intermediateSize: 64,
        layers: 2,
        heads: 2,
        keyValueHeads: 1,
        ropeTheta: 10_000,
      },
      vision: {
        hiddenSize: 16,
        intermediateSize: 32,
        layers: 2,
        heads: 1,
        windowSize: 56,
        fullAttentionLayers: [1],
      },
      initializerRange: 0.02,
      minPixels: 3136,
      maxPixels: 3136,
      seed: 0,
    },
    synthCorpus({ seed: 5, split: "train" }, 40),
  );
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const run = async (
  out: string,
  settings: Parameters<typeof recipe>[0],
  stopAfter?: number,
  resume = false,
) => {
  const stop = new AbortController();
  const metrics: SftMetrics[] = [];
  const onEvent = (event: SftEvent): void => {
    if (event.kind !== "step") return;
    metrics.push(event.metrics);
    if (event.metrics.step === stopAfter) stop.abort();
  };
  const result = await trainSft(recipe(settings), {
    out: join(folder, out),
    threads: 1,
    resume,
    signal: stop.signal,
    onEvent,
  });
  return { result, metrics };
};
const weights = (path: string) => readFile(join(path, "model.safetensors"));

describe("trainSft", () => {
  it("learns, and a run that was stopped and resumed ends with the same bytes as one left alone", {
    timeout: 180_000,
  }, async () => {
    const whole = await run("whole", {});
    expect(whole.result).toMatchObject({ step: 6, finished: true });
    expect(whole.metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    // log(400) is chance; six steps at this rate take it well below.
    expect(whole.metrics[0]?.loss).toBeGreaterThan(5.5);
    expect(whole.metrics[5]?.loss).toBeLessThan((whole.metrics[0]?.loss ?? 0) - 0.5);

    const stopped = await run("stopped", {}, 3);
    expect(stopped.result).toMatchObject({ step: 3, finished: false });
    const resumed = await run("stopped", {}, undefined, true);
    expect(resumed.result.finished).toBe(true);
    expect(resumed.metrics.map(({ step }) => step)).toEqual([4, 5, 6]);
    expect((await weights(resumed.result.model)).equals(await weights(whole.result.model))).toBe(true);
    const lines = (await readFile(join(folder, "stopped/metrics.jsonl"), "utf8")).trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as SftMetrics).step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await readdir(join(folder, "stopped/checkpoints"))).sort()).toEqual([
      "step-000004",
      "step-000006",
    ]);
  });

  it("trains adapters alone, leaves the base as it was, and merges them into the model", {
    timeout: 180_000,
  }, async () => {
    const { result } = await run("lora", {
      steps: 2,
      lora: { r: 2, alpha: 4, dropout: 0.1 },
      heldout: join(folder, "world/train.jsonl"),
    });
    const model = await Qwen25VL.load(result.model);
    const adapter = readAdapter(join(result.model, "adapter"), model.config);
    await model.dispose();
    expect(adapter.config).toMatchObject({ r: 2, lora_alpha: 4 });
    const b = [...adapter.params].filter(([name]) => name.includes("lora_B"));
    expect(b.some(([, { data }]) => data.some((x) => x !== 0))).toBe(true);
    expect((await weights(result.model)).equals(await weights(join(folder, "base")))).toBe(false);
    const lines = (await readFile(join(folder, "lora/metrics.jsonl"), "utf8")).trim().split("\n");
    expect((JSON.parse(lines.at(-1) ?? "") as SftMetrics).heldoutLoss).toBeGreaterThan(0);
  });

  it("refuses a folder with a run, a resume without one, another recipe, and too few rows", async () => {
    await expect(run("whole", {})).rejects.toMatchObject({ code: "run-exists" });
    await expect(run("nothing", {}, undefined, true)).rejects.toMatchObject({ code: "run-missing" });
    await expect(run("whole", { seed: 4 }, undefined, true)).rejects.toThrow("got another seed");
    await expect(run("few", { batchSize: 64, microBatchSize: 4 })).rejects.toMatchObject({
      code: "training-rows",
    });
  });
});
