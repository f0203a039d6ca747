import { expect, it } from "vitest";
import { compile, nn, np, valueAndGrad } from "./index.ts";
import { type HostTensor, tensor } from "./tensor.ts";
import { filled } from "./testing/reference.ts";

type Loss = (...args: np.Array[]) => np.Array;

const double = (shape: readonly number[], seed: number): HostTensor =>
  tensor(filled(shape, seed).data, shape, "float64");
const sumOfSquares = (x: np.Array): np.Array => np.square(x).sum();

function attention(q: np.Array, k: np.Array, v: np.Array): np.Array {
  const scores = np.matmul(q.transpose([1, 0, 2]), k.transpose([1, 2, 0])).mul(0.5);
  const causal = np.tri(3, 3, 0, { dtype: np.bool });
  const weights = nn.softmax(np.where(causal, scores, -1e9), -1);
  return np
    .matmul(weights, v.transpose([1, 0, 2]))
    .transpose([1, 0, 2])
    .reshape([3, 8]);
}

function rmsNorm(x: np.Array, scale: np.Array): np.Array {
  const mean = np.square(x.ref).mean(-1, { keepdims: true });
  return x.mul(np.reciprocal(np.sqrt(mean.add(1e-6)))).mul(scale);
}

function rotate(x: np.Array, angle: np.Array): np.Array {
  const half = np.concatenate([x.ref.slice([], [2, 4]).neg(), x.ref.slice([], [0, 2])], 1);
  return x.mul(np.cos(angle.ref)).add(half.mul(np.sin(angle)));
}

const losses: [name: string, loss: Loss, inputs: HostTensor[]][] = [
  [
    "attention",
    (q, k, v) => sumOfSquares(attention(q, k, v)),
    [1, 2, 3].map((seed) => double([3, 2, 4], seed)),
  ],
  ["rms norm", (x, scale) => sumOfSquares(rmsNorm(x, scale)), [double([3, 4], 1), double([4], 2)]],
  ["rotary", (x, angle) => sumOfSquares(rotate(x, angle)), [double([3, 4], 1), double([3, 4], 2)]],
  [
    "swiglu",
    (x, g, u) => sumOfSquares(nn.silu(np.matmul(x.ref, g)).mul(np.matmul(x, u))),
    [double([3, 4], 1), double([4, 5], 2), double([4, 5], 3)],
  ],
  ["gelu", (x) => sumOfSquares(nn.gelu(x)), [double([3, 4], 1)]],
  [
    "cross entropy",
    (logits) => {
      const index = np.array([1, 0, 3], { dtype: np.int32 }).reshape([3, 1]);
      return np.takeAlongAxis(nn.logSoftmax(logits, -1), index, 1).sum().neg();
    },
    [double([3, 4], 1)],
  ],
  [
    "embedding",
    (table) => sumOfSquares(np.tanh(table.slice(np.array([2, 0, 2], { dtype: np.int32 })))),
    [double([4, 3], 1)],
  ],
  [
    "pad and cut",
    (x) =>
      sumOfSquares(
        np.exp(
          np
            .pad(x, [
              [1, 0],
              [0, 2],
            ])
            .slice([0, 3], [1, 5]),
        ),
      ),
    [double([3, 4], 1)],
  ],
];

// Central differences in float64 with step 1e-5 are good to about 1e-8 here; 1e-6 leaves room for curvature.
it.each(losses)("gradient of %s", async (_name, loss, inputs) => {
  const program = await compile(
    (args: np.Array[]) => {
      const all = valueAndGrad((list: np.Array[]) => loss(...list));
      return all(args);
    },
    [inputs],
  );
  const [, gradients] = await program.run(inputs);
  const step = 1e-5;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i] as HostTensor;
    for (let k = 0; k < input.data.length; k++) {
      const at = async (delta: number): Promise<number> => {
        const moved = Float64Array.from(input.data);
        moved[k] = (moved[k] as number) + delta;
        const [value] = await program.run(inputs.with(i, tensor(moved, input.shape, "float64")));
        return value.data[0] as number;
      };
      const difference = ((await at(step)) - (await at(-step))) / (2 * step);
      const gradient = gradients[i]?.data[k] as number;
      expect(Math.abs(gradient - difference)).toBeLessThan(1e-6 * Math.max(1, Math.abs(difference)));
    }
  }
  await program.dispose();
});
