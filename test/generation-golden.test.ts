import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Checkpoint } from "../src/nn/checkpoint.ts";
import { type Generation, Qwen25VL, Tokenizer, trainBpe, type VideoAttention } from "../src/nn/index.ts";
import { SafetensorsFile } from "../src/nn/safetensors.ts";

const golden = join(import.meta.dirname, "../../shared/golden/qwen2_5_vl");

/** Integers of a recorded int64 tensor. */
function integers(file: SafetensorsFile, name: string): number[] {
  const bytes = file.readBytes(name);
  return Array.from(new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8), Number);
}

describe.skipIf(!existsSync(golden))("values that transformers recorded", () => {
  it("gives the same greedy tokens, and the attention of the step that chose the first", async () => {
    const checkpoint = new Checkpoint(golden);
    const file = new SafetensorsFile(join(golden, "golden.safetensors"));
    const trained = trainBpe([], { vocabSize: 264 });
    const model = Qwen25VL.fromParts({
      config: checkpoint.config,
      read: (name) => checkpoint.read(name),
      tokenizer: Tokenizer.fromJson(trained.tokenizer, trained.config),
    });
    const whole = integers(file, "input_ids");
    // Recorded from the prompt without its last token, which is the end-of-sequence token.
    const ids = whole.slice(0, -1);
    const [t, h, w] = integers(file, "video_grid_thw") as [number, number, number];
    const pixelValues = file.read("pixel_values_videos").data;
    const vision = [{ kind: "video" as const, grid: [t, h, w] as const, pixelValues, secondPerGrid: 1.5 }];
    const { generations } = await model.generateTokens([{ ids, vision }], {
      maxNewTokens: 24,
      returnAttention: true,
    });
    const [generation] = generations[0] as [Generation];
    expect(generation.ids).toEqual(integers(file, "generated_ids"));
    expect(generation.finishReason).toBe("length");

    const { heads, patches, weights, share } = generation.attention as VideoAttention;
    expect([heads, patches]).toEqual([4, t]);
    const attention = file.read("attention_last_layer").data;
    const each = (h * w) / 4;
    const start = whole.indexOf(checkpoint.config.video_token_id);
    for (let head = 0; head < heads; head++) {
      const row = (head * whole.length + ids.length - 1) * whole.length;
      let total = 0;
      for (let patch = 0; patch < t; patch++) {
        const from = row + start + patch * each;
        const sum = attention.subarray(from, from + each).reduce((a, b) => a + b, 0);
        total += sum;
        // Both are float32 sums of a few dozen weights: 1e-5 is far above their rounding, far below an error.
        expect(Math.abs((weights[head * t + patch] as number) - sum)).toBeLessThan(1e-5);
      }
      expect(Math.abs((share[head] as number) - total)).toBeLessThan(1e-5);
    }
    file.close();
    checkpoint.close();
    await model.dispose();
  });
});
