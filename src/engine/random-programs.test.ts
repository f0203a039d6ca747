import fc from "fast-check";
import { it } from "vitest";
import { np } from "./index.ts";
import type { HostTensor } from "./tensor.ts";
import { expectLikeJax, filled } from "./testing/reference.ts";

// A program is a list of steps; each picks earlier values by number and does something that suits their shapes,
// so every list of numbers is a valid program and failures shrink to short ones.
type Step = readonly [kind: number, first: number, second: number, choice: number];

const SMALL = [1, 2, 3, 4];

function permutations(rank: number): number[][] {
  if (rank === 0) return [[]];
  return permutations(rank - 1).flatMap((rest) =>
    Array.from({ length: rank }, (_, at) => rest.toSpliced(at, 0, rank - 1)),
  );
}

/** Ways to write a size as a shape. */
function shapes(size: number): number[][] {
  const found = [[size], [1, size], [size, 1]];
  for (let d = 2; d <= size; d++)
    if (size % d === 0) for (const rest of [[size / d], [size / d, 1]]) found.push([d, ...rest]);
  return found;
}

const axisOf = (x: np.Array, n: number): number => n % Math.max(1, x.ndim);

const steps: ((x: np.Array, y: np.Array, n: number) => np.Array)[] = [
  (x, y) => (broadcasts(x.shape, y.shape) ? x.add(y) : drop(y, x)),
  (x, y) => (broadcasts(x.shape, y.shape) ? x.mul(y) : drop(y, x)),
  (x, y) => (broadcasts(x.shape, y.shape) ? np.where(x.ref.less(y.ref), x, y) : drop(y, x)),
  (x, y) => drop(y, np.tanh(x)),
  (x, y, n) => drop(y, x.transpose(permutations(x.ndim)[n % permutations(x.ndim).length] as number[])),
  (x, y, n) => drop(y, x.reshape(shapes(x.size)[n % shapes(x.size).length] as number[])),
  (x, y, n) => drop(y, x.ndim > 0 ? x.sum(axisOf(x, n)) : x),
  (x, y, n) => drop(y, x.ndim > 0 ? x.max(axisOf(x, n), { keepdims: true }) : x),
  (x, y, n) => drop(y, x.size <= 64 ? np.broadcastTo(x.ref, [SMALL[n % 4] as number, ...x.shape]) : x.ref, x),
  (x, y, n) => {
    const size = x.shape[axisOf(x, n)] ?? 0;
    if (size < 2) return drop(y, x);
    const bounds = x.shape.map((d, i) => (i === axisOf(x, n) ? [n % 2, d - (n % 3 === 0 ? 1 : 0)] : []));
    const [start, end] = bounds[axisOf(x, n)] as [number, number];
    return drop(y, start < end ? x.slice(...(bounds as [number, number][])) : x);
  },
  (x, y, n) =>
    drop(y, x.ndim > 0 && x.size <= 64 ? np.concatenate([x.ref, x.ref.mul(2)], axisOf(x, n)) : x.ref, x),
  (x, y, n) => drop(y, x.ndim > 0 ? np.flip(x, [axisOf(x, n)]) : x),
  (x, y, n) =>
    drop(
      y,
      x.ndim > 0 && x.size <= 64
        ? np.pad(
            x.ref,
            x.shape.map((_, i): [number, number] => (i === axisOf(x, n) ? [1, 2] : [0, 0])),
          )
        : x.ref,
      x,
    ),
  (x, y) => {
    const [k, m] = [x.shape.at(-1), y.shape.at(-1)];
    if (x.ndim === 0 || y.ndim === 0 || k !== m || x.ndim > 3 || y.ndim > 3) return drop(y, x);
    return np.inner(x, y);
  },
  (x, y, n) => {
    if (x.ndim === 0) return drop(y, x);
    const size = x.shape[axisOf(x, n)] as number;
    const index = np.array([0, size - 1, (n >> 2) % size], { dtype: np.int32 });
    return drop(y, np.take(x, index, axisOf(x, n)));
  },
];

function broadcasts(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 1; i <= Math.min(a.length, b.length); i++) {
    const [x, y] = [a.at(-i), b.at(-i)];
    if (x !== y && x !== 1 && y !== 1) return false;
  }
  return true;
}

function drop(unused: np.Array, result: np.Array, also?: np.Array): np.Array {
  unused.dispose();
  also?.dispose();
  return result;
}

function run(program: readonly Step[], inputs: readonly np.Array[]): np.Array[] {
  const values = [...inputs];
  for (const [kind, first, second, choice] of program) {
    const x = values[first % values.length] as np.Array;
    const y = values[second % values.length] as np.Array;
    const step = steps[kind % steps.length] as (typeof steps)[number];
    const result = step(x.ref, y.ref, choice);
    if (result.size <= 4096) values.push(result);
    else result.dispose();
  }
  return values.slice(inputs.length - 1).map((value) => value.mul(0.5));
}

const inputs: HostTensor[] = [filled([2, 3]), filled([3, 4], 2), filled([2, 1, 4], 3), filled([4], 4)];

// Tolerance: up to 14 steps, each of which may double an error of 1e-6 relative to the numbers summed.
it("computes random programs as jax-js does", async () => {
  const number = fc.nat({ max: 1 << 16 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(number, number, number, number), { minLength: 1, maxLength: 14 }),
      (program) => expectLikeJax((...args) => run(program, args), inputs, 1e-3),
    ),
    { numRuns: 150, seed: 20261121 },
  );
});
