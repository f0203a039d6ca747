import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compile, DeviceTensor, grad, listDevices, np, tensor } from "./index.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "engine-"));
});
afterAll(() => rm(folder, { recursive: true }));

const f32 = (shape: readonly number[]) => ({ dtype: "float32" as const, shape });

it("takes and returns trees, whatever the order of keys", async () => {
  const program = await compile(
    (p: { a: np.Array; b: [np.Array, np.Array] }) => ({
      sum: p.a.ref.add(p.b[0]),
      rest: [p.a, p.b[1].mul(2)],
    }),
    [{ a: f32([2]), b: [f32([2]), f32([1])] as const }],
  );
  const result = await program.run({ b: [tensor([1, 2]), tensor([5])], a: tensor([10, 20]) });
  expect(result.sum.data).toEqual(Float32Array.of(11, 22));
  expect(result.rest[0]?.data).toEqual(Float32Array.of(10, 20));
  expect(result.rest[1]?.data).toEqual(Float32Array.of(10));
  expect(program.results.sum).toEqual({ dtype: "float32", shape: [2] });
  await program.dispose();
});

it("reads device tensors in place and writes results in place", async () => {
  const program = await compile((w: np.Array, g: np.Array) => w.sub(g.mul(0.5)), [f32([2]), f32([2])]);
  const buffers = [new DeviceTensor(tensor([1, 2])), DeviceTensor.zeros(f32([2]))] as const;
  const memory = buffers.map((buffer) => buffer.data);
  const gradient = new DeviceTensor(tensor([1, 1]));
  for (let step = 0; step < 3; step++) {
    const [from, to] = step % 2 === 0 ? buffers : ([buffers[1], buffers[0]] as const);
    expect(await program.runInto(to, from, gradient)).toBe(to);
  }
  expect(buffers[1].data).toEqual(Float32Array.of(-0.5, 0.5));
  expect(buffers.map((buffer) => buffer.data)).toEqual(memory);
  gradient.data[0] = 3;
  const next = await program.runOn(buffers[1], gradient);
  expect(next).toBeInstanceOf(DeviceTensor);
  expect(next.data).toEqual(Float32Array.of(-2, 0));
  await program.dispose();
});

it("allocates the results that it is not told where to write", async () => {
  const program = await compile((x: np.Array) => ({ twice: x.ref.mul(2), sum: x.sum() }), [f32([2])]);
  const twice = DeviceTensor.zeros(f32([2]));
  const result = await program.runInto({ twice }, tensor([1, 2]));
  expect(result.twice).toBe(twice);
  expect(twice.data).toEqual(Float32Array.of(2, 4));
  expect(result.sum.data).toEqual(Float32Array.of(3));
  await program.dispose();
});

it("refuses to overwrite an argument, and results of the wrong type", async () => {
  const program = await compile((x: np.Array) => [x.ref.mul(2), x.add(1)], [f32([2])]);
  const x = new DeviceTensor(tensor([1, 2]));
  await expect(program.runInto([x, null], x)).rejects.toMatchObject({ code: "engine-alias" });
  const y = DeviceTensor.zeros(f32([2]));
  await expect(program.runInto([y, y], x)).rejects.toMatchObject({ code: "engine-alias" });
  const long = DeviceTensor.zeros(f32([3]));
  await expect(program.runInto([long, null], x)).rejects.toMatchObject({ code: "engine-argument" });
  await program.dispose();
});

it("names the argument that does not fit", async () => {
  const program = await compile((p: { w: np.Array }) => p.w.mul(2), [{ w: f32([2]) }], { name: "double" });
  await expect(program.run({ w: tensor([1, 2, 3]) })).rejects.toThrow(
    "program double: in0.w must be float32[2], got float32[3]",
  );
  await expect(program.run({ w: tensor([1, 2], [2], "int32") })).rejects.toThrow("got int32[2]");
  await expect(program.run({} as never)).rejects.toThrow('argument 0: must have the key "w"');
  await expect(program.run({ w: { ...f32([2]), data: new Float32Array(1) } })).rejects.toMatchObject({
    code: "engine-tensor",
  });
  await program.dispose();
  await expect(program.run({ w: tensor([1, 2]) })).rejects.toMatchObject({ code: "engine-disposed" });
});

it("saves a file that computes the same elsewhere", async () => {
  const x = tensor([0.5, -1, 2, 3, 1, 0], [2, 3]);
  const w = tensor([1, 2, 3, 4, 5, 6], [3, 2]);
  const fn = (p: { w: np.Array }, y: np.Array) => ({
    y: np.tanh(np.matmul(y.ref, p.w.ref)),
    g: grad((v: np.Array) => np.tanh(np.matmul(y, v)).sum())(p.w),
  });
  const program = await compile(fn, [{ w }, x]);
  const expected = await program.run({ w }, x);
  const path = join(folder, "layer.onnx");
  await program.save(path);
  await program.dispose();
  const session = await InferenceSession.create(path);
  expect([session.inputNames, session.outputNames]).toEqual([
    ["in0.w", "in1"],
    ["out.y", "out.g"],
  ]);
  const result = await session.run({
    "in0.w": new Tensor("float32", w.data as Float32Array, [3, 2]),
    in1: new Tensor("float32", x.data as Float32Array, [2, 3]),
  });
  expect(result["out.y"]?.data).toEqual(expected.y.data);
  expect(result["out.g"]?.data).toEqual(expected.g.data);
  await session.release();
});

it("holds the data of frozen arguments", async () => {
  const w = tensor([1, 2, 3, 4], [2, 2]);
  const program = await compile((p: np.Array, x: np.Array) => np.matmul(x, p), [w, f32([1, 2])], {
    frozen: [0],
  });
  expect((await program.run(tensor([9, 9, 9, 9], [2, 2]), tensor([1, 1], [1, 2]))).data).toEqual(
    Float32Array.of(4, 6),
  );
  await program.dispose();
});

it("traces huge arguments without allocating them", async () => {
  const before = process.memoryUsage().rss;
  const program = await compile(
    (w: np.Array, x: np.Array) => np.matmul(x, w).sum(),
    [f32([1 << 16, 1 << 16]), f32([1, 1 << 16])],
  );
  expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 30);
  await program.dispose();
});

it("says which devices there are when another is asked for", async () => {
  const devices = await listDevices();
  expect(devices).toContain("cpu");
  if (devices.includes("cuda")) return;
  await expect(compile((x: np.Array) => x.mul(2), [f32([2])], { device: "cuda" })).rejects.toMatchObject({
    code: "engine-device",
    message: `device: must be one of ${devices.join(", ")} on this machine, got cuda`,
  });
});
