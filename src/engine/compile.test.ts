import { expect, it } from "vitest";
import { compile, nn, np, tensor, valueAndGrad } from "./index.ts";

it("compiles, runs and differentiates a small network", async () => {
  const loss = (p: { w: np.Array; b: np.Array }, x: np.Array) =>
    nn.softmax(np.matmul(x, p.w).add(p.b)).mul(np.arange(3).astype(np.float32)).sum();
  const w = tensor(
    Array.from({ length: 12 }, (_, i) => Math.sin(i)),
    [4, 3],
  );
  const b = tensor([0.1, 0.2, 0.3]);
  const x = tensor(
    Array.from({ length: 8 }, (_, i) => Math.cos(i)),
    [2, 4],
  );
  const program = await compile(
    (p: { w: np.Array; b: np.Array }, y: np.Array) => valueAndGrad(loss)(p, y),
    [{ w, b }, x],
  );
  const [value, gradient] = await program.run({ w, b }, x);
  const step = 1e-2;
  for (let i = 0; i < 12; i++) {
    const at = async (delta: number) => {
      const moved = Float32Array.from(w.data);
      moved[i] = (moved[i] as number) + delta;
      return (await program.run({ w: tensor(moved, [4, 3]), b }, x))[0].data[0] as number;
    };
    const difference = ((await at(step)) - (await at(-step))) / (2 * step);
    expect(gradient.w.data[i]).toBeCloseTo(difference, 3);
  }
  expect(value.data[0]).toBeCloseTo(2.1904, 4);
});
