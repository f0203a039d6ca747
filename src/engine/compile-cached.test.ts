import { expect, it } from "vitest";
import { compileCached, type np, tensor } from "./index.ts";

it("compiles once for every set of types, and forgets the oldest", async () => {
  let traced = 0;
  const double = compileCached<[ReturnType<typeof tensor>], np.Array>(
    (x) => {
      traced++;
      return x.mul(2);
    },
    { limit: 2 },
  );
  expect((await double.run(tensor([1, 2]))).data).toEqual(Float32Array.of(2, 4));
  expect((await double.run(tensor([3, 4]))).data).toEqual(Float32Array.of(6, 8));
  expect(traced).toBe(1);
  expect((await double.run(tensor([3]))).data).toEqual(Float32Array.of(6));
  expect((await double.run(tensor([3], [1], "int32"))).data).toEqual(Int32Array.of(6));
  expect([traced, double.size]).toEqual([3, 2]);
  await double.run(tensor([1, 2]));
  expect(traced).toBe(4);
  await double.dispose();
  expect(double.size).toBe(0);
});

it("does not keep a program that failed to compile", async () => {
  const bad = compileCached<[ReturnType<typeof tensor>], np.Array>((x) => {
    x.dispose();
    return x.mul(2);
  });
  await expect(bad.run(tensor([1]))).rejects.toMatchObject({ code: "engine-trace" });
  expect(bad.size).toBe(0);
});
