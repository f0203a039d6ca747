/**
 * Generation with the key-value cache against what it must equal: recorded tokens of transformers, the whole
 * network without a cache, and itself in other company. Log-probabilities of float32 sums in another order agree
 * to about 1e-6; 1e-4 is the tolerance.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../src/base/index.ts";
import { compile } from "../src/engine/index.ts";
import { LanguageRuntime } from "../src/nn/generate-runtime.ts";
import { joinWeights } from "../src/nn/generate-weights.ts";
import {
  buildInputs,
  type ChatMessage,
  Checkpoint,
  type FloatTensor,
  forward,
  type Generation,
  initParams,
  parseConfig,
  Qwen25VL,
  SafetensorsFile,
  type TokenEvent,
  Tokenizer,
  type TokenRequest,
  trainBpe,
  type VideoAttention,
  type VisionInput,
} from "../src/nn/index.ts";
import { writeTinyCheckpoint } from "./tiny-checkpoint.ts";

const TOLERANCE = 1e-4;
const fixture = join(import.meta.dirname, "fixtures/qwen");
const first = (generations: Generation[][]): Generation[] => generations.map(([only]) => only as Generation);

describe("against transformers", () => {
  const recorded = new SafetensorsFile(join(fixture, "recorded.safetensors"));
  const checkpoint = new Checkpoint(fixture);
  afterAll(() => {
    recorded.close();
    checkpoint.close();
  });
  const integers = (name: string): number[] => {
    const bytes = recorded.readBytes(name);
    return Array.from(new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4));
  };

  /** The two recorded prompts, without their padding. */
  function prompts(): TokenRequest[] {
    const ids = integers("input_ids");
    const mask = integers("attention_mask");
    const length = ids.length / 2;
    const row = (i: number) =>
      ids.slice(i * length, (i + 1) * length).filter((_, j) => mask[i * length + j] === 1);
    const image = recorded.read("pixel_values").data;
    const video = recorded.read("pixel_values_videos").data;
    const split = 2 * 6 * 10 * 96;
    const one: VisionInput = {
      kind: "video",
      grid: [2, 6, 10],
      pixelValues: video.slice(0, split),
      secondPerGrid: 2,
    };
    const two: VisionInput[] = [
      { kind: "image", grid: [1, 4, 8], pixelValues: image },
      { kind: "video", grid: [3, 4, 6], pixelValues: video.slice(split), secondPerGrid: 1.5 },
    ];
    return [
      { ids: row(0), vision: [one] },
      { ids: row(1), vision: two },
    ];
  }

  it("gives the recorded greedy tokens of two prompts at once, and the recorded attention", async () => {
    const { config } = checkpoint;
    const trained = trainBpe([], { vocabSize: 264 });
    const model = Qwen25VL.fromParts({
      config,
      read: (name) => checkpoint.read(name),
      tokenizer: Tokenizer.fromJson(trained.tokenizer, trained.config),
    });
    expect(model.stopTokenIds).toEqual([155]);
    const { generations, stats } = await model.generateTokens(prompts(), {
      maxNewTokens: 12,
      returnAttention: true,
    });
    const expected = integers("generated");
    first(generations).forEach((generation, i) => {
      const row = expected.slice(i * 12, (i + 1) * 12);
      const end = row.indexOf(155);
      expect(generation.ids).toEqual(end < 0 ? row : row.slice(0, end + 1));
      expect(generation.finishReason).toBe(end < 0 ? "length" : "stop");
    });
    expect(stats.promptTokens).toBe(prompts().reduce((sum, { ids }) => sum + ids.length, 0));
    expect(stats.newTokens).toBe(generations.flat().reduce((sum, { ids }) => sum + ids.length, 0));

    // `attention` is the second prompt's last layer, [heads, length, length] with padding on the left.
    const weights = recorded.read("attention").data;
    const length = recorded.tensors.get("attention")?.shape.at(-1) as number;
    const own = prompts()[1] as TokenRequest;
    const padding = length - own.ids.length;
    const attention = first(generations)[1]?.attention as VideoAttention;
    expect([attention.heads, attention.patches]).toEqual([4, 4]);
    const places = Array.from(own.ids).flatMap((id, i) => (id === 150 || id === 151 ? [i] : []));
    const groups = [places.slice(0, 8), places.slice(8, 14), places.slice(14, 20), places.slice(20)];
    for (let head = 0; head < 4; head++) {
      const row = (head * length + length - 1) * length + padding;
      const sums = groups.map((group) => group.reduce((sum, i) => sum + (weights[row + i] as number), 0));
      sums.forEach((sum, patch) => {
        expect(Math.abs((attention.weights[head * 4 + patch] as number) - sum)).toBeLessThan(TOLERANCE);
      });
      const share = sums.reduce((a, b) => a + b);
      expect(Math.abs((attention.share[head] as number) - share)).toBeLessThan(TOLERANCE);
    }
    await model.dispose();
  });
});

describe("against the network without a cache", () => {
  const config = parseConfig({
    model_type: "qwen2_5_vl",
    vocab_size: 300,
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    rms_norm_eps: 1e-6,
    initializer_range: 0.3,
    rope_scaling: { type: "mrope", mrope_section: [1, 1, 2] },
    image_token_id: 290,
    video_token_id: 291,
    vision_start_token_id: 292,
    vision_end_token_id: 293,
    vision_config: {
      depth: 1,
      hidden_size: 32,
      num_heads: 2,
      out_hidden_size: 32,
      fullatt_block_indexes: [0],
    },
  });
  const params = initParams(config, 4);
  const read = (name: string) => params.get(name) as FloatTensor;

  it("reads a prompt in pieces, and adds tokens, with the same logits", async () => {
    const random = new Random(9);
    const length = 1100;
    const ids = Array.from({ length: length + 2 }, () => random.integer(0, 280));
    const { layout, tensors, positions } = buildInputs(config, [{ ids }]);
    const whole = await compile((p, inputs) => forward(config, layout, p as never, inputs as never).logits, [
      Object.fromEntries(params),
      tensors,
    ] as never);
    const logits = (await whole.run(...([Object.fromEntries(params), tensors] as never))) as {
      data: Float32Array;
    };
    const runtime = new LanguageRuntime(config, joinWeights(config.text, read));
    const embeddings = new Float32Array(length * 32);
    for (let i = 0; i < length; i++) runtime.copyEmbedding(ids[i] as number, embeddings, i * 32);
    const axes = [0, 1, 2].flatMap((axis) => [
      ...positions.subarray(axis * (length + 2), axis * (length + 2) + length),
    ]);
    const state = await runtime.prefill(embeddings, Int32Array.from(axes), { attention: true });
    const expectRow = (got: Float32Array, place: number) => {
      const row = logits.data.subarray(place * 300, (place + 1) * 300);
      const largest = Math.max(...row.map(Math.abs));
      row.forEach((x, i) => {
        expect(Math.abs((got[i] as number) - x) / largest).toBeLessThan(TOLERANCE);
      });
    };
    expectRow(state.logits, length - 1);
    const attention = state.attention as Float32Array;
    expect(attention.length).toBe(4 * length);
    for (let head = 0; head < 4; head++) {
      const row = attention.subarray(head * length, (head + 1) * length);
      expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 4);
    }
    const batch = await runtime.batch(1, 1152);
    batch.cache.copyRow(0, state.cache, 0);
    for (const place of [length, length + 1]) {
      await runtime.step(batch, [ids[place] as number], [place]);
      expectRow(batch.logits, place);
    }
    await runtime.dispose();
    await whole.dispose();
  });
});

describe("several sequences", () => {
  let dir = "";
  let model: Qwen25VL;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "generation-"));
    await writeTinyCheckpoint(dir);
    model = await Qwen25VL.load(dir);
  });
  afterAll(async () => {
    await model.dispose();
    rmSync(dir, { recursive: true });
  });

  const pixels = (seed: number, patches: number): Float32Array => {
    const random = new Random(seed);
    return Float32Array.from({ length: patches * 1176 }, () => random.normal());
  };
  const video = (seed: number) => ({
    type: "video" as const,
    pixelValues: { data: pixels(seed, 32), shape: [32, 1176] },
    gridThw: [2, 4, 4] as const,
    secondPerGridTs: 1,
  });
  const ask = (text: string, seed?: number): ChatMessage[] => [
    { role: "user", content: [...(seed === undefined ? [] : [video(seed)]), { type: "text", text }] },
  ];
  const requests = [
    { messages: ask("What is seen?", 1), seed: "a" },
    { messages: ask("Think"), seed: "b" },
    { messages: ask("What is seen? Think, then answer. At 00:01", 2), seed: "c" },
    { messages: ask("a red circle", 1), seed: "d" },
    { messages: ask("x"), seed: "e" },
  ];
  const sampling = { temperature: 1, topK: 40, topP: 0.95, maxNewTokens: 20, stopTokenIds: [] };

  it("says the same alone, among others, and with few rows", async () => {
    const together = first((await model.generate(requests, sampling)).generations);
    const narrow = first((await model.generate(requests, { ...sampling, batchSize: 2 })).generations);
    for (const [i, request] of requests.entries()) {
      const alone = first((await model.generate([request], sampling)).generations)[0] as Generation;
      for (const other of [together[i], narrow[i]] as Generation[]) {
        expect(other.ids).toEqual(alone.ids);
        expect(other.text).toBe(alone.text);
        other.logprobs.forEach((x, j) => {
          expect(Math.abs(x - (alone.logprobs[j] as number))).toBeLessThan(TOLERANCE);
        });
      }
    }
    expect(new Set(together.map(({ text }) => text)).size).toBe(requests.length);
  });

  it("draws samples of one prompt that differ, reading the prompt once", async () => {
    const request = requests[0] as (typeof requests)[number];
    const { generations, stats } = await model.generate([request], { ...sampling, samples: 4 });
    const [group] = generations as [Generation[]];
    expect(new Set(group.map(({ ids }) => ids.join())).size).toBe(4);
    const single = await model.generate([request], sampling);
    expect(group[0]?.ids).toEqual(single.generations[0]?.[0]?.ids);
    expect(stats.promptTokens).toBe(single.stats.promptTokens);
    const again = await model.generate([request], { ...sampling, samples: 4 });
    expect(again.generations).toEqual(generations);
    const other = await model.generate([{ ...request, seed: "z" }], sampling);
    expect(other.generations[0]?.[0]?.ids).not.toEqual(group[0]?.ids);
  });

  it("sees: another video changes the answer's log-probabilities", async () => {
    const run = async (seed: number) =>
      first(
        (await model.generate([{ messages: ask("What is seen?", seed) }], { maxNewTokens: 4 })).generations,
      )[0];
    const [one, two] = [await run(1), await run(2)];
    expect(one?.logprobs).not.toEqual(two?.logprobs);
  });

  it("stops at a token, at a string, at the length and at the signal, each sequence for itself", async () => {
    const full = first((await model.generate(requests, sampling)).generations);
    const ids = (full[0] as Generation).ids;
    const stop = ids[7] as number;
    const byToken = first(
      (await model.generate(requests, { ...sampling, stopTokenIds: [stop] })).generations,
    );
    byToken.forEach((generation, i) => {
      const whole = (full[i] as Generation).ids;
      const end = whole.indexOf(stop);
      expect(generation.ids).toEqual(end < 0 ? whole : whole.slice(0, end + 1));
      expect(generation.finishReason).toBe(end < 0 ? "length" : "stop");
    });
    const text = (full[1] as Generation).text;
    const needle = text.slice(6, 9);
    const events: TokenEvent[] = [];
    const onToken = (event: TokenEvent) => events.push(event);
    const byString = first(
      (await model.generate(requests, { ...sampling, stop: [needle], onToken })).generations,
    );
    byString.forEach((generation, i) => {
      const whole = (full[i] as Generation).text;
      const end = whole.indexOf(needle);
      expect(generation.text).toBe(end < 0 ? whole : whole.slice(0, end));
      expect(generation.finishReason).toBe(end < 0 ? "length" : "stop");
      const own = events.filter(({ request }) => request === i);
      expect(own.map((event) => event.text).join("")).toBe(generation.text);
      expect(own.map(({ id }) => id)).toEqual(generation.ids);
      expect(own.map(({ index }) => index)).toEqual(generation.ids.map((_, j) => j));
    });
    const controller = new AbortController();
    const aborted = await model.generate(requests, {
      ...sampling,
      signal: controller.signal,
      onToken: ({ request, index }) => {
        if (request === 2 && index === 3) controller.abort();
      },
    });
    for (const [i, generation] of first(aborted.generations).entries()) {
      expect(generation.finishReason).toBe("aborted");
      expect(generation.ids).toEqual((full[i] as Generation).ids.slice(0, generation.ids.length));
      expect(generation.ids.length).toBeLessThan(6);
    }
  });

  it("makes training examples of the same prompt, with labels on the answer alone", () => {
    const messages = ask("What is seen?", 1);
    const prompt = model.prepare(messages);
    const target = "<think>At 00:01 a red circle appears.</think><answer>A</answer>";
    const example = model.prepare(messages, target);
    const ids = Array.from(example.ids);
    expect(ids.slice(0, prompt.ids.length)).toEqual(prompt.ids);
    const labels = Array.from(example.labels as ArrayLike<number>);
    expect(labels).toHaveLength(ids.length);
    expect(labels.slice(0, prompt.ids.length).every((label) => label === -100)).toBe(true);
    expect(labels.slice(prompt.ids.length)).toEqual(ids.slice(prompt.ids.length));
    expect(model.tokenizer.decode(ids.slice(prompt.ids.length))).toBe(`${target}<|im_end|>`);
    expect(ids.filter((id) => id === model.config.video_token_id)).toHaveLength(8);
    expect(() => model.prepare(messages, "x<|im_end|>")).toThrow("the assistant message");
    expect(() => model.prepare(ask("<|video_pad|>", 1))).toThrow("must not contain special tokens");
  });

  it("keeps weights in half the memory, with nearly the same probabilities", async () => {
    const half = await Qwen25VL.load(dir, { dtype: "float16" });
    expect(half.info().bytes).toBe(model.info().bytes / 2);
    const run = async (other: Qwen25VL) =>
      first((await other.generate([requests[0] as never], { maxNewTokens: 1 })).generations)[0] as Generation;
    const [rounded, exact] = [await run(half), await run(model)];
    expect(rounded.ids).toEqual(exact.ids);
    // Weights are off by 2^-12 at most; through two layers and logits of about 30 that is some hundredths.
    expect(Math.abs((rounded.logprobs[0] as number) - (exact.logprobs[0] as number))).toBeLessThan(0.1);
    expect(rounded.logprobs).not.toEqual(exact.logprobs);
    await half.dispose();
  });

  it("takes new parameters without compiling anew", async () => {
    const own = await Qwen25VL.load(dir);
    const run = async () => first((await own.generate([requests[0] as never], sampling)).generations)[0]?.ids;
    const before = await run();
    own.setParams(initParams(own.config, 77));
    const after = await run();
    own.setParams(initParams(own.config, 1));
    expect(after).not.toEqual(before);
    expect(await run()).toEqual(before);
    await own.dispose();
  });

  it("says what is wrong with a request", async () => {
    const wrong = (options: object) => model.generate([requests[1] as never], options);
    await expect(wrong({ topP: 2 })).rejects.toMatchObject({ code: "sampling-option" });
    await expect(wrong({ maxNewTokens: 0 })).rejects.toMatchObject({ code: "sampling-option" });
    await expect(wrong({ samples: 1.5 })).rejects.toMatchObject({ code: "sampling-option" });
    const long = { ids: new Array<number>(2048).fill(1) };
    await expect(model.generateTokens([long])).rejects.toMatchObject({ code: "prompt-length" });
    const blind = { ids: [1, model.config.video_token_id, 2] };
    await expect(model.generateTokens([blind])).rejects.toMatchObject({ code: "model-input" });
  });
});
