/** Run by check-hf-roundtrip.py: writes checkpoints and an adapter, and what this project computes with them. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { compile } from "../src/engine/index.ts";
import { builtinDir, questionPrompt, systemPrompt } from "../src/models/index.ts";
import {
  buildInputs,
  floatTensor,
  forward,
  initLora,
  initParams,
  loadConfig,
  loadParams,
  loraConfig,
  mergeAdapter,
  mergeLora,
  type Prompt,
  saveCheckpoint,
  type VisionInput,
  writeAdapter,
  writeSafetensors,
} from "../src/nn/index.ts";
import { askedVideo } from "../test/asked-video.ts";
import { runGreedily } from "../test/in-process-logits.ts";

const [, , source, out] = argv as [string, string, string, string];
const config = loadConfig(source);
const { vision, video_token_id: video, vision_start_token_id: start, vision_end_token_id: end } = config;
const side = 2 * vision.spatial_merge_size;
const grid = [3, side, side + vision.spatial_merge_size] as const;
const patches = grid[0] * grid[1] * grid[2];
const width = vision.in_channels * vision.temporal_patch_size * vision.patch_size ** 2;
const tokens = patches / vision.spatial_merge_size ** 2;
const prompt: Prompt = {
  ids: [1, 2, 3, start, ...new Array<number>(tokens).fill(video), end, 4, 5, 6, 7],
  vision: [
    {
      kind: "video",
      grid,
      secondPerGrid: 1,
      pixelValues: Float32Array.from({ length: patches * width }, (_, i) => Math.sin(i * 0.37)),
    },
  ],
};
const inputs = buildInputs(config, [prompt]);

// Spread wider than a fresh model's, so that a difference would show.
const params = initParams(config, 7);
for (const [name, { data, shape }] of params)
  if (shape.length > 1)
    for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) * (name.includes("embed") ? 10 : 4);
saveCheckpoint(join(out, "single"), config, params);
saveCheckpoint(join(out, "sharded"), config, params, { shardBytes: 100_000 });
saveCheckpoint(join(out, "bfloat16"), config, params, { dtype: "bfloat16" });
const lora = loraConfig({ r: 4, lora_alpha: 8 });
const adapter = initLora(config, lora, 3);
for (const { data } of adapter.values())
  for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) + 0.1 * Math.sin(i);
writeAdapter(join(out, "adapter"), { config: lora, params: adapter });
for (const base of ["sharded", "bfloat16"])
  await mergeAdapter({
    adapter: join(out, "adapter"),
    base: join(out, base),
    out: join(out, `merged-${base}`),
    shardBytes: 100_000,
  });

const program = await compile(
  (p, i) => forward(config, inputs.layout, p, i as never).logits,
  [Object.fromEntries(params), inputs.tensors],
);
const logits = async (weights: typeof params) => {
  const { data, shape } = await program.run(Object.fromEntries(weights), inputs.tensors as never);
  return floatTensor(data as Float32Array, shape);
};
const ids = Float32Array.from(Array.from(prompt.ids));
writeSafetensors(
  join(out, "computed.safetensors"),
  new Map([
    ["ids", floatTensor(ids, [1, ids.length])],
    ["grid", floatTensor(Float32Array.from(grid), [1, 3])],
    ["pixels", floatTensor(inputs.tensors.vision?.pixelValues.data ?? new Float32Array(), [patches, width])],
    ["single", await logits(params)],
    ["bfloat16", await logits(loadParams(join(out, "bfloat16")))],
    ["adapter", await logits(mergeLora(params, { config: lora, params: adapter }))],
    ["merged-sharded", await logits(loadParams(join(out, "merged-sharded")))],
    ["merged-bfloat16", await logits(loadParams(join(out, "merged-bfloat16")))],
  ]),
);
await program.dispose();

// The model of the package on a real video: what training writes, with its tokenizer, template and settings.
const shapes = join(import.meta.dirname, "../examples/shapes.mp4");
const [question, options] = ["How many shapes appear?", ["0", "3", "2", "1"]] as const;
const asked = await askedVideo(builtinDir, shapes, question, options);
const [seen] = asked.vision as [VisionInput];
const run = await runGreedily(builtinDir, asked, 40);
const row = (values: ArrayLike<number>) => floatTensor(Float32Array.from(values), [1, values.length]);
writeSafetensors(
  join(out, "builtin.safetensors"),
  new Map([
    ["ids", row(Array.from(asked.ids))],
    ["grid", row(seen.grid)],
    ["seconds", row([seen.secondPerGrid ?? 1])],
    ["pixels", floatTensor(seen.pixelValues, [seen.pixelValues.length / 1176, 1176])],
    ["logits", row(run.logits[0] as Float32Array)],
    ["chosen", row(run.ids)],
  ]),
);
const lettered = options.map((text, i) => ({ letter: "ABCD".charAt(i), text }));
const words = {
  directory: builtinDir,
  system: systemPrompt,
  text: questionPrompt(question, lettered, "choice"),
};
writeFileSync(join(out, "builtin.json"), JSON.stringify(words));
