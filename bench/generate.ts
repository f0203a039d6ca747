/**
 * Decoding speed beside transformers: the same random checkpoints, the same prompts, greedy, key-value caches on
 * both sides, as many threads on both. Tokens per second are those after the first token; the best of three runs
 * counts on both sides, since other work on the machine only ever adds time.
 */

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Random } from "../src/base/index.ts";
import {
  initParams,
  parseConfig,
  Qwen25VL,
  saveCheckpoint,
  saveTokenizer,
  trainBpe,
} from "../src/nn/index.ts";

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

interface Reference {
  results: { decodeSeconds: number; prefillSeconds: number; ids: number[][] }[];
  torch: string;
  transformers: string;
}

const PROMPT_TOKENS = 256;
const NEW_TOKENS = 48;
const BATCHES = [1, 8];

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
  for (const [name, json] of Object.entries(MODELS)) {
    const directory = await mkdtemp(join(tmpdir(), "bench-generate-"));
    try {
      const config = parseConfig(json);
      saveCheckpoint(directory, config, initParams(config, 1));
      await saveTokenizer(directory, trainBpe([], { vocabSize: 264 }));
      const random = new Random(name);
      const prompt = () => Array.from({ length: PROMPT_TOKENS }, () => random.integer(0, 256));
      const cases = BATCHES.map((batch) => Array.from({ length: batch }, prompt));
      const ours = await measure(directory, cases, threads);
      const reference = await measureReference(directory, cases, threads);
      versions = `transformers ${reference.transformers}, torch ${reference.torch}`;
      cases.forEach((prompts, i) => {
        const own = ours[i] as { seconds: number; ids: number[][] };
        const other = reference.results[i] as Reference["results"][number];
        const tokens = prompts.length * NEW_TOKENS;
        rows.push({
          model: name,
          batch: prompts.length,
          tokensPerSecond: tokens / own.seconds,
          transformersTokensPerSecond: tokens / other.decodeSeconds,
          ratio: other.decodeSeconds / own.seconds,
          sameTokens: JSON.stringify(own.ids) === JSON.stringify(other.ids),
        });
      });
    } finally {
      await rm(directory, { recursive: true });
    }
  }
  const lines = rows.map(
    (row) =>
      `| ${row.model} | ${row.batch} | ${row.tokensPerSecond.toFixed(0)} | ${row.transformersTokensPerSecond.toFixed(0)} | ${row.ratio.toFixed(2)} | ${row.sameTokens ? "yes" : "no"} |`,
  );
  const markdown = [
    `Decoding, ${PROMPT_TOKENS} prompt tokens, ${NEW_TOKENS} new ones, greedy, float32, ${threads} threads on both sides (${versions}).`,
    "",
    "| model | batch | tokens/s | transformers tokens/s | ratio | same tokens |",
    "|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
  return { rows, markdown };
}

async function measure(
  directory: string,
  cases: readonly number[][][],
  threads: number,
): Promise<{ seconds: number; ids: number[][] }[]> {
  const model = await Qwen25VL.load(directory, { threads });
  const results: { seconds: number; ids: number[][] }[] = [];
  for (const prompts of cases) {
    const generate = async () => {
      const { generations, stats } = await model.generateTokens(
        prompts.map((ids) => ({ ids })),
        { maxNewTokens: NEW_TOKENS + 1, stopTokenIds: [] },
      );
      return { seconds: stats.decodeSeconds, ids: generations.map((group) => group[0]?.ids ?? []) };
    };
    let best = await generate();
    for (let i = 0; i < 3; i++) {
      const next = await generate();
      if (next.seconds < best.seconds) best = next;
    }
    results.push(best);
  }
  await model.dispose();
  return results;
}

async function measureReference(
  directory: string,
  cases: readonly number[][][],
  threads: number,
): Promise<Reference> {
  const script = fileURLToPath(new URL("./generate.py", import.meta.url));
  const python = process.env.VIDEO_R2_PYTHON ?? "python3";
  const args = [script, directory, String(threads), String(NEW_TOKENS), JSON.stringify(cases)];
  const environment = { ...process.env, OMP_NUM_THREADS: String(threads), TOKENIZERS_PARALLELISM: "false" };
  const { stdout } = await promisify(execFile)(python, args, { maxBuffer: 1 << 28, env: environment });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Reference;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.stdout.write(`${(await benchGenerate()).markdown}\n`);
