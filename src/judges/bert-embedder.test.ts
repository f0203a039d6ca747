import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { BertEmbedder } from "./bert-embedder.ts";
import { type Embedder, similarity } from "./embedder.ts";

const fixture = (name: string) => fileURLToPath(new URL(`../../test/fixtures/${name}`, import.meta.url));
const readJson = <T>(name: string) => JSON.parse(readFileSync(fixture(name), "utf8")) as T;
/** The folder of all-MiniLM-L6-v2, which is too large to keep here. */
const minilm = process.env.VIDEO_R2_MINILM ?? "";

describe("a tiny random BERT", () => {
  const { texts, vectors } = readJson<{ texts: string[]; vectors: number[][] }>("bert/expected.json");
  const load = () => BertEmbedder.load(fixture("bert"), { name: "tiny", threshold: 0.5 });

  it("gives the vectors that transformers computes", async () => {
    const embedder = await load();
    const found = await embedder.embed(texts);
    // Both compute in float32; sums of up to 48 terms in another order differ in the last digits.
    found.forEach((vector, i) => {
      const expected = vectors[i] as number[];
      vector.forEach((x, k) => {
        expect(Math.abs(x - (expected[k] as number))).toBeLessThan(1e-5);
      });
    });
    await embedder.close();
  });

  it("gives a text the same vector alone and among others", async () => {
    const embedder = await load();
    const [alone] = await embedder.embed(["a red car stops"]);
    const among = await embedder.embed(["dog ".repeat(30), "a red car stops", "x".repeat(9)]);
    expect(similarity(alone as Float32Array, among[1] as Float32Array)).toBeCloseTo(1, 5);
    expect(await embedder.embed([])).toEqual([]);
    await embedder.close();
  });

  it("names the file that is missing", async () => {
    await expect(BertEmbedder.load("/nowhere", { threshold: 0 })).rejects.toThrow(
      /config\.json: must be readable/,
    );
  });
});

describe.skipIf(!existsSync(minilm))("all-MiniLM-L6-v2 (VIDEO_R2_MINILM names its folder)", () => {
  it("agrees with sentence-transformers to 1e-4 in cosines", { timeout: 600_000 }, async () => {
    const recorded = readJson<{
      texts: string[];
      pairs: [number, number][];
      cosines: number[];
      starts: number[][];
    }>("minilm.json");
    const embedder: Embedder = await BertEmbedder.load(minilm, { threshold: 0.5 });
    const vectors = await embedder.embed(recorded.texts);
    const worst = Math.max(
      ...recorded.pairs.map(([i, j], k) =>
        Math.abs(
          similarity(vectors[i] as Float32Array, vectors[j] as Float32Array) -
            (recorded.cosines[k] as number),
        ),
      ),
    );
    console.log(`largest difference of ${recorded.pairs.length} cosines: ${worst.toExponential(2)}`);
    expect(worst).toBeLessThan(1e-4);
    recorded.starts.forEach((start, i) => {
      start.forEach((x, k) => {
        expect(Math.abs(x - (vectors[i]?.[k] as number))).toBeLessThan(1e-4);
      });
    });
    await embedder.close();
  });
});
