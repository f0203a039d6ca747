import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { saveTokenizer, trainBpe } from "./bpe.ts";
import { Tokenizer } from "./tokenizer.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "tokenizer-"));
});
afterAll(() => rm(dir, { recursive: true }));

const trained = trainBpe(["a red square moves left. ".repeat(10)], {
  vocabSize: 300,
  wholeTokens: ["<think>"],
});

it("loads what was saved, with the same ids", async () => {
  await saveTokenizer(dir, trained, { model_max_length: 512 });
  const loaded = await Tokenizer.load(dir);
  const text = "<think>a red fox: 07";
  expect(loaded.encode(text)).toEqual(Tokenizer.fromJson(trained.tokenizer, trained.config).encode(text));
  expect(loaded.config.model_max_length).toBe(512);
  expect(loaded.encode("")).toEqual([]);
});

it("streams whole characters only", () => {
  const tokenizer = Tokenizer.fromJson(trained.tokenizer, trained.config);
  const ids = tokenizer.encode("é€😀!");
  const stream = tokenizer.stream();
  const chunks = ids.map((id) => stream.push(id));
  // Bytes: é 2, € 3, 😀 4; the text of a character comes with its last byte.
  expect(chunks).toEqual(["", "é", "", "", "€", "", "", "", "😀", "!"]);
  expect(stream.end()).toBe("");
});

it("shows what is left of a character that never ends as U+FFFD", () => {
  const tokenizer = Tokenizer.fromJson(trained.tokenizer, trained.config);
  const ids = tokenizer.encode("x€").slice(0, -1);
  expect(tokenizer.decode(ids)).toBe("x\ufffd");
});

it("skips special tokens and ids beyond the vocabulary, and keeps whole tokens", () => {
  const tokenizer = Tokenizer.fromJson(trained.tokenizer, trained.config);
  const ids = [...tokenizer.encode("<think>a<|im_end|>"), tokenizer.size + 5];
  expect(tokenizer.decode(ids)).toBe("<think>a<|im_end|>");
  expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe("<think>a");
  expect(tokenizer.isSpecial(tokenizer.id("<think>") as number)).toBe(false);
  expect([...tokenizer.specialTokens.values()]).toContain("<|video_pad|>");
});

it("says what is wrong with a folder", async () => {
  await expect(Tokenizer.load(join(dir, "none"))).rejects.toMatchObject({ code: "tokenizer-missing" });
  const broken = await mkdtemp(join(dir, "broken-"));
  await writeFile(join(broken, "tokenizer.json"), "{");
  await expect(Tokenizer.load(broken)).rejects.toMatchObject({ code: "tokenizer-invalid" });
  expect(() => Tokenizer.fromJson({ model: {} })).toThrow("must have model.vocab");
  expect(() => Tokenizer.fromJson({ model: { vocab: {} }, decoder: { type: "WordPiece" } })).toThrow(
    "must be byte-level, got decoder WordPiece",
  );
});
