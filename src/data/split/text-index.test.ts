import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalWords } from "../../trace/index.ts";
import { TextIndex } from "./text-index.ts";

const index = (...questions: string[]) =>
  new TextIndex(questions.map((question, i) => ({ id: String(i), text: { question, options: [] } })));
const find = (searched: TextIndex, question: string, options: string[] = []) =>
  searched.find({ question, options });

const known = "Which of the two red boats reaches the small harbour first after the storm has passed?";

describe("TextIndex", () => {
  it("finds the same words in other spelling, and nearly the same words", () => {
    const searched = index("How does the man open the large wooden box on the table?", known);
    expect(find(searched, known.toUpperCase().replace("?", " ?!"))).toEqual({ of: "1", similarity: 1 });
    // 13 words without articles, so 11 shingles, of which the last one differs.
    const near = find(searched, known.replace("passed", "gone"));
    expect(near).toMatchObject({ of: "1", similarity: expect.closeTo(10 / 12, 10) });
  });

  it("finds options in another order, and tells other options apart", () => {
    const options = ["a grey cat", "a brown dog", "a white horse"];
    const question = "Which animal is it that comes in?";
    const searched = new TextIndex([{ id: "x", text: { question, options } }]);
    expect(find(searched, question, options.toReversed())).toEqual({ of: "x", similarity: 1 });
    expect(find(searched, question, ["one old man", "two young women", "three boys"])).toBeNull();
  });

  it("leaves short questions alone, which are alike by chance", () => {
    expect(find(index("What is the man doing?"), "What is the man doing?")).toBeNull();
  });

  it("finds exactly what comparing every pair finds", () => {
    const words = fc.array(fc.constantFrom("red", "boat", "man", "runs", "then", "falls"), {
      minLength: 8,
      maxLength: 14,
    });
    const shingles = (text: string) => {
      const list = canonicalWords(text);
      return new Set(list.slice(2).map((_, i) => list.slice(i, i + 3).join(" ")));
    };
    fc.assert(
      fc.property(
        fc.array(words, { minLength: 1, maxLength: 12 }),
        words,
        fc.constantFrom(0.3, 0.5, 0.8, 1),
        (texts, query, threshold) => {
          const sets = texts.map((text) => shingles(text.join(" ")));
          const asked = shingles(query.join(" "));
          const best = Math.max(
            ...sets.map((set) => {
              const shared = [...asked].filter((one) => set.has(one)).length;
              return shared / (asked.size + set.size - shared);
            }),
          );
          const searched = new TextIndex(
            texts.map((text, i) => ({ id: String(i), text: { question: text.join(" "), options: [] } })),
            { threshold },
          );
          const found = searched.find({ question: query.join(" "), options: [] });
          if (best >= threshold - 1e-9) expect(found?.similarity).toBeCloseTo(best, 12);
          else expect(found).toBeNull();
        },
      ),
    );
  });
});
