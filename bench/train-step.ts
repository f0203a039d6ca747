/**
 * One training step of Qwen2.5-VL (forward, backward, clipping, AdamW) beside transformers: the same random
 * checkpoint of about 3 million parameters, the same batch of 8 videos of 32 frames, taking turns in one run.
 * transformers runs as it does by default, with PyTorch's fused attention and AdamW.
 *
 * Run: npm run bench, or npx tsx bench/train-step.ts. Needs Python with torch and transformers, bench only.
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Random } from "../src/base/index.ts";
import {
  buildInputs,
  buildTargets,
  createTrainStep,
  initParams,
  type Prompt,
  parameterCount,
  parseConfig,
  patchDim,
  saveCheckpoint,
} from "../src/nn/index.ts";
import { median, startPeer } from "./peer.ts";

const THREADS = 2;
const VIDEOS = 8;
/** Pairs of frames of a video, and patches of a frame's side. */
const [TIME, SIDE] = [16, 8];
/** Tokens before the video, between it and the answer, and of the answer. */
const [BEFORE, AFTER, ANSWER] = [20, 40, 100];
const TRAINING = { learningRate: 1e-3, weightDecay: 0.1 };
const [VIDEO, START, END, PLAIN] = [1001, 1002, 1003, 1000];

const CONFIG = parseConfig({
  model_type: "qwen2_5_vl",
  tie_word_embeddings: true,
  vocab_size: 1024,
  hidden_size: 192,
  intermediate_size: 512,
  num_hidden_layers: 5,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  rope_scaling: { type: "mrope", mrope_section: [4, 6, 6] },
  image_token_id: 1004,
  video_token_id: VIDEO,
  vision_start_token_id: START,
  vision_end_token_id: END,
  vision_config: {
    depth: 4,
    hidden_size: 128,
    intermediate_size: 256,
    num_heads: 4,
    patch_size: 14,
    tokens_per_second: 2,
    window_size: 112,
    out_hidden_size: 192,
    fullatt_block_indexes: [1, 3],
  },
});

/** One side's measurements. */
export interface TrainStepRow {
  /** What ran. */
  readonly name: string;
  /** Median seconds of a step. */
  readonly seconds: number;
  /** Fastest step, in seconds. */
  readonly fastest: number;
  /** Median over rounds of the time relative to transformers' in the same round. */
  readonly ratio: number;
  /** Loss of the first and of the last step. */
  readonly losses: readonly [number, number];
}

interface Step {
  readonly seconds: number;
  readonly loss: number;
}

function makePrompts(): Prompt[] {
  const random = new Random("bench/train-step");
  const text = (count: number): number[] => Array.from({ length: count }, () => random.integer(0, PLAIN));
  return Array.from({ length: VIDEOS }, () => {
    const tokens = new Array<number>((TIME * SIDE * SIDE) / 4).fill(VIDEO);
    const question = [...text(BEFORE), START, ...tokens, END, ...text(AFTER)];
    const answer = text(ANSWER);
    const values = TIME * SIDE * SIDE * patchDim(CONFIG.vision);
    return {
      ids: [...question, ...answer],
      labels: [...question.map(() => -100), ...answer],
      vision: [
        {
          kind: "video",
          grid: [TIME, SIDE, SIDE],
          secondPerGrid: 1,
          pixelValues: Float32Array.from({ length: values }, () => random.uniform() * 4 - 2),
        },
      ],
    };
  });
}

async function writeBatch(folder: string, prompts: readonly Prompt[]): Promise<void> {
  const integers = (rows: readonly (ArrayLike<number> | undefined)[]): Int32Array =>
    Int32Array.from(rows.flatMap((row) => Array.from(row ?? [])));
  const write = (name: string, data: Int32Array | Float32Array): Promise<void> =>
    writeFile(join(folder, `${name}.bin`), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const { tensors } = buildInputs(CONFIG, prompts);
  await write("ids", integers(prompts.map(({ ids }) => ids)));
  await write("labels", integers(prompts.map(({ labels }) => labels)));
  await write("pixels", tensors.vision?.pixelValues.data ?? new Float32Array());
  const about = {
    ...TRAINING,
    shape: [prompts.length, prompts[0]?.ids.length],
    patch: patchDim(CONFIG.vision),
    grids: prompts.map(() => [TIME, SIDE, SIDE]),
  };
  await writeFile(join(folder, "batch.json"), JSON.stringify(about));
}

/**
 * Measures, rounds taking turns between the sides.
 *
 * @param rounds steps of each side after two to warm up. Default 10
 * @throws UsageError `bench-torch` if transformers is not installed
 */
export async function benchTrainStep(rounds = 10): Promise<TrainStepRow[]> {
  const params = initParams(CONFIG, 1);
  const prompts = makePrompts();
  const { layout, tensors } = buildInputs(CONFIG, prompts);
  const batch = { layout, inputs: tensors, targets: buildTargets(prompts, layout.length) };
  const folder = await mkdtemp(join(tmpdir(), "bench-train-step-"));
  const train = createTrainStep({
    config: CONFIG,
    params,
    threads: THREADS,
    adamW: { weightDecay: TRAINING.weightDecay },
  });
  try {
    saveCheckpoint(folder, CONFIG, params);
    await writeBatch(folder, prompts);
    const peer = startPeer<Step>("train-step", [folder, String(THREADS)]);
    const ours = async (): Promise<Step> => {
      const begin = performance.now();
      const { loss } = await train.step([batch], { learningRate: TRAINING.learningRate });
      return { loss, seconds: (performance.now() - begin) / 1000 };
    };
    const sides: [string, () => Promise<Step>][] = [
      ["video-r2", ours],
      ["transformers", peer.step],
    ];
    const steps = sides.map((): Step[] => []);
    for (let round = -2; round < rounds; round++)
      for (const [i, [, step]] of sides.entries()) {
        const taken = await step();
        if (round >= 0 || round === -2) steps[i]?.push(taken);
        await sleep(250); // threads of the side that ran spin for a while, waiting for more work
      }
    await peer.stop();
    return rowsOf(
      sides.map(([name]) => name),
      steps,
    );
  } finally {
    await train.dispose();
    await rm(folder, { recursive: true });
  }
}

/** The first step of each side tells the first loss; it compiles or warms up, and its time does not count. */
function rowsOf(names: readonly string[], steps: readonly (readonly Step[])[]): TrainStepRow[] {
  const timed = steps.map((taken) => taken.slice(1).map(({ seconds }) => seconds));
  const best = timed.at(-1) as number[];
  return names.map((name, i) => {
    const seconds = timed[i] as number[];
    const taken = steps[i] as readonly Step[];
    return {
      name,
      seconds: median(seconds),
      fastest: Math.min(...seconds),
      ratio: median(seconds.map((s, round) => s / (best[round] as number))),
      losses: [taken[0]?.loss as number, taken.at(-1)?.loss as number],
    };
  });
}

/** The rows as a Markdown table. */
export function trainStepTable(rows: readonly TrainStepRow[]): string {
  const line = ({ name, seconds, fastest, ratio, losses }: TrainStepRow): string =>
    `| ${name} | ${seconds.toFixed(3)} | ${fastest.toFixed(3)} | ${ratio.toFixed(2)} | ${losses.map((x) => x.toFixed(4)).join(" → ")} |`;
  return [
    `Training step of a Qwen2.5-VL of ${(parameterCount(CONFIG) / 1e6).toFixed(1)} M parameters, ${VIDEOS} videos of ${2 * TIME} frames, ${THREADS} threads:`,
    "",
    "| | seconds a step, median | fastest | relative to transformers | loss |",
    "|---|---|---|---|---|",
    ...rows.map(line),
  ].join("\n");
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  console.log(trainStepTable(await benchTrainStep()));
