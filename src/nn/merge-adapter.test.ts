import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random, sha256 } from "../base/index.ts";
import { Checkpoint, loadParams, saveCheckpoint } from "./checkpoint.ts";
import { loadConfig } from "./config.ts";
import { initLora, loraConfig, mergeLora, writeAdapter } from "./lora.ts";
import { mergeAdapter } from "./merge-adapter.ts";
import { checkpointName, moduleName } from "./param-names.ts";
import { SafetensorsFile, type StoredDType, writeSafetensors } from "./safetensors.ts";
import { type FloatTensor, floatTensor } from "./tensor.ts";
import { weightFiles } from "./weight-files.ts";

const FIXTURES = new URL("../../test/fixtures", import.meta.url).pathname;
const base = join(FIXTURES, "qwen");
const adapter = join(FIXTURES, "peft");
const config = loadConfig(base);
const params = loadParams(base);

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "merge-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A new path in the tests' folder. */
let count = 0;
const place = (name: string): string => join(folder, `${name}-${count++}`);

/** Every tensor's bytes by its name in checkpoint files. */
function bytesOf(directory: string): Map<string, Uint8Array> {
  return new Map(
    weightFiles(directory).flatMap((path) => {
      const file = new SafetensorsFile(path);
      const all = [...file.tensors.keys()].map(
        (name) => [checkpointName(name), file.readBytes(name)] as const,
      );
      file.close();
      return all;
    }),
  );
}

const matrix = (rows: readonly (readonly number[])[]): FloatTensor =>
  floatTensor(Float32Array.from(rows.flat()), [rows.length, rows[0]?.length ?? 0]);

/** A checkpoint of any tensors: merging asks for no architecture. */
function writeBase(
  tensors: Record<string, FloatTensor>,
  json: object = {},
  dtype: StoredDType = "float32",
): string {
  const directory = place("base");
  mkdirSync(directory);
  writeFileSync(join(directory, "config.json"), JSON.stringify(json));
  writeSafetensors(join(directory, "model.safetensors"), new Map(Object.entries(tensors)), { dtype });
  return directory;
}

function writePeft(tensors: Record<string, FloatTensor>, json: object = {}): string {
  const directory = place("adapter");
  mkdirSync(directory);
  writeFileSync(
    join(directory, "adapter_config.json"),
    JSON.stringify({ peft_type: "LORA", r: 2, lora_alpha: 4, ...json }),
  );
  const named = Object.entries(tensors).map(
    ([name, tensor]) => [`base_model.model.${name}`, tensor] as const,
  );
  writeSafetensors(join(directory, "adapter_model.safetensors"), new Map(named));
  return directory;
}

/** The largest difference of two tensors' values. */
function farthest(one: FloatTensor | undefined, other: FloatTensor | undefined): number {
  let worst = one?.data.length === other?.data.length ? 0 : Number.POSITIVE_INFINITY;
  one?.data.forEach((x, i) => {
    worst = Math.max(worst, Math.abs(x - (other?.data[i] as number)));
  });
  return worst;
}

const A = matrix([
  [1, 0, 2],
  [2, 1, 0],
]);
const B = matrix([
  [1, 1],
  [0, 3],
]);
// B A = [[3, 1, 2], [6, 3, 0]].
const W = matrix([
  [1, 2, 3],
  [4, 5, 6],
]);
const lora = { "layer.q_proj.lora_A.weight": A, "layer.q_proj.lora_B.weight": B };

describe("against PEFT", () => {
  const recorded: { sha256: Record<StoredDType, Record<string, string>> } = JSON.parse(
    readFileSync(join(adapter, "merged.json"), "utf8"),
  );

  // The recorded adapter's values are multiples of 1/64, whose sums are exact in any order: equal on every processor.
  it.each(["float32", "bfloat16", "float16"] as const)(
    "gives the bytes of merge_and_unload in %s: rank-stabilised, with patterns of ranks and alphas, biases",
    async (dtype) => {
      const source = place("base");
      saveCheckpoint(source, config, params, { dtype });
      const out = place("out");
      const result = await mergeAdapter({ adapter, base: source, out });
      expect(result).toMatchObject({ merged: 21, replaced: 13, files: ["model.safetensors"] });
      const merged = bytesOf(out);
      const expected = Object.entries(recorded.sha256[dtype]).map(([name, hash]) => [
        checkpointName(name),
        hash,
      ]);
      expect(Object.fromEntries([...merged].map(([name, bytes]) => [name, sha256(bytes)]))).toEqual(
        Object.fromEntries(expected),
      );
    },
  );

  it("gives the same from shards, to shards, and by either style of names, which it keeps", async () => {
    const one = place("out");
    await mergeAdapter({ adapter, base, out: one });
    const source = place("base");
    saveCheckpoint(source, config, params, { shardBytes: 50_000 });
    for (const path of weightFiles(source)) {
      const file = new SafetensorsFile(path);
      const renamed = [...file.tensors.keys()].map((name) => [moduleName(name), file.read(name)] as const);
      file.close();
      writeSafetensors(path, new Map(renamed));
    }
    const out = place("out");
    const { files, bytes } = await mergeAdapter({ adapter, base: source, out, shardBytes: 80_000 });
    expect(files).toEqual([1, 2, 3, 4, 5].map((i) => `model-0000${i}-of-00005.safetensors`));
    const index = JSON.parse(readFileSync(join(out, "model.safetensors.index.json"), "utf8"));
    expect(index.metadata.total_size).toBe(bytes);
    expect(Object.keys(index.weight_map)).toContain("model.language_model.layers.1.mlp.up_proj.weight");
    for (const name of files) expect(readFileSync(join(out, name)).length).toBeLessThan(90_000);
    expect(bytesOf(out)).toEqual(bytesOf(one));
    new Checkpoint(out).close();
  });
});

describe("what an adapter may hold", () => {
  const merge = async (source: string, own: string): Promise<Map<string, FloatTensor>> => {
    const out = place("out");
    await mergeAdapter({ adapter: own, base: source, out });
    const file = new SafetensorsFile(join(out, "model.safetensors"));
    const result = new Map([...file.tensors.keys()].map((name) => [name, file.read(name)]));
    file.close();
    return result;
  };
  const values = (tensor: FloatTensor | undefined): number[] => [...(tensor?.data ?? [])];

  it("adds alpha / r B A, to nothing else", async () => {
    const merged = await merge(writeBase({ "layer.q_proj.weight": W, other: W }), writePeft(lora));
    expect(values(merged.get("layer.q_proj.weight"))).toEqual([7, 4, 7, 16, 11, 6]);
    expect(values(merged.get("other"))).toEqual(values(W));
  });

  it("takes alpha and rank of a layer from patterns, and roots of ranks where stabilised", async () => {
    const settings = {
      lora_alpha: 100,
      r: 7,
      rank_pattern: { "r\\.q_proj|q_pro.": 2 },
      alpha_pattern: { v_proj: 9, q_proj: 1 },
    };
    const source = writeBase({ "layer.q_proj.weight": W });
    const merged = await merge(source, writePeft(lora, settings));
    expect(values(merged.get("layer.q_proj.weight"))).toEqual([2.5, 2.5, 4, 7, 6.5, 6]);
    const stable = await merge(source, writePeft(lora, { lora_alpha: 1, use_rslora: true }));
    // 1 + 3 / sqrt(2), in float32.
    const scale = Math.fround(1 / Math.sqrt(2));
    expect(stable.get("layer.q_proj.weight")?.data[0]).toBe(Math.fround(1 + Math.fround(3 * scale)));
  });

  it("turns products for weights stored as [in, out]", async () => {
    const turned = matrix([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    const merged = await merge(
      writeBase({ "layer.q_proj.weight": turned }),
      writePeft(lora, { fan_in_fan_out: true }),
    );
    expect(values(merged.get("layer.q_proj.weight"))).toEqual([7, 16, 4, 11, 7, 6]);
  });

  it("adapts embeddings that are not tied, and keeps what was saved whole", async () => {
    const embeddings = {
      "model.language_model.embed_tokens.base_layer.weight": matrix([
        [0, 0],
        [0, 0],
        [1, 1],
      ]),
      "model.language_model.embed_tokens.lora_embedding_A": A,
      "model.language_model.embed_tokens.lora_embedding_B": B,
      "lm_head.weight": matrix([[9], [8], [7]]),
    };
    const source = writeBase({
      "model.embed_tokens.weight": matrix([
        [1, 4],
        [2, 5],
        [3, 6],
      ]),
      "lm_head.weight": matrix([[1], [2], [3]]),
    });
    const merged = await merge(source, writePeft(embeddings, { modules_to_save: ["lm_head"] }));
    expect(values(merged.get("model.embed_tokens.weight"))).toEqual([6, 12, 2, 6, 5, 1]);
    expect(values(merged.get("lm_head.weight"))).toEqual([9, 8, 7]);
  });

  it("adds biases of B to biases", async () => {
    const source = writeBase({
      "layer.q_proj.weight": W,
      "layer.q_proj.bias": floatTensor(Float32Array.of(1, 2), [2]),
    });
    const own = writePeft({ ...lora, "layer.q_proj.lora_B.bias": floatTensor(Float32Array.of(3, 5), [2]) });
    expect(values((await merge(source, own)).get("layer.q_proj.bias"))).toEqual([7, 12]);
  });

  it("merges tensors larger than a piece, as the adapters that training writes are merged in memory", async () => {
    const random = new Random(1);
    const draw = (rows: number, columns: number): FloatTensor =>
      floatTensor(
        Float32Array.from({ length: rows * columns }, () => random.normal()),
        [rows, columns],
      );
    const [weight, a, b] = [draw(3000, 1500), draw(2, 1500), draw(3000, 2)];
    const name = "model.layers.0.mlp.up_proj";
    const merged = await merge(
      writeBase({ [`${name}.weight`]: weight }),
      writePeft({ [`${name}.lora_A.weight`]: a, [`${name}.lora_B.weight`]: b }),
    );
    const expected = mergeLora(new Map([[`${name}.weight`, weight]]), {
      config: loraConfig({ r: 2, lora_alpha: 4 }),
      params: new Map([
        [`${name}.lora_A.weight`, a],
        [`${name}.lora_B.weight`, b],
      ]),
    });
    const worst = farthest(merged.get(`${name}.weight`), expected.get(`${name}.weight`));
    // Two float32 sums of a few numbers of size 10, in two orders.
    expect(worst).toBeLessThan(1e-5);
  });

  it("merges what writeAdapter writes", async () => {
    const settings = loraConfig({ r: 4, lora_alpha: 6, target_modules: ["q_proj", "down_proj"] });
    const own = initLora(config, settings, 3);
    for (const { data } of own.values())
      data.forEach((x, i) => {
        data[i] = x + 0.1 * Math.sin(i);
      });
    const directory = place("adapter");
    writeAdapter(directory, { config: settings, params: own });
    const out = place("out");
    expect(await mergeAdapter({ adapter: directory, base, out })).toMatchObject({ merged: 4, replaced: 0 });
    const expected = mergeLora(params, { config: settings, params: own });
    for (const [name, tensor] of loadParams(out))
      expect(farthest(tensor, expected.get(name))).toBeLessThan(1e-6);
  });
});

describe("the folder that is written", () => {
  it("holds the base's other files, and neither other weights nor training state", async () => {
    const source = place("base");
    cpSync(base, source, { recursive: true });
    for (const name of [
      "tokenizer.json",
      "chat_template.jinja",
      "optimizer.safetensors",
      "training_args.bin",
      "trainer.json",
      ".lock",
    ])
      writeFileSync(join(source, name), name);
    const out = place("out");
    await mergeAdapter({ adapter, base: source, out });
    expect(readdirSync(out).sort()).toEqual(
      [
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "recorded.json",
        "tokenizer.json",
      ].sort(),
    );
    expect(readFileSync(join(out, "config.json"))).toEqual(readFileSync(join(base, "config.json")));
  });

  it("appears whole or not at all, and tells how far it is", async () => {
    const out = place("out");
    const stop = new AbortController();
    const seen: number[] = [];
    const onProgress = (done: number, total: number): void => {
      seen.push(done / total);
      if (done > total / 2) stop.abort(new Error("enough"));
    };
    await expect(mergeAdapter({ adapter, base, out, onProgress, signal: stop.signal })).rejects.toThrow(
      "enough",
    );
    expect(readdirSync(folder).filter((name) => join(folder, name).startsWith(out))).toEqual([]);
    // What a killed run left does not disturb.
    mkdirSync(`${out}.partial`);
    writeFileSync(join(`${out}.partial`, "model.safetensors"), "half");
    const { bytes } = await mergeAdapter({ adapter, base, out, onProgress: (done) => seen.push(done) });
    expect(seen.at(-1)).toBe(bytes);
    expect(existsSync(`${out}.partial`)).toBe(false);
  });

  it("replaces a checkpoint only when told to, and nothing else", async () => {
    const out = place("out");
    mkdirSync(out);
    await mergeAdapter({ adapter, base, out });
    const first = bytesOf(out);
    writeFileSync(join(out, "old.txt"), "");
    await expect(mergeAdapter({ adapter, base, out })).rejects.toMatchObject({ code: "out-exists" });
    await mergeAdapter({ adapter, base, out, force: true });
    expect(existsSync(join(out, "old.txt"))).toBe(false);
    expect(bytesOf(out)).toEqual(first);
    rmSync(join(out, "config.json"));
    await expect(mergeAdapter({ adapter, base, out, force: true })).rejects.toThrow("must hold config.json");
    for (const source of [base, FIXTURES, adapter])
      await expect(mergeAdapter({ adapter, base, out: source, force: true })).rejects.toMatchObject({
        code: "out-source",
      });
  });
});

describe("what is refused", () => {
  const ours = () => writeBase({ "layer.q_proj.weight": W });
  const refused = async (own: string, source: string, code: string, message: RegExp | string) => {
    const out = place("out");
    const failed = mergeAdapter({ adapter: own, base: source, out });
    await expect(failed).rejects.toMatchObject({ code });
    await expect(failed).rejects.toThrow(message);
    expect(existsSync(out)).toBe(false);
  };

  it.each([
    [{ peft_type: "IA3" }, 'peft_type "IA3"'],
    [{ use_dora: true }, "DoRA"],
    [{ init_lora_weights: "pissa_niter_4" }, "pissa_niter_4"],
    [{ target_parameters: ["x"] }, "bare parameters"],
    [{ trainable_token_indices: [1] }, "trained tokens"],
  ])("adapters with %j", (json, message) => refused(writePeft(lora, json), ours(), "lora-variant", message));

  it("adapters on convolutions, and tensors that plain LoRA does not have", async () => {
    const conv = floatTensor(new Float32Array(6), [2, 3, 1]);
    await refused(
      writePeft({ ...lora, "layer.q_proj.lora_A.weight": conv }),
      ours(),
      "lora-variant",
      "convolution",
    );
    const vector = floatTensor(new Float32Array(2), [2]);
    await refused(
      writePeft({ ...lora, "layer.q_proj.lora_magnitude_vector": vector }),
      ours(),
      "lora-variant",
      "DoRA",
    );
    await refused(
      writePeft({ ...lora, "layer.q_proj.lora_A.mine.weight": A }),
      ours(),
      "lora-file",
      "lora_A.mine",
    );
  });

  it.each([
    [{ r: 3 }, "must have the rank 3 at layer.q_proj"],
    [{ rank_pattern: { "(": 2 } }, "must be regular expressions, got ("],
    [{ r: "2" }, "adapter_config.json: r:"],
  ])("adapters that contradict themselves: %j", (json, message) =>
    refused(writePeft(lora, json), ours(), "lora-file", message),
  );

  it("what is no adapter, and half ones", async () => {
    await refused(base, base, "lora-file", "with an adapter_config.json");
    const own = writePeft(lora);
    rmSync(join(own, "adapter_model.safetensors"));
    await refused(own, ours(), "lora-file", "got none");
    writeFileSync(join(own, "adapter_model.bin"), "");
    await refused(own, ours(), "lora-file", "got adapter_model.bin");
    await refused(writePeft({ "layer.q_proj.lora_B.weight": B }), ours(), "lora-file", "beside");
    await refused(writePeft({}), ours(), "lora-file", "must hold tensors");
  });

  it("adapters of another base", async () => {
    const own = writePeft(lora, { base_model_name_or_path: "some/model" });
    await refused(
      own,
      writeBase({ "layer.k_proj.weight": W }),
      "lora-base",
      "must hold layer.q_proj.weight, got none",
    );
    const failed = mergeAdapter({
      adapter: own,
      base: writeBase({ "layer.q_proj.weight": B }),
      out: place("out"),
    });
    await expect(failed).rejects.toThrow('"layer.q_proj.weight" must have the shape [2, 3], got [2, 2]');
    await expect(failed).rejects.toMatchObject({ hint: expect.stringContaining("trained on some/model") });
    await refused(
      adapter,
      writeBase({ "model.embed_tokens.weight": W }),
      "lora-base",
      "must hold model.layers.0",
    );
  });

  it("bases that are quantised, or tie what the adapter parts", async () => {
    const tensors = { "layer.q_proj.weight": W };
    await refused(writePeft(lora), writeBase(tensors, { quantization_config: {} }), "lora-base", "quantised");
    const tied = { text_config: { tie_word_embeddings: true } };
    const own = writePeft({ ...lora, "model.embed_tokens.weight": W }, { modules_to_save: ["embed_tokens"] });
    const both = writeBase({ ...tensors, "model.embed_tokens.weight": W }, tied);
    await refused(own, both, "lora-base", "ties");
  });

  it("adapters that make infinities", async () => {
    const infinite = matrix([
      [Number.POSITIVE_INFINITY, 0],
      [0, 1],
    ]);
    await refused(
      writePeft({ ...lora, "layer.q_proj.lora_B.weight": infinite }),
      ours(),
      "lora-file",
      "finite",
    );
    const large = matrix([
      [40000, 0],
      [0, 1],
    ]);
    const half = writeBase({ "layer.q_proj.weight": W }, {}, "float16");
    await refused(
      writePeft({ ...lora, "layer.q_proj.lora_B.weight": large }),
      half,
      "lora-file",
      "finite in F16",
    );
  });
});
