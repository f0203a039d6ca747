import fc from "fast-check";
import { expect, it } from "vitest";
import { QWEN_SPECIAL_TOKENS, trainBpe } from "./bpe.ts";
import { BYTE_CHARS, tokenBytes } from "./bpe-bytes.ts";
import { Tokenizer } from "./tokenizer.ts";

it("spells every byte with a character of its own", () => {
  expect(new Set(BYTE_CHARS).size).toBe(256);
  expect(BYTE_CHARS[0x20]).toBe("Ġ");
  expect(BYTE_CHARS[0x0a]).toBe("Ċ");
  expect(tokenBytes("Ġa")).toEqual(new Uint8Array([0x20, 0x61]));
  expect(tokenBytes(" ")).toBeUndefined();
});

it("merges the most frequent pair first, worked by hand", () => {
  // "abab" x 3 and "bc" x 4: ab 6, bc 4, ba 3. After (a,b): (ab,ab) 3, bc 4. After (b,c): (ab,ab) 3.
  const { tokenizer } = trainBpe(["abab", "abab", "abab", "bc", "bc", "bc", "bc"], {
    vocabSize: 300,
    specialTokens: [],
  });
  expect(tokenizer.model.merges).toEqual([
    ["a", "b"],
    ["b", "c"],
    ["ab", "ab"],
  ]);
  expect(Object.keys(tokenizer.model.vocab)).toHaveLength(259);
  expect(tokenizer.model.vocab.abab).toBe(258);
});

it("breaks ties by the smaller ids, whatever the order of the texts", () => {
  const train = (texts: string[]) =>
    trainBpe(texts, { vocabSize: 258, specialTokens: [] }).tokenizer.model.merges;
  expect(train(["xy", "xy", "ab", "ab"])).toEqual(train(["ab", "xy", "ab", "xy"]));
  expect(train(["xy", "xy", "ab", "ab"])[0]).toEqual(["a", "b"]);
});

it("keeps digits, special tokens and whole tokens single", () => {
  const text = "<think>At 12:34 it is 1234 1234 1234</think>".repeat(20);
  const trained = trainBpe([text], { vocabSize: 320, wholeTokens: ["<think>", "</think>"] });
  const tokenizer = Tokenizer.fromJson(trained.tokenizer, trained.config);
  const last = tokenizer.size;
  expect(tokenizer.id("</think>")).toBe(last - 1);
  expect(tokenizer.id("<|endoftext|>")).toBe(last - 2 - QWEN_SPECIAL_TOKENS.length);
  const pieces = tokenizer.encode("<think>12:34<|im_end|>").map((id) => tokenizer.decode([id]));
  expect(pieces).toEqual(["<think>", "1", "2", ":", "3", "4", "<|im_end|>"]);
  expect(Object.keys(trained.tokenizer.model.vocab).some((token) => /\d./.test(token))).toBe(false);
});

it("round-trips any text in NFC", () => {
  const trained = trainBpe(["the red square appears at 00:05, the blue circle at 00:12. ".repeat(9)], {
    vocabSize: 340,
    wholeTokens: ["<answer>"],
  });
  const tokenizer = Tokenizer.fromJson(trained.tokenizer, trained.config);
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (raw) => {
      const text = raw.normalize("NFC");
      const ids = tokenizer.encode(text);
      expect(tokenizer.decode(ids)).toBe(text);
    }),
    { numRuns: 300 },
  );
});

it("refuses a vocabulary that has no room for the bytes", () => {
  expect(() => trainBpe(["a"], { vocabSize: 256 })).toThrow("vocabSize: must be at least 264, got 256");
});
