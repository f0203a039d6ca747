import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile, tensor } from "../engine/index.ts";
import { loadConfig } from "./config.ts";
import { dropped } from "./layers.ts";
import { initLora, loraConfig, loraSpecs, mergeLora, readAdapter } from "./lora.ts";
import { floatTensor } from "./tensor.ts";

const FIXTURE = new URL("../../test/fixtures/qwen", import.meta.url).pathname;
const config = loadConfig(FIXTURE);

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lora-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("LoRA", () => {
  it("begins as nothing: B is zero, A within PEFT's bounds", () => {
    const lora = loraConfig({ r: 4 });
    const params = initLora(config, lora, 1);
    expect([...params.keys()]).toEqual(loraSpecs(config, lora).map(({ name }) => name));
    expect(params.size).toBe(2 * 7 * 2);
    for (const [name, { data, shape }] of params) {
      if (name.includes("lora_B")) expect(new Set(data)).toEqual(new Set([0]));
      else expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(shape[1] as number));
    }
    expect(initLora(config, lora, 1)).toEqual(params);
  });

  it("merges W + alpha / r B A", () => {
    const name = "model.layers.0.self_attn.q_proj";
    const lora = loraConfig({ r: 2, lora_alpha: 4, target_modules: ["q_proj"] });
    const merged = mergeLora(
      new Map([
        [`${name}.weight`, floatTensor(Float32Array.of(1, 2, 3, 4), [2, 2])],
        ["other.weight", floatTensor(Float32Array.of(5), [1, 1])],
      ]),
      {
        config: lora,
        params: new Map([
          [`${name}.lora_A.weight`, floatTensor(Float32Array.of(1, 0, 2, 1), [2, 2])],
          [`${name}.lora_B.weight`, floatTensor(Float32Array.of(1, 1, 0, 3), [2, 2])],
        ]),
      },
    );
    // B A = [[3, 1], [6, 3]], scaled by 2.
    expect([...(merged.get(`${name}.weight`)?.data ?? [])]).toEqual([7, 4, 15, 10]);
    expect([...(merged.get("other.weight")?.data ?? [])]).toEqual([5]);
  });

  it.each([
    { r: 0 },
    { lora_alpha: 0 },
    { lora_dropout: 1 },
    { target_modules: ["lm_head"] },
    { target_modules: [] },
  ])("refuses %j", (options) => {
    expect(() => loraConfig(options)).toThrow(/must be/);
  });

  it("explains what is wrong with an adapter directory", () => {
    expect(() => readAdapter(folder, config)).toThrow("with an adapter_config.json");
    cpSync(join(FIXTURE, "adapter"), folder, { recursive: true });
    const path = join(folder, "adapter_config.json");
    const json = JSON.parse(readFileSync(path, "utf8"));
    for (const [change, message] of [
      [{ peft_type: "IA3" }, /peft_type/],
      [{ use_dora: true }, /use_dora/],
      [{ rank_pattern: { q_proj: 2 } }, /the same rank/],
      [{ r: 8 }, /must fit the model/],
    ] as const) {
      writeFileSync(path, JSON.stringify({ ...json, ...change }));
      expect(() => readAdapter(folder, config)).toThrow(message);
    }
  });
});

describe("dropped", () => {
  it("zeroes about the given fraction, at places that the seed decides, and keeps the mean", async () => {
    const shape = [4, 50, 32];
    const program = await compile(
      (x, seed) => dropped(x, 0.2, seed),
      [
        { dtype: "float32", shape },
        { dtype: "float32", shape: [] },
      ],
    );
    const ones = tensor(new Float32Array(6400).fill(1), shape);
    const run = async (seed: number) => Array.from((await program.run(ones, tensor([seed], []))).data);
    const masks = [await run(0.618), await run(1.236), await run(777.7)];
    for (const mask of masks) {
      const zeros = mask.filter((x) => x === 0).length / mask.length;
      // Five standard deviations of 6,400 independent draws.
      expect(Math.abs(zeros - 0.2)).toBeLessThan(0.025);
      for (const x of mask) expect(x === 0 || Math.abs(x - 1.25) < 1e-6).toBe(true);
    }
    expect(await run(0.618)).toEqual(masks[0]);
    // Two masks agree on as many places as independent ones would: 0.2² + 0.8² = 0.68.
    const [first, second] = masks as [number[], number[]];
    const agreed = first.filter((x, i) => x === second[i]).length / first.length;
    expect(Math.abs(agreed - 0.68)).toBeLessThan(0.05);
    await program.dispose();
  });
});
