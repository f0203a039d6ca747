import { afterEach, describe, expect, it } from "vitest";
import { type Embedder, similarity } from "./embedder.ts";
import { openEmbedder } from "./open-embedder.ts";
import { stem } from "./stem.ts";
import { json, type ScriptedServer, startServer } from "./testing/scripted-server.ts";

let server: ScriptedServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function alike(embedder: Embedder, a: string, b: string): Promise<number> {
  const [x, y] = await embedder.embed([a, b]);
  return similarity(x as Float32Array, y as Float32Array);
}

describe("lexical", () => {
  it.each([
    ["a red car stops", "the red car comes to a halt", "a woman dices tomatoes"],
    ["the dog jumps over the fence", "A dog leaps over a fence.", "the fence is painted white"],
    ["Three balls appear", "3 balls appeared", "a bell rings"],
    ["Le chien court", "un chien court vite", "la mer est calme"],
  ])("rates %j nearer to %j than to %j", async (text, near, far) => {
    const embedder = await openEmbedder("lexical");
    expect(await alike(embedder, text, near)).toBeGreaterThan((await alike(embedder, text, far)) + 0.2);
  });

  it("gives unit vectors, the same each time, and zeros for nothing", async () => {
    const embedder = await openEmbedder("lexical");
    const texts = ["a red car", "", "🙂", "日本語の字幕", "a ".repeat(5000)];
    const [first, again] = [await embedder.embed(texts), await embedder.embed([...texts].reverse())];
    expect(first).toEqual([...again].reverse());
    expect(first.map((vector) => Number(Math.hypot(...vector).toFixed(5)))).toEqual([1, 0, 1, 1, 1]);
  });

  it("knows regular and some irregular forms", () => {
    const forms = [
      "stops stopped stopping stop",
      "takes taking taken took",
      "men man",
      "carries carried",
      "moves moving",
    ];
    for (const line of forms) expect(new Set(line.split(" ").map(stem)).size).toBe(1);
    expect(["glass", "is", "red", "sing", "left"].map(stem)).toEqual(["glass", "is", "red", "sing", "left"]);
  });

  it("takes another threshold, within bounds", async () => {
    expect((await openEmbedder("lexical", { threshold: 0.2 })).threshold).toBe(0.2);
    await expect(openEmbedder("lexical", { threshold: 2 })).rejects.toThrow(/cosine from -1 to 1/);
  });
});

describe("a server's", () => {
  it("are asked for in batches, tried again, and made unit vectors in the order of the texts", async () => {
    server = await startServer((seen, r, n) => {
      if (n === 2) return json(r, 503, { error: { message: "loading" } });
      const data = (seen.input ?? []).map((text, index) => ({ index, embedding: [text.length, 0] }));
      json(r, 200, { data: data.reverse() });
    });
    const embedder = await openEmbedder(`${server.url}#m`, { threshold: 0.5 });
    const vectors = await embedder.embed(Array.from({ length: 100 }, (_, i) => "x".repeat(i)));
    expect(vectors).toHaveLength(100);
    expect([...(vectors[0] as Float32Array)]).toEqual([0, 0]);
    expect([...(vectors[70] as Float32Array)]).toEqual([1, 0]);
    expect(server.seen).toHaveLength(3);
    expect([embedder.name, embedder.threshold]).toEqual([`${server.url}#m`, 0.5]);
    await embedder.close();
  });

  it("fail with what the server did", async () => {
    server = await startServer((_, r) => json(r, 200, { data: [] }));
    const embedder = await openEmbedder(`${server.url}#m`, { retries: 0 });
    await expect(embedder.embed(["x"])).rejects.toThrow(/one vector for each of 1 texts, got 0/);
  });
});

it("says what a name must be, and how to get a model", async () => {
  await expect(openEmbedder("lamp")).rejects.toThrow(/must be lexical, a folder, hf:org\/name or http/);
  await expect(openEmbedder("hf:nobody/nothing-at-all")).rejects.toMatchObject({
    code: "embedder-missing",
    hint: expect.stringContaining("hf download nobody/nothing-at-all"),
  });
});
