/**
 * Decoding speed beside transformers: the same random checkpoints, the same prompts, greedy, key-value caches on
 * both sides, as many threads on both. The sides take turns, so that other work on the machine meets both; a
 * ratio is the median of the rounds' ratios. Tokens per second are those after the first token.
 */

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Random } from "../src/base/index.ts";
import {
  initParams,
  parseConfig,
  Qwen25VL,
  saveCheckpoint,
  saveTokenizer,
  trainBpe,
} from "../src/nn/index.ts";
import { median } from "./peer.ts";

/** One line of the table. */
export interface GenerateBenchRow {
  model: string;
  batch: number;
  /** Decoded tokens per second, all sequences together. */
  tokensPerSecond: number;
  transformersTokensPerSecond: number;
  ratio: number;
  /** Whether both gave the same tokens. */
  sameTokens: boolean;
}

/** One side's answer to one request. */
interface Answer {
  decodeSeconds: number;
  ids: number[][];
}

/** Something that generates. */
interface Side {
  generate: (prompts: number[][], tokens: number) => Promise<Answer>;
  stop: () => Promise<void>;
}

const PROMPT_TOKENS = 128;
const NEW_TOKENS = 24;
const BATCHES = [1, 8];
const ROUNDS = 3;

/** Configurations: one like the shipped checkpoint, one of about 100 M parameters. */
const MODELS: Record<string, Record<string, unknown>> = {
  "small (width 192, 6 layers)": textConfig(192, 6, 6, 2, 512, 1024, [4, 6, 6]),
  "100M (width 768, 12 layers)": textConfig(768, 12, 12, 4, 2560, 8192, [8, 12, 12]),
};

function textConfig(
  width: number,
  layers: number,
  heads: number,
  keyValueHeads: number,
  intermediate: number,
  vocabulary: number,
  sections: number[],
): Record<string, unknown> {
  return {
    model_type: "qwen2_5_vl",
    vocab_size: vocabulary,
    hidden_size: width,
    intermediate_size: intermediate,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
    max_position_embeddings: 4096,
    rope_scaling: { type: "mrope", mrope_section: sections },
    tie_word_embeddings: true,
    image_token_id: 262,
    video_token_id: 263,
    vision_start_token_id: 259,
    vision_end_token_id: 260,
    eos_token_id: 256,
    // A larger spread than usual keeps the best token of a random model well apart from the second.
    initializer_range: 0.05,
    vision_config: {
      model_type: "qwen2_5_vl",
      depth: 1,
      hidden_size: 64,
      intermediate_size: 128,
      num_heads: 4,
      out_hidden_size: width,
      window_size: 112,
      fullatt_block_indexes: [0],
      tokens_per_second: 2,
    },
  };
}

/**
 * Measures decoding here and in transformers.
 *
 * @param threads on both sides; default 2
 * @returns the rows of the table, and the table in Markdown
 */
export async function benchGenerate(threads = 2): Promise<{ rows: GenerateBenchRow[]; markdown: string }> {
  const rows: GenerateBenchRow[] = [];
  let versions = "";
  for (const [model, json] of Object.entries(MODELS)) {
    const directory = await mkdtemp(join(tmpdir(), "bench-generate-"));
    try {
      const config = parseConfig(json);
      saveCheckpoint(directory, config, initParams(config, 1));
      await saveTokenizer(directory, trainBpe([], { vocabSize: 264 }));
      const here = await startHere(directory, threads);
      const there = await startTransformers(directory, threads);
      versions = there.versions;
      for (const batch of BATCHES) {
        const row = await measure(model, batch, here, there);
        rows.push(row);
        process.stderr.write(`generate: ${model}, batch ${batch}: ${row.ratio.toFixed(2)} x transformers\n`);
      }
      await here.stop();
      await there.stop();
    } finally {
      await rm(directory, { recursive: true });
    }
  }
  const lines = rows.map((row) => {
    const speeds = [row.tokensPerSecond, row.transformersTokensPerSecond].map((x) => x.toFixed(0));
    const cells = [row.model, row.batch, ...speeds, row.ratio.toFixed(2), row.sameTokens ? "yes" : "no"];
    return `| ${cells.join(" | ")} |`;
  });
  const markdown = [
    `Decoding, ${PROMPT_TOKENS} prompt tokens, ${NEW_TOKENS} new ones, greedy, float32, ${threads} threads on both sides, median of ${ROUNDS} rounds (${versions}).`,
    "",
    "| model | batch | tokens/s | transformers tokens/s | ratio | same tokens |",
    "|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
  return { rows, markdown };
}

/** Takes turns; the first turn of each side compiles and warms up, and does not count. */
async function measure(model: string, batch: number, here: Side, there: Side): Promise<GenerateBenchRow> {
  const random = new Random(`${model} ${batch}`);
  const prompts = Array.from({ length: batch }, () =>
    Array.from({ length: PROMPT_TOKENS }, () => random.integer(0, 256)),
  );
  const seconds: [number, number][] = [];
  let sameTokens = true;
  for (let round = 0; round <= ROUNDS; round++) {
    const ours = await here.generate(prompts, NEW_TOKENS + 1);
    await sleep(200); // threads of the side that ran spin for a while, waiting for more work
    const theirs = await there.generate(prompts, NEW_TOKENS + 1);
    await sleep(200);
    sameTokens &&= JSON.stringify(ours.ids) === JSON.stringify(theirs.ids);
    if (round > 0) seconds.push([ours.decodeSeconds, theirs.decodeSeconds]);
  }
  const tokens = batch * NEW_TOKENS;
  return {
    model,
    batch,
    tokensPerSecond: tokens / median(seconds.map(([ours]) => ours)),
    transformersTokensPerSecond: tokens / median(seconds.map(([, theirs]) => theirs)),
    ratio: median(seconds.map(([ours, theirs]) => theirs / ours)),
    sameTokens,
  };
}

async function startHere(directory: string, threads: number): Promise<Side> {
  const model = await Qwen25VL.load(directory, { threads });
  return {
    async generate(prompts, tokens) {
      const requests = prompts.map((ids) => ({ ids }));
      const options = { maxNewTokens: tokens, stopTokenIds: [] };
      const { generations, stats } = await model.generateTokens(requests, options);
      return { decodeSeconds: stats.decodeSeconds, ids: generations.map((group) => group[0]?.ids ?? []) };
    },
    stop: () => model.dispose(),
  };
}

async function startTransformers(directory: string, threads: number): Promise<Side & { versions: string }> {
  const script = fileURLToPath(new URL("./generate.py", import.meta.url));
  const env = { ...process.env, OMP_NUM_THREADS: String(threads), TOKENIZERS_PARALLELISM: "false" };
  const python = process.env.VIDEO_R2_PYTHON ?? "python3";
  const child = spawn(python, [script, directory, String(threads)], {
    env,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const failed = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code) =>
      reject(new Error(`bench: ${python} must run ${script}, it ended with ${code}`)),
    );
  });
  failed.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async <T>(): Promise<T> =>
    JSON.parse((await Promise.race([lines.next(), failed])).value as string) as T;
  const { torch, transformers } = await answer<{ torch: string; transformers: string }>();
  return {
    versions: `transformers ${transformers}, torch ${torch}`,
    generate(prompts, tokens) {
      child.stdin.write(`${JSON.stringify({ prompts, tokens })}\n`);
      return answer<Answer>();
    },
    async stop() {
      child.stdin.end();
      await failed.catch(() => {});
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.stdout.write(`${(await benchGenerate()).markdown}\n`);
