import { expect, it } from "vitest";
import { UsageError } from "../../base/index.ts";
import { LexicalEmbedder } from "../../judges/index.ts";
import { BatchingEmbedder, type BatchingOptions } from "./batching-embedder.ts";

/** The lexical embedder, with a record of its calls; refuses calls with the text `poison`. */
class Recording extends LexicalEmbedder {
  readonly calls: string[][] = [];
  failure = new UsageError("server-refused", "no");

  override async embed(texts: readonly string[]): Promise<Float32Array[]> {
    this.calls.push([...texts]);
    if (texts.includes("poison")) throw this.failure;
    return super.embed(texts);
  }
}

function make(options: BatchingOptions = {}) {
  const inner = new Recording();
  return { inner, batching: new BatchingEmbedder(inner, options) };
}

it("asks once for callers of the same moment, each text once, and gives each its own", async () => {
  const { inner, batching } = make();
  const asked = [["a dog", "a cat"], ["a cat"], [], ["a bird", "a dog", "a bird"]];
  const found = await Promise.all(asked.map((texts) => batching.embed(texts)));
  expect(inner.calls).toEqual([["a dog", "a cat", "a bird"]]);
  const plain = new LexicalEmbedder();
  expect(found).toEqual(await Promise.all(asked.map((texts) => plain.embed(texts))));
  expect([batching.name, batching.threshold]).toEqual([plain.name, plain.threshold]);
});

it("does not wait where a batch is full", async () => {
  const { inner, batching } = make({ batchSize: 2, waitMs: 60_000 });
  await Promise.all([batching.embed(["a"]), batching.embed(["b"])]);
  await batching.embed(["c", "d", "e"]);
  expect(inner.calls).toEqual([
    ["a", "b"],
    ["c", "d", "e"],
  ]);
});

it("tells the sizes of its calls", async () => {
  const seen: number[][] = [];
  const { batching } = make({ onBatch: (...sizes) => seen.push(sizes) });
  await Promise.all([batching.embed(["a", "b"]), batching.embed(["b"])]);
  expect(seen).toEqual([[2, 2]]);
});

it("asks for each caller alone where a text was refused, so that one pays for it", async () => {
  const { inner, batching } = make();
  const results = await Promise.allSettled([
    batching.embed(["a"]),
    batching.embed(["poison", "b"]),
    batching.embed(["c"]),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(inner.calls).toEqual([["a", "poison", "b", "c"], ["a"], ["poison", "b"], ["c"]]);
});

it("does not ask a server that is away once more for each caller", async () => {
  const { inner, batching } = make();
  inner.failure = new UsageError("server-unreachable", "away");
  const results = await Promise.allSettled([batching.embed(["a"]), batching.embed(["poison"])]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(inner.calls).toHaveLength(1);
});

it("answers who waits when it is closed", async () => {
  const { batching } = make({ waitMs: 60_000 });
  const waiting = batching.embed(["a"]);
  await batching.close();
  expect(await waiting).toHaveLength(1);
});
