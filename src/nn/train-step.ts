/**
 * One step of training as one compiled program: forward, backward, clipping and AdamW. Parameters and moments
 * live in two sets of tensors; a step reads one set, writes the other, and the sets change places, so that
 * nothing is copied. Programs are compiled for a batch's layout when it first comes, and kept.
 */

import { invariant, keepsHeap, UsageError } from "../base/index.ts";
import {
  type CompileOptions,
  compile,
  DeviceTensor,
  type HostTensor,
  np,
  type SessionOptions,
  tensor,
  valueAndGrad,
} from "../engine/index.ts";
import type { Qwen25VLConfig } from "./config.ts";
import { type FlatLayout, flatLayout, joinFlat, packParams, splitFlat, unpackParams } from "./flat-params.ts";
import { crossEntropy, type InputArrays, type TargetArrays } from "./forward.ts";
import type { InputLayout, InputTensors, TargetTensors } from "./inputs.ts";
import type { AdapterUse } from "./language.ts";
import { type LoraConfig, loraSpecs } from "./lora.ts";
import {
  type AdamW,
  type AdamWOptions,
  adamW,
  adamWStep,
  clipFactor,
  type Moments,
  type StepScalars,
  stepScalars,
} from "./optimizer.ts";
import { type ParamSpec, paramSpecs } from "./param-names.ts";
import type { FloatTensor, HostParams, Params, Tensor } from "./tensor.ts";

/** What a loss function is given inside the traced function; all kept. */
export interface LossArguments {
  readonly config: Qwen25VLConfig;
  readonly layout: InputLayout;
  readonly params: Params;
  readonly inputs: InputArrays;
  readonly targets: TargetArrays;
  /** What the batch carries besides, such as advantages. */
  readonly extra: Readonly<Record<string, Tensor>>;
  /** To pass on to `targetLogProbs` or `crossEntropy`: the adapter in training; none for the model without it. */
  readonly options: { readonly adapter?: AdapterUse };
  /** 1 / the sum of all target weights of the step; a loss is a sum over targets times this. */
  readonly scale: Tensor;
}

/** A loss with more that a step shall report. */
export interface LossOutput {
  /** A scalar to minimise; with gradient accumulation the values of the micro-batches add up. */
  readonly loss: Tensor;
  /** By name, of any shape; no gradient goes through them. */
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** What is minimised. */
export type LossFunction = (args: LossArguments) => LossOutput;

/** A micro-batch. */
export interface TrainBatch {
  readonly layout: InputLayout;
  readonly inputs: InputTensors;
  readonly targets: TargetTensors;
  /** More tensors for the loss function; the same names and shapes in every batch of one layout. */
  readonly extra?: Readonly<Record<string, FloatTensor>>;
}

/** How a model is trained. */
export interface TrainStepOptions extends SessionOptions {
  readonly config: Qwen25VLConfig;
  /** The parameters to begin with; copied. */
  readonly params: HostParams;
  /** Train an adapter; its tensors, as `initLora` names them, are among `params`. */
  readonly lora?: LoraConfig;
  /** Which parameters are trained, by checkpoint name; default all, or the adapter's where there is one. */
  readonly trainable?: (name: string) => boolean;
  readonly adamW?: AdamWOptions;
  /** Which parameters decay; default all but norms and biases. */
  readonly decays?: (spec: ParamSpec) => boolean;
  /** Largest global norm of the gradient; default 1. `Infinity` turns clipping off. */
  readonly maxGradNorm?: number;
  /** Default: cross-entropy of the targets. */
  readonly loss?: LossFunction;
}

/** What a step reports. */
export interface StepResult {
  /** Mean over all targets of the step, before the step. */
  readonly loss: number;
  /** Global norm of the gradient, before clipping. */
  readonly gradNorm: number;
  /** Targets of the step. */
  readonly tokens: number;
  /** For each micro-batch what a loss function of one's own returned besides; empty with the default loss. */
  readonly outputs: readonly Readonly<Record<string, HostTensor>>[];
}

/** An optimiser's state; to be saved beside the parameters. */
export interface OptimizerState {
  /** Steps taken. */
  readonly step: number;
  readonly first: HostParams;
  readonly second: HostParams;
}

/** A model in training. */
export interface TrainStep {
  /**
   * Takes one step over one or more micro-batches, whose gradients add up.
   *
   * @throws UsageError `train-batch` where there is nothing to learn in them
   */
  step(batches: readonly TrainBatch[], options: { learningRate: number }): Promise<StepResult>;
  /** All parameters, trained or not; copies. */
  params(): Map<string, FloatTensor>;
  /** The parameters that are not trained, by name; the very ones, to be read and not written. */
  frozen(): Readonly<Record<string, DeviceTensor>>;
  /** The optimiser's state; copies. */
  optimizerState(): OptimizerState;
  /** Goes back to a saved state, from which training continues bit for bit. */
  restore(params: HostParams, state: OptimizerState): void;
  /** Releases the programs. */
  dispose(): Promise<void>;
}

/**
 * Programs, the first ones compiled, that keep their memory between steps; those of later layouts give it back. Where
 * the process keeps its heap all give it back, and all share it.
 */
const KEEPING_PROGRAMS = 6;

/** The two groups of trained parameters: those that decay, and those that do not. */
const GROUPS = ["decayed", "plain"] as const;
type Grouped<T> = { readonly [K in (typeof GROUPS)[number]]?: T };
type State = Grouped<Moments<DeviceTensor>>;
type TracedState = Grouped<Moments<Tensor>>;

interface Scalars<T> extends StepScalars<T> {
  readonly scale: T;
  /** Differs from step to step; for dropout. */
  readonly seed: T;
}

/** Prepares training; programs are compiled at the first step of each layout. */
export function createTrainStep(options: TrainStepOptions): TrainStep {
  return new ProgramTrainStep(options);
}

class ProgramTrainStep implements TrainStep {
  readonly #options: TrainStepOptions;
  readonly #adamW: AdamW;
  readonly #groups: Grouped<FlatLayout>;
  readonly #frozen: Readonly<Record<string, DeviceTensor>>;
  readonly #programs = new Map<string, Promise<TreeProgram>>();
  #state: State;
  #spare: State;
  #gradients: [Grouped<DeviceTensor>, Grouped<DeviceTensor>] | undefined;
  #steps = 0;

  constructor(options: TrainStepOptions) {
    const { params } = options;
    const trainable = options.trainable ?? ((name) => !options.lora || /\.lora_[AB]\./.test(name));
    this.#options = options;
    this.#adamW = adamW(options.adamW);
    const decays = options.decays ?? (({ kind }: ParamSpec) => kind === "weight" || kind === "embedding");
    const specs = allSpecs(options);
    const trained = specs.filter(({ name }) => trainable(name));
    if (trained.length === 0)
      throw new UsageError("train-option", "trainable: at least one parameter must be trained, got none");
    const decayed = flatLayout(trained.filter(decays));
    const plain = flatLayout(trained.filter((spec) => !decays(spec)));
    this.#groups = { ...(decayed.size > 0 ? { decayed } : {}), ...(plain.size > 0 ? { plain } : {}) };
    this.#frozen = Object.fromEntries(
      specs.filter(({ name }) => !trainable(name)).map(({ name }) => [name, frozenTensor(params, name)]),
    );
    this.#state = mapGroups(this.#groups, (layout) => ({
      params: vector(packParams(layout, params)),
      first: vector(new Float32Array(layout.size)),
      second: vector(new Float32Array(layout.size)),
    }));
    this.#spare = mapGroups(this.#groups, ({ size }) => ({
      params: vector(new Float32Array(size)),
      first: vector(new Float32Array(size)),
      second: vector(new Float32Array(size)),
    }));
  }

  async step(
    batches: readonly TrainBatch[],
    { learningRate }: { learningRate: number },
  ): Promise<StepResult> {
    const tokens = batches.reduce((sum, { targets }) => sum + total(targets.weights.data), 0);
    if (!(tokens > 0))
      throw new UsageError(
        "train-batch",
        `batch: must have targets, got ${batches.length} batches with none`,
      );
    const scalars = {
      ...stepScalars(this.#adamW, this.#steps + 1, learningRate),
      scale: 1 / tokens,
      seed: ((this.#steps + 1) * 0.6180339887) % 1000,
    };
    const result =
      batches.length === 1
        ? await this.#whole(batches[0] as TrainBatch, scalars)
        : await this.#accumulated(batches, scalars);
    [this.#state, this.#spare] = [this.#spare, this.#state];
    this.#steps++;
    return { ...result, tokens };
  }

  params(): Map<string, FloatTensor> {
    const trained = this.#unpack((moments) => moments.params);
    const names = allSpecs(this.#options).map(({ name }) => name);
    return new Map(
      names.map((name) => [name, trained.get(name) ?? (this.#frozen[name]?.clone() as FloatTensor)]),
    );
  }

  frozen(): Readonly<Record<string, DeviceTensor>> {
    return this.#frozen;
  }

  optimizerState(): OptimizerState {
    return {
      step: this.#steps,
      first: this.#unpack((moments) => moments.first),
      second: this.#unpack((moments) => moments.second),
    };
  }

  restore(params: HostParams, { step, first, second }: OptimizerState): void {
    for (const group of GROUPS) {
      const layout = this.#groups[group];
      const moments = this.#state[group];
      if (!layout || !moments) continue;
      packParams(layout, params, moments.params.data as Float32Array);
      packParams(layout, first, moments.first.data as Float32Array);
      packParams(layout, second, moments.second.data as Float32Array);
    }
    for (const [name, held] of Object.entries(this.#frozen)) {
      const tensor = params.get(name);
      invariant(tensor !== undefined, `restore: ${name} is missing`);
      (held.data as Float32Array).set(tensor.data);
    }
    this.#steps = step;
  }

  async dispose(): Promise<void> {
    const programs = await Promise.all(this.#programs.values());
    this.#programs.clear();
    await Promise.all(programs.map((program) => program.dispose()));
  }

  #unpack(of: (moments: Moments<DeviceTensor>) => DeviceTensor): Map<string, FloatTensor> {
    return new Map(
      GROUPS.flatMap((group) => {
        const layout = this.#groups[group];
        const moments = this.#state[group];
        return layout && moments ? [...unpackParams(layout, of(moments).data as Float32Array)] : [];
      }),
    );
  }

  /** Forward, backward and AdamW in one program. */
  async #whole(batch: TrainBatch, values: Scalars<number>): Promise<Omit<StepResult, "tokens">> {
    const batchTree = treeOf(batch);
    const scalars = scalarTree(values);
    const program = await this.#program(
      "step",
      batch,
      [this.#state, this.#frozen, batchTree, scalars],
      (state: TracedState, frozen: Params, arrays: BatchArrays, step: Scalars<Tensor>) => {
        const params = mapGroups(state, (moments) => moments.params.ref);
        const { loss, outputs, gradients } = this.#gradient(batch.layout, params, frozen, arrays, step);
        return { loss, outputs, ...this.#update(state, gradients, step) };
      },
    );
    const into = { loss: null, gradNorm: null, state: this.#spare };
    const result = await program.runInto(into, this.#state, this.#frozen, batchTree, scalars);
    return { ...numbersOf(result), outputs: [outputsOf(result)] };
  }

  /** A program per micro-batch that adds its gradient up, then AdamW. */
  async #accumulated(
    batches: readonly TrainBatch[],
    values: Scalars<number>,
  ): Promise<Omit<StepResult, "tokens">> {
    const scalars = scalarTree(values);
    const zeros = (): Grouped<DeviceTensor> =>
      mapGroups(this.#groups, ({ size }) => vector(new Float32Array(size)));
    this.#gradients ??= [zeros(), zeros()];
    let [sum, next] = this.#gradients;
    for (const group of GROUPS) (sum[group]?.data as Float32Array | undefined)?.fill(0);
    let loss = 0;
    const outputs: Record<string, HostTensor>[] = [];
    for (const batch of batches) {
      const batchTree = treeOf(batch);
      const params = mapGroups(this.#state, (moments) => moments.params);
      const program = await this.#program(
        "accumulate",
        batch,
        [params, sum, this.#frozen, batchTree, scalars],
        (
          flat: Grouped<Tensor>,
          before: Grouped<Tensor>,
          frozen: Params,
          arrays: BatchArrays,
          step: Scalars<Tensor>,
        ) => {
          const { gradients, ...own } = this.#gradient(batch.layout, flat, frozen, arrays, step);
          return { ...own, sum: mapGroups(gradients, (g, group) => g.add(before[group] as Tensor)) };
        },
      );
      const into = { loss: null, sum: next };
      const result = await program.runInto(into, params, sum, this.#frozen, batchTree, scalars);
      loss += numbersOf(result).loss;
      outputs.push(outputsOf(result));
      [sum, next] = [next, sum];
    }
    const program = await this.#program(
      "update",
      undefined,
      [this.#state, sum, scalars],
      (state: TracedState, gradients: Grouped<Tensor>, step: Scalars<Tensor>) =>
        this.#update(state, gradients, step),
    );
    const into = { gradNorm: null, state: this.#spare };
    const result = await program.runInto(into, this.#state, sum, scalars);
    return { ...numbersOf(result), loss, outputs };
  }

  /** Traced: the loss, what it returns besides, and the flat gradients. */
  #gradient(
    layout: InputLayout,
    flat: Grouped<Tensor>,
    frozen: Params,
    batch: BatchArrays,
    { scale, seed }: Scalars<Tensor>,
  ): LossOutput & { gradients: Grouped<Tensor> } {
    const { config, lora, loss: custom } = this.#options;
    const dropout = lora && lora.lora_dropout > 0 ? { dropout: { rate: lora.lora_dropout, seed } } : {};
    const use = lora ? { adapter: { scale: lora.lora_alpha / lora.r, ...dropout } } : {};
    const trained = Object.assign(
      {},
      ...GROUPS.map((g) => (flat[g] && this.#groups[g] ? splitFlat(this.#groups[g], flat[g]) : {})),
    );
    const lossOf = (own: Record<string, Tensor>): [Tensor, LossOutput["outputs"]] => {
      const params = { ...frozen, ...own };
      const { inputs, targets, extra = {} } = batch;
      if (!custom) return [crossEntropy(config, layout, params, inputs, targets, scale.ref, use), {}];
      const given = { config, layout, params, inputs, targets, extra, scale: scale.ref, options: use };
      const { loss, outputs } = custom(given);
      return [loss, outputs];
    };
    const [[loss, outputs], gradients] = (valueAndGrad as unknown as TreeGradient)(lossOf, { hasAux: true })(
      trained,
    );
    return { loss, outputs, gradients: mapGroups(this.#groups, (layoutOf) => joinFlat(layoutOf, gradients)) };
  }

  /** Traced: clipping and AdamW. */
  #update(
    state: Grouped<Moments<Tensor>>,
    gradients: Grouped<Tensor>,
    scalars: Scalars<Tensor>,
  ): { gradNorm: Tensor; state: Grouped<Moments<Tensor>> } {
    const { maxGradNorm = 1 } = this.#options;
    const squares = Object.values(gradients).map((g) => np.sum((g as Tensor).ref.mul((g as Tensor).ref)));
    const gradNorm = np.sqrt(squares.reduce((a, b) => a.add(b)));
    const clip = Number.isFinite(maxGradNorm) ? clipFactor(gradNorm.ref, maxGradNorm) : np.array(1);
    const refs = (): StepScalars<Tensor> => ({
      stepSize: scalars.stepSize.ref,
      secondScale: scalars.secondScale.ref,
      keep: scalars.keep.ref,
    });
    const updated = mapGroups(gradients, (gradient, group) =>
      adamWStep(
        this.#adamW,
        state[group] as Moments<Tensor>,
        gradient,
        clip.ref,
        refs(),
        group === "decayed" && this.#adamW.weightDecay > 0,
      ),
    );
    return { gradNorm, state: updated };
  }

  #program<A extends readonly unknown[]>(
    kind: string,
    batch: TrainBatch | undefined,
    example: readonly unknown[],
    fn: (...args: A) => unknown,
  ): Promise<TreeProgram> {
    const key = `${kind} ${batch === undefined ? "" : batchKey(batch)}`;
    let program = this.#programs.get(key);
    if (!program) {
      const { device, threads, profile } = this.#options;
      const settings = {
        name: `train-${kind}`,
        ...(device ? { device } : {}),
        ...(threads ? { threads } : {}),
        ...(profile ? { profile } : {}),
        // Batches of many layouts would otherwise hold the activations of each.
        keepMemory: !keepsHeap() && this.#programs.size < KEEPING_PROGRAMS,
      };
      program = (compile as unknown as TreeCompile)(fn, example, settings);
      this.#programs.set(key, program);
    }
    return program;
  }
}

/** The engine's types are those of literal trees; here the trees depend on what is trained. */
interface TreeProgram {
  runInto(into: unknown, ...args: readonly unknown[]): Promise<unknown>;
  dispose(): Promise<void>;
}
type TreeCompile = <A extends readonly unknown[]>(
  fn: (...args: A) => unknown,
  example: readonly unknown[],
  options: CompileOptions,
) => Promise<TreeProgram>;
type TreeGradient = (
  fn: (own: Record<string, Tensor>) => [Tensor, LossOutput["outputs"]],
  options: { hasAux: true },
) => (own: Record<string, Tensor>) => [[Tensor, LossOutput["outputs"]], Record<string, Tensor>];

/** The tensors of the model, and of its adapter if it has one. */
function allSpecs({ config, lora }: TrainStepOptions): ParamSpec[] {
  return [...paramSpecs(config), ...(lora ? loraSpecs(config, lora) : [])];
}

interface BatchArrays {
  readonly inputs: InputArrays;
  readonly targets: TargetArrays;
  readonly extra?: Readonly<Record<string, Tensor>>;
}

function treeOf({ inputs, targets, extra }: TrainBatch): Omit<TrainBatch, "layout"> {
  return { inputs, targets, ...(extra ? { extra } : {}) };
}

function batchKey({ layout, targets, extra = {} }: TrainBatch): string {
  const shapes = Object.entries(extra).map(([name, { shape }]) => [name, shape]);
  return JSON.stringify([layout, targets.ids.shape, shapes]);
}

function mapGroups<T, U>(
  groups: Grouped<T>,
  map: (value: T, group: (typeof GROUPS)[number]) => U,
): Grouped<U> {
  const pairs = GROUPS.flatMap((group) =>
    groups[group] === undefined ? [] : [[group, map(groups[group] as T, group)]],
  );
  return Object.fromEntries(pairs);
}

function vector(data: Float32Array): DeviceTensor {
  return new DeviceTensor(tensor(data));
}

function frozenTensor(params: HostParams, name: string): DeviceTensor {
  const found = params.get(name);
  invariant(found !== undefined, `createTrainStep: the parameter ${name} is missing`);
  return new DeviceTensor({ ...found, data: found.data.slice() });
}

function scalarTree(values: Scalars<number>): Scalars<FloatTensor> {
  const scalar = (value: number): FloatTensor => ({
    dtype: "float32",
    shape: [],
    data: Float32Array.of(value),
  });
  return {
    stepSize: scalar(values.stepSize),
    secondScale: scalar(values.secondScale),
    keep: scalar(values.keep),
    scale: scalar(values.scale),
    seed: scalar(values.seed),
  };
}

function numbersOf(result: unknown): { loss: number; gradNorm: number } {
  const { loss, gradNorm } = result as { loss?: FloatTensor; gradNorm?: FloatTensor };
  return { loss: loss?.data[0] ?? 0, gradNorm: gradNorm?.data[0] ?? 0 };
}

function outputsOf(result: unknown): Record<string, HostTensor> {
  const { outputs = {} } = result as { outputs?: Record<string, DeviceTensor> };
  return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, value.host()]));
}

function total(values: Float32Array): number {
  return values.reduce((a, b) => a + b, 0);
}
