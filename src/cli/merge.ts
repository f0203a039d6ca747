/** `video-r2 merge`: an adapter becomes part of its base's weights. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { UsageError } from "../base/index.ts";
import { mergeAdapter } from "../nn/index.ts";
import { byteProgress } from "./byte-progress.ts";
import { bytesFlag } from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { modelFolder } from "./model-folder.ts";

interface Flags {
  base: string;
  out: string;
  shardSize: number;
  force?: true;
  json?: true;
}

const examples = `
ADAPTER holds adapter_config.json and adapter_model.safetensors, as PEFT, ms-swift and \`video-r2 train\` with lora write
them. DIR gets the merged weights in the base's types, and the base's other files: configuration, tokenizer, chat
template, pixel settings. It appears when it is whole. Memory does not grow with the model.

Examples:
  $ video-r2 merge out/sft/checkpoint-500 --base hf:Qwen/Qwen2.5-VL-7B-Instruct --out merged
  $ video-r2 merge runs/lora/model/adapter --base builtin --out merged
  $ video-r2 merge adapter --base ./Qwen2.5-VL-3B-Instruct --out merged --shard-size 2GB --json
  $ video-r2 ask clip.mp4 "What happens?" --model merged`;

/** Adds the command. */
export function registerMerge(program: Command): void {
  program
    .command("merge")
    .description("merge a LoRA adapter into its base checkpoint")
    .argument("<adapter>", "folder of the adapter")
    .requiredOption("--base <model>", "the checkpoint it was trained on: builtin, a folder or hf:org/name")
    .requiredOption("--out <dir>", "folder to write")
    .addOption(
      new Option("--shard-size <size>", "largest weight file, such as 500MB or 2GiB")
        .argParser(bytesFlag("--shard-size"))
        .default(5e9, "5GB"),
    )
    .option("--force", "replace a checkpoint that is there")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", examples)
    .action((adapter: string, flags: Flags) => interruptible((signal) => run(adapter, flags, signal)));
}

async function run(adapter: string, flags: Flags, signal: AbortSignal): Promise<void> {
  const start = performance.now();
  const progress = byteProgress("merge", flags.json === true);
  const result = await mergeAdapter({
    adapter: await adapterFolder(adapter),
    base: await modelFolder("--base", flags.base),
    out: flags.out,
    shardBytes: flags.shardSize,
    force: flags.force === true,
    signal,
    onProgress: progress.onProgress,
  }).finally(progress.finish);
  if (flags.json) {
    const seconds = Number(((performance.now() - start) / 1000).toFixed(3));
    process.stdout.write(`${JSON.stringify({ ...result, seconds })}\n`);
    return;
  }
  const { merged, replaced, tensors, files } = result;
  const whole = replaced > 0 ? `, ${replaced} taken from the adapter` : "";
  process.stdout.write(
    `${flags.out}: ${merged} of ${tensors} tensors merged${whole}; ${files.length} weight ${files.length === 1 ? "file" : "files"}\n`,
  );
}

/** @throws UsageError `lora-file` where the folder is not an adapter's, naming one inside it that is */
async function adapterFolder(spec: string): Promise<string> {
  if (spec.startsWith("hf:")) return modelFolder("adapter", spec);
  const inside = join(spec, "adapter");
  if (!existsSync(join(spec, "adapter_config.json")) && existsSync(join(inside, "adapter_config.json")))
    throw new UsageError(
      "lora-file",
      `adapter: a directory with an adapter_config.json, got ${spec}`,
      `Its adapter is in ${inside}.`,
    );
  return spec;
}
