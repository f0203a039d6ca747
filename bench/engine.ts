/**
 * One training step (forward and backward) of a transformer beside PyTorch, in one run, taking turns: 6 layers
 * of width 256 with rotary attention and SwiGLU, 5.6 million parameters, 2,048 tokens as 16 sequences of 128.
 * PyTorch runs eagerly, with attention written out and with its fused one; the faster of the two counts.
 *
 * Run: npm run bench, or npx tsx bench/engine.ts. Needs Python with torch and numpy, bench only.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Random, UsageError } from "../src/base/index.ts";
import { compile, DeviceTensor, type HostTensor, nn, np, tensor, valueAndGrad } from "../src/engine/index.ts";

const MODEL = {
  layers: 6,
  width: 256,
  heads: 4,
  hidden: 768,
  vocabulary: 1024,
  batch: 16,
  length: 128,
  theta: 10_000,
  threads: 2,
};

/** One line of the table. */
export interface EngineRow {
  /** What ran. */
  readonly name: string;
  /** Median seconds of a step. */
  readonly seconds: number;
  /** Fastest step, in seconds. */
  readonly fastest: number;
  /** Median of the ratio to PyTorch's faster attention within each round. */
  readonly ratio: number;
  /** The loss of the first step, which must agree. */
  readonly loss: number;
}

type Parameters = Record<string, np.Array>;

function shapesOf(): [string, number[]][] {
  const { layers, width, hidden, vocabulary } = MODEL;
  const shapes: [string, number[]][] = [["embedding", [vocabulary, width]]];
  for (let i = 0; i < layers; i++)
    shapes.push(
      [`${i}.norm1`, [width]],
      ...["q", "k", "v", "o"].map((name): [string, number[]] => [`${i}.${name}`, [width, width]]),
      [`${i}.norm2`, [width]],
      [`${i}.gate`, [hidden, width]],
      [`${i}.up`, [hidden, width]],
      [`${i}.down`, [width, hidden]],
    );
  shapes.push(["norm", [width]], ["head", [vocabulary, width]]);
  return shapes;
}

const linear = (x: np.Array, w: np.Array): np.Array => np.matmul(x, w.transpose([1, 0]));

function rmsNorm(x: np.Array, scale: np.Array): np.Array {
  const mean = np.square(x.ref).mean(-1, { keepdims: true });
  return x.mul(np.reciprocal(np.sqrt(mean.add(1e-6)))).mul(scale);
}

function rotate(x: np.Array, cos: np.Array, sin: np.Array): np.Array {
  const size = x.shape.at(-1) as number;
  const half = np.concatenate(
    [x.ref.slice([], [], [], [size / 2, size]).neg(), x.ref.slice([], [], [], [0, size / 2])],
    -1,
  );
  return x.mul(cos).add(half.mul(sin));
}

function attention(h: np.Array, p: Parameters, layer: number, cos: np.Array, sin: np.Array): np.Array {
  const { batch, length, heads, width } = MODEL;
  const head = width / heads;
  const split = (name: string, x: np.Array): np.Array =>
    linear(x, p[`${layer}.${name}`] as np.Array)
      .reshape([batch, length, heads, head])
      .transpose([0, 2, 1, 3]);
  const q = rotate(split("q", h.ref), cos.ref, sin.ref);
  const k = rotate(split("k", h.ref), cos, sin);
  const v = split("v", h);
  const scores = np.matmul(q, k.transpose([0, 1, 3, 2])).mul(head ** -0.5);
  const causal = np.tri(length, length, 0, { dtype: np.bool });
  const o = np.matmul(nn.softmax(np.where(causal, scores, -1e9), -1), v);
  return linear(o.transpose([0, 2, 1, 3]).reshape([batch, length, width]), p[`${layer}.o`] as np.Array);
}

function lossOf(p: Parameters, inputs: np.Array, targets: np.Array, cos: np.Array, sin: np.Array): np.Array {
  const at = (name: string): np.Array => p[name] as np.Array;
  let x = at("embedding").slice(inputs);
  for (let i = 0; i < MODEL.layers; i++) {
    x = x.ref.add(attention(rmsNorm(x, at(`${i}.norm1`)), p, i, cos.ref, sin.ref));
    const h = rmsNorm(x.ref, at(`${i}.norm2`));
    const gate = nn.silu(linear(h.ref, at(`${i}.gate`)));
    x = x.add(linear(gate.mul(linear(h, at(`${i}.up`))), at(`${i}.down`)));
  }
  cos.dispose();
  sin.dispose();
  const last = rmsNorm(x, at("norm")).reshape([MODEL.batch * MODEL.length, MODEL.width]);
  const logits = linear(last, at("head"));
  const picked = np.takeAlongAxis(nn.logSoftmax(logits, -1), targets.reshape([-1, 1]), 1);
  return picked.mean().neg();
}

/** One step's time, loss, and norm of the gradient where it comes for free. */
interface Step {
  readonly seconds: number;
  readonly loss: number;
  readonly gradientNorm?: number;
}

interface Peer {
  ask(command: string): Promise<Step>;
  stop(): Promise<void>;
}

/** Starts PyTorch. @throws UsageError `bench-torch` if it is not installed */
async function startPeer(folder: string): Promise<Peer> {
  const python = process.env.VIDEO_R2_PYTHON ?? "python3";
  const script = new URL("engine.py", import.meta.url).pathname;
  const child: ChildProcess = spawn(python, [script], { stdio: ["pipe", "pipe", "pipe"] });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error("internal: no pipes");
  let trouble = "";
  stderr.on("data", (chunk: Buffer) => {
    trouble += chunk;
  });
  child.on("error", (error) => {
    trouble += error.message;
  });
  stdin.on("error", () => {});
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const ask = async (command: string): Promise<Step> => {
    stdin.write(`${command}\n`);
    const { value, done } = await lines.next();
    if (done)
      throw new UsageError(
        "bench-torch",
        `bench/engine: ${python} must run PyTorch, got ${trouble.trim().split("\n").at(-1)}`,
        "python3 -m venv .venv && .venv/bin/pip install torch numpy, then VIDEO_R2_PYTHON=.venv/bin/python npm run bench",
      );
    return JSON.parse(value) as Step;
  };
  await ask(`load ${folder}`);
  const stop = async (): Promise<void> => {
    stdin.end();
    if (child.exitCode === null) await once(child, "exit");
  };
  return { ask, stop };
}

const median = (numbers: readonly number[]): number => {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
};

/** What both sides are given. */
function prepare() {
  const random = new Random(1);
  const { width, batch, length, vocabulary, heads, theta } = MODEL;
  const parameters = Object.fromEntries(
    shapesOf().map(([name, shape]): [string, HostTensor] => {
      const size = shape.reduce((n, d) => n * d, 1);
      const scale = shape.length === 1 ? 0.1 : width ** -0.5;
      const offset = shape.length === 1 ? 1 : 0;
      return [
        name,
        tensor(
          Float32Array.from({ length: size }, () => offset + scale * random.normal()),
          shape,
        ),
      ];
    }),
  );
  const tokens = Array.from({ length: batch * (length + 1) }, () => random.integer(0, vocabulary));
  const cut = (from: number): Int32Array =>
    Int32Array.from({ length: batch * length }, (_, i) => {
      const row = Math.floor(i / length);
      return tokens[row * (length + 1) + (i % length) + from] as number;
    });
  const head = width / heads;
  const angles = Array.from({ length: length * head }, (_, i) => {
    const position = Math.floor(i / head);
    return position * theta ** ((-2 * (i % (head / 2))) / head);
  });
  const inputs = [
    tensor(cut(0), [batch, length], "int32"),
    tensor(cut(1), [batch * length], "int32"),
    tensor(angles.map(Math.cos), [length, head]),
    tensor(angles.map(Math.sin), [length, head]),
  ] as const;
  return { parameters, tokens, inputs };
}

async function writeModel(
  folder: string,
  parameters: Record<string, HostTensor>,
  tokens: number[],
): Promise<void> {
  const names = shapesOf();
  await writeFile(join(folder, "model.json"), JSON.stringify({ ...MODEL, tokens, parameters: names }));
  const bytes = names.map(([name]) => {
    const { data } = parameters[name] as HostTensor;
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  });
  await writeFile(join(folder, "parameters.bin"), Buffer.concat(bytes));
}

/** Compiles the step; also used to profile it (`VIDEO_R2_PROFILE=prefix npx tsx bench/engine.ts`). */
export async function engineStep(profile?: string) {
  const { parameters, tokens, inputs } = prepare();
  const start = performance.now();
  const program = await compile(
    (p: Parameters, a: np.Array, b: np.Array, c: np.Array, d: np.Array) =>
      valueAndGrad(lossOf)(p, a, b, c, d),
    [parameters, ...inputs],
    { name: "transformer-step", threads: MODEL.threads, ...(profile === undefined ? {} : { profile }) },
  );
  const compileSeconds = (performance.now() - start) / 1000;
  const gradients = Object.fromEntries(
    Object.entries(parameters).map(([name, { dtype, shape }]) => [
      name,
      DeviceTensor.zeros({ dtype, shape }),
    ]),
  );
  const step = async () => {
    const begin = performance.now();
    const [loss] = await program.runInto([null, gradients], parameters, ...inputs);
    return { seconds: (performance.now() - begin) / 1000, loss: loss.data[0] as number };
  };
  const norm = (): number => {
    let square = 0;
    for (const { data } of Object.values(gradients)) for (const g of data) square += g * g;
    return Math.sqrt(square);
  };
  return { program, parameters, tokens, step, norm, compileSeconds };
}

/**
 * Measures, rounds taking turns between the sides.
 *
 * @param rounds steps of each side after one to warm up. Default 15
 * @throws UsageError `bench-torch` if PyTorch is not installed
 */
export async function benchEngine(rounds = 15): Promise<EngineRow[]> {
  const ours = await engineStep();
  const folder = await mkdtemp(join(tmpdir(), "bench-engine-"));
  try {
    await writeModel(folder, ours.parameters, ours.tokens);
    const peer = await startPeer(folder);
    const sides: Record<string, () => Promise<Step>> = {
      "this engine": ours.step,
      "PyTorch, attention written out": () => peer.ask("eager"),
      "PyTorch, fused attention": () => peer.ask("fused"),
    };
    const seconds: Record<string, number[]> = {};
    const losses: Record<string, number> = {};
    const norms: number[] = [];
    for (let round = -1; round < rounds; round++)
      for (const [name, run] of Object.entries(sides)) {
        const result = await run();
        if (round < 0) {
          losses[name] = result.loss;
          norms.push(result.gradientNorm ?? ours.norm());
        } else {
          seconds[name] ??= [];
          seconds[name].push(result.seconds);
        }
        await sleep(250); // threads of the side that ran spin for a while, waiting for more work
      }
    await peer.stop();
    checkAgreement(Object.values(losses), norms);
    const [, ...peers] = Object.values(seconds) as number[][];
    const best = peers.reduce((a, b) => (median(a) <= median(b) ? a : b));
    return Object.entries(seconds).map(([name, times]) => ({
      name,
      seconds: median(times),
      fastest: Math.min(...times),
      ratio: median(times.map((t, i) => t / (best[i] as number))),
      loss: losses[name] as number,
    }));
  } finally {
    await rm(folder, { recursive: true });
    await ours.program.dispose();
  }
}

/** Both sides must compute the same thing: loss and norm of the gradient to 4 digits, float32 over 6 layers. */
function checkAgreement(losses: readonly number[], norms: readonly number[]): void {
  for (const list of [losses, norms])
    for (const value of list)
      if (Math.abs(value - (list[0] as number)) > 1e-4 * Math.abs(value))
        throw new Error(
          `internal: the sides disagree: losses ${losses.join(", ")}; gradient norms ${norms.join(", ")}`,
        );
}

/** The rows as a Markdown table. */
export function engineTable(rows: readonly EngineRow[]): string {
  return [
    "| 6 layers, 5.6 M parameters, 2,048 tokens, forward and backward, 2 threads | median s/step | fastest | ratio | loss |",
    "|---|---|---|---|---|",
    ...rows.map(
      ({ name, seconds, fastest, ratio, loss }) =>
        `| ${name} | ${seconds.toFixed(3)} | ${fastest.toFixed(3)} | ${ratio.toFixed(2)} | ${loss.toFixed(5)} |`,
    ),
  ].join("\n");
}

async function main(): Promise<void> {
  const profile = process.env.VIDEO_R2_PROFILE;
  if (profile === undefined) {
    console.log(engineTable(await benchEngine()));
    return;
  }
  const { program, step, compileSeconds } = await engineStep(profile);
  console.log(`compiled in ${compileSeconds.toFixed(2)} s: ${program.graph.nodes.length} nodes`);
  for (let i = 0; i < 6; i++) console.log(await step());
  await program.dispose();
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
