/**
 * Qwen2.5-VL against transformers: fixtures/qwen is what scripts/record-qwen-fixture.py recorded (two prompts of
 * different length, images and videos, windows that do not divide the grid, an adapter, three steps of AdamW);
 * ../shared/golden, where present, is a second, independent recording.
 *
 * Tolerances are relative to the largest value of a tensor: 1e-4 for outputs and 1e-3 for gradients, since the
 * two sum the same float32 products in another order. Position ids are equal.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile, type HostTensor, valueAndGrad } from "../src/engine/index.ts";
import {
  buildInputs,
  buildTargets,
  checkpointName,
  createTrainStep,
  crossEntropy,
  type FloatTensor,
  forward,
  type Grid,
  type Inputs,
  loadConfig,
  loadParams,
  mergeLora,
  type Params,
  type Prompt,
  parseConfig,
  type Qwen25VLConfig,
  readAdapter,
  SafetensorsFile,
  type Tensor,
  targetLogProbs,
  visionForward,
  writeAdapter,
} from "../src/nn/index.ts";

const FIXTURE = new URL("fixtures/qwen", import.meta.url).pathname;
const GOLDEN = new URL("../../shared/golden/qwen2_5_vl", import.meta.url).pathname;

/** A recording: float tensors as they are, integers as numbers. */
class Recording {
  readonly #file: SafetensorsFile;

  constructor(path: string) {
    this.#file = new SafetensorsFile(path);
  }

  floats(name: string): Float32Array {
    return this.#file.read(name).data;
  }

  shape(name: string): readonly number[] {
    return this.#file.tensors.get(name)?.shape ?? [];
  }

  integers(name: string): number[] {
    const { buffer } = this.#file.readBytes(name);
    const wide = this.#file.tensors.get(name)?.dtype === "I64";
    return wide
      ? Array.from(new BigInt64Array(buffer as ArrayBuffer), Number)
      : Array.from(new Int32Array(buffer as ArrayBuffer));
  }

  names(prefix: string): string[] {
    return [...this.#file.tensors.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  }
}

/** Largest difference, relative to the largest value that was expected. */
function difference(got: HostTensor | undefined, wanted: Float32Array): number {
  if (got?.data.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  let worst = 0;
  for (let i = 0; i < wanted.length; i++) {
    largest = Math.max(largest, Math.abs(wanted[i] as number));
    const gap = Math.abs((got.data[i] as number) - (wanted[i] as number));
    worst = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : Math.max(worst, gap);
  }
  return worst / largest;
}

interface Case {
  readonly name: string;
  readonly directory: string;
  readonly recording: string;
  prompts(recording: Recording, config: Qwen25VLConfig): Prompt[];
}

const ours: Case = {
  name: "recorded fixture",
  directory: FIXTURE,
  recording: join(FIXTURE, "recorded.safetensors"),
  prompts(recording) {
    const [rows, length] = recording.shape("input_ids") as [number, number];
    const ids = recording.integers("input_ids");
    const labels = recording.integers("labels");
    const mask = recording.integers("attention_mask");
    const grids = recording.integers("video_grid_thw");
    const split = 96 * grids.slice(0, 3).reduce((a, b) => a * b, 1);
    const pixels = recording.floats("pixel_values_videos");
    const seconds = recording.floats("second_per_grid_ts");
    const video = (i: number) => ({
      kind: "video" as const,
      grid: grids.slice(3 * i, 3 * i + 3) as unknown as Grid,
      secondPerGrid: seconds[i] as number,
      pixelValues: i === 0 ? pixels.subarray(0, split) : pixels.subarray(split),
    });
    const image = {
      kind: "image" as const,
      grid: recording.integers("image_grid_thw") as unknown as Grid,
      pixelValues: recording.floats("pixel_values"),
    };
    return Array.from({ length: rows }, (_, row) => {
      const own = (values: number[]) =>
        values.slice(row * length, (row + 1) * length).filter((_, i) => mask[row * length + i] === 1);
      return { ids: own(ids), labels: own(labels), vision: row === 0 ? [video(0)] : [image, video(1)] };
    });
  },
};

const golden: Case = {
  name: "second recording",
  directory: GOLDEN,
  recording: join(GOLDEN, "golden.safetensors"),
  prompts: (recording) => [
    {
      ids: recording.integers("input_ids"),
      labels: recording.integers("labels"),
      vision: [
        {
          kind: "video",
          grid: recording.integers("video_grid_thw") as unknown as Grid,
          secondPerGrid: 1.5,
          pixelValues: recording.floats("pixel_values_videos"),
        },
      ],
    },
  ],
};

function mean(values: Float32Array): FloatTensor {
  return { dtype: "float32", shape: [], data: Float32Array.of(1 / values.reduce((a, b) => a + b, 0)) };
}

describe.each([ours, golden])(
  "Qwen2.5-VL against transformers: $name",
  ({ directory, recording: path, prompts }) => {
    if (!existsSync(path)) {
      it.skip(`needs ${path}`, () => {});
      return;
    }
    const recording = new Recording(path);
    const config = loadConfig(directory);
    const params = Object.fromEntries(loadParams(directory));
    const rows = prompts(recording, config);
    const inputs: Inputs = buildInputs(config, rows, { side: "left" });
    const { layout, tensors } = inputs;
    const targets = buildTargets(rows, layout.length, { side: "left" });

    it("gives the same position ids", () => {
      expect(Array.from(inputs.positions)).toEqual(recording.integers("position_ids"));
      expect(Array.from(inputs.deltas)).toEqual(recording.integers("rope_deltas"));
    });

    it("gives the same vision tokens, logits and attention", async () => {
      const program = await compile(
        (p, i) => {
          const { vision } = i;
          const seen = visionForward(
            config.vision,
            layout.vision as never,
            p,
            vision.pixelValues.ref,
            vision,
          );
          const { logits, attention } = forward(config, layout, p, i, { attention: true });
          return { seen, logits, attention: attention as Tensor };
        },
        [params, tensors as typeof tensors & { vision: NonNullable<typeof tensors.vision> }],
      );
      const out = await program.run(params, tensors as never);
      if (recording.names("vision_output").length > 0)
        expect(difference(out.seen, recording.floats("vision_output"))).toBeLessThan(1e-4);
      else {
        // The rows' order is video, image, video.
        const video = recording.floats("video_output");
        const image = recording.floats("image_output");
        const first = 30 * 32;
        const joined = Float32Array.of(...video.subarray(0, first), ...image, ...video.subarray(first));
        expect(difference(out.seen, joined)).toBeLessThan(1e-4);
      }
      const [count, length, vocabulary] = out.logits.shape as [number, number, number];
      const wanted = recording.floats("logits");
      // What padding computes means nothing.
      for (let i = 0; i < count * length; i++)
        if (inputs.attentionMask[i] === 0) {
          wanted.fill(0, i * vocabulary, (i + 1) * vocabulary);
          out.logits.data.fill(0, i * vocabulary, (i + 1) * vocabulary);
        }
      expect(difference(out.logits, wanted)).toBeLessThan(1e-4);
      const attention = recording.floats(
        recording.names("attention_last_layer").length > 0 ? "attention_last_layer" : "attention",
      );
      const heads = config.text.num_attention_heads;
      const last = (out.attention.data as Float32Array).slice(-attention.length);
      const mask = inputs.attentionMask.subarray(-length);
      for (let head = 0; head < heads; head++)
        for (let query = 0; query < length; query++)
          if (mask[query] === 0) {
            last.fill(0, (head * length + query) * length, (head * length + query + 1) * length);
            attention.fill(0, (head * length + query) * length, (head * length + query + 1) * length);
          }
      expect(difference({ dtype: "float32", shape: [], data: last }, attention)).toBeLessThan(1e-4);
      await program.dispose();
    });

    it("gives the same loss and gradients", async () => {
      const loss = (p: Params, i: never, t: never, s: Tensor) => crossEntropy(config, layout, p, i, t, s);
      const program = await compile(
        (p, i, t, s) =>
          valueAndGrad((own: Params) => loss(own, i as never, t as never, s.ref) as never)(p as never) as [
            Tensor,
            Record<string, Tensor>,
          ],
        [params, tensors, targets, mean(targets.weights.data)],
      );
      const [value, gradients] = await program.run(
        params,
        tensors as never,
        targets,
        mean(targets.weights.data),
      );
      expect(value.data[0]).toBeCloseTo(recording.floats("loss")[0] as number, 4);
      const names = recording.names("grad.");
      expect(names.length).toBeGreaterThan(10);
      const worse = names.filter(
        (name) => !(difference(gradients[checkpointName(name)], recording.floats(`grad.${name}`)) < 1e-3),
      );
      expect(worse).toEqual([]);
      await program.dispose();
    });

    it("gives the same log-probabilities whichever side is padded", async () => {
      const values: number[][] = [];
      for (const side of ["left", "right"] as const) {
        const batch = buildInputs(config, rows, { side });
        const wanted = buildTargets(rows, batch.layout.length, { side });
        const program = await compile(
          (p, i, t) => targetLogProbs(config, batch.layout, p, i as never, t),
          [params, batch.tensors, wanted],
        );
        const out = await program.run(params, batch.tensors as never, wanted);
        values.push(Array.from(out.data).filter((_, i) => wanted.weights.data[i] === 1));
        await program.dispose();
      }
      const [left, right] = values as [number[], number[]];
      expect(left.length).toBe(right.length);
      left.forEach((value, i) => {
        expect(right[i]).toBeCloseTo(value, 4);
      });
    });
  },
);

describe("training against PyTorch", () => {
  const recording = new Recording(ours.recording);
  const config = loadConfig(FIXTURE);
  const params = loadParams(FIXTURE);
  const { adamw, max_grad_norm } = JSON.parse(readFileSync(join(FIXTURE, "recorded.json"), "utf8"));
  const options = {
    config,
    params,
    adamW: {
      beta1: adamw.betas[0],
      beta2: adamw.betas[1],
      epsilon: adamw.eps,
      weightDecay: adamw.weight_decay,
    },
    maxGradNorm: max_grad_norm,
  };
  const rows = ours.prompts(recording, config);
  const batchOf = (prompts: Prompt[], length?: number) => {
    const { layout, tensors } = buildInputs(config, prompts, length === undefined ? {} : { length });
    return { layout, inputs: tensors, targets: buildTargets(prompts, layout.length) };
  };

  it.each([
    ["in one batch", [batchOf(rows)]],
    ["with accumulated gradients", rows.map((row) => batchOf([row]))],
  ])("takes the same three steps of AdamW %s", async (_, batches) => {
    const train = createTrainStep(options);
    for (let step = 0; step < 3; step++) {
      const { loss, gradNorm } = await train.step(batches, { learningRate: adamw.lr });
      expect(loss).toBeCloseTo(recording.floats("adamw.losses")[step] as number, 4);
      expect(gradNorm).toBeCloseTo(recording.floats("adamw.norms")[step] as number, 3);
    }
    const trained = train.params();
    const names = recording.names("adamw.").filter((name) => name.startsWith("model."));
    expect(names.length).toBeGreaterThan(5);
    for (const name of names)
      expect([
        name,
        difference(trained.get(checkpointName(name)), recording.floats(`adamw.${name}`)) < 1e-4,
      ]).toEqual([name, true]);
    await train.dispose();
  });

  it("continues bit for bit from a saved state", async () => {
    const batch = [batchOf(rows)];
    const whole = createTrainStep(options);
    await whole.step(batch, { learningRate: 0.01 });
    const saved = { params: whole.params(), state: whole.optimizerState() };
    await whole.step(batch, { learningRate: 0.005 });
    const resumed = createTrainStep({ ...options, params: saved.params });
    resumed.restore(saved.params, saved.state);
    await resumed.step(batch, { learningRate: 0.005 });
    expect(resumed.params()).toEqual(whole.params());
    expect(resumed.optimizerState()).toEqual(whole.optimizerState());
    await whole.dispose();
    await resumed.dispose();
  });

  it("leaves parameters alone that are not trained", async () => {
    const train = createTrainStep({ ...options, trainable: (name) => !name.startsWith("visual.") });
    await train.step([batchOf(rows)], { learningRate: 0.01 });
    const after = train.params();
    const changed = [...params]
      .filter(([name, { data }]) => after.get(name)?.data.some((x, i) => x !== data[i]))
      .map(([name]) => name);
    expect(changed.some((name) => name.startsWith("visual."))).toBe(false);
    expect(changed.length).toBe([...params.keys()].filter((name) => !name.startsWith("visual.")).length);
    await train.dispose();
  });

  it("refuses a batch with nothing to learn", async () => {
    const train = createTrainStep(options);
    const mute = rows.map((row) => ({ ...row, labels: [] }));
    await expect(train.step([batchOf(mute)], { learningRate: 0.01 })).rejects.toThrow("must have targets");
    await train.dispose();
  });
});

describe("LoRA against PEFT", () => {
  const recording = new Recording(ours.recording);
  const config = loadConfig(FIXTURE);
  const base = loadParams(FIXTURE);
  const adapter = readAdapter(join(FIXTURE, "adapter"), config);
  const all = Object.fromEntries([...base, ...adapter.params]);
  const use = { adapter: { scale: adapter.config.lora_alpha / adapter.config.r } };
  const rows = ours.prompts(recording, config);
  const inputs = buildInputs(config, rows, { side: "left" });
  const targets = buildTargets(rows, inputs.layout.length, { side: "left" });
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "lora-"));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  it("gives the same logits, with the adapter beside the weights and merged into them", async () => {
    const wanted = recording.floats("lora.logits");
    const beside = await compile(
      (p, i) => forward(config, inputs.layout, p, i as never, use).logits,
      [all, inputs.tensors],
    );
    const merged = await compile(
      (p, i) => forward(config, inputs.layout, p, i as never).logits,
      [Object.fromEntries(base), inputs.tensors],
    );
    const first = await beside.run(all, inputs.tensors as never);
    const second = await merged.run(Object.fromEntries(mergeLora(base, adapter)), inputs.tensors as never);
    for (const { dtype, shape, data } of [first, second])
      expect(
        difference({ dtype, shape, data: (data as Float32Array).subarray(0, wanted.length) }, wanted),
      ).toBeLessThan(1e-4);
    await beside.dispose();
    await merged.dispose();
  });

  it("gives the same loss and gradients", async () => {
    const program = await compile(
      (p, i, t, s) =>
        valueAndGrad(
          (own: Params) => crossEntropy(config, inputs.layout, own, i as never, t, s.ref, use) as never,
        )(p as never) as [Tensor, Record<string, Tensor>],
      [all, inputs.tensors, targets, mean(targets.weights.data)],
    );
    const [loss, gradients] = await program.run(
      all,
      inputs.tensors as never,
      targets,
      mean(targets.weights.data),
    );
    expect(loss.data[0]).toBeCloseTo(recording.floats("lora.loss")[0] as number, 4);
    const names = recording.names("lora.grad.");
    expect(names.length).toBe(4);
    for (const name of names) {
      const own = checkpointName(name.replace("base_model.model.", "")).replace(".default", "");
      expect(difference(gradients[own], recording.floats(`lora.grad.${name}`))).toBeLessThan(1e-3);
    }
    await program.dispose();
  });

  it("trains the adapter alone, with dropout", async () => {
    const lora = { ...adapter.config, lora_dropout: 0.2 };
    const train = createTrainStep({ config, params: new Map([...base, ...adapter.params]), lora });
    const batch = { layout: inputs.layout, inputs: inputs.tensors, targets };
    const losses: number[] = [];
    for (let step = 0; step < 8; step++)
      losses.push((await train.step([batch], { learningRate: 0.01 })).loss);
    expect(losses.at(-1)).toBeLessThan(losses[0] as number);
    const after = train.params();
    for (const [name, { data }] of base) expect(after.get(name)?.data).toEqual(data);
    for (const [name, { data }] of adapter.params) expect(after.get(name)?.data).not.toEqual(data);
    await train.dispose();
  });

  it("writes what it reads", () => {
    writeAdapter(directory, adapter);
    expect(readAdapter(directory, config)).toEqual(adapter);
    const names = (path: string) => [...new SafetensorsFile(path).tensors.keys()].sort();
    const file = "adapter_model.safetensors";
    expect(names(join(directory, file))).toEqual(names(join(FIXTURE, "adapter", file)));
  });

  it("refuses an adapter of another model", () => {
    const other = parseConfig({
      ...JSON.parse(readFileSync(join(FIXTURE, "config.json"), "utf8")),
      text_config: undefined,
      vocab_size: 160,
      num_hidden_layers: 1,
      tie_word_embeddings: true,
    });
    expect(() => readAdapter(join(FIXTURE, "adapter"), other)).toThrow("must fit the model");
  });
});
