import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { synthesize } from "../src/data/index.ts";
import { runCli, startCli } from "./run-cli.ts";
import { writeTinyCheckpoint } from "./tiny-checkpoint.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let folder = "";
const at = (name: string) => join(folder, name);
const common = {
  model: "tiny",
  data: "world/train.jsonl",
  video: { fps: 1, minFrames: 4, maxFrames: 4, minPixels: 3136, maxPixels: 3136 },
  freeze: [],
  padTo: 256,
  saveEvery: 100,
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "train-"));
  await writeTinyCheckpoint(at("tiny"));
  const world = { seed: 1, split: "train" as const, count: 2, questionsPerVideo: 2, lengths: [8], size: 64 };
  for await (const _ of synthesize({ ...world, out: at("world"), workers: 0 }));
  await writeFile(at("sft.json"), JSON.stringify({ kind: "sft", ...common, batchSize: 2, steps: 2 }));
  const grpo = { kind: "grpo", ...common, promptsPerStep: 1, groupSize: 2, maxNewTokens: 8 };
  await writeFile(at("grpo.json"), JSON.stringify({ ...grpo, maskTruncated: false, steps: 400 }));
});
afterAll(() => rm(folder, { recursive: true }));

describe("train grpo", () => {
  it("stops at Ctrl-C with a checkpoint, says how to go on, and refuses another recipe then", async () => {
    const args = ["train", "grpo", at("grpo.json"), "--threads", "1"];
    const { child, result } = startCli([...args, "--out", at("run")]);
    await vi.waitFor(() => expect(existsSync(at("run/metrics.jsonl"))).toBe(true), {
      timeout: 120_000,
      interval: 100,
    });
    child.kill("SIGINT");
    const { stderr, code } = await result;
    expect(stderr).toContain("4 rows, 400 steps of 1 question x 2 completions; training ");
    expect(stderr).toContain("stopping after this step");
    expect(stderr).toMatch(/go on with: video-r2 train grpo \S*grpo\.json --threads 1 --out \S*run --resume/);
    expect(code).toBe(1);
    const { step } = JSON.parse(
      (await readFile(at("run/metrics.jsonl"), "utf8")).trim().split("\n").at(-1) ?? "",
    );
    const refused = await runCli([...args, "--out", at("run"), "--json"]);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: "run-exists" } });
    expect(refused.code).toBe(2);
    expect(step).toBeLessThan(400);
    const other = await runCli([
      ...args,
      "--out",
      at("run"),
      "--resume",
      "--steps",
      String(step + 1),
      "--json",
    ]);
    expect(JSON.parse(other.stdout)).toMatchObject({ error: { code: "run-recipe" } });
  });

  it("trains a model that answers, as one JSON document", async () => {
    const { stdout, stderr, code } = await runCli([
      ...["train", "grpo", at("grpo.json"), "--steps", "2", "--threads", "1", "--json"],
      ...["--out", at("whole"), "--heldout", at("world/train.jsonl")],
    ]);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(JSON.parse(stdout)).toEqual({
      step: 2,
      finished: true,
      model: at("whole/model"),
      metrics: `${at("whole")}/metrics.jsonl`,
    });
    const asked = await runCli([
      ...["ask", at("world/videos/train-1-000000.mp4"), "What is seen?", "--model", at("whole/model")],
      ...["--max-tokens", "8", "--samples", "3", "--json"],
    ]);
    const { samples, vote } = JSON.parse(asked.stdout);
    expect(samples).toHaveLength(3);
    expect(vote.grounding).toHaveLength(3);
  });

  it("killed at whatever moments and resumed, ends with the very weights of a run left alone", async () => {
    const args = ["train", "grpo", at("grpo.json"), "--threads", "1", "--steps", "40", "--json"];
    // As if it were its own child already, so that the kill hits the process that trains.
    const env = { MALLOC_TRIM_THRESHOLD_: String(2 ** 34) };
    await writeFile(
      at("often.json"),
      JSON.stringify({ ...JSON.parse(await readFile(at("grpo.json"), "utf8")), saveEvery: 3 }),
    );
    const lines = async () =>
      (await readFile(at("killed/metrics.jsonl"), "utf8").catch(() => "")).split("\n");
    const often = args.with(2, at("often.json"));
    let before = 0;
    for (const wait of [0, 23, 61]) {
      const resume = before === 0 ? [] : ["--resume"];
      const { child, result } = startCli([...often, "--out", at("killed"), ...resume], env);
      await vi.waitFor(async () => expect((await lines()).length).toBeGreaterThan(before + 5), {
        timeout: 120_000,
        interval: 5,
      });
      await new Promise((resolve) => setTimeout(resolve, wait));
      child.kill("SIGKILL");
      expect((await result).code).toBeNull();
      before = (await lines()).length;
    }
    expect(before).toBeLessThan(40);
    const resumed = await runCli([...often, "--out", at("killed"), "--resume"], env);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ step: 40, finished: true });
    const whole = await runCli([...args, "--out", at("alone")], env);
    expect(JSON.parse(whole.stdout)).toMatchObject({ step: 40, finished: true });
    for (const name of ["model/model.safetensors", "samples.jsonl"])
      expect((await readFile(at(`killed/${name}`))).equals(await readFile(at(`alone/${name}`))), name).toBe(
        true,
      );
  });

  it("takes a recipe of its own kind only, and shows it whole", async () => {
    const wrong = await runCli(["train", "grpo", at("sft.json"), "--out", at("x"), "--json"]);
    expect(JSON.parse(wrong.stdout).error).toMatchObject({ code: "recipe-invalid" });
    expect(wrong.code).toBe(2);
    const shown = await runCli(["train", "grpo", at("grpo.json"), "--out", at("x"), "--dry-run"]);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      kind: "grpo",
      lossType: "bnpo",
      beta: 0.04,
      groupSize: 2,
    });
  });
});

it("train sft trains, and its model can be asked", async () => {
  const { stdout, code } = await runCli([
    ...["train", "sft", at("sft.json"), "--threads", "1", "--json", "--out", at("sft")],
  ]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ step: 2, finished: true });
});
