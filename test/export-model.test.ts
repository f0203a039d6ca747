/**
 * Exported models in plain onnxruntime-node against the in-process runtime. Both compute float32 sums, of other sizes
 * and so in another order, and cosines by another library: logits agree to about 1e-6 of the largest, and 2e-5 is the
 * tolerance.
 */

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { builtinDir } from "../src/models/index.ts";
import { decodeGraph } from "../src/nn/export-graphs.ts";
import { placeWeights } from "../src/nn/export-weights.ts";
import {
  argmax,
  exportModel,
  initParams,
  loadConfig,
  type Prompt,
  Qwen25VL,
  saveCheckpoint,
  type WeightDType,
} from "../src/nn/index.ts";
import { askedVideo } from "./asked-video.ts";
import { runGreedily } from "./in-process-logits.ts";
import { OnnxModel } from "./onnx-model.ts";
import { writeTinyCheckpoint } from "./tiny-checkpoint.ts";

const TOLERANCE = 2e-5;
const example = join(import.meta.dirname, "../examples/shapes.mp4");

let folder = "";
let tiny = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "export-"));
  tiny = join(folder, "tiny");
  await writeTinyCheckpoint(tiny);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The largest difference, as a share of the largest value. */
function difference(got: Float32Array, wanted: Float32Array): number {
  expect(got.length).toBe(wanted.length);
  const largest = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return wanted.reduce((most, x, i) => Math.max(most, Math.abs(x - (got[i] as number))), 0) / largest;
}

/** Generates by the exported files as the in-process runtime does, and compares vision and every step's logits. */
async function compare(
  directory: string,
  out: string,
  prompt: Prompt,
  count: number,
  dtype: WeightDType = "float32",
): Promise<{ logits: number; vision: number; ids: number[] }> {
  const config = loadConfig(directory);
  const wanted = await runGreedily(directory, prompt, count, dtype);
  const model = new OnnxModel(out);
  const seen: Float32Array[] = [];
  for (const { pixelValues, grid } of prompt.vision ?? []) seen.push(await model.see(pixelValues, grid));
  const video = Float32Array.from(seen.flatMap((part) => [...part]));
  const isPlaceholder = (id: number): boolean => id === config.video_token_id;
  let logits = await model.read(Array.from(prompt.ids), wanted.positions, video, isPlaceholder);
  const ids: number[] = [];
  let worst = 0;
  for (const expected of wanted.logits) {
    worst = Math.max(worst, difference(logits, expected));
    ids.push(argmax(logits));
    if (ids.length < count)
      logits = await model.step(ids.at(-1) as number, wanted.nextPosition + ids.length - 1);
  }
  await model.release();
  expect(ids).toEqual(wanted.ids);
  return { logits: worst, vision: difference(video, wanted.video), ids };
}

/** A prompt of videos of two temporal patches each, at 1 and more seconds a patch, with text around them. */
function promptOf(directory: string, [height, width]: readonly [number, number], videos = 2): Prompt {
  const {
    video_token_id: pad,
    vision_start_token_id: start,
    vision_end_token_id: end,
  } = loadConfig(directory);
  const vision = Array.from({ length: videos }, (_, k) => ({
    kind: "video" as const,
    grid: [2, height, width] as const,
    secondPerGrid: 1 + 2.7 * k,
    pixelValues: Float32Array.from({ length: 2 * height * width * 1176 }, (_, i) => Math.sin(i * 0.37 + k)),
  }));
  const tokens = (height * width) / 2;
  const ids = vision.flatMap(() => [7, 8, start, ...new Array<number>(tokens).fill(pad), end, 9]);
  return { ids, vision };
}

describe("exported files", () => {
  it("answer as the model of the package does, token by token", async () => {
    const out = join(folder, "builtin-onnx");
    const frames = [{ width: 112, height: 112 }];
    await exportModel({ model: builtinDir, out, frames, prefill: 128, capacity: 512 });
    const { question, options } = JSON.parse(readFileSync(example.replace(/mp4$/, "json"), "utf8"));
    const prompt = await askedVideo(builtinDir, example, question, options);
    // Three pieces, with the video across their borders.
    expect(prompt.ids.length).toBeGreaterThan(256);
    const model = await Qwen25VL.load(builtinDir);
    const { generations } = await model.generateTokens([prompt], { maxNewTokens: 96 });
    await model.dispose();
    const answer = generations[0]?.[0];
    expect(answer?.finishReason).toBe("stop");
    const { logits, vision, ids } = await compare(builtinDir, out, prompt, answer?.ids.length ?? 0);
    expect(ids).toEqual(answer?.ids);
    expect(vision).toBeLessThan(TOLERANCE);
    expect(logits).toBeLessThan(TOLERANCE);
  });

  it.each([
    ["smaller than a window", 6, 4],
    ["in windows of unequal sizes", 10, 14],
  ])("generate as a random checkpoint does, with frames %s", async (_, height, width) => {
    const out = join(folder, `tiny-${height}`);
    const frames = [{ width: width * 14, height: height * 14 }];
    await exportModel({ model: tiny, out, frames, prefill: 32, capacity: 320 });
    const { logits, vision } = await compare(tiny, out, promptOf(tiny, [height, width]), 40);
    expect(vision).toBeLessThan(TOLERANCE);
    expect(logits).toBeLessThan(TOLERANCE);
  });

  it("generate with an output of its own, weights of 16 bits, and the step of models too large to freeze", async () => {
    const directory = join(folder, "untied");
    cpSync(tiny, directory, { recursive: true });
    const tied = loadConfig(tiny);
    const config = { ...tied, text: { ...tied.text, tie_word_embeddings: false } };
    saveCheckpoint(directory, config, initParams(config, 5));
    const out = join(folder, "untied-onnx");
    const sizes = { prefill: 24, capacity: 128 };
    await exportModel({
      model: directory,
      out,
      frames: [{ width: 56, height: 56 }],
      ...sizes,
      dtype: "float16",
    });
    const weights = placeWeights(config, "float16", "weights.bin");
    const prompt = promptOf(directory, [4, 4], 1);
    for (const frozen of [true, false]) {
      const { bytes } = decodeGraph({ config, weights, ...sizes, frozen });
      writeFileSync(join(out, "decode.onnx"), bytes);
      const { logits, vision } = await compare(directory, out, prompt, 30, "float16");
      expect(vision).toBeLessThan(TOLERANCE);
      expect(logits).toBeLessThan(TOLERANCE);
    }
  });
});

describe("the folder", () => {
  it("says of every file what goes in and comes out, and holds what a prompt is made with", async () => {
    const out = join(folder, "described");
    const frames = [
      { width: 56, height: 28 },
      { width: 28, height: 28 },
    ];
    const result = await exportModel({ model: tiny, out, frames });
    expect(result.files).toEqual([
      "vision-56x28.onnx",
      "vision-28x28.onnx",
      "embed.onnx",
      "prefill.onnx",
      "decode.onnx",
    ]);
    expect(readdirSync(out).sort()).toEqual(
      [
        ...result.files,
        "README.json",
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "weights.bin",
      ].sort(),
    );
    const manifest = JSON.parse(readFileSync(join(out, "README.json"), "utf8"));
    expect(manifest.sizes).toEqual({ batch: 1, prefill: 256, capacity: 2048 });
    expect(manifest.weights.bytes).toBe(readFileSync(join(out, "weights.bin")).length);
    expect(manifest.processor).toMatchObject({ patch_size: 14, max_pixels: 3136, fps: 2, max_frames: 8 });
    expect(manifest.frames[0]).toEqual({ width: 56, height: 28, grid: [1, 2, 4], file: "vision-56x28.onnx" });
    for (const [name, { inputs, outputs }] of Object.entries<
      Record<string, { name: string; meaning?: string }[]>
    >(manifest.files)) {
      const session = await InferenceSession.create(join(out, name));
      const shapes = (all: readonly InferenceSession.ValueMetadata[]) =>
        all.map((value) =>
          value.isTensor ? { name: value.name, dtype: value.type, shape: value.shape } : value,
        );
      expect(inputs).toMatchObject(shapes(session.inputMetadata));
      expect(outputs).toMatchObject(shapes(session.outputMetadata));
      for (const { meaning } of [...(inputs ?? []), ...(outputs ?? [])]) expect(meaning).toMatch(/../);
      await session.release();
    }
  });

  it("appears whole or not at all, and replaces exports only", async () => {
    const out = join(folder, "whole");
    const options = { model: tiny, out, frames: [], prefill: 8, capacity: 16 };
    const stop = new AbortController();
    const onProgress = (done: number, total: number): void => {
      if (done > total / 2) stop.abort(new Error("enough"));
    };
    await expect(exportModel({ ...options, onProgress, signal: stop.signal })).rejects.toThrow("enough");
    expect(existsSync(out) || existsSync(`${out}.partial`)).toBe(false);
    await exportModel(options);
    await expect(exportModel(options)).rejects.toMatchObject({ code: "out-exists" });
    await exportModel({ ...options, force: true });
    rmSync(join(out, "README.json"));
    await expect(exportModel({ ...options, force: true })).rejects.toThrow("must hold README.json");
  });

  it.each([
    [{ frames: [{ width: 100, height: 56 }] }, "multiples of 28, got 100x56"],
    [{ capacity: 4096 }, "capacity: must be from 1 to 2048, got 4096"],
    [{ capacity: 100, prefill: 101 }, "prefill: must be from 1 to the capacity (100), got 101"],
  ])("is refused for %j", async (options, message) => {
    const out = join(folder, "refused");
    await expect(exportModel({ model: tiny, out, frames: [], ...options })).rejects.toThrow(message);
    expect(existsSync(out)).toBe(false);
  });
});
