import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { synthCorpus, synthesize } from "../data/index.ts";
import { Qwen25VL, readAdapter } from "../nn/index.ts";
import { makeFreshModel } from "./fresh-model.ts";
import { type GrpoEvent, type GrpoMetrics, trainGrpo } from "./grpo.ts";
import { parseGrpoRecipe } from "./grpo-recipe.ts";
import { parseRecipe } from "./recipe.ts";
import { trainSft } from "./sft.ts";

// The real thing in small: real videos, a real Qwen2.5-VL of 0.1 million parameters, the real engine and rewards.
let folder = "";
const video = { fps: 1, minFrames: 4, maxFrames: 8, minPixels: 3136, maxPixels: 3136 };
const recipe = (extra: object = {}) =>
  parseGrpoRecipe({
    kind: "grpo",
    model: join(folder, "start/model"),
    data: join(folder, "world/train.jsonl"),
    video,
    freeze: [],
    optimizer: { learningRate: 0.0005, weightDecay: 0 },
    steps: 4,
    promptsPerStep: 2,
    groupSize: 4,
    microBatchSize: 4,
    maxNewTokens: 72,
    temperature: 1,
    topK: 0,
    beta: 0.02,
    padTo: 256,
    saveEvery: 2,
    seed: 3,
    ...extra,
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "grpo-"));
  const world = { seed: 1, split: "train" as const, count: 2, questionsPerVideo: 4, lengths: [8], size: 64 };
  for await (const _ of synthesize({ ...world, out: join(folder, "world"), workers: 0 }));
  const language = {
    hiddenSize: 48,
    intermediateSize: 96,
    layers: 2,
    heads: 2,
    keyValueHeads: 1,
    ropeTheta: 10_000,
  };
  const vision = {
    hiddenSize: 16,
    intermediateSize: 32,
    layers: 2,
    heads: 1,
    windowSize: 56,
    fullAttentionLayers: [1],
  };
  await makeFreshModel(
    join(folder, "base"),
    {
      vocabSize: 400,
      language,
      vision,
      initializerRange: 0.02,
      minPixels: 3136,
      maxPixels: 3136,
      seed: 0,
    },
    synthCorpus({ seed: 5, split: "train" }, 40),
  );
  // Enough to write in the right form most of the time, and to answer rightly some of it.
  await trainSft(
    parseRecipe({
      kind: "sft",
      model: join(folder, "base"),
      data: join(folder, "world/train.jsonl"),
      video,
      freeze: [],
      optimizer: { learningRate: 0.01, warmupRatio: 0.1 },
      steps: 100,
      batchSize: 8,
      padTo: 256,
      saveEvery: 1000,
    }),
    { out: join(folder, "start"), threads: 1 },
  );
}, 180_000);
afterAll(() => rm(folder, { recursive: true }));

const run = async (out: string, settings: object = {}, stopAfter?: number, resume = false) => {
  const stop = new AbortController();
  const metrics: GrpoMetrics[] = [];
  const onEvent = (event: GrpoEvent): void => {
    if (event.kind !== "step") return;
    metrics.push(event.metrics);
    if (event.metrics.step === stopAfter) stop.abort();
  };
  const options = { out: join(folder, out), threads: 1, resume, signal: stop.signal, onEvent };
  return { result: await trainGrpo(recipe(settings), options), metrics };
};
const weights = (path: string) => readFile(join(path, "model.safetensors"));
const linesOf = async (path: string) =>
  (await readFile(join(folder, path), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("trainGrpo", () => {
  it("ends with the same bytes whether stopped and resumed or left alone, and tells what completions earned", {
    timeout: 180_000,
  }, async () => {
    const heldout = { heldout: join(folder, "world/train.jsonl"), heldoutRows: 4 };
    const whole = await run("whole", heldout);
    expect(whole.result).toMatchObject({ step: 4, finished: true });
    const stopped = await run("stopped", heldout, 3);
    expect(stopped.result).toMatchObject({ step: 3, finished: false });
    const resumed = await run("stopped", heldout, undefined, true);
    expect(resumed.metrics.map(({ step }) => step)).toEqual([4]);
    expect((await weights(resumed.result.model)).equals(await weights(whole.result.model))).toBe(true);
    expect((await weights(whole.result.model)).equals(await weights(join(folder, "start/model")))).toBe(
      false,
    );

    for (const one of whole.metrics) {
      // What is learnt from is what was sampled: the two computations of its probabilities differ by rounding.
      expect(one.samplingGap).toBeLessThan(1e-4);
      expect(one.entropy).toBeGreaterThan(0);
      expect(one.kl).toBeGreaterThan(-1e-5);
      expect(one).toMatchObject({ clippedLow: 0, clippedHigh: 0, unscored: 0, skipped: 0 });
    }
    // Before the first update the policy is the reference.
    expect(whole.metrics[0]?.kl).toBeCloseTo(0, 6);
    expect(whole.metrics[3]?.kl).toBeGreaterThan(1e-6);
    expect(whole.metrics.map(({ heldoutAccuracy }) => typeof heldoutAccuracy)).toEqual([
      "undefined",
      "number",
      "undefined",
      "number",
    ]);
    for (const file of ["metrics", "samples"])
      expect((await linesOf(`stopped/${file}.jsonl`)).map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    const [first] = await linesOf("whole/samples.jsonl");
    expect(first).toMatchObject({ id: expect.any(String), question: expect.any(String) });
    const completions = first?.completions as { text: string; total: number; explained: string[] }[];
    expect(completions).toHaveLength(4);
    expect(completions[0]?.explained[0]).toMatch(/^1 x accuracy \S+ \+ 1 x format \S+ \+ 1 x temporal \S+$/);
  });

  it("makes likelier what earned more than the rest of its group", { timeout: 180_000 }, async () => {
    // Advantages of a group add up to 0, and so does the first iteration's loss; the second's says what the first did.
    const twice = { lossType: "grpo", iterations: 2, beta: 0, steps: 2, optimizer: { learningRate: 0.0005 } };
    const { metrics } = await run("twice", twice);
    for (const { loss, kl, flatGroups } of metrics) {
      expect(flatGroups).toBeLessThan(1);
      expect(loss).toBeLessThan(-1e-4);
      expect(kl).toBe(0);
    }
  });

  it("learns several times from the same completions, and clips what has moved too far", {
    timeout: 180_000,
  }, async () => {
    const often = { iterations: 3, epsilonLow: 0.01, epsilonHigh: 0.01, steps: 2 };
    const { metrics } = await run("often", often);
    expect(metrics.some(({ clippedLow, clippedHigh }) => (clippedLow ?? 0) + (clippedHigh ?? 0) > 0)).toBe(
      true,
    );
  });

  it("trains adapters alone, and stays near to the model without them", { timeout: 180_000 }, async () => {
    const { result, metrics } = await run("lora", { lora: { r: 2, alpha: 4, dropout: 0 }, steps: 3 });
    expect(metrics[0]?.kl).toBeCloseTo(0, 6);
    expect(metrics[2]?.kl).toBeGreaterThan(1e-7);
    const model = await Qwen25VL.load(result.model);
    const adapter = readAdapter(join(result.model, "adapter"), model.config);
    await model.dispose();
    const b = [...adapter.params].filter(([name]) => name.includes("lora_B"));
    expect(b.some(([, { data }]) => data.some((x) => x !== 0))).toBe(true);
  });

  it("leaves out of the loss what was cut off, and takes no step where nothing is left", {
    timeout: 60_000,
  }, async () => {
    const { result, metrics } = await run("short", { maxNewTokens: 4, steps: 1 });
    expect(metrics[0]).toMatchObject({ truncated: 1, loss: null, kl: null, completionTokens: 4 });
    expect((await weights(result.model)).equals(await weights(join(folder, "start/model")))).toBe(true);
  });

  it("says what is wrong with a recipe", () => {
    expect(() => recipe({ microBatchSize: 3 })).toThrow("microBatchSize must be a multiple or divisor");
    expect(() => recipe({ groupSize: 1 })).toThrow("groupSize");
    expect(() => recipe({ kind: "sft" })).toThrow("kind");
    expect(() => recipe({ lossType: "ppo" })).toThrow("lossType");
    const least = parseGrpoRecipe({ kind: "grpo", model: "m", data: "d" });
    expect(least).toMatchObject({
      promptsPerStep: 1,
      groupSize: 8,
      microBatchSize: 8,
      maxNewTokens: 1024,
      lossType: "bnpo",
      beta: 0.04,
      video: { fps: 2, maxFrames: 32 },
      optimizer: { learningRate: 1e-6, weightDecay: 0.01, warmupRatio: 0 },
      rewards: { accuracy: 1, format: 1, temporal: 1, gate: true, deltaSeconds: 2 },
    });
  });
});
