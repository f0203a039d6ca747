/** Profiles: what one must hold, and that it is put down byte for byte. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { sha256 } from "../../base/index.ts";
import {
  type BenchmarkQuestion,
  findBenchmark,
  loadPromptProfile,
  parsePromptProfile,
  withoutImageMarks,
} from "../index.ts";

const root = mkdtempSync(join(tmpdir(), "profiles-"));
afterAll(() => rmSync(root, { recursive: true }));

const profileText = (benchmarks: object, more = {}) =>
  JSON.stringify({ format: "video-r2-benchmark-prompts", name: "test", benchmarks, ...more });
const parse = (benchmarks: object, more = {}) => parsePromptProfile(profileText(benchmarks, more), "p.json");

describe("a profile", () => {
  it("has its defaults", () => {
    expect(parse({ mlvu: { templates: { default: "«question»" } } })).toEqual({
      kind: "imported",
      name: "test",
      source: null,
      benchmarks: {
        mlvu: {
          pieces: {},
          templates: { default: "«question»" },
          option: "«letter». «text»",
          separator: "\n",
        },
      },
    });
  });

  it.each([
    [{ mlvu: { templates: {} } }, "benchmarks.mlvu.templates must have default, got none"],
    [
      { vsibench: { templates: { choice: "«question»" } } },
      "benchmarks.vsibench.templates must have number, got none",
    ],
    [
      { mlvu: { templates: { default: "«question»", other: "«question»" } } },
      "templates must be default, got other",
    ],
    [{ mlvu: { templates: { default: "«question»«tail»" } } }, "got «tail»"],
    [{ mlvu: { templates: { default: "Well?" } } }, "must have the place «question», got none"],
    [{ mlvu: { templates: { default: "«question»" }, option: "«letter»" } }, 'got "«letter»"'],
    [
      { mlvu: { templates: { default: "«question»" }, pieces: { question: "x" } } },
      "neither question nor options",
    ],
    [{ synthetic: { templates: { default: "«question»" } } }, "benchmarks must be among mvbench, "],
    [{ mlvu: { template: "«question»" } }, "benchmarks.mlvu.templates"],
  ])("%j is refused", (benchmarks, message) => {
    expect(() => parse(benchmarks)).toThrow(message);
  });

  it("is a file of JSON", async () => {
    expect(() => parsePromptProfile("{", "p.json")).toThrow("p.json: must be JSON");
    await expect(loadPromptProfile(join(root, "none.json"))).rejects.toMatchObject({
      code: "prompt-profile-missing",
    });
    const path = join(root, "p.json");
    writeFileSync(path, profileText({}, { source: "there" }));
    expect(await loadPromptProfile(path)).toMatchObject({ source: "there" });
  });

  it("puts texts in places once, whatever stands in them", async () => {
    const asked = await only("mmvu", "validation.jsonl", [
      {
        ...{ id: "v", video_path: "videos/Law/1.mp4", question_type: "multiple-choice", answer: "A" },
        ...{
          question: "Is «A» $& here? <image>",
          choices: { A: "«question»", B: "b", C: "c", D: "d", E: "e" },
        },
      },
    ]);
    const profile = parse({
      mmvu: { templates: { choice: "«question» | «A» | «E» | «options»" }, separator: "; " },
    });
    const prompt = findBenchmark("mmvu").prompt(asked, profile);
    expect(prompt).toBe("Is «A» $& here? <image> | «question» | e | A. «question»; B. b; C. c; D. d; E. e");
    expect(withoutImageMarks(`${prompt} <image 1>`)).not.toContain("<image>");
    expect(() => findBenchmark("mmvu").prompt(asked, parse({}))).toThrow(
      "prompts test: must have a template choice for mmvu, got none",
    );
  });
});

/** The first of the rows, read through a folder. */
async function only(name: string, path: string, rows: readonly object[]): Promise<BenchmarkQuestion> {
  return (await all(name, path, rows))[0] as BenchmarkQuestion;
}

async function all(name: string, path: string, rows: readonly object[]): Promise<BenchmarkQuestion[]> {
  const folder = mkdtempSync(join(root, "data-"));
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  const text = path.endsWith("l")
    ? rows.map((row) => `${JSON.stringify(row)}\n`).join("")
    : JSON.stringify(rows);
  writeFileSync(join(folder, path), text);
  const questions: BenchmarkQuestion[] = [];
  for await (const question of findBenchmark(name).read(folder)) questions.push(question);
  return questions;
}

const shared = "../shared";
const lines = (path: string) =>
  readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

describe.skipIf(!existsSync(`${shared}/spec/reference-prompts.json`))("the released prompts", () => {
  it("of MMVU", async () => {
    const strings = JSON.parse(readFileSync(`${shared}/spec/reference-prompts.json`, "utf8"));
    const released: string = strings.mmvu.multiple_choice;
    const rows = lines(`${shared}/real/mmvu/validation_official.jsonl`);
    const questions = await all("mmvu", "validation.jsonl", rows);
    expect(questions.length).toBeGreaterThan(10);
    const place = (_: string, name: string) => `«${name === "question" ? name : name.toUpperCase()}»`;
    const profile = parse({ mmvu: { templates: { choice: released.replace(/\{(\w+)\}/g, place) } } });
    for (const question of questions) {
      const choices = question.doc.choices as Record<string, string>;
      const expected = released.replace(/\{(\w+)\}/g, (_, name: string) =>
        name === "question" ? String(question.doc.question) : (choices[name.toUpperCase()] as string),
      );
      const prompt = findBenchmark("mmvu").prompt(question, profile);
      expect(prompt).toBe(expected);
      expect(prompt).toContain(strings.THINK);
      expect(findBenchmark("mmvu").prompt(question)).not.toContain(strings.THINK.slice(0, 40));
    }
  });

  it("of a real log of LongVideoBench, by their hashes", async () => {
    const log = lines(
      `${shared}/real/lmms_eval_samples/20260110_223334_samples_longvideobench_val_v.head.jsonl`,
    );
    const rows = JSON.parse(readFileSync(`${shared}/real/longvideobench/lvb_val_head.json`, "utf8"));
    const questions = await all("longvideobench", "lvb_val.json", rows);
    // What follows the options in the first row is the profile's piece; the others have to come out the same.
    const post = String(log[0].input)
      .split("\n")
      .slice(1)
      .filter((line) => !/^[A-E]\. /.test(line));
    const profile = parse({
      longvideobench: {
        pieces: { post: post.join("\n") },
        templates: { default: "«question»\n«options»\n«post»" },
      },
    });
    let compared = 0;
    for (const { input, prompt_hash, target, lvb_acc, filtered_resps } of log) {
      const question = questions.find(({ doc }) => String(input).startsWith(`${doc.question}\n`));
      if (question === undefined) continue;
      compared++;
      const benchmark = findBenchmark("longvideobench");
      expect(sha256(benchmark.prompt(question, profile))).toBe(prompt_hash);
      expect(question.target).toBe(target);
      const { fields } = benchmark.score(question, { text: filtered_resps[0] }).logged;
      // That version of lmms-eval names the video where the released one names the question.
      expect({ ...(fields.lvb_acc as object), id: question.doc.video_id }).toEqual(lvb_acc);
    }
    expect(compared).toBeGreaterThan(0);
  });
});
