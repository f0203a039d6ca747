import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeTinyCheckpoint } from "../../test/tiny-checkpoint.ts";
import { Random } from "../base/index.ts";
import { loadParams, Qwen25VL, type VisionInput } from "../nn/index.ts";
import { VideoRelianceMeter } from "./video-reliance.ts";

// A random network of the real kind; what it says is noise, and how likely it finds it depends on the video.
let folder = "";
let model: Qwen25VL;
let meter: VideoRelianceMeter;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reliance-"));
  await writeTinyCheckpoint(folder);
  model = await Qwen25VL.load(folder, { threads: 1 });
  meter = new VideoRelianceMeter(model, loadParams(folder));
}, 60_000);
afterAll(async () => {
  await meter.dispose();
  await model.dispose();
  await rm(folder, { recursive: true });
});

const video = (seed: number): VisionInput => {
  const random = new Random(seed);
  const pixelValues = Float32Array.from({ length: 4 * 4 * 4 * 1176 }, () => 2 * random.uniform() - 1);
  return { kind: "video", grid: [4, 4, 4], pixelValues };
};
const patches = [0, 1, 2, 3].map((second) => ({ startSeconds: second, endSeconds: second + 0.4 }));
const pieces = ["<think>", "At 00:01", " a star.", "</think>", "<answer>", "star</answer>"];
const ids = [40, 41, 42, 43, 44, 45];
const part = { type: "video" as const, gridThw: [4, 4, 4] as [number, number, number] };

function promptOf(vision: VisionInput) {
  const content = [
    { ...part, pixelValues: { data: vision.pixelValues, shape: [64, 1176] } },
    { type: "text" as const, text: "What?" },
  ];
  return { ...model.prepare([{ role: "user", content }]), vision: [vision] };
}

it("finds the trace as likely with its own video as the network does", async () => {
  const own = video(1);
  const { generations } = await model.generateTokens([promptOf(own)], { maxNewTokens: 4 });
  const [generation] = generations[0] ?? [];
  const found = await meter.measure({
    prompt: promptOf(own),
    ids: generation?.ids ?? [],
    pieces: (generation?.ids ?? []).map(() => "x"),
    patches,
  });
  // Without tags all tokens count as the answer's.
  const logprobs = generation?.logprobs ?? [];
  expect(found.whole.answer).toBeCloseTo(logprobs.reduce((a, b) => a + b, 0) / logprobs.length, 4);
  expect(found.loss.swapped).toBeNull();
});

it("loses likelihood by what is done to the video: none by the same video, the same by all cited and by blanking", async () => {
  const prompt = promptOf(video(1));
  const whole = await meter.measure({ prompt, ids, pieces, patches, other: video(1) });
  expect(whole.loss.swapped?.reasoning).toBeCloseTo(0, 5);
  expect(whole.loss.swapped?.answer).toBeCloseTo(0, 5);
  const found = await meter.measure({ prompt, ids, pieces, patches, other: video(2) });
  for (const name of ["swapped", "blanked", "cited", "uncited"] as const) {
    expect(Math.abs(found.loss[name]?.reasoning ?? 0)).toBeGreaterThan(1e-4);
    expect(Math.abs(found.loss[name]?.answer ?? 0)).toBeGreaterThan(1e-4);
  }
  const one = await meter.measure({
    prompt,
    ids,
    pieces,
    patches,
    other: video(2),
    interventions: ["swapped"],
  });
  expect(one.loss.swapped?.reasoning).toBeCloseTo(found.loss.swapped?.reasoning ?? 0, 5);
  expect(one.loss).toMatchObject({ blanked: null, cited: null, uncited: null });
  // Blanking the cited frames first and then asking again loses nothing more.
  const [shown] = prompt.vision;
  const blanked = { ...video(1), pixelValues: (shown as VisionInput).pixelValues.slice() };
  const each = blanked.pixelValues.length / 4;
  blanked.pixelValues.fill(0, each, 2 * each);
  const again = await meter.measure({ prompt: promptOf(blanked), ids, pieces, patches, other: video(1) });
  expect(again.loss.cited?.reasoning).toBeCloseTo(0, 5);
  expect(again.whole.reasoning).toBeCloseTo(found.whole.reasoning - (found.loss.cited?.reasoning ?? 0), 4);
});

it("says null where nothing or everything is cited, and refuses a video of another shape", async () => {
  const prompt = promptOf(video(1));
  const none = await meter.measure({ prompt, ids, pieces: pieces.map(() => "star "), patches });
  expect(none.loss).toMatchObject({ cited: null, uncited: null });
  const all = await meter.measure({
    prompt,
    ids,
    pieces: ["<think>", "From 00:00 to 00:04", " a star.", "</think>", "<answer>", "star</answer>"],
    patches,
  });
  expect(all.loss).toMatchObject({ cited: null, uncited: null });
  const other: VisionInput = { ...video(2), grid: [2, 4, 8] };
  await expect(meter.measure({ prompt, ids, pieces, patches, other })).rejects.toThrow(
    "must be of the grid 4x4x4",
  );
});
