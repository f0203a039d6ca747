/** Compiled programs: calling them with trees of tensors, keeping results in place, saving them. */

import type { InferenceSession, Tensor } from "onnxruntime-node";
import { invariant, UsageError, writeFileAtomic } from "../base/index.ts";
import type { Graph } from "./graph.ts";
import type { Array as JaxArray } from "./jax.ts";
import { type Device, loadRuntime, toOrt } from "./session.ts";
import { checkHostTensor, DeviceTensor, type HostTensor, isSpec, type TensorSpec } from "./tensor.ts";
import { leavesOf, type Tree, type TreeDef, unflattenTree } from "./tree.ts";

/** A tree of types becomes the tree of arrays that the traced function is given. */
export type Traced<T> = T extends TensorSpec
  ? JaxArray
  : T extends object
    ? { -readonly [K in keyof T]: Traced<T[K]> }
    : never;

/** The arguments of the traced function. */
export type TracedArguments<A extends readonly unknown[]> = { [K in keyof A]: Traced<A[K]> };

/** A tree of types becomes the tree of tensors that the program is given. */
export type Fed<T> = T extends TensorSpec
  ? HostTensor
  : T extends object
    ? { readonly [K in keyof T]: Fed<T[K]> }
    : never;

/** The tree of arrays that the function returns becomes the tree of tensors that the program returns. */
export type Returned<R, T = HostTensor> = R extends JaxArray | number | boolean
  ? T
  : R extends object
    ? { -readonly [K in keyof R]: Returned<R[K], T> }
    : never;

/** Where to write results: a tree like the results, with null or undefined for what shall be allocated. */
export type Into<R> = R extends JaxArray | number | boolean
  ? DeviceTensor | null | undefined
  : R extends object
    ? { readonly [K in keyof R]?: Into<R[K]> } | null | undefined
    : never;

/** A compiled function. `A` is the tuple of its arguments' types, `R` what the traced function returned. */
export interface Program<A extends readonly unknown[] = readonly Tree<TensorSpec>[], R = unknown> {
  /** What it computes; printable with `printGraph`. */
  readonly graph: Graph;
  /** Where it runs. */
  readonly device: Device;
  /** The types of its results. */
  readonly results: Returned<R, TensorSpec>;
  /**
   * Runs and returns results in host memory of their own. Runs of one process happen one after the other.
   *
   * @throws UsageError `engine-tree`, `engine-argument` if arguments do not have the types it was compiled for
   */
  run(...args: { readonly [K in keyof A]: Fed<A[K]> }): Promise<Returned<R>>;
  /** Runs and returns results that stay on the device. */
  runOn(...args: { readonly [K in keyof A]: Fed<A[K]> }): Promise<Returned<R, DeviceTensor>>;
  /**
   * Runs and writes results into tensors that exist; those left out (null or undefined) are allocated.
   * Nothing is copied. A tensor given here must not be an argument of the same call, since operators may read
   * arguments after the first results are written: keep two sets and swap them (`DoubleBuffer`).
   *
   * @throws UsageError `engine-alias` if a tensor is both argument and result, or two results share one
   */
  runInto(into: Into<R>, ...args: { readonly [K in keyof A]: Fed<A[K]> }): Promise<Returned<R, DeviceTensor>>;
  /** Writes the program as an .onnx file, with inputs and outputs named by their paths. */
  save(path: string): Promise<void>;
  /** Releases the session. */
  dispose(): Promise<void>;
}

/** All that a program is made of. */
export interface ProgramParts {
  readonly graph: Graph;
  /** The encoded model, made when it is saved: with frozen weights it is as large as they are. */
  readonly model: () => Uint8Array;
  readonly session: InferenceSession;
  readonly device: Device;
  readonly inputTrees: readonly TreeDef[];
  /** Types of the leaves of the arguments, in order, without those of frozen arguments. */
  readonly inputs: readonly (TensorSpec & { readonly name: string })[];
  /** Positions of the arguments that the graph was given the data of; what is passed for them is ignored. */
  readonly frozen: ReadonlySet<number>;
  readonly outputTree: TreeDef;
  readonly outputs: readonly (TensorSpec & { readonly name: string })[];
  /** Called once by `dispose`. */
  readonly release: () => Promise<void>;
}

/** Makes a program of its parts. */
export function createProgram<A extends readonly unknown[], R>(parts: ProgramParts): Program<A, R> {
  let disposed = false;
  const execute = async (
    into: readonly (DeviceTensor | null)[],
    args: readonly unknown[],
  ): Promise<DeviceTensor[]> => {
    if (disposed)
      throw new UsageError(
        "engine-disposed",
        `program ${parts.graph.name}: must be open, got a disposed one`,
      );
    const { Tensor } = await loadRuntime();
    const feeds = feedsOf(Tensor, parts, args, into);
    const results = parts.outputs.map((spec, i) => into[i] ?? DeviceTensor.zeros(spec));
    const fetches = Object.fromEntries(
      parts.outputs.map((spec, i) => [spec.name, toOrt(Tensor, results[i] as DeviceTensor)]),
    );
    await parts.session.run(feeds, fetches);
    return results;
  };
  const none = parts.outputs.map(() => null);
  return {
    graph: parts.graph,
    device: parts.device,
    results: unflattenTree(
      parts.outputTree,
      parts.outputs.map(({ dtype, shape }) => ({ dtype, shape })),
    ) as Returned<R, TensorSpec>,
    async run(...args) {
      const results = await execute(none, args);
      return unflattenTree(
        parts.outputTree,
        results.map((result) => result.host()),
      ) as Returned<R>;
    },
    async runOn(...args) {
      return unflattenTree(parts.outputTree, await execute(none, args)) as Returned<R, DeviceTensor>;
    },
    async runInto(into, ...args) {
      const targets = targetsOf(parts, into);
      return unflattenTree(parts.outputTree, await execute(targets, args)) as Returned<R, DeviceTensor>;
    },
    save: (path) => writeFileAtomic(path, parts.model()),
    async dispose() {
      if (disposed) return;
      disposed = true;
      await parts.release();
    },
  };
}

function feedsOf(
  TensorClass: typeof Tensor,
  parts: ProgramParts,
  args: readonly unknown[],
  into: readonly (DeviceTensor | null)[],
): Record<string, Tensor> {
  const { graph, inputTrees, inputs } = parts;
  if (args.length !== inputTrees.length)
    throw new UsageError(
      "engine-argument",
      `program ${graph.name}: must be given ${inputTrees.length} arguments, got ${args.length}`,
    );
  const targets = new Set(into.flatMap((target) => (target === null ? [] : [target.data])));
  const leaves = inputTrees.flatMap((def, i) =>
    parts.frozen.has(i) ? [] : leavesOf(args[i], def, isHostTensor, `argument ${i}`),
  );
  const feeds: Record<string, Tensor> = {};
  leaves.forEach((leaf, i) => {
    const spec = inputs[i];
    invariant(spec !== undefined, "more leaves than inputs");
    if (leaf.dtype !== spec.dtype || !sameShape(leaf.shape, spec.shape))
      throw new UsageError(
        "engine-argument",
        `program ${graph.name}: ${spec.name} must be ${spec.dtype}[${spec.shape}], got ${leaf.dtype}[${leaf.shape}]`,
        "Programs are compiled for one set of shapes; compile another for others (compileCached does).",
      );
    if (!(leaf instanceof DeviceTensor)) checkHostTensor(spec.name, leaf);
    if (targets.has(leaf.data as Float32Array))
      throw new UsageError(
        "engine-alias",
        `program ${graph.name}: results must not overwrite arguments of the same call, got ${spec.name} as both`,
        "Keep two sets of tensors and swap them after every call.",
      );
    feeds[spec.name] = toOrt(TensorClass, leaf);
  });
  return feeds;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function isHostTensor(value: unknown): value is HostTensor {
  return isSpec(value) && "data" in value;
}

/** The leaves of an `into` tree, null where a result shall be allocated. */
function targetsOf(parts: ProgramParts, into: unknown): (DeviceTensor | null)[] {
  const targets: (DeviceTensor | null)[] = [];
  const taken = new Set<DeviceTensor["data"]>();
  const visit = (node: unknown, def: TreeDef): void => {
    if (def === null) {
      const spec = parts.outputs[targets.length];
      invariant(spec !== undefined, "more targets than outputs");
      const target = node ?? null;
      if (
        target !== null &&
        !(
          target instanceof DeviceTensor &&
          target.dtype === spec.dtype &&
          sameShape(target.shape, spec.shape) &&
          !taken.has(target.data)
        )
      )
        throw new UsageError(
          target instanceof DeviceTensor && taken.has(target.data) ? "engine-alias" : "engine-argument",
          `program ${parts.graph.name}: ${spec.name} must be written into its own DeviceTensor of ${spec.dtype}[${spec.shape}], got ${isSpec(target) ? `${target.dtype}[${target.shape}]` : typeof target}`,
          "Pass null to have a result allocated.",
        );
      targets.push(target);
      if (target !== null) taken.add(target.data);
      return;
    }
    const object = (node ?? {}) as Record<string, unknown>;
    for (const [key, child] of Object.entries(def)) visit(object[key], child as TreeDef);
  };
  visit(into, parts.outputTree);
  return targets;
}
