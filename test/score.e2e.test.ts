import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { SampleRecord, ScoreSummary } from "../src/evaluation/index.ts";
import { runCli, startCli } from "./run-cli.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const example = "examples/predictions.jsonl";
const real = "../shared/real";
let folder = "";
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "score-"));
});
afterAll(() => rm(folder, { recursive: true }));

const records = async (dir: string) =>
  (await readFile(join(dir, "samples.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as SampleRecord);

it("stops when told to, and the same command goes on from there", async () => {
  const file = at("many.jsonl");
  const row = { question: "What colour?", options: ["red", "blue"], answer: "A" };
  const lines = Array.from({ length: 8000 }, (_, i) => {
    const output = `<think>At 00:${10 + (i % 50)} thing ${i} turns red. So the answer is A.</think><answer>A</answer>`;
    return JSON.stringify({ id: `q-${i}`, video: `${i % 90}.mp4`, ...row, output });
  });
  await writeFile(file, `${lines.join("\n")}\n`);
  const out = at("stopped");
  const { child, result } = startCli(["score", file, "--out", out]);
  const written = async (): Promise<number> =>
    (await stat(join(out, "samples.jsonl")).catch(() => null))?.size ?? 0;
  while ((await written()) === 0) await setTimeout(5);
  child.kill("SIGINT");
  const stopped = await result;
  expect(stopped.code).toBe(130);
  expect(stopped.stderr).toContain("the same command goes on from there");
  const kept = (await records(out)).length;
  expect(kept).toBeLessThan(8000);
  const whole = JSON.parse((await runCli(["score", file, "--out", out, "--json"])).stdout);
  expect(whole).toMatchObject({ outputs: 8000, taken: kept, accuracy: { value: 1, n: 8000 } });
  expect((await records(out)).map(({ id }) => id)).toEqual(lines.map((_, i) => `q-${i}`));
});

describe("the example", () => {
  it("gives figures with their counts, and says what is inconsistent", async () => {
    const { stdout, code } = await runCli(["score", example]);
    expect(code).toBe(0);
    expect(stdout).toContain("12 outputs, 1 cut off");
    expect(stdout).toMatch(/Accuracy +70\.0 % .* 10 +2 /);
    expect(stdout).toContain("kitchen-2: the reasoning concludes C, the answer says A");
    expect(stdout).toContain('"The lid is red, so the correct answer is C."');
    expect(stdout).toContain("cut off at the token limit before an answer");
  });

  it("writes a folder, and takes over what is settled when it is run again", async () => {
    const out = at("out");
    const first = await runCli(["score", example, "--out", out, "--json"]);
    const summary = JSON.parse(first.stdout) as ScoreSummary;
    expect(summary).toMatchObject({
      outputs: 12,
      truncated: 1,
      accuracy: { value: 0.7, n: 10, unscored: 2 },
    });
    expect(first.stderr).toBe("");
    const samples = await records(out);
    expect(samples.map(({ id }) => id).slice(0, 3)).toEqual(["kitchen-1", "kitchen-2", "kitchen-3"]);
    expect(samples[3]).toMatchObject({
      truncated: expect.stringContaining("cut off"),
      accuracy: { score: null },
    });

    // As a killed run leaves it: three whole lines and a piece of one.
    const whole = await readFile(join(out, "samples.jsonl"), "utf8");
    await writeFile(
      join(out, "samples.jsonl"),
      whole.split("\n").slice(0, 3).join("\n").concat('\n{"key": "x'),
    );
    const again = JSON.parse((await runCli(["score", example, "--out", out, "--json"])).stdout);
    expect(again.taken).toBe(3);
    expect(again.accuracy).toEqual(summary.accuracy);
    expect(await readFile(join(out, "samples.jsonl"), "utf8")).toBe(whole);
    const all = JSON.parse(
      (await runCli(["score", example, "--out", out, "--json", "--against", `${out}-none`])).stdout,
    );
    expect(all.error.code).toBe("against-missing");
  });

  it("compares two runs question by question", async () => {
    const lines = (await readFile(example, "utf8")).trim().split("\n");
    const better = lines.map((line) => line.replace("<answer>A</answer>", "<answer>C</answer>"));
    await writeFile(at("better.jsonl"), better.join("\n"));
    await runCli(["score", example, "--out", at("old")]);
    const { stdout } = await runCli(["score", at("better.jsonl"), "--against", at("old"), "--json"]);
    expect(JSON.parse(stdout).against.accuracy).toMatchObject({ better: 1, worse: 0 });
  });
});

describe("wrong use", () => {
  it.each([
    [["score", "nowhere.jsonl"], "traces-unreadable"],
    [["score", "package.json"], "traces-invalid"],
    [["score", example, "--judge", "oracle"], "judge-invalid"],
    [["score", example, "--judge-prompts", "x.json"], "usage"],
    [["score", example, "--compat", "other"], "usage"],
  ])("%j", async (args, error) => {
    const { stdout, code } = await runCli([...args, "--json"]);
    expect(JSON.parse(stdout).error.code).toBe(error);
    expect(code).toBe(2);
  });

  it("names file, line and the fields it found", async () => {
    await writeFile(at("odd.jsonl"), '{"output": "x"}\n{"foo": 1, "bar": 2}\n');
    const { stderr, code } = await runCli(["score", at("odd.jsonl")]);
    expect(stderr).toMatch(/odd\.jsonl:2: must hold the model's output .* found the fields foo, bar/);
    expect(code).toBe(2);
  });
});

describe.skipIf(!existsSync(real))("real traces", () => {
  it("VideoRFT: cut-off outputs are unscored, problem 2 is inconsistent", async () => {
    const file = join(real, "traces/videorft_videommmu_greedy.jsonl");
    const { code } = await runCli(["score", file, "--out", at("videorft")]);
    expect(code).toBe(0);
    const samples = await records(at("videorft"));
    const groups = JSON.parse(await readFile(join(real, "traces/videorft_videommmu_groups.json"), "utf8"));
    const cut = samples.filter(({ truncated }) => truncated !== null);
    for (const id of groups.truncated_no_answer_tag) {
      const sample = samples.find((record) => record.id === String(id));
      if (sample) expect(cut).toContain(sample);
    }
    for (const { accuracy, answer } of cut) expect([accuracy.score, answer]).toEqual([null, null]);
    expect(samples.find(({ id }) => id === "2")).toMatchObject({
      concluded: { value: "D" },
      consistent: { value: false },
      answer: "I",
      gold: "A",
      accuracy: { score: 0 },
    });
  });

  it.each([
    "traces/vsibench_4d_llm_think.json",
    "traces/video_toc_sft_locate.jsonl",
    "lmms_eval_samples/20260110_223334_samples_longvideobench_val_v.head.jsonl",
    "videomme/predictions_official_output_format.json",
  ])("%s", async (name) => {
    for (const compat of ["paper", "reference"]) {
      const { stdout, code } = await runCli(["score", join(real, name), "--compat", compat, "--json"]);
      expect(JSON.parse(stdout).outputs).toBeGreaterThan(0);
      expect(code).toBe(0);
    }
  });
});
