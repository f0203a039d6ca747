/**
 * AdamW (Loshchilov and Hutter, 2019) with decoupled weight decay and bias correction, as PyTorch computes it,
 * gradient clipping by global norm, and the learning rate schedule of Hugging Face's trainer.
 */

import { UsageError } from "../base/index.ts";
import { np } from "../engine/index.ts";
import type { Tensor } from "./tensor.ts";

/** AdamW's constants. */
export interface AdamWOptions {
  /** Decay of the first moment; default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment; default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Fraction of a weight that is taken off per unit of learning rate; default 0. */
  readonly weightDecay?: number;
}

/** AdamW's constants, complete. */
export type AdamW = Required<AdamWOptions>;

/** Fills in AdamW's defaults. @throws UsageError `optimizer-option` where a constant is out of range */
export function adamW(options: AdamWOptions = {}): AdamW {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options;
  const check = (name: string, value: number, below: number): void => {
    if (!(value >= 0 && value < below))
      throw new UsageError("optimizer-option", `${name}: must be in [0, ${below}), got ${value}`);
  };
  check("beta1", beta1, 1);
  check("beta2", beta2, 1);
  check("epsilon", epsilon, Infinity);
  check("weightDecay", weightDecay, Infinity);
  return { beta1, beta2, epsilon, weightDecay };
}

/** The scalars of one step, which the host computes: `stepScalars`. */
export interface StepScalars<T> {
  /** Learning rate over the first moment's bias correction. */
  readonly stepSize: T;
  /** 1 over the square root of the second moment's bias correction. */
  readonly secondScale: T;
  /** 1 - learning rate x weight decay. */
  readonly keep: T;
}

/** The scalars of step `step`, which counts from 1. */
export function stepScalars(options: AdamW, step: number, learningRate: number): StepScalars<number> {
  return {
    stepSize: learningRate / (1 - options.beta1 ** step),
    secondScale: 1 / Math.sqrt(1 - options.beta2 ** step),
    keep: 1 - learningRate * options.weightDecay,
  };
}

/** A vector of parameters with its moments. */
export interface Moments<T> {
  readonly params: T;
  readonly first: T;
  readonly second: T;
}

/**
 * One AdamW step over a vector. Everything is consumed.
 *
 * @param gradient before clipping
 * @param clip the factor that clipping multiplies the gradient by
 * @param decay whether the weights decay
 */
export function adamWStep(
  options: AdamW,
  { params, first, second }: Moments<Tensor>,
  gradient: Tensor,
  clip: Tensor,
  scalars: StepScalars<Tensor>,
  decay: boolean,
): Moments<Tensor> {
  const { beta1, beta2, epsilon } = options;
  const square = gradient.ref.mul(gradient.ref).mul(clip.ref.mul(clip.ref).mul(1 - beta2));
  const newSecond = second.mul(beta2).add(square);
  const newFirst = first.mul(beta1).add(gradient.mul(clip.mul(1 - beta1)));
  const denominator = np.sqrt(newSecond.ref).mul(scalars.secondScale).add(epsilon);
  const change = newFirst.ref.div(denominator).mul(scalars.stepSize);
  const kept = decay ? params.mul(scalars.keep) : params;
  return { params: kept.sub(change), first: newFirst, second: newSecond };
}

/** The factor that brings a gradient's norm down to `largest`, as PyTorch's `clip_grad_norm_`; at most 1. */
export function clipFactor(norm: Tensor, largest: number): Tensor {
  return np.minimum(np.reciprocal(norm.add(1e-6)).mul(largest), 1);
}

/** How the learning rate changes over training. */
export interface ScheduleOptions {
  readonly learningRate: number;
  readonly totalSteps: number;
  /** Steps of linear warm-up, or a fraction of all steps if below 1; default 0. */
  readonly warmup?: number;
  /** After warm-up; default cosine, to `floor`. */
  readonly kind?: "cosine" | "linear" | "constant";
  /** The lowest learning rate, as a fraction of the highest; default 0. */
  readonly floor?: number;
}

/**
 * The learning rate of each step, counted from 0, as Hugging Face's schedules with warm-up give it.
 *
 * @throws UsageError `optimizer-option` where the steps are not positive
 */
export function learningRateSchedule(options: ScheduleOptions): (step: number) => number {
  const { learningRate, totalSteps, warmup = 0, kind = "cosine", floor = 0 } = options;
  if (!(totalSteps > 0))
    throw new UsageError("optimizer-option", `totalSteps: must be positive, got ${totalSteps}`);
  const warmupSteps = warmup < 1 ? Math.ceil(warmup * totalSteps) : warmup;
  return (step) => {
    if (step < warmupSteps) return (learningRate * step) / Math.max(1, warmupSteps);
    const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
    const fall = { cosine: (1 + Math.cos(Math.PI * progress)) / 2, linear: 1 - progress, constant: 1 }[kind];
    return learningRate * (floor + (1 - floor) * fall);
  };
}
