/** Run by check-onnx.py: exports two models, and writes prompts for them and what the in-process runtime computes. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { builtinDir } from "../src/models/index.ts";
import {
  exportModel,
  type FloatTensor,
  floatTensor,
  initParams,
  loadConfig,
  type Prompt,
  saveCheckpoint,
  writeSafetensors,
} from "../src/nn/index.ts";
import { askedVideo } from "../test/asked-video.ts";
import { runGreedily } from "../test/in-process-logits.ts";
import { writeTinyCheckpoint } from "../test/tiny-checkpoint.ts";

const out = argv[2] as string;
const root = join(import.meta.dirname, "..");
const row = (values: ArrayLike<number>): FloatTensor =>
  floatTensor(Float32Array.from(values), [values.length]);

/** Exports a model, generates `count` tokens greedily, and writes down both. */
async function record(
  name: string,
  directory: string,
  prompt: Prompt,
  count: number,
  options: Partial<Parameters<typeof exportModel>[0]>,
): Promise<void> {
  const folder = join(out, name);
  mkdirSync(folder);
  const sizes = { prefill: 64, capacity: 512, ...options };
  const video = prompt.vision?.[0];
  if (!video) throw new Error("a prompt must have a video");
  const [time, height, width] = video.grid;
  const frames = [{ width: 14 * width, height: 14 * height }];
  await exportModel({ model: directory, out: join(folder, "onnx"), frames, ...sizes });
  const run = await runGreedily(directory, prompt, count, options.dtype);
  writeSafetensors(
    join(folder, "expected.safetensors"),
    new Map([
      ["ids", row(Array.from(prompt.ids))],
      [
        "pixels",
        floatTensor(video.pixelValues, [
          time * height * width,
          video.pixelValues.length / (time * height * width),
        ]),
      ],
      ["grid", row(video.grid)],
      ["seconds", row([video.secondPerGrid ?? 1])],
      ["positions", row(run.positions)],
      ["chosen", row(run.ids)],
      [
        "logits",
        floatTensor(Float32Array.from(run.logits.flatMap((x) => [...x])), [
          run.logits.length,
          (run.logits[0] as Float32Array).length,
        ]),
      ],
    ]),
  );
}

const shapes = await askedVideo(
  builtinDir,
  join(root, "examples/shapes.mp4"),
  "How many shapes appear in the whole video?",
  ["0", "3", "2", "1"],
);
await record("builtin", builtinDir, shapes, 70, {});
await record("builtin16", builtinDir, shapes, 70, { dtype: "float16" });

const tiny = join(out, "tiny-checkpoint");
await writeTinyCheckpoint(tiny);
const tied = loadConfig(tiny);
const config = { ...tied, text: { ...tied.text, tie_word_embeddings: false } };
saveCheckpoint(tiny, config, initParams(config, 1));
const grid = [3, 10, 14] as const;
const tokens = (grid[0] * grid[1] * grid[2]) / 4;
const { vision_start_token_id: start, video_token_id: pad, vision_end_token_id: end } = config;
const prompt: Prompt = {
  ids: [7, 8, start, ...new Array<number>(tokens).fill(pad), end, 9, 10],
  vision: [
    {
      kind: "video",
      grid,
      secondPerGrid: 2.5,
      pixelValues: Float32Array.from({ length: 3 * 140 * 1176 }, (_, i) => Math.sin(i * 0.37)),
    },
  ],
};
await record("tiny", tiny, prompt, 64, {});
