import { describe, expect, it } from "vitest";
import { compile, DeviceTensor, nn, np, tensor, valueAndGrad } from "./index.ts";

// Opt-in: without a GPU it needs a software Vulkan driver, such as SwiftShader from Debian's chromium package:
// VIDEO_R2_TEST_WEBGPU=1 VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json npx vitest run src/engine/webgpu
describe.runIf(process.env.VIDEO_R2_TEST_WEBGPU === "1")("WebGPU", () => {
  it("computes a step of training as the CPU does, and keeps state between steps", async () => {
    const loss = (p: { w: np.Array; v: np.Array }, x: np.Array): np.Array => {
      const hidden = nn.silu(np.matmul(x, p.w));
      return np.square(nn.softmax(np.matmul(hidden, p.v), -1)).sum();
    };
    const step = (p: { w: np.Array; v: np.Array }, x: np.Array) => {
      const [value, g] = valueAndGrad(loss)({ w: p.w.ref, v: p.v.ref }, x);
      return { loss: value, p: { w: p.w.sub(g.w.mul(0.1)), v: p.v.sub(g.v.mul(0.1)) } };
    };
    const filled = (shape: [number, number], seed: number) =>
      tensor(
        Array.from({ length: shape[0] * shape[1] }, (_, i) => Math.sin(i * seed)),
        shape,
      );
    const results = [];
    for (const device of ["cpu", "webgpu"] as const) {
      const parameters = { w: filled([6, 8], 1), v: filled([8, 5], 2) };
      const x = filled([4, 6], 3);
      const program = await compile(step, [parameters, x], { device });
      let state = { w: new DeviceTensor(parameters.w), v: new DeviceTensor(parameters.v) };
      const losses: number[] = [];
      for (let i = 0; i < 3; i++) {
        const result = await program.runOn(state, x);
        losses.push(result.loss.data[0] as number);
        state = result.p;
      }
      results.push({ losses, w: Array.from(state.w.data) });
      await program.dispose();
    }
    const [cpu, gpu] = results;
    gpu?.losses.forEach((value, i) => {
      expect(value).toBeCloseTo(cpu?.losses[i] as number, 5);
    });
    gpu?.w.forEach((value, i) => {
      expect(value).toBeCloseTo(cpu?.w[i] as number, 5);
    });
    expect(cpu?.losses[2]).toBeLessThan(cpu?.losses[0] as number);
  });
});
