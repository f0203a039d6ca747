import { expect, it } from "vitest";
import { compile } from "../compile.ts";
import { grad, np } from "../jax.ts";
import { tensor } from "../tensor.ts";

// With ScatterND, ONNX Runtime lost additions here in one run of ten: two threads added to the same row.
it("adds every one of many updates of the same rows, whatever the threads", async () => {
  const [rows, width, updates] = [3, 192, 8192];
  const index = tensor(
    Int32Array.from({ length: updates }, (_, i) => (i * 7) % rows),
    [updates],
    "int32",
  );
  const table = tensor(new Float32Array(rows * width), [rows, width]);
  const weight = tensor(new Float32Array(updates * width).fill(1), [updates, width]);
  const program = await compile(
    (t, i, w) => grad((x: typeof t) => np.sum(np.take(x, i, 0).mul(w)))(t),
    [table, index, weight],
    { threads: 4 },
  );
  const expected = Array.from({ length: rows }, (_, r) => index.data.filter((i) => i === r).length);
  for (let run = 0; run < 5; run++) {
    const { data } = await program.run(table, index, weight);
    // Counts are integers below 2^24, so float32 holds them exactly.
    expect([...new Set(data)].sort()).toEqual([...new Set(expected)].sort());
    expect(data.every((x, i) => x === expected[Math.floor(i / width)])).toBe(true);
  }
  await program.dispose();
});
