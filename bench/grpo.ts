/**
 * One GRPO step beside the same step written with transformers as TRL writes it: completions, rewards, log-probabilities
 * under the reference policy, update. Both begin with the checkpoint of the package, see the same pixels, sample as many
 * completions of as many tokens, and take turns in one run. The peer repeats a prompt for each of its completions, as
 * TRL and the released code do.
 *
 * Run: npm run bench -- grpo, or npx tsx bench/grpo.ts. Needs Python with torch and transformers, bench only.
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Random } from "../src/base/index.ts";
import { checkRow, type DataRow } from "../src/data/index.ts";
import { LexicalEmbedder, RulesJudge } from "../src/judges/index.ts";
import { questionPrompt, systemPrompt } from "../src/models/index.ts";
import {
  createTrainStep,
  LogProbs,
  loadParams,
  type Prompt,
  patchDim,
  Qwen25VL,
  type TrainStep,
} from "../src/nn/index.ts";
import {
  CompletionRewarder,
  groupAdvantages,
  grpoLoss,
  PolicyUpdater,
  parseGrpoRecipe,
} from "../src/training/index.ts";
import { median, startPeer } from "./peer.ts";

const THREADS = 2;
const [PROMPTS, GROUP, TOKENS] = [4, 8, 64];
/** Pairs of frames of a video, and patches of a frame's side. */
const [TIME, SIDE] = [12, 8];
const model = new URL("../assets/builtin", import.meta.url).pathname;
const recipe = parseGrpoRecipe({
  kind: "grpo",
  model,
  data: "none",
  freeze: [],
  promptsPerStep: PROMPTS,
  groupSize: GROUP,
  maxNewTokens: TOKENS,
  maskTruncated: false,
  temperature: 1,
  topK: 0,
  beta: 0.04,
  optimizer: { learningRate: 1e-5, weightDecay: 0 },
});
const row: DataRow = readRow({
  id: "bench",
  video: "none",
  question: "Which shape appears first?",
  options: [],
  answer: "star",
  answerType: "text",
  category: "bench",
  momentary: false,
  reasoning: "At 00:02 a yellow star appears.",
  temporal_grounding: { "00:02": "A yellow star appears.", "00:05": "A blue ring appears." },
  durationSeconds: TIME,
  split: "train",
  seed: 0,
});

/** Seconds of the parts of a step. */
interface Parts {
  readonly rollouts: number;
  readonly rewards: number;
  readonly reference: number;
  readonly update: number;
}

const names = ["rollouts", "rewards", "reference", "update"] as const;

function readRow(value: unknown): DataRow {
  const checked = checkRow(value);
  if ("row" in checked) return checked.row;
  throw new Error(`internal: ${checked.problems.join("; ")}`);
}

function makePrompts(qwen: Qwen25VL): Prompt[] {
  const random = new Random("bench/grpo");
  const count = TIME * SIDE * SIDE * patchDim(qwen.config.vision);
  return Array.from({ length: PROMPTS }, () => {
    const data = Float32Array.from({ length: count }, () => random.uniform() * 2 - 1);
    const gridThw: [number, number, number] = [TIME, SIDE, SIDE];
    const video = { type: "video" as const, pixelValues: { data, shape: [TIME * SIDE * SIDE] }, gridThw };
    const text = questionPrompt(row.question, row.options, row.answerType);
    return qwen.prepare([
      { role: "system", content: systemPrompt },
      { role: "user", content: [video, { type: "text", text }] },
    ]);
  });
}

/** Our side: what `trainGrpo` does in a step, its parts timed. */
class Ours {
  readonly #qwen: Qwen25VL;
  readonly #prompts: readonly Prompt[];
  readonly #train: TrainStep;
  readonly #updater: PolicyUpdater;
  readonly #rewarder: CompletionRewarder;
  readonly #reference: LogProbs;
  #referenceSeconds = 0;
  #steps = 0;

  constructor(qwen: Qwen25VL, prompts: readonly Prompt[]) {
    const params = loadParams(model);
    const { config } = qwen;
    this.#qwen = qwen;
    this.#prompts = prompts;
    this.#train = createTrainStep({ config, params, threads: THREADS, loss: grpoLoss(recipe) });
    this.#reference = new LogProbs({
      config,
      params: Object.fromEntries(params),
      threads: THREADS,
      temperature: recipe.temperature,
    });
    const timed = {
      of: async (batch: Parameters<LogProbs["of"]>[0]) => {
        const begun = performance.now();
        const found = await this.#reference.of(batch);
        this.#referenceSeconds += (performance.now() - begun) / 1000;
        return found;
      },
    };
    this.#updater = new PolicyUpdater(qwen, this.#train, timed, recipe);
    const { accuracy, format, temporal, ...settings } = recipe.rewards;
    this.#rewarder = new CompletionRewarder(new RulesJudge(), new LexicalEmbedder(), {
      ...settings,
      weights: { accuracy, format, temporal },
    });
  }

  async step(): Promise<Parts> {
    const times = [performance.now()];
    this.#qwen.setParams(this.#train.params());
    const { generations } = await this.#qwen.generateTokens(
      this.#prompts.map((prompt) => ({ ...prompt, seed: this.#steps })),
      {
        samples: GROUP,
        maxNewTokens: TOKENS,
        temperature: 1,
        batchSize: PROMPTS * GROUP,
        stopTokenIds: [],
        suppress: [this.#qwen.config.video_token_id, this.#qwen.config.image_token_id],
      },
    );
    times.push(performance.now());
    const rewards = await Promise.all(
      generations.map((group) =>
        Promise.all(group.map(({ text }) => this.#rewarder.reward(row, text, false))),
      ),
    );
    times.push(performance.now());
    this.#referenceSeconds = 0;
    await this.#updater.update(
      generations.flatMap((group, i) => {
        // A flat group would do as much work; here it gets some spread.
        const totals = rewards[i]?.map(({ total }, k) => (total ?? 0) + 0.01 * k) ?? [];
        const { advantages } = groupAdvantages(totals, true);
        return group.map(({ ids, logprobs }, k) => ({
          prompt: this.#prompts[i] as Prompt,
          ids,
          sampledLogProbs: logprobs,
          advantage: advantages[k] ?? 0,
          counts: true,
        }));
      }),
      recipe.optimizer.learningRate,
    );
    times.push(performance.now());
    this.#steps++;
    const [a = 0, b = 0, c = 0, d = 0] = times.map((time) => time / 1000);
    const reference = this.#referenceSeconds;
    return { rollouts: b - a, rewards: c - b, reference, update: d - c - reference };
  }

  async dispose(): Promise<void> {
    await this.#train.dispose();
    await this.#reference.dispose();
  }
}

const totalOf = (parts: Parts): number => names.reduce((sum, name) => sum + parts[name], 0);

/**
 * Measures, rounds taking turns between the sides.
 *
 * @param rounds steps of each side after two to warm up. Default 5
 * @throws UsageError `bench-torch` if transformers is not installed
 */
export async function benchGrpo(rounds = 5): Promise<{ markdown: string }> {
  const folder = await mkdtemp(join(tmpdir(), "bench-grpo-"));
  const qwen = await Qwen25VL.load(model, { threads: THREADS });
  const prompts = makePrompts(qwen);
  const ours = new Ours(qwen, prompts);
  try {
    const pixels = prompts.map(({ vision }) => Array.from(vision?.[0]?.pixelValues ?? []));
    await writeFile(join(folder, "pixels.bin"), new Uint8Array(Float32Array.from(pixels.flat()).buffer));
    const about = {
      ids: prompts.map(({ ids }) => Array.from(ids)),
      grid: [TIME, SIDE, SIDE],
      patch: patchDim(qwen.config.vision),
      group: GROUP,
      tokens: TOKENS,
      beta: recipe.beta,
      epsilon: recipe.epsilonLow,
      learningRate: recipe.optimizer.learningRate,
      gold: row.answer,
    };
    await writeFile(join(folder, "batch.json"), JSON.stringify(about));
    const peer = startPeer<Parts>("grpo", [model, folder, String(THREADS)]);
    const sides: [string, () => Promise<Parts>][] = [
      ["video-r2", () => ours.step()],
      ["transformers", peer.step],
    ];
    const steps = sides.map((): Parts[] => []);
    for (let round = -2; round < rounds; round++)
      for (const [i, [, step]] of sides.entries()) {
        const taken = await step();
        if (round >= 0) steps[i]?.push(taken);
        await sleep(250); // threads of the side that ran spin for a while, waiting for more work
      }
    await peer.stop();
    return {
      markdown: table(
        sides.map(([name]) => name),
        steps,
      ),
    };
  } finally {
    await ours.dispose();
    await qwen.dispose();
    await rm(folder, { recursive: true });
  }
}

function table(sides: readonly string[], steps: readonly (readonly Parts[])[]): string {
  const best = steps.at(-1) as readonly Parts[];
  const rows = sides.map((side, i) => {
    const taken = steps[i] as readonly Parts[];
    const part = (name: keyof Parts): string => median(taken.map((parts) => parts[name])).toFixed(2);
    const ratio = median(taken.map((parts, round) => totalOf(parts) / totalOf(best[round] as Parts)));
    return `| ${side} | ${names.map(part).join(" | ")} | ${median(taken.map(totalOf)).toFixed(2)} | ${ratio.toFixed(2)} |`;
  });
  return [
    `A GRPO step of the model of the package: ${PROMPTS} prompts with videos of ${2 * TIME} frames, ${GROUP} completions each of ${TOKENS} tokens, KL penalty, all weights trained, ${THREADS} threads; medians of ${best.length} steps in seconds. The peer's rewards are a regular expression and a comparison; ours also judge consistency and match claims.`,
    "",
    "| | rollouts | rewards | reference policy | update | whole step | relative to transformers |",
    "|---|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  console.log((await benchGrpo()).markdown);
