import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { exportOnnx, np, type TensorSpec } from "./index.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "export-onnx-"));
});
afterAll(() => rm(folder, { recursive: true }));

const f32 = (...shape: number[]): TensorSpec => ({ dtype: "float32", shape });

it("writes programs that share weights beside them, under chosen names, in either type of float", async () => {
  const weights = new Uint8Array(64);
  weights.set(new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer), 0);
  // 1, 2, 0.5 in float16.
  weights.set(new Uint8Array(Uint16Array.of(0x3c00, 0x4000, 0x3800).buffer), 32);
  await writeFile(join(folder, "weights.bin"), weights);
  const places = new Map([
    ["in1.w", { location: "weights.bin", offset: 0, length: 16 }],
    ["in1.half", { location: "weights.bin", offset: 32, length: 6 }],
  ]);
  const options = {
    nameOf: (path: string) => path.replace(/^(in\d|out)\./, ""),
    external: (path: string) => places.get(path),
  };
  const half: TensorSpec = { dtype: "float16", shape: [3] };
  const product = exportOnnx(
    ({ x }: { x: np.Array }, { w }: { w: np.Array }) => ({ y: np.matmul(x, w) }),
    [{ x: f32(1, 2) }, { w: f32(2, 2) }],
    options,
  );
  const sum = exportOnnx(
    ({ x }: { x: np.Array }, p: { w: np.Array; half: np.Array }) => ({
      all: p.w.sum().add(p.half.astype(np.float32).mul(x).sum()),
    }),
    [{ x: f32(3) }, { w: f32(2, 2), half }],
    options,
  );
  expect(product.inputs).toEqual([{ name: "x", ...f32(1, 2) }]);
  expect(product.outputs).toEqual([{ name: "y", ...f32(1, 2) }]);
  const run = async (name: string, bytes: Uint8Array, x: Tensor) => {
    await writeFile(join(folder, name), bytes);
    const session = await InferenceSession.create(join(folder, name));
    expect(session.inputNames).toEqual(["x"]);
    const result = await session.run({ x });
    await session.release();
    return result;
  };
  const y = await run("product.onnx", product.bytes, new Tensor("float32", Float32Array.of(1, 10), [1, 2]));
  expect(y.y?.data).toEqual(Float32Array.of(31, 42));
  const all = await run("sum.onnx", sum.bytes, new Tensor("float32", Float32Array.of(1, 1, 2), [3]));
  expect(all.all?.data).toEqual(Float32Array.of(10 + 4));
});

it("keeps frozen arguments in the file, and names by paths unless told otherwise", async () => {
  const table = { ...f32(2), data: Float32Array.of(3, 4) };
  const { bytes, inputs, outputs } = exportOnnx((x: np.Array, t: np.Array) => [x.mul(t)], [f32(2), table], {
    frozen: [1],
  });
  expect([inputs[0]?.name, outputs[0]?.name]).toEqual(["in0", "out.0"]);
  const session = await InferenceSession.create(bytes);
  const result = await session.run({ in0: new Tensor("float32", Float32Array.of(2, 2), [2]) });
  expect(result["out.0"]?.data).toEqual(Float32Array.of(6, 8));
  await session.release();
});
