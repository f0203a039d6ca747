/**
 * Rows about one video that share its tokens' way through the network: the loss and every gradient are those of the
 * same rows computed apart, with and without an adapter.
 */

import { describe, expect, it } from "vitest";
import { Random } from "../src/base/index.ts";
import { compile, tensor, valueAndGrad } from "../src/engine/index.ts";
import {
  buildInputs,
  buildTargets,
  crossEntropy,
  initLora,
  loadConfig,
  loadParams,
  loraConfig,
  type Params,
  type Prompt,
  type Tensor,
} from "../src/nn/index.ts";

const FIXTURE = new URL("fixtures/qwen", import.meta.url).pathname;
const config = loadConfig(FIXTURE);
const base = loadParams(FIXTURE);
const { video_token_id: VIDEO } = config;
const lora = loraConfig({ r: 2, lora_alpha: 4, lora_dropout: 0 });

/** Two videos, three questions each, of different lengths; places from the third question token are learnt. */
function makePrompts(): Prompt[] {
  const random = new Random(11);
  const token = (): number => random.integer(1, 140);
  const opening = [token(), token()];
  return [0, 1].flatMap(() => {
    const pixelValues = Float32Array.from({ length: 32 * 96 }, () => random.uniform() - 0.5);
    const vision = [{ kind: "video" as const, grid: [2, 4, 4] as const, secondPerGrid: 1, pixelValues }];
    return [5, 8, 6].map((length) => {
      const own = Array.from({ length }, token);
      const ids = [...opening, ...new Array<number>(8).fill(VIDEO), ...own];
      const labels = ids.map((id, i) => (i < ids.length - length + 2 ? -100 : id));
      return { ids, labels, vision };
    });
  });
}

/** Loss and gradients by parameter. */
async function gradients(prompts: readonly Prompt[], share: number, withAdapter: boolean) {
  // An adapter's second matrix begins as zeros, and then so would the gradient of its first.
  const adapter = withAdapter ? [...initLora(config, lora, 3)] : [];
  const random = new Random(4);
  for (const [, { data }] of adapter) for (let i = 0; i < data.length; i++) data[i] = random.uniform() - 0.5;
  const length = 20;
  const { layout, tensors } = buildInputs(config, prompts, { length, share });
  const skip = layout.shared?.length ?? 0;
  const targets = buildTargets(prompts, length, { count: 8, skip });
  const count = targets.weights.data.reduce((a, b) => a + b, 0);
  const args = [
    Object.fromEntries([...base, ...adapter]),
    tensors,
    targets,
    tensor([1 / count], []),
  ] as const;
  const options = withAdapter ? { adapter: { scale: 2 } } : {};
  const program = await compile(
    (params, inputs, wanted, scale) => {
      const loss = (own: Record<string, Tensor>): Tensor =>
        crossEntropy(config, layout, own as Params, inputs, wanted, scale.ref, options);
      return valueAndGrad(loss)(params);
    },
    args,
    { name: "shared-openings" },
  );
  try {
    const [loss, grads] = await program.run(...args);
    return { layout, loss: loss.data[0] as number, grads: new Map(Object.entries(grads)) };
  } finally {
    await program.dispose();
  }
}

describe.each([false, true])("rows that share openings (adapter: %s)", (withAdapter) => {
  it("give the loss and gradients of the same rows apart", async () => {
    const prompts = makePrompts();
    const apart = await gradients(prompts, 1, withAdapter);
    const shared = await gradients(prompts, 3, withAdapter);
    expect(apart.layout.shared).toBeUndefined();
    expect(shared.layout).toMatchObject({ rows: 6, length: 10, shared: { openings: 2, length: 10 } });
    expect(Math.abs(shared.loss / apart.loss - 1)).toBeLessThan(1e-6);
    const names = [...apart.grads.keys()].filter((name) => !withAdapter || name.includes("lora"));
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) {
      const wanted = apart.grads.get(name)?.data as Float32Array;
      const got = shared.grads.get(name)?.data as Float32Array;
      const largest = wanted.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      const worst = wanted.reduce((a, b, i) => Math.max(a, Math.abs(b - (got[i] as number))), 0);
      expect(largest, name).toBeGreaterThan(0);
      expect(worst, name).toBeLessThan(2e-5 * largest);
    }
  });
});

describe("openings", () => {
  it("end before anything that is learnt and leave each row a token", () => {
    const ids = [7, 8, 9, 10];
    const layoutOf = (prompts: Prompt[]) => buildInputs(config, prompts, { share: 2 }).layout;
    expect(layoutOf([{ ids }, { ids }])).toMatchObject({ length: 1, shared: { openings: 1, length: 3 } });
    const labels = [-100, -100, 9, 10];
    expect(layoutOf([{ ids, labels }, { ids }])).toMatchObject({ shared: { length: 1 } });
    expect(layoutOf([{ ids }, { ids: [6, 8] }]).shared).toBeUndefined();
  });

  it("refuses rows about different videos", () => {
    const prompts = makePrompts();
    expect(() => buildInputs(config, prompts, { share: 2 })).toThrow(
      "prompts 2 to 3: must be about the same video",
    );
  });
});
