import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../base/index.ts";
import { fromBfloat16, fromFloat16 } from "./half.ts";
import { readSafetensors, SafetensorsFile, writeSafetensors } from "./safetensors.ts";
import { type FloatTensor, floatTensor } from "./tensor.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "safetensors-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const bits = (data: Float32Array): Uint32Array => new Uint32Array(data.buffer, data.byteOffset, data.length);

describe("safetensors", () => {
  const every = Uint16Array.from({ length: 65536 }, (_, i) => i);

  it.each([
    ["float32", Float32Array.of(1, -0, 3e38, 1e-45, Number.NaN, Number.NEGATIVE_INFINITY)],
    ["bfloat16", fromBfloat16(every)],
    ["float16", fromFloat16(every)],
  ] as const)("keeps %s bit for bit", (dtype, data) => {
    const path = join(folder, `${dtype}.safetensors`);
    const tensors = new Map<string, FloatTensor>([
      ["a", floatTensor(data, [2, data.length / 2])],
      ["empty", floatTensor(new Float32Array(), [0, 3])],
      ["scalar", floatTensor(Float32Array.of(2), [])],
    ]);
    writeSafetensors(path, tensors, { dtype });
    const back = readSafetensors(path);
    expect([...back.keys()]).toEqual(["a", "empty", "scalar"]);
    expect(back.get("a")?.shape).toEqual([2, data.length / 2]);
    expect(back.get("scalar")).toEqual(tensors.get("scalar"));
    expect(bits(back.get("a")?.data as Float32Array)).toEqual(bits(data));
  });

  it("reads tensors larger than a chunk", () => {
    const path = join(folder, "large.safetensors");
    const data = Float32Array.from({ length: (1 << 22) + 5 }, (_, i) => i % 251);
    writeSafetensors(path, new Map([["x", floatTensor(data, [data.length])]]), { dtype: "bfloat16" });
    expect(
      Buffer.from(readSafetensors(path).get("x")?.data.buffer as ArrayBuffer).equals(
        Buffer.from(data.buffer),
      ),
    ).toBe(true);
  });

  it("begins the data at a multiple of 8 bytes and keeps metadata", () => {
    const path = join(folder, "metadata.safetensors");
    writeSafetensors(path, new Map([["x", floatTensor(Float32Array.of(1), [1])]]), {
      metadata: { note: "é" },
    });
    const bytes = readFileSync(path);
    expect((8 + Number(bytes.readBigUInt64LE())) % 8).toBe(0);
    const file = new SafetensorsFile(path);
    expect(file.metadata).toEqual({ note: "é" });
    file.close();
  });

  it("explains what is wrong with a file", () => {
    const path = join(folder, "bad.safetensors");
    const header = (json: string, rest = ""): Buffer => {
      const text = Buffer.from(json);
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(text.length));
      return Buffer.concat([length, text, Buffer.from(rest)]);
    };
    const cases: [Buffer, RegExp][] = [
      [Buffer.alloc(0), /got 0 bytes/],
      [Buffer.from("not a safetensors file at all"), /a header of \d+ bytes/],
      [header("{nonsense"), /not JSON/],
      [header('{"x":{"dtype":"F32","shape":[2]}}'), /malformed entry for "x"/],
      [header('{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', "1234"), /4 bytes for "x"/],
      [header('{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', "1234"), /ends before "x"/],
    ];
    for (const [bytes, message] of cases) {
      writeFileSync(path, bytes);
      expect(() => readSafetensors(path)).toThrow(message);
      expect(() => readSafetensors(path)).toThrow(UsageError);
    }
    expect(() => readSafetensors(join(folder, "absent"))).toThrow(/must be readable/);
  });
});
