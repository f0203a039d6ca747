import { describe, expect, it } from "vitest";
import { compile, grad, jax, lax, nn, np, SUPPORTED_PRIMITIVES } from "../index.ts";
import type { HostTensor } from "../tensor.ts";
import { fromHalf, tensor } from "../tensor.ts";
import { expectLikeJax, filled } from "../testing/reference.ts";

type Fn = (...args: np.Array[]) => unknown;
type Case = [name: string, fn: Fn, inputs: HostTensor[], tolerance?: number];

const x23 = filled([2, 3]);
const x34 = filled([3, 4], 2);
const x234 = filled([2, 3, 4], 3);
const positive = tensor(
  Array.from(filled([2, 3], 4).data, (v) => Math.abs(v) + 0.1),
  [2, 3],
);
const unit = tensor(
  Array.from(filled([2, 3], 5).data, (v) => v / 2.1),
  [2, 3],
);
const i23 = filled([2, 3], 6, "int32");
const j23 = tensor([3, -2, 5, 1, 7, -4], [2, 3], "int32");
const u23 = filled([2, 3], 7, "uint32");
const w23 = filled([2, 3], 8, "uint32");
const b23 = filled([2, 3], 9, "bool");
const c23 = filled([2, 3], 10, "bool");
const indices = tensor([2, 0, 1, 1], [4], "int32");

const arithmetic: Case[] = [
  ["add", (a, b) => a.add(b), [x23, filled([3], 5)]],
  ["mul", (a, b) => a.mul(b), [x23, filled([2, 1], 5)]],
  ["sub", (a, b) => a.sub(b), [x23, filled([3], 5)]],
  ["div", (a, b) => a.div(b), [x23, positive]],
  ["outer sum", (a, b) => a.reshape([2, 1]).add(b), [filled([2]), filled([3])]],
  ["transposed sum", (a, b) => a.transpose([1, 0]).add(b), [x23, filled([3, 2], 4)]],
  ["min", (a, b) => np.minimum(a, b), [x23, positive]],
  ["max", (a, b) => np.maximum(a, b), [x23, positive]],
  ["mod", (a, b) => a.mod(b), [x23, positive]],
  ["neg", (a) => a.neg(), [x23]],
  ["reciprocal", (a) => np.reciprocal(a), [positive]],
  ["floor", (a) => np.floor(a), [x23]],
  ["ceil", (a) => np.ceil(a), [x23]],
  ["trunc", (a) => np.trunc(a), [x23]],
  ["stop_gradient", (a) => lax.stopGradient(a), [x23]],
  ["sin", (a) => np.sin(a), [x23]],
  ["cos", (a) => np.cos(a), [x23]],
  ["tan", (a) => np.tan(a), [x23], 1e-4],
  ["asin", (a) => np.asin(a), [unit]],
  ["acos", (a) => np.acos(a), [unit]],
  ["atan", (a) => np.atan(a), [x23]],
  ["exp", (a) => np.exp(a), [x23]],
  ["log", (a) => np.log(a), [positive]],
  ["sqrt", (a) => np.sqrt(a), [positive]],
  ["erf", (a) => lax.erf(a), [x23]],
  ["erfc", (a) => lax.erfc(a), [x23]],
  ["tanh", (a) => np.tanh(a), [x23]],
  ["power", (a) => np.power(a, 3), [positive], 1e-4],
  ["silu", (a) => nn.silu(a), [x23]],
  ["gelu", (a) => nn.gelu(a), [x23]],
  ["exact gelu", (a) => nn.gelu(a, { approximate: false }), [x23]],
  ["float64", (a) => np.exp(a.astype(np.float64)).mul(2), [x23]],
];

const integers: Case[] = [
  ["add int32", (a, b) => a.add(b), [i23, j23]],
  ["mul int32", (a, b) => a.mul(b), [i23, j23]],
  ["idiv int32", (a, b) => a.div(b), [i23, j23]],
  ["mod int32", (a, b) => a.mod(b), [i23, j23]],
  ["min int32", (a, b) => np.minimum(a, b), [i23, j23]],
  ["neg int32", (a) => a.neg(), [i23]],
  ["add uint32", (a, b) => a.add(b), [u23, w23]],
  ["mul uint32", (a, b) => a.mul(b), [u23, w23]],
  ["div uint32", (a, b) => a.div(b), [u23, tensor([3, 7, 65536, 1, 9, 4000000000], [2, 3], "uint32")]],
  ["mod uint32", (a, b) => a.mod(b), [u23, tensor([3, 7, 65536, 1, 9, 4000000000], [2, 3], "uint32")]],
  ["max uint32", (a, b) => np.maximum(a, b), [u23, w23]],
  ["sum uint32", (a) => a.sum(1), [u23]],
  ["largest uint32", (a) => a.max(1), [u23]],
  ["smallest uint32", (a) => a.min(0), [u23]],
  ["add bool", (a, b) => a.add(b), [b23, c23]],
  ["mul bool", (a, b) => a.mul(b), [b23, c23]],
  ["any", (a) => a.any(1), [b23]],
  ["all", (a) => a.all(0), [b23]],
  ["bit_combine", (a, b) => np.bitwiseXor(a, b), [u23, w23]],
  ["bit_combine and", (a, b) => np.bitwiseAnd(a, b), [i23, j23]],
  ["bit_combine or bool", (a, b) => np.bitwiseOr(a, b), [b23, c23]],
  ["bit_shift left", (a) => np.leftShift(a, np.array(5, { dtype: np.uint32 })), [u23]],
  ["bit_shift right", (a) => np.rightShift(a, np.array(5, { dtype: np.uint32 })), [u23]],
  ["bit_count", (a) => np.bitwiseCount(a), [u23]],
];

const conversions: Case[] = [
  ["float to int", (a) => a.mul(3).astype(np.int32), [x23]],
  ["float to uint saturates", (a) => a.mul(3).astype(np.uint32), [x23]],
  ["large float to int saturates", (a) => a.mul(3e9).astype(np.int32), [x23]],
  ["int to float", (a) => a.astype(np.float32), [i23]],
  ["uint to float", (a) => a.astype(np.float32), [u23]],
  ["bool to float", (a) => a.astype(np.float32), [b23]],
  ["float to bool", (a) => a.astype(np.bool), [tensor([0, 1, -2, 0.5, 0, 3], [2, 3])]],
  ["bitcast float to uint", (a) => a.view(np.uint32), [x23]],
  ["bitcast uint to float", (a) => a.view(np.float32), [tensor([0x3f800000, 0x40490fdb, 1], [3], "uint32")]],
];

const comparisons: Case[] = [
  ["less", (a, b) => a.less(b), [x23, positive]],
  ["less_equal", (a, b) => a.lessEqual(b), [i23, j23]],
  ["equal", (a, b) => a.equal(b), [i23, j23]],
  ["not_equal", (a, b) => a.notEqual(b), [b23, c23]],
  ["less uint32", (a, b) => a.less(b), [u23, w23]],
  ["where", (c, a, b) => np.where(c, a, b), [b23, x23, positive]],
  ["where broadcasts", (c, a) => np.where(c, a, 0), [filled([3], 4, "bool"), x23]],
  ["where bool", (c, a, b) => np.where(c, a, b), [b23, c23, filled([2, 3], 12, "bool")]],
  ["where uint32", (c, a, b) => np.where(c, a, b), [b23, u23, w23]],
];

const reductions: Case[] = [
  ["sum", (a) => a.sum(1), [x234]],
  ["sum of all", (a) => a.sum(), [x234]],
  ["sum of two axes", (a) => a.sum([0, 2]), [x234]],
  ["prod", (a) => a.prod(1), [x234]],
  ["max", (a) => a.max(2), [x234]],
  ["min", (a) => a.min(0), [x234]],
  ["mean", (a) => a.mean([0, 1]), [x234]],
  ["sum of a broadcast", (a) => np.broadcastTo(a, [5, 2, 3]).sum([0, 2]), [x23]],
  ["prod of a broadcast", (a) => np.broadcastTo(a, [5, 2, 3]).prod([0]), [x23]],
  ["max of a broadcast", (a) => np.broadcastTo(a, [5, 2, 3]).max(0), [x23]],
  ["int sum of a broadcast", (a) => np.broadcastTo(a, [5, 2, 3]).sum(0), [i23]],
  ["int prod of a broadcast", (a) => np.broadcastTo(a, [3, 2, 3]).prod(0), [i23]],
  ["argmax", (a) => np.argmax(a, 1), [x234]],
  ["cumsum", (a) => np.cumsum(a, 1), [x234]],
  ["softmax", (a) => nn.softmax(a, 1), [x234]],
  ["logsumexp", (a) => nn.logsumexp(a, [2]), [x234]],
  ["variance", (a) => np.var_(a, 1), [x234]],
];

const products: Case[] = [
  ["matrix by matrix", (a, b) => np.matmul(a, b), [x23, x34]],
  ["matrix by its transpose", (a, b) => np.matmul(a, b.transpose([1, 0])), [x23, filled([5, 3])]],
  ["transposed by matrix", (a, b) => np.matmul(a.transpose([1, 0]), b), [filled([3, 2]), x34]],
  ["vector by matrix", (a, b) => np.dot(a, b), [filled([3]), x34]],
  ["inner", (a, b) => np.dot(a, b), [filled([3]), filled([3], 2)]],
  ["batched", (a, b) => np.matmul(a, b), [x234, filled([2, 4, 5], 4)]],
  ["batched by one", (a, b) => np.matmul(a, b), [x234, filled([4, 5], 4)]],
  ["two batch axes", (a, b) => np.matmul(a, b), [filled([2, 3, 4, 5]), filled([2, 3, 5, 2], 3)]],
  [
    "attention scores",
    (q, k) => np.einsum(q, [0, 1, 2, 3], k, [0, 4, 2, 3], [0, 2, 1, 4]),
    [filled([2, 3, 2, 4]), filled([2, 5, 2, 4], 2)],
  ],
  [
    "attention values",
    (p, v) => np.einsum(p, [0, 1, 2, 3], v, [0, 3, 1, 4], [0, 2, 1, 4]),
    [filled([2, 2, 3, 5]), filled([2, 5, 2, 4], 2)],
  ],
  [
    "batch inside both",
    (q, k) => np.einsum(q, [0, 1, 2], k, [3, 1, 2], [1, 0, 3]),
    [filled([3, 2, 4]), filled([5, 2, 4], 2)],
  ],
  [
    "batch inside, k first",
    (q, k) => np.einsum(q, [0, 1, 2], k, [0, 1, 3], [1, 2, 3]),
    [filled([4, 2, 3]), filled([4, 2, 5], 2)],
  ],
  [
    "contraction of two axes",
    (a, b) => np.einsum(a, [0, 1, 2], b, [0, 1, 3], [2, 3]),
    [x234, filled([2, 3, 5], 4)],
  ],
  ["einsum in letters", (a, b) => np.einsum("ij,kj->ki", a, b), [x23, filled([4, 3], 2)]],
  ["rows", (a, b) => np.einsum(a, [0, 1], b, [0, 1], [0]), [x23, positive]],
  ["outer", (a, b) => np.outer(a, b), [filled([2]), filled([3])]],
  ["dot with a broadcast", (a) => np.dot(a, np.ones([3, 2])), [x23]],
  [
    "dot of broadcasts",
    (a) => np.dot(np.broadcastTo(a.reshape([2, 1]), [2, 3]), np.ones([3, 2])),
    [filled([2])],
  ],
  ["int32", (a, b) => np.matmul(a, b.transpose([1, 0])), [i23, j23]],
  ["float64", (a, b) => np.matmul(a.astype(np.float64), b.astype(np.float64)), [x23, x34]],
];

const movements: Case[] = [
  ["transpose", (a) => a.transpose([2, 0, 1]), [x234]],
  ["transpose uint32", (a) => a.transpose([1, 0]), [u23]],
  ["reshape", (a) => a.reshape([4, 6]), [x234]],
  ["reshape of a transpose", (a) => a.transpose([2, 0, 1]).reshape([8, 3]), [x234]],
  ["reshape of a broadcast", (a) => np.broadcastTo(a, [2, 2, 3]).reshape([4, 3]), [x23]],
  [
    "reshape apart from a broadcast",
    (a) => np.broadcastTo(a.reshape([6, 1]), [6, 4]).reshape([2, 3, 4]),
    [filled([6])],
  ],
  ["broadcast", (a) => np.broadcastTo(a, [4, 2, 3]), [x23]],
  ["repeat", (a) => np.repeat(a, 2, 1), [x23]],
  ["flip", (a) => np.flip(a, [0, 2]), [x234]],
  ["slice", (a) => a.slice([0, 1], [1, 3], [2]), [x234]],
  ["slice of a transpose", (a) => a.transpose([2, 1, 0]).slice([1, 3], [], 0), [x234]],
  ["slice uint32", (a) => a.slice([], [1, 3]), [u23]],
  [
    "pad",
    (a) =>
      np.pad(a, [
        [1, 0],
        [0, 2],
      ]),
    [x23],
  ],
  [
    "pad of a broadcast",
    (a) =>
      np.pad(np.broadcastTo(a, [2, 3]), [
        [1, 1],
        [0, 0],
      ]),
    [filled([3])],
  ],
  [
    "pad bool",
    (a) =>
      np.pad(a, [
        [1, 0],
        [0, 2],
      ]),
    [b23],
  ],
  ["concatenate", (a, b) => np.concatenate([a, b], 1), [x23, filled([2, 2], 4)]],
  ["concatenate transposed", (a, b) => np.concatenate([a.transpose([1, 0]), b], 0), [x23, filled([1, 2], 4)]],
  ["concatenate broadcasts", (a) => np.concatenate([a, np.zeros([1, 3])], 0), [x23]],
  ["concatenate bool", (a, b) => np.concatenate([a, b], 0), [b23, c23]],
  ["concatenate uint32", (a, b) => np.concatenate([a, b], 0), [u23, w23]],
  ["stack", (a, b) => np.stack([a, b], -1), [x23, positive]],
  ["split", (a) => np.split(a, [1, 3], 2), [x234]],
  ["split of a broadcast", (a) => np.split(np.broadcastTo(a, [4, 3]), 2, 0), [filled([3])]],
  ["rotate half", (a) => np.concatenate([a.ref.slice([], [2, 4]).neg(), a.slice([], [0, 2])], 1), [x34]],
  ["diagonal", (a) => np.diagonal(a), [filled([3, 3])]],
  ["tril", (a) => np.tril(a), [filled([3, 3])]],
];

const indexing: Case[] = [
  ["gather rows", (a, i) => a.slice(i), [x34, indices]],
  ["gather columns", (a, i) => a.slice([], i), [filled([2, 3]), indices]],
  ["gather of a transpose", (a, i) => a.transpose([1, 0]).slice(i), [filled([2, 3]), indices]],
  ["gather by a matrix", (a, i) => a.slice(i), [x34, tensor([2, 0, 1, 1], [2, 2], "int32")]],
  [
    "gather by a transposed matrix",
    (a, i) => a.slice(i.transpose([1, 0])),
    [x34, tensor([2, 0, 1, 1, 0, 2], [2, 3], "int32")],
  ],
  [
    "gather two axes",
    (a, i, j) => a.slice(i, [], j),
    [x234, tensor([1, 0], [2], "int32"), tensor([3, 1], [2], "int32")],
  ],
  [
    "gather neighbours",
    (a, i, j) => a.slice(i, j),
    [x234, tensor([1, 0], [2, 1], "int32"), tensor([2, 1, 0], [3], "int32")],
  ],
  ["gather uint32 indices", (a, i) => a.slice(i), [x34, tensor([2, 0], [2], "uint32")]],
  ["gather from a broadcast", (a, i) => np.broadcastTo(a, [3, 4]).slice(i), [filled([4]), indices]],
  ["take along axis", (a, i) => np.takeAlongAxis(a, i, 1), [x34, tensor([3, 0, 1], [3, 1], "int32")]],
  ["one hot", (i) => nn.oneHot(i, 4), [indices]],
  [
    "gradient of a gather",
    (a, i) => grad((p: np.Array) => np.square(p.slice(i.ref)).sum())(a),
    [x34, indices],
  ],
  [
    "gradient of a two-axis gather",
    (a, i, j) => grad((p: np.Array) => np.square(p.slice(i.ref, j.ref)).sum())(a),
    [x34, tensor([1, 1, 0], [3], "int32"), tensor([3, 3, 1], [3], "int32")],
  ],
  ["sort", (a) => np.sort(a, 1), [x234]],
  ["argsort", (a) => np.argsort(a), [x234]],
  ["argsort is stable", (a) => np.argsort(a), [tensor([1, 0, 1, 0, 1, 0, 0, 1], [8], "int32")]],
  ["sort int32", (a) => np.sort(a), [i23]],
  ["top k", (a) => lax.topK(a, 2), [x34]],
];

const windows: Case[] = [
  ["conv 1d", (a, w) => lax.conv(a, w, [1], "SAME"), [filled([2, 3, 8]), filled([4, 3, 3], 2)]],
  [
    "conv 2d strided",
    (a, w) => lax.conv(a, w, [2, 1], "VALID"),
    [filled([1, 2, 7, 6]), filled([3, 2, 3, 2], 2)],
  ],
  [
    "conv dilated",
    (a, w) => lax.convGeneralDilated(a, w, [1], [[2, 1]], { lhsDilation: [2], rhsDilation: [2] }),
    [filled([1, 2, 7]), filled([3, 2, 3], 2)],
  ],
  [
    "conv 3d",
    (a, w) => lax.conv(a, w, [1, 2, 2], "VALID"),
    [filled([1, 2, 2, 4, 4]), filled([3, 2, 2, 2, 2], 2)],
  ],
  [
    "gradient of conv",
    (a, w) => grad((k: np.Array) => np.square(lax.conv(a.ref, k, [2], "SAME")).sum())(w),
    [filled([2, 3, 8]), filled([4, 3, 3], 2)],
    1e-4,
  ],
  ["max pool", (a) => lax.reduceWindow(a, (y: np.Array) => y.max(), [2, 2], [2, 2]), [filled([4, 6])]],
  [
    "overlapping mean pool",
    (a) => lax.reduceWindow(a, (y: np.Array) => y.mean(), [3, 2], [1, 2]),
    [filled([5, 6])],
  ],
  [
    "gradient of pool",
    (a) =>
      grad((p: np.Array) => np.square(lax.reduceWindow(p, (y: np.Array) => y.mean(), [3, 2], [1, 2])).sum())(
        a,
      ),
    [filled([5, 6])],
  ],
];

const key = (): np.Array => jax.random.key(7);
const sampling: Case[] = [
  ["random_bits", (a) => [jax.random.bits(key(), [5]), a], [x23]],
  ["uniform", (a) => [jax.random.uniform(key(), [4, 3]), a], [x23]],
  ["normal", (a) => [jax.random.normal(key(), [4, 3]), a], [x23], 1e-4],
  ["split keys", (a) => [jax.random.uniform(jax.random.split(key(), 2).slice(1), [6]), a], [x23]],
  ["categorical", (a) => jax.random.categorical(key(), a), [x34]],
  ["key as an argument", (k) => jax.random.uniform(k, [7]), [tensor([1, 2], [2], "uint32")]],
];

for (const [family, cases] of Object.entries({
  arithmetic,
  integers,
  conversions,
  comparisons,
  reductions,
  products,
  movements,
  indexing,
  windows,
  sampling,
}))
  describe(family, () => {
    it.each(cases)("%s", (_name, fn, inputs, tolerance) => expectLikeJax(fn, inputs, tolerance));
  });

// jax-js needs Float16Array, which Node 20 lacks, and its WebAssembly backend does not order booleans
it("computes with float16, and orders booleans", async () => {
  const half = tensor([1.5, -2, 0.25], [3], "float16");
  const flags = [tensor([1, 0, 1], [3], "bool"), tensor([0, 0, 1], [3], "bool")] as const;
  const program = await compile(
    (a: np.Array, b: np.Array, c: np.Array) => [a.ref.mul(a).add(1), b.greater(c)],
    [half, ...flags],
  );
  const [squares, greater] = await program.run(half, ...flags);
  expect(Array.from(squares?.data ?? [], fromHalf)).toEqual([3.25, 5, 1.0625]);
  expect(Array.from(greater?.data ?? [])).toEqual([1, 0, 0]);
});

it("names a primitive it does not support", async () => {
  const program = compile((a: np.Array) => lax.linalg.cholesky(a), [{ dtype: "float32", shape: [3, 3] }]);
  await expect(program).rejects.toMatchObject({ code: "engine-primitive" });
  await expect(program).rejects.toThrow("got cholesky");
  expect(SUPPORTED_PRIMITIVES).not.toContain("cholesky");
});
