/** Compiling on demand: one function, one program for every set of argument types it is called with. */

import { UsageError } from "../base/index.ts";
import { type CompileOptions, compile } from "./compile.ts";
import type { Fed, Program, Returned, TracedArguments } from "./program.ts";
import { isSpec } from "./tensor.ts";
import { flattenTree } from "./tree.ts";

/** How a function is compiled on demand. */
export interface CompileCachedOptions extends CompileOptions {
  /** Programs kept open; the one unused for longest is disposed of when another is needed. Default 16. */
  readonly limit?: number;
}

/** A function that compiles itself for the types it is called with. */
export interface CompiledFunction<A extends readonly unknown[], R> {
  /** The program for arguments of these types, compiled if there is none yet. */
  program(...args: A): Promise<Program<A, R>>;
  /** Runs the program for arguments of these types. */
  run(...args: { readonly [K in keyof A]: Fed<A[K]> }): Promise<Returned<R>>;
  /** Programs now open. */
  readonly size: number;
  /** Disposes of all programs. */
  dispose(): Promise<void>;
}

/**
 * Wraps a function so that it is compiled once for every set of argument shapes and types.
 *
 * @throws UsageError `engine-frozen` if arguments are frozen, since a program's data is not part of its key
 */
export function compileCached<A extends readonly unknown[], R>(
  fn: (...args: TracedArguments<A>) => R,
  options: CompileCachedOptions = {},
): CompiledFunction<A, R> {
  if ((options.frozen ?? []).length > 0)
    throw new UsageError(
      "engine-frozen",
      "compileCached: no argument may be frozen, got some",
      "Use compile for programs that hold their arguments' data.",
    );
  const limit = options.limit ?? 16;
  const programs = new Map<string, Promise<Program<A, R>>>();
  const find = async (args: A): Promise<Program<A, R>> => {
    const key = signatureOf(args);
    const known = programs.get(key);
    if (known !== undefined) {
      programs.delete(key);
      programs.set(key, known);
      return known;
    }
    const made = compile<A, R>(fn, args, options);
    programs.set(key, made);
    made.catch(() => programs.delete(key));
    const [oldest] = programs.keys();
    if (programs.size > limit && oldest !== undefined && oldest !== key) {
      const dropped = programs.get(oldest);
      programs.delete(oldest);
      dropped?.then((program) => program.dispose()).catch(() => {});
    }
    return made;
  };
  return {
    program: (...args) => find(args),
    run: async (...args) => (await find(args as unknown as A)).run(...args),
    get size() {
      return programs.size;
    },
    async dispose() {
      const open = [...programs.values()];
      programs.clear();
      for (const program of await Promise.allSettled(open))
        if (program.status === "fulfilled") await program.value.dispose();
    },
  };
}

/** Structure, types and shapes of arguments as text. */
function signatureOf(args: readonly unknown[]): string {
  return JSON.stringify(
    args.map((arg) => {
      const [leaves, def] = flattenTree(arg, isSpec);
      return [def, leaves.map(({ dtype, shape }) => `${dtype}[${shape}]`)];
    }),
  );
}
