/**
 * Measures time and peak memory of `video-r2 merge` and `video-r2 export` on a checkpoint of Qwen2.5-VL-3B's size with
 * random weights (7.5 GB in bfloat16) and an adapter of rank 64 on all linear layers of its language model, and of PEFT
 * on the same where a Python is given.
 *
 *     npx tsx scripts/measure-merge.ts DIR          # 30 GB of disk; what is made stays there
 *     VIDEO_R2_PYTHON=python npx tsx scripts/measure-merge.ts DIR
 */

import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { argv, env, execPath, stderr, stdout } from "node:process";
import { initLora, loadConfig, loraConfig, writeAdapter } from "../src/nn/index.ts";
import { makeRandomCheckpoint } from "./make-random-checkpoint.ts";

const folder = argv[2];
if (folder === undefined) {
  stderr.write("usage: npx tsx scripts/measure-merge.ts DIR\n");
  process.exit(2);
}
const base = join(folder, "base");
const adapter = join(folder, "adapter");
if (!existsSync(join(base, "model.safetensors.index.json"))) await makeRandomCheckpoint(base);
if (!existsSync(adapter)) {
  const lora = loraConfig({ r: 64, lora_alpha: 64 });
  const params = initLora(loadConfig(base), lora, 1);
  for (const { data } of params.values()) for (let i = 0; i < data.length; i++) data[i] = 0.01 * Math.sin(i);
  writeAdapter(adapter, { config: lora, params }, base);
}

/** Runs a program and shows its seconds and the most memory it held, which it prints last on standard error. */
function measure(
  name: string,
  program: string,
  args: readonly string[],
  more: Record<string, string> = {},
): void {
  const result = spawnSync(program, args, { env: { ...env, ...more }, encoding: "utf8" });
  const [, seconds, peak] = /([\d.]+) s, peak (\d+)\s*$/.exec(result.stderr) ?? [];
  if (result.status !== 0 || peak === undefined) throw new Error(`${name}: ${result.stdout}${result.stderr}`);
  stdout.write(`${name}: ${Number(seconds).toFixed(1)} s, at most ${(Number(peak) / 1024).toFixed(0)} MiB\n`);
}

const shown = "(performance.now()/1000).toFixed(2)+' s, peak '+process.resourceUsage().maxRSS";
const hook = `data:text/javascript,process.on('exit',()=>process.stderr.write(${shown}))`;
const main = join(import.meta.dirname, "..", "src", "cli", "main.ts");
const cli = (name: string, ...args: string[]) =>
  measure(name, execPath, ["--import", "tsx", "--import", hook, main, ...args, "--force", "--json"]);
const out = (name: string): string => join(folder, name);
cli("video-r2 merge", "merge", adapter, "--base", base, "--out", out("merged"));
if (env.VIDEO_R2_PYTHON) {
  const peer = join(import.meta.dirname, "measure-merge.py");
  measure("PEFT merge_and_unload", env.VIDEO_R2_PYTHON, [peer, base, adapter, out("peft"), out("merged")]);
}
for (const name of ["merged", "peft"]) rmSync(out(name), { recursive: true, force: true });
for (const dtype of ["float16", "float32"]) {
  cli(`video-r2 export, ${dtype}`, "export", base, "--out", out("onnx"), "--dtype", dtype);
  rmSync(out("onnx"), { recursive: true });
}
