/** All ways of attending to the same tokens give the same numbers; 1e-5 allows for sums in another order. */

import { describe, expect, it } from "vitest";
import { Random } from "../base/index.ts";
import { compile, type HostTensor, tensor } from "../engine/index.ts";
import { attend, causalBias } from "./attention.ts";
import { loadConfig } from "./config.ts";
import { MASKED } from "./vision-inputs.ts";

const { text } = loadConfig(new URL("../../test/fixtures/qwen", import.meta.url).pathname);
const [BATCH, KV, GROUP, CHANNELS] = [4, 2, 2, 8];

const random = new Random(1);
function noise(shape: number[]): HostTensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Array.from({ length: size }, () => random.normal()),
    shape,
  );
}

/** Cuts `[start, end)` out of an axis. */
function cut(x: HostTensor, axis: number, start: number, end: number): HostTensor {
  const outer = x.shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const inner = x.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const length = x.shape[axis] as number;
  const data = x.data as Float32Array;
  const parts = Array.from({ length: outer }, (_, i) =>
    Array.from(data.subarray((i * length + start) * inner, (i * length + end) * inner)),
  );
  return tensor(
    parts.flat(),
    x.shape.map((d, i) => (i === axis ? end - start : d)),
  );
}

function tokens(length: number) {
  return {
    query: noise([BATCH, KV, GROUP, length, CHANNELS]),
    key: noise([BATCH, KV, length, CHANNELS]),
    value: noise([BATCH, KV, length, CHANNELS]),
  };
}

const rotary = undefined as never;

/** Causal attention of all tokens at once. */
async function whole({ query, key, value }: ReturnType<typeof tokens>, causal = false): Promise<HostTensor> {
  const length = query.shape[3] as number;
  const program = await compile(
    (q, k, v) => attend(text, q, k, v, { rotary, causal, bias: causalBias(length) }, false).mixed,
    [query, key, value],
  );
  const result = await program.run(query, key, value);
  await program.dispose();
  return result;
}

function expectClose(got: HostTensor, wanted: HostTensor): void {
  expect(got.shape).toEqual(wanted.shape);
  got.data.forEach((x, i) => {
    expect(x).toBeCloseTo(wanted.data[i] as number, 5);
  });
}

describe("attend", () => {
  it("computes causal attention in pieces as at once", async () => {
    const all = tokens(150);
    expectClose(await whole(all, true), await whole(all));
  });

  it("reads two caches, one of them with empty slots, as if their tokens were there", async () => {
    const all = tokens(9);
    const wanted = await whole(all);
    const empty = 3;
    // The second cache has slots behind its tokens; what they hold must not count.
    const second = (x: HostTensor): HostTensor => {
      const part = cut(x, 2, 4, 6);
      const padded = new Float32Array(BATCH * KV * (2 + empty) * CHANNELS).fill(99);
      for (let row = 0; row < BATCH * KV; row++)
        padded.set(
          (part.data as Float32Array).subarray(row * 2 * CHANNELS, (row + 1) * 2 * CHANNELS),
          row * (2 + empty) * CHANNELS,
        );
      return tensor(padded, [BATCH, KV, 2 + empty, CHANNELS]);
    };
    const caches = [
      {
        key: cut(all.key, 2, 0, 4),
        value: cut(all.value, 2, 0, 4),
        bias: tensor(new Float32Array(BATCH * 4), [BATCH, 4]),
      },
      {
        key: second(all.key),
        value: second(all.value),
        bias: tensor(
          Array.from({ length: BATCH * (2 + empty) }, (_, i) => (i % (2 + empty) < 2 ? 0 : MASKED)),
          [BATCH, 2 + empty],
        ),
      },
    ];
    const fresh = [cut(all.query, 3, 6, 9), cut(all.key, 2, 6, 9), cut(all.value, 2, 6, 9)] as const;
    const program = await compile(
      (q, k, v, c) => {
        const { mixed, attention } = attend(text, q, k, v, { rotary, caches: c, bias: causalBias(3) }, true);
        return { mixed, attention: attention ?? mixed.ref };
      },
      [...fresh, caches],
    );
    const { mixed, attention } = await program.run(...fresh, caches);
    expectClose(mixed, cut(wanted, 1, 6, 9));
    expect(attention.shape).toEqual([BATCH, KV * GROUP, 3, 4 + 2 + empty + 3]);
    const width = attention.shape[3] as number;
    for (let row = 0; row * width < attention.data.length; row++) {
      const weights = Array.from(attention.data.subarray(row * width, (row + 1) * width));
      expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      expect(weights.slice(6, 6 + empty)).toEqual([0, 0, 0]);
    }
    await program.dispose();
  });

  it("lets consecutive rows share a cache", async () => {
    const own = BATCH / 2;
    const cache = {
      key: noise([own, KV, 5, CHANNELS]),
      value: noise([own, KV, 5, CHANNELS]),
      bias: tensor([0, 0, 0, 0, MASKED, 0, 0, 0, 0, 0], [own, 5]),
    };
    const twice = (x: HostTensor): HostTensor => {
      const size = x.data.length / own;
      const rows = [0, 0, 1, 1].map((row) => Array.from(x.data.subarray(row * size, (row + 1) * size)));
      return tensor(rows.flat(), [BATCH, ...x.shape.slice(1)]);
    };
    const repeated = { key: twice(cache.key), value: twice(cache.value), bias: twice(cache.bias) };
    const { query, key, value } = tokens(2);
    const results: HostTensor[] = [];
    for (const caches of [[cache], [repeated]]) {
      const program = await compile(
        (q, k, v, c) => attend(text, q, k, v, { rotary, caches: c, bias: causalBias(2) }, false).mixed,
        [query, key, value, caches],
      );
      results.push(await program.run(query, key, value, caches));
      await program.dispose();
    }
    expectClose(results[0] as HostTensor, results[1] as HostTensor);
  });
});
