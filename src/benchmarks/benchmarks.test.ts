/** One suite over every benchmark: its tiny edition is read, asked, scored and added up. */

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { UsageError } from "../base/index.ts";
import {
  type Benchmark,
  type BenchmarkQuestion,
  benchmarks,
  findBenchmark,
  missingFiles,
  parsePromptProfile,
  promptForms,
  published,
  type ReadOptions,
} from "./index.ts";
import { tinyBenchmarks, writeBenchmark } from "./testing/write-benchmark.ts";

const root = mkdtempSync(join(tmpdir(), "benchmarks-"));
afterAll(() => rmSync(root, { recursive: true }));

const eleven = benchmarks.filter(({ group }) => group !== "synthetic");
const folderOf = (name: string) => join(root, name);
for (const { name } of eleven) writeBenchmark(name, folderOf(name));

async function read(benchmark: Benchmark, folder = folderOf(benchmark.name), options: ReadOptions = {}) {
  const questions: BenchmarkQuestion[] = [];
  for await (const question of benchmark.read(folder, options)) questions.push(question);
  return questions;
}

/** The error that reading a folder gives. */
const failure = (benchmark: Benchmark, folder: string): Promise<UsageError> =>
  read(benchmark, folder).then(
    () => expect.unreachable(),
    (error: UsageError) => error,
  );

const say = (answer: string) => ({ text: `<think>At 00:02 it is seen.</think><answer>${answer}</answer>` });

/** A profile of made-up words for every benchmark. */
const profile = parsePromptProfile(
  JSON.stringify({
    format: "video-r2-benchmark-prompts",
    name: "made-up",
    benchmarks: Object.fromEntries(
      eleven.map(({ name }) => [
        name,
        {
          pieces: { pre: "«question» is no place here. ", post: "\nSay it." },
          option: "[«letter»] «text»",
          lettered: "«text»",
          templates: Object.fromEntries(
            promptForms[name]?.map((form) => [form, `${form}: «pre»«question»\n«options»«post»`]) ?? [],
          ),
        },
      ]),
    ),
  }),
  "profile.json",
);

describe.each(eleven.map((benchmark) => [benchmark.name, benchmark] as const))("%s", (name, benchmark) => {
  it("is read as it lies on the hub, every video in its place", async () => {
    const questions = await read(benchmark);
    expect(questions.flatMap(({ videos }) => videos)).toEqual(
      tinyBenchmarks[name]?.videos.map((path) => join(folderOf(name), path)),
    );
    expect(new Set(questions.map(({ id }) => id)).size).toBe(questions.length);
    for (const question of questions) {
      expect(question.gold).not.toBeNull();
      expect(question.id.startsWith(`${name}/`)).toBe(true);
      expect(question.options.some(({ text }) => /^\(?[A-E][.)]/.test(text))).toBe(false);
      expect(question.question).not.toContain("(A)");
      expect(Object.keys(question.doc).some((key) => key.includes("image"))).toBe(false);
      expect(() => JSON.stringify(question.doc)).not.toThrow();
      expect(await missingFiles(question)).toEqual([]);
    }
    expect(await read(benchmark)).toEqual(questions);
    const rows = (await benchmark.inspect(folderOf(name))).reduce((sum, table) => sum + table.rows, 0);
    expect(rows).toBe(questions.length);
  });

  it("gives the first of each subset, and finds videos elsewhere", async () => {
    const elsewhere = await read(benchmark, undefined, { limit: 1, videos: join(root, "nowhere") });
    expect(elsewhere).toHaveLength(Math.max(1, benchmark.subsets.length));
    const [first] = elsewhere;
    expect(await missingFiles(first as BenchmarkQuestion)).toEqual(first?.videos);
    expect(first?.videos[0]).toContain(join(root, "nowhere"));
    await expect(read(benchmark, undefined, { limit: 0 })).rejects.toThrow("limit: must be a whole number");
  });

  it("is asked in our words and in a profile's", async () => {
    for (const question of await read(benchmark)) {
      const own = benchmark.prompt(question);
      expect(own).toContain(question.question);
      expect(own).toMatch(/<think><\/think>.*MM:SS.*<answer><\/answer>/);
      for (const { letter, text } of question.options) expect(own).toContain(`(${letter}) ${text}`);
      const imported = benchmark.prompt(question, profile);
      expect(imported).toContain(`«question» is no place here. ${question.doc.question}\n`);
      expect(imported.endsWith("\nSay it.")).toBe(true);
      expect(benchmark.promptForms).toContain(imported.split(":")[0]);
    }
  });

  it("scores the right answer 1 and a wrong one 0, both ways", async () => {
    const questions = await read(benchmark);
    const answer = ({ gold, type }: BenchmarkQuestion) => (type === "text" ? "3.43" : (gold as string));
    const right = questions.map((question) => ({
      question,
      score: benchmark.score(question, say(answer(question))),
    }));
    for (const { question, score } of right) {
      expect([question.id, score.robust.score]).toEqual([question.id, 1]);
      // A gold answer that is a broken list of Python's is beyond the released code.
      if (question.type !== "text") expect([question.id, score.reference.score]).toEqual([question.id, 1]);
      expect(Object.keys(score.logged.fields).length).toBeGreaterThan(0);
    }
    const result = benchmark.aggregate(right);
    expect(result.robust).toMatchObject({ value: 100, n: questions.length, unscored: 0, notes: [] });
    expect(result.questions).toBe(questions.length);
    for (const figures of Object.values(result.robust.groups))
      expect(Object.values(figures).every(({ value }) => value === 100)).toBe(true);
    if (name !== "video_mmmu") expect(result.reference).toMatchObject({ value: 100, notes: [] });

    const wrong = questions.map((question) => {
      const letter = question.options.find((option) => option.letter !== question.gold)?.letter;
      return { question, score: benchmark.score(question, say(letter ?? "-9")) };
    });
    for (const { score } of wrong) {
      expect(score.robust.score).toBe(0);
      expect(score.reference.score).toBe(0);
    }
    expect(benchmark.aggregate(wrong)).toMatchObject({ robust: { value: 0 }, reference: { value: 0 } });
  });

  it("takes what was cut off for a miss, and nothing for nothing", async () => {
    const [question] = (await read(benchmark)) as [BenchmarkQuestion];
    const cut = benchmark.score(question, { text: "<think>Because A and B", finishReason: "length" });
    expect(cut.robust).toEqual({
      parsed: null,
      score: 0,
      reason: "cut off at the token limit before an answer",
    });
    const none = benchmark.score(question, { text: null, failure: "the video could not be read" });
    expect([none.robust, none.reference]).toEqual(
      Array(2).fill({ parsed: null, score: null, reason: "the video could not be read" }),
    );
    const result = benchmark.aggregate([{ question, score: none }]);
    expect(result.robust).toMatchObject({
      value: null,
      n: 0,
      unscored: 1,
      reasons: { "the video could not be read": 1 },
    });
    const long = benchmark.score(question, { text: "It rolls\nand rolls\nand then one cannot tell at all." });
    expect(long.robust).toMatchObject({ score: null, reason: "the output has no answer" });
  });

  it("has figures over nothing", () => {
    const result = benchmark.aggregate([]);
    expect(result.robust).toMatchObject({ value: null, n: 0, unscored: 0 });
    expect(result.reference.value).toBeNull();
  });

  it("says what a folder lacks", async () => {
    const empty = mkdtempSync(join(root, "empty-"));
    writeFileSync(join(empty, "readme.txt"), "");
    expect(await failure(benchmark, empty)).toMatchObject({
      code: "benchmark-folder",
      message: expect.stringMatching(new RegExp(`^${name}: must hold .*, got ${empty} with readme.txt$`)),
      hint: expect.stringContaining(benchmark.source.hub ?? ""),
    });
    expect(await failure(benchmark, join(empty, "none"))).toMatchObject({
      code: "benchmark-folder",
      message: expect.stringContaining("which is not there"),
    });
    expect(readdirSync(empty)).toEqual(["readme.txt"]);
  });
});

describe("the registry", () => {
  it("knows the names of logs, titles and tasks", () => {
    for (const benchmark of benchmarks) {
      expect(findBenchmark(benchmark.name)).toBe(benchmark);
      expect(findBenchmark(benchmark.title)).toBe(benchmark);
      if (benchmark.group !== "synthetic")
        expect(findBenchmark(benchmark.taskName(benchmark.subsets[0] ?? null))).toBe(benchmark);
    }
    expect(findBenchmark("lvb").name).toBe("longvideobench");
    expect(findBenchmark("VideoMMMU").name).toBe("video_mmmu");
    expect(() => findBenchmark("imagenet")).toThrow(/benchmark: must be one of mvbench, .*, got "imagenet"/);
  });

  it("has the task names of the released logs", () => {
    expect(eleven.map((benchmark) => benchmark.taskName(benchmark.subsets[0] ?? null))).toEqual([
      ...["mvbench_action_antonym_think", "videomme_think", "tempcompass_complete_think", "mlvu_dev_think"],
      ...["longvideobench_val_v_think", "videomathqa_mcq_think", "video_mmmu_perception_think"],
      ...["mmvu_val_think", "vsibench_think", "minerva_think", "scivideobench_think"],
    ]);
  });
});

describe("the published numbers", () => {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  /** Both are rounded to one decimal: half of it for the average, as much for what it is made of. */
  const near = (a: number, b: number) => Math.abs(a - b) <= 0.1;

  it("have a figure of every benchmark, and averages that fit", () => {
    const odd: string[] = [];
    for (const { model, accuracy, tac, vas } of published.models) {
      for (const row of [accuracy, tac, vas])
        if (row) expect(Object.keys(row)).toEqual(eleven.map(({ name }) => name));
      const values = Object.values(accuracy);
      const printed = published.averages[model];
      expect(printed, model).toBeDefined();
      if (printed === undefined) continue;
      if (!near(mean(values.slice(0, 5)), printed.generic)) odd.push(`${model} generic`);
      if (!near(mean(values.slice(5)), printed.reasoning)) odd.push(`${model} reasoning`);
      if (!near(mean(values), printed.overall)) odd.push(`${model} overall`);
    }
    // Printed so: 60.6 where the five give 60.4.
    expect(odd).toEqual(["LLaVA-OV generic"]);
  });

  it("of the ablation are means of five and six benchmarks, the last row those of the model", () => {
    const odd: string[] = [];
    for (const step of published.ablation)
      for (const name of ["accuracy", "tac", "vas"] as const) {
        const figure = step[name];
        if (figure && !near((5 * figure.generic + 6 * figure.reasoning) / 11, figure.overall))
          odd.push(`${step.method} ${name}`);
      }
    expect(odd).toEqual(["+ SFT + GRPO vas"]);
    const [model, last] = [published.models.at(-1), published.ablation.at(-1)];
    expect(last?.accuracy).toEqual(published.averages[model?.model ?? ""]);
    expect(near(mean(Object.values(model?.tac ?? {})), last?.tac?.overall ?? 0)).toBe(true);
    expect(near(mean(Object.values(model?.vas ?? {})), last?.vas?.overall ?? 0)).toBe(true);
  });
});
