/** `video-r2 merge` and `video-r2 export` as users run them. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  floatTensor,
  initLora,
  loadConfig,
  loraConfig,
  Qwen25VL,
  writeAdapter,
  writeSafetensors,
} from "../src/nn/index.ts";
import { runCli, startCli } from "./run-cli.ts";
import { writeTinyCheckpoint } from "./tiny-checkpoint.ts";

let folder = "";
let base = "";
let adapter = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "checkpoints-"));
  base = join(folder, "base");
  await writeTinyCheckpoint(base);
  const lora = loraConfig({ r: 2 });
  // As a run of training leaves it: the adapter inside the model.
  adapter = join(folder, "model", "adapter");
  writeAdapter(adapter, { config: lora, params: initLora(loadConfig(base), lora, 1) });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("merge", () => {
  it("makes a checkpoint that loads, and says what it did", async () => {
    const out = join(folder, "merged");
    const { code, stdout, stderr } = await runCli(["merge", adapter, "--base", base, "--out", out]);
    expect(stdout).toBe(`${out}: 14 of 56 tensors merged; 1 weight file\n`);
    expect(stderr).toMatch(/merge, MB: 1 done in/);
    expect(code).toBe(0);
    const model = await Qwen25VL.load(out);
    expect(model.tokenizer.encode("a red circle").length).toBeGreaterThan(0);
    await model.dispose();
    const again = ["merge", adapter, "--base", base, "--out", out, "--shard-size", "100KB", "--json"];
    const refused = await runCli(again);
    expect(JSON.parse(refused.stdout).error.code).toBe("out-exists");
    expect(refused.code).toBe(2);
    const forced = await runCli([...again, "--force"]);
    expect(forced.stderr).toBe("");
    const files = readdirSync(out).filter((name) => name.endsWith(".safetensors"));
    expect(JSON.parse(forced.stdout)).toMatchObject({ out, tensors: 56, merged: 14, replaced: 0, files });
    expect(files.length).toBeGreaterThan(1);
  });

  it("explains what is wrong, and exits with 2", async () => {
    const out = join(folder, "none");
    const failing = async (...args: string[]) => {
      const { code, stdout, stderr } = await runCli(["merge", ...args, "--out", out]);
      expect([code, stdout, existsSync(out)]).toEqual([2, "", false]);
      return stderr;
    };
    expect(await failing(join(folder, "model"), "--base", base)).toContain(`Its adapter is in ${adapter}.`);
    expect(await failing(adapter, "--base", "builtin")).toContain("belongs to another base");
    expect(await failing(adapter, "--base", "http://localhost/v1")).toContain(
      "must be a folder on this machine",
    );
    expect(await failing(adapter)).toContain("--base");
    expect(await failing(adapter, "--base", base, "--shard-size", "5")).toContain("such as 5GB");
  });

  it("stops at Ctrl-C and leaves nothing behind", async () => {
    const out = join(folder, "stopped");
    const { child, result } = startCli(["merge", largeAdapter(), "--base", largeBase(), "--out", out]);
    // The first line comes when the first megabytes are written.
    await new Promise((resolve) => child.stderr?.once("data", resolve));
    child.kill("SIGINT");
    const { code, stderr } = await result;
    expect(stderr).toContain("stopped");
    expect(code).toBe(130);
    expect(readdirSync(folder).filter((name) => name.startsWith("stopped"))).toEqual([]);
  });
});

/** A checkpoint with a tensor of 1 GB that takes no disk: what was never written to a file reads as zeros. */
function largeBase(): string {
  const directory = join(folder, "large");
  mkdirSync(directory);
  writeFileSync(join(directory, "config.json"), "{}");
  const small = { dtype: "F32", shape: [2, 2], data_offsets: [0, 16] };
  const large = { dtype: "F32", shape: [2 ** 28], data_offsets: [16, 16 + 2 ** 30] };
  const header = Buffer.from(JSON.stringify({ "x.weight": small, large }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const path = join(directory, "model.safetensors");
  writeFileSync(path, Buffer.concat([length, header]));
  truncateSync(path, 8 + header.length + 16 + 2 ** 30);
  return directory;
}

function largeAdapter(): string {
  const directory = join(folder, "large-adapter");
  mkdirSync(directory);
  writeFileSync(join(directory, "adapter_config.json"), '{"peft_type": "LORA", "r": 1, "lora_alpha": 1}');
  const names = ["x.lora_A.weight", "x.lora_B.weight"];
  const params = names.map((name, i) => [name, floatTensor(new Float32Array(2), [1 + i, 2 - i])] as const);
  writeSafetensors(join(directory, "adapter_model.safetensors"), new Map(params));
  return directory;
}

describe("export", () => {
  it("writes files for the usual frames, and says which", async () => {
    const out = join(folder, "onnx");
    const { code, stdout } = await runCli([
      "export",
      base,
      "--out",
      out,
      "--capacity",
      "64",
      "--prefill",
      "16",
      "--json",
    ]);
    expect(code).toBe(0);
    const { files, weightBytes } = JSON.parse(stdout);
    expect(files.slice(-3)).toEqual(["embed.onnx", "prefill.onnx", "decode.onnx"]);
    expect(readFileSync(join(out, "weights.bin")).length).toBe(weightBytes);
    const { frames, sizes } = JSON.parse(readFileSync(join(out, "README.json"), "utf8"));
    expect(sizes).toEqual({ batch: 1, prefill: 16, capacity: 64 });
    expect(frames.map(({ file }: { file: string }) => file)).toEqual(files.slice(0, -3));
  });

  it("explains what is wrong, and exits with 2", async () => {
    const out = join(folder, "none");
    for (const [flags, message] of [
      [["--frame", "112"], "must be WIDTHxHEIGHT"],
      [["--frame", "100x100"], "multiples of 28, got 100x100"],
      [["--capacity", "9999"], "capacity: must be from 1 to 2048, got 9999"],
      [["--dtype", "int8"], "float32, float16"],
    ] as const) {
      const { code, stderr } = await runCli(["export", base, "--out", out, ...flags]);
      expect(stderr).toContain(message);
      expect(code).toBe(2);
    }
    expect(existsSync(out)).toBe(false);
  });
});
