import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readJsonl } from "../base/index.ts";
import { type DataRow, readDataset, synthesize } from "../data/index.ts";
import { parseGrpoRecipe, parseRecipe } from "../training/index.ts";
import { openVideo, sampleVideo } from "../video/index.ts";
import { startProgram, waitUntilReady } from "./child-program.ts";
import { lineReader, swiftStep } from "./follow-log.ts";
import { environmentWarnings } from "./python-environment.ts";
import { renderClip } from "./render-clip.ts";
import { swiftRow, writeSwiftRows } from "./swift-rows.ts";
import { clusterPlace, planSwift, type SwiftRunOptions } from "./swift-run.ts";
import { swiftGrpo, swiftSft } from "./swift-settings.ts";

let folder = "";
const at = (...path: string[]) => join(folder, ...path);
let row: DataRow;
const video = { fps: 2, minFrames: 4, maxFrames: 8, minPixels: 12_544, maxPixels: 12_544 };
const sft = (more: object = {}) => parseRecipe({ kind: "sft", model: "m", data: "d", video, ...more });
const grpo = (more: object = {}) => parseGrpoRecipe({ kind: "grpo", model: "m", data: "d", video, ...more });
const place = { data: "rows.jsonl", out: "out", plugin: "plugin.py", gpus: 8, nodes: 1 };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "distributed-"));
  for await (const _ of synthesize({
    ...{ seed: 5, split: "train", questionsPerVideo: 2, out: at("world"), count: 2 },
    signal: new AbortController().signal,
  } as Parameters<typeof synthesize>[0]));
  row = (await readDataset(at("world", "train.jsonl")))[0] as DataRow;
});
afterAll(() => rm(folder, { recursive: true }));

describe("rendered videos", () => {
  it("have the frames that training would see, at the rate of the sample", async () => {
    const source = { video: at("world", row.video), startSeconds: 61 };
    const settings = sft().video;
    const clip = await renderClip(source, settings, at("clips"));
    const seen = await sampleVideo(source.video, { ...settings, subtitles: [], startSeconds: 61 });
    expect(clip).toMatchObject({ frames: seen.frames.length, width: seen.width, height: seen.height });
    const opened = await openVideo(clip.path);
    expect(opened.info.frameCount).toBe(clip.frames);
    // What qwen_vl_utils reads as the sampled rate, which places frames in time.
    expect(opened.info.fps).toBeCloseTo(seen.sampleFps, 5);
    let worst = 0;
    let at_ = 0;
    for await (const frame of opened.frames(seen.frames.map((_, i) => i))) {
      const expected = seen.frames[at_++]?.data as Uint8Array;
      const error = frame.data.reduce((sum, v, i) => sum + Math.abs(v - (expected[i] as number)), 0);
      worst = Math.max(worst, error / expected.length);
    }
    await opened.close();
    expect(at_).toBe(clip.frames);
    // 4:2:0 and x264 at rate factor 12 change a value by 1 or 2 of 255 on average.
    expect(worst).toBeLessThan(4);
    const again = await renderClip(source, settings, at("clips"));
    expect(again).toEqual(clip);
    const other = await renderClip({ ...source, startSeconds: 0 }, settings, at("clips"));
    expect(other.path).not.toBe(clip.path);
  });

  it("keep the time of a long video's few frames", async () => {
    const rate = 8 / 37.5;
    const { encodeVideo } = await import("../video/index.ts");
    const frames = Array.from({ length: 8 }, (_, i) => new Uint8Array(112 * 112 * 3).fill(i * 30));
    await encodeVideo(at("slow.mp4"), frames, { width: 112, height: 112, fps: rate });
    const opened = await openVideo(at("slow.mp4"));
    expect(opened.info.frameCount).toBe(8);
    expect(opened.info.fps).toBeCloseTo(rate, 6);
    await opened.close();
  });
});

describe("rows", () => {
  it("are written with every frame to be seen; a video that is broken costs its own", async () => {
    const rows = await readDataset(at("world", "train.jsonl"));
    await writeFile(at("world", "broken.mp4"), "no video");
    const broken = { ...row, id: "broken", video: "broken.mp4" };
    await writeFile(
      at("world", "mixed.jsonl"),
      [...rows, broken].map((one) => `${JSON.stringify(one)}\n`).join(""),
    );
    const options = {
      ...{ data: at("world", "mixed.jsonl"), clips: at("clips"), video: sft().video },
      signal: new AbortController().signal,
    };
    const made = await writeSwiftRows({ ...options, out: at("sft.jsonl"), kind: "sft" });
    expect(made).toEqual({ rows: rows.length, skipped: [expect.objectContaining({ id: "broken" })] });
    const written: Record<string, unknown>[] = [];
    for await (const one of readJsonl<Record<string, unknown>>(at("sft.jsonl"))) written.push(one);
    expect(written).toHaveLength(rows.length);
    const [first] = written as {
      messages: { role: string; content: string }[];
      videos: string[];
      chat_template_kwargs: { nframes: number };
    }[];
    expect(first?.messages.map(({ role }) => role)).toEqual(["system", "user", "assistant"]);
    expect(first?.messages[1]?.content.startsWith(`<video>${row.question}`)).toBe(true);
    expect(first?.messages[2]?.content).toBe(`<think>${row.reasoning}</think><answer>${row.answer}</answer>`);
    const opened = await openVideo(first?.videos[0] as string);
    expect(first?.chat_template_kwargs).toEqual({
      ...{ nframes: opened.info.frameCount },
      ...{ resized_height: opened.info.height, resized_width: opened.info.width },
    });
    await opened.close();
    await expect(
      writeSwiftRows({ ...options, data: at("world", "none.jsonl"), out: at("x.jsonl"), kind: "sft" }),
    ).rejects.toMatchObject({ code: "dataset-missing" });
    await writeFile(at("world", "only.jsonl"), `${JSON.stringify(broken)}\n`);
    await expect(
      writeSwiftRows({ ...options, data: at("world", "only.jsonl"), out: at("x.jsonl"), kind: "sft" }),
    ).rejects.toMatchObject({ code: "swift-rows" });
  });

  it("for GRPO leave the answer to the model, and have what rewards need as texts", () => {
    const clip = { path: "/c.mp4", frames: 4, fps: 2, width: 112, height: 112, warnings: [] };
    const { messages, ...rest } = swiftRow({ ...row, startSeconds: 10 }, clip, "grpo");
    expect(messages).toHaveLength(2);
    expect(rest).toMatchObject({
      solution: row.answer,
      options: JSON.stringify(row.options.map(({ text }) => text)),
      temporal_grounding: JSON.stringify(row.temporal_grounding),
      duration: 10 + row.durationSeconds,
    });
  });
});

describe("settings", () => {
  it("of SFT are the recipe's, with as many rows in a step", () => {
    const recipe = sft({ lora: { r: 4, alpha: 8, dropout: 0 }, batchSize: 32, epochs: 2, saveEvery: 7 });
    const settings = swiftSft(recipe, place);
    expect(settings).toMatchObject({
      ...{ tuner_type: "lora", lora_rank: 4, lora_alpha: 8, freeze_vit: true, freeze_aligner: true },
      ...{ per_device_train_batch_size: 1, gradient_accumulation_steps: 4, num_train_epochs: 2 },
      ...{ learning_rate: 1e-5, lr_scheduler_type: "cosine", deepspeed: "zero3", save_steps: 7 },
      ENV: { NPROC_PER_NODE: "8", FPS_MAX_FRAMES: "8" },
    });
    expect(() => swiftSft(sft({ batchSize: 12, microBatchSize: 12 }), place)).toThrow(
      /batchSize: must be a multiple of the 8 that 8 GPUs take at once \(perDevice 1\), got 12/,
    );
    expect(swiftSft(recipe, { ...place, gpus: 0 })).toMatchObject({
      ...{ use_cpu: true, torch_dtype: "float32", gradient_accumulation_steps: 32 },
      ENV: { CUDA_VISIBLE_DEVICES: "" },
    });
    expect(swiftSft(recipe, { ...place, gpus: 0 })).not.toHaveProperty("deepspeed");
    const full = sft({ freeze: ["vision", "embeddings"], optimizer: { minLearningRateRatio: 0.1 } });
    expect(swiftSft(full, place)).toMatchObject({
      ...{ tuner_type: "full", freeze_vit: true, freeze_aligner: false },
      freeze_parameters: ["model.language_model.embed_tokens"],
      ...{ lr_scheduler_type: "cosine_with_min_lr", lr_scheduler_kwargs: '{"min_lr_rate":0.1}' },
    });
  });

  it("of GRPO gather a step's completions over nodes, and take rewards by weight", () => {
    const recipe = grpo({ rewards: { temporal: 0.5 }, cluster: { swift: { vllm_mode: "server" } } });
    expect(swiftGrpo(recipe, place)).toMatchObject({
      ...{ rlhf_type: "grpo", num_generations: 8, gradient_accumulation_steps: 1, beta: 0.04 },
      ...{ reward_funcs: ["vr2_accuracy", "vr2_format", "vr2_tar"], reward_weights: ["1", "1", "0.5"] },
      ...{ use_vllm: true, vllm_mode: "server", loss_type: "bnpo", scale_rewards: "group" },
    });
    expect(() => swiftGrpo(recipe, { ...place, nodes: 2 })).toThrow(/multiple of the 16 that 16 GPUs/);
    const larger = grpo({ promptsPerStep: 4 });
    expect(swiftGrpo(larger, { ...place, nodes: 2 })).toMatchObject({ gradient_accumulation_steps: 2 });
    expect(swiftGrpo(recipe, { ...place, gpus: 0 })).toMatchObject({ use_vllm: false });
  });
});

describe("plans", () => {
  const options = (env: SwiftRunOptions["env"]): SwiftRunOptions => ({
    ...{ out: at("run"), gpus: 8, plugin: "plugin.py", resume: false, env },
    python: { python: "python3", versions: { "ms-swift": "4.5.2" }, gpus: 8 },
    rewardCommand: (_, { host, port, judge }) => ["serve", host, port, judge],
  });

  it("start judge and rewards on the first node, which the others ask", async () => {
    const judge = { command: ["vllm", "serve"], url: "http://127.0.0.1:8000/v1#j" };
    const recipe = grpo({ promptsPerStep: 2, cluster: { judge } });
    const alone = await planSwift(recipe, options({}));
    expect(alone).toMatchObject({
      judge: ["vllm", "serve"],
      rewards: ["serve", "127.0.0.1", "PORT", "http://127.0.0.1:8000/v1#j"],
      rewardUrl: "http://127.0.0.1:PORT/v1/rewards",
      train: ["python3", "-m", "swift.cli.main", "rlhf", at("run", "swift.0.json")],
    });
    const env = { NNODES: "2", NODE_RANK: "1", MASTER_ADDR: "node0" };
    await expect(planSwift(recipe, options(env))).rejects.toMatchObject({ code: "swift-token" });
    const second = await planSwift(recipe, options({ ...env, VIDEO_R2_REWARD_TOKEN: "s" }));
    expect(second).toMatchObject({
      ...{ judge: null, rewards: null, rewardUrl: "http://node0:8765/v1/rewards" },
      settings: { gradient_accumulation_steps: 1 },
    });
    const first = await planSwift(recipe, options({ ...env, NODE_RANK: "0", VIDEO_R2_REWARD_TOKEN: "s" }));
    expect(first.rewards?.slice(1, 3)).toEqual(["0.0.0.0", "8765"]);
    const given = await planSwift(recipe, options({ VIDEO_R2_REWARD_URL: "http://there/v1/rewards" }));
    expect(given).toMatchObject({ rewards: null, rewardUrl: "http://there/v1/rewards" });
    expect((await planSwift(sft(), options({}))).rewardUrl).toBeNull();
  });

  it("need variables that fit together", () => {
    expect(clusterPlace({})).toEqual({ nodes: 1, rank: 0, address: "127.0.0.1" });
    expect(() => clusterPlace({ NNODES: "2", NODE_RANK: "2", MASTER_ADDR: "a" })).toThrow(/below NNODES/);
    expect(() => clusterPlace({ NNODES: "2" })).toThrow(/MASTER_ADDR/);
    expect(() => clusterPlace({ NNODES: "two" })).toThrow(/whole number, got two/);
  });

  it("say what is missing, and what is known not to work", () => {
    const python = (versions: Record<string, string | null>) => ({ python: "p", versions, gpus: 8 });
    const all = { "qwen-vl-utils": "0.0.14", decord: "0.6", msgspec: "1", peft: "0.19", deepspeed: "0.18" };
    const whole = { ...all, "flash-attn": "2", vllm: "0.11", "ms-swift": "4.5.2", transformers: "4.57.6" };
    const use = { kind: "grpo", gpus: 8, lora: false } as const;
    expect(environmentWarnings(python({ ...whole, trl: "0.29.1" }), use)).toEqual([]);
    expect(environmentWarnings(python(whole), { ...use, gpus: 16 })).toEqual([
      "16 GPUs are wanted, and torch sees 8",
    ]);
    const bad = environmentWarnings(python({ ...whole, transformers: "5.1.0", vllm: null, trl: "1.2" }), use);
    expect(bad).toEqual([
      expect.stringMatching(/^vllm is not installed/),
      expect.stringMatching(/wrong times/),
      expect.stringMatching(/trl below 1.0, got 1.2/),
    ]);
  });
});

describe("what runs beside us", () => {
  const log = () => at(`log-${Math.random()}`);
  const node = (script: string) => [process.execPath, "-e", script];

  it("is read line by line while it writes", async () => {
    const path = at("logging.jsonl");
    const read = lineReader(path);
    expect(await read()).toEqual([]);
    await writeFile(path, '{"a": 1}\n{"b"');
    expect(await read()).toEqual(['{"a": 1}']);
    await writeFile(path, '{"a": 1}\n{"b": 2}\n');
    expect(await read()).toEqual(['{"b": 2}']);
    const line = { "global_step/max_steps": "3/9", loss: 0.5, "rewards/Accuracy/mean": 0.25, kl: "nan" };
    expect(swiftStep(line)).toEqual({ step: 3, steps: 9, loss: 0.5, accuracy: 0.25 });
    expect(swiftStep({ ...line, train_runtime: 3 })).toBeNull();
    expect(swiftStep({ eval: 1 })).toBeNull();
  });

  it("ends with its children, also where it does not want to", async () => {
    const stubborn = `process.on("SIGINT", () => {}); process.on("SIGTERM", () => {});
      const child = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1e3)"]);
      console.log("child " + child.pid); setInterval(() => {}, 1e3);`;
    const path = log();
    const program = await startProgram({ name: "it", command: node(stubborn), env: process.env, log: path });
    const says = async () => /child \d+/.test(program.tail());
    await waitUntilReady(program, says, 20, new AbortController().signal);
    const child = Number(/child (\d+)/.exec(program.tail())?.[1]);
    expect(() => process.kill(child, 0)).not.toThrow();
    await program.stop(0.2);
    expect(program.running).toBe(false);
    await expect
      .poll(() => {
        try {
          return process.kill(child, 0);
        } catch {
          return false;
        }
      })
      .toBe(false);
    expect(await readFile(path, "utf8")).toContain("child ");
  }, 30_000);

  it("is missed where it cannot be started, ends early or never answers", async () => {
    const { signal } = new AbortController();
    const start = (command: string[]) => startProgram({ name: "it", command, env: process.env, log: log() });
    await expect(start(["no-such-program-here"])).rejects.toMatchObject({ code: "program-missing" });
    const early = await start(node("console.error('out of memory'); process.exit(3)"));
    await expect(waitUntilReady(early, async () => false, 20, signal)).rejects.toThrow(/out of memory/);
    expect(await early.ended).toBe(3);
    const silent = await start(node("setInterval(() => {}, 1e3)"));
    await expect(waitUntilReady(silent, async () => false, 0.3, signal)).rejects.toMatchObject({
      code: "program-slow",
    });
    await silent.stop(0);
  });
});
