import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../base/index.ts";
import { Checkpoint, loadParams, saveCheckpoint } from "./checkpoint.ts";
import { configToJson, loadConfig, parseConfig } from "./config.ts";
import { initParams } from "./init-params.ts";
import { moduleName, parameterCount, paramSpecs } from "./param-names.ts";
import { writeSafetensors } from "./safetensors.ts";

const FIXTURE = new URL("../../test/fixtures/qwen", import.meta.url).pathname;
const config = loadConfig(FIXTURE);
const params = loadParams(FIXTURE);

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "checkpoint-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("checkpoints", () => {
  it("saves what it loaded, in one file", () => {
    const path = join(folder, "one");
    saveCheckpoint(path, config, params);
    expect(loadConfig(path)).toEqual(config);
    expect(loadParams(path)).toEqual(params);
  });

  it("saves and loads shards, listed in an index", () => {
    const path = join(folder, "shards");
    saveCheckpoint(path, config, params, { shardBytes: 60_000 });
    const files = readdirSync(path).filter((name) => name.endsWith(".safetensors"));
    expect(files.length).toBeGreaterThan(3);
    const index = JSON.parse(readFileSync(join(path, "model.safetensors.index.json"), "utf8"));
    expect(Object.keys(index.weight_map).sort()).toEqual([...params.keys()].sort());
    expect(index.metadata.total_size).toBe(4 * parameterCount(config));
    expect(loadParams(path)).toEqual(params);
    // Saving again as one file leaves nothing behind that would be read instead.
    saveCheckpoint(path, config, params);
    expect(readdirSync(path)).not.toContain("model.safetensors.index.json");
    expect(loadParams(path)).toEqual(params);
  });

  it("halves a checkpoint's size in bfloat16, and reads back what was rounded", () => {
    const path = join(folder, "bf16");
    saveCheckpoint(path, config, params, { dtype: "bfloat16" });
    expect(JSON.parse(readFileSync(join(path, "config.json"), "utf8")).torch_dtype).toBe("bfloat16");
    const rounded = loadParams(path);
    for (const [name, { data }] of params)
      rounded.get(name)?.data.forEach((x, i) => {
        expect(Math.abs(x - (data[i] as number))).toBeLessThanOrEqual(Math.abs(data[i] as number) * 2 ** -8);
      });
    saveCheckpoint(path, config, rounded, { dtype: "bfloat16" });
    expect(loadParams(path)).toEqual(rounded);
  });

  it("reads names of transformers' modules, too", () => {
    const path = join(folder, "modules");
    saveCheckpoint(path, config, params);
    const renamed = new Map([...params].map(([name, tensor]) => [moduleName(name), tensor]));
    writeSafetensors(join(path, "model.safetensors"), renamed);
    expect(loadParams(path)).toEqual(params);
  });

  it("reads one tensor at a time", () => {
    const checkpoint = new Checkpoint(FIXTURE);
    expect(checkpoint.read("model.norm.weight")).toEqual(params.get("model.norm.weight"));
    expect(() => checkpoint.read("model.nothing")).toThrow('must hold the tensor "model.nothing"');
    checkpoint.close();
  });

  it("explains what is wrong with a directory", () => {
    const path = join(folder, "wrong");
    expect(() => loadParams(path)).toThrow(/with a config.json/);
    cpSync(FIXTURE, path, { recursive: true });
    rmSync(join(path, "model.safetensors"));
    expect(() => loadParams(path)).toThrow(/with model.safetensors or/);
    writeFileSync(join(path, "model.safetensors.index.json"), '{"weight_map": {"x": "../../etc/passwd"}}');
    expect(() => loadParams(path)).toThrow(/files beside it/);
    rmSync(join(path, "model.safetensors.index.json"));
    const incomplete = new Map(params);
    incomplete.delete("visual.merger.ln_q.weight");
    writeSafetensors(join(path, "model.safetensors"), incomplete);
    expect(() => loadParams(path)).toThrow('must hold the tensor "visual.merger.ln_q.weight"');
    writeFileSync(
      join(path, "config.json"),
      JSON.stringify({ ...configToJson(config), intermediate_size: 64 }),
    );
    writeSafetensors(join(path, "model.safetensors"), params);
    expect(() => loadParams(path)).toThrow(/must have the shape \[64, 32\], got \[48, 32\]/);
    expect(() => loadParams(path)).toThrow(UsageError);
  });
});

describe("configuration", () => {
  const json = configToJson(config) as Record<string, unknown>;

  it("reads the published layout and transformers' own alike", () => {
    expect(parseConfig(json)).toEqual(config);
    const { rope_scaling, vision_config, ...rest } = json;
    expect(parseConfig({ ...rest, vision_config, text_config: { ...rest, rope_scaling } })).toEqual(config);
  });

  it.each([
    [{ model_type: "llama" }, /model_type/],
    [{ num_key_value_heads: 3 }, /multiple of num_key_value_heads/],
    [{ rope_scaling: { type: "mrope", mrope_section: [1, 1, 1] } }, /must add up to half a head/],
    [{ rope_scaling: { type: "yarn", mrope_section: [1, 1, 2] } }, /must be "mrope" or "default"/],
    [{ rope_scaling: null }, /rope_scaling/],
    [{ use_sliding_window: true }, /use_sliding_window must be false/],
    [{ hidden_act: "gelu" }, /hidden_act/],
    [{ vocab_size: 100 }, /must be below vocab_size/],
    [
      { vision_config: { ...(json.vision_config as object), window_size: 30 } },
      /window_size must be a multiple/,
    ],
    [{ vision_config: { ...(json.vision_config as object), out_hidden_size: 64 } }, /must equal hidden_size/],
    [{ vision_config: undefined }, /vision_config/],
  ])("refuses %j", (change, message) => {
    expect(() => parseConfig({ ...json, ...change })).toThrow(message);
    expect(() => parseConfig({ ...json, ...change })).toThrow(UsageError);
  });
});

describe("random parameters", () => {
  it("come from the seed, with the distribution that the configuration gives", () => {
    const first = initParams(config, 1);
    expect(initParams(config, 1)).toEqual(first);
    expect(initParams(config, 2)).not.toEqual(first);
    expect([...first.keys()]).toEqual(paramSpecs(config).map(({ name }) => name));
    const embedding = first.get("model.embed_tokens.weight")?.data as Float32Array;
    const deviation = Math.sqrt(embedding.reduce((sum, x) => sum + x * x, 0) / embedding.length);
    expect(deviation).toBeCloseTo(0.02, 3);
    expect(new Set(first.get("model.norm.weight")?.data)).toEqual(new Set([1]));
    expect(new Set(first.get("visual.blocks.0.attn.qkv.bias")?.data)).toEqual(new Set([0]));
  });
});
