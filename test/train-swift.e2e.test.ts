import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runCli, startCli } from "./run-cli.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// What runs beside the trainer: data, servers, logs, stops. ms-swift itself is run by scripts/swift-smoke.ts.
const python = fileURLToPath(new URL("stand-in-swift.mjs", import.meta.url));
const recipe = (name: string) => fileURLToPath(new URL(`../recipes/${name}.yaml`, import.meta.url));
let folder = "";
const at = (...path: string[]) => join(folder, ...path);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "swift-"));
  const made = await runCli(["data", "synth", "--out", at("world"), "--count", "2", "--seed", "4"]);
  expect(made.code).toBe(0);
});
afterAll(() => rm(folder, { recursive: true }));

const train = (kind: "sft" | "grpo", out: string, ...more: string[]): string[] => [
  ...["train", kind, recipe(kind === "sft" ? "synth-sft" : "synth-grpo"), "--engine", "swift"],
  ...["--python", python, "--gpus", "0", "--data", at("world", "train.jsonl"), "--out", at(out), ...more],
];

interface Step {
  step: number;
  loss: number;
  accuracy?: number;
  reward?: number;
}
const metrics = async (out: string): Promise<Step[]> =>
  (await readFile(at(out, "metrics.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Step);

describe("train --engine swift", () => {
  it("prints every file and command of the paper's runs, and does nothing", async () => {
    const { stdout, code } = await runCli([
      ...["train", "grpo", recipe("video-r2-7b-grpo"), "--engine", "swift", "--python", python],
      ...["--gpus", "8", "--judge-recipe", recipe("judge-vllm"), "--out", at("dry"), "--dry-run"],
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain("vllm serve Qwen/Qwen3-Next-80B-A3B-Instruct");
    expect(stdout).toContain("--judge http://127.0.0.1:8000/v1#Qwen3-Next-80B-A3B-Instruct");
    expect(stdout).toContain('"num_generations": 8');
    expect(stdout).toContain(`swift.cli.main rlhf ${at("dry", "swift.0.json")}`);
    await expect(readFile(at("dry", "recipe.json"))).rejects.toThrow();
    const without = await runCli([
      ...["train", "sft", recipe("video-r2-7b-sft"), "--engine", "swift", "--python", "/no/such/python"],
      ...["--gpus", "8", "--out", at("dry"), "--dry-run"],
    ]);
    expect(without.code).toBe(0);
    expect(without.stderr).toContain("must be a Python that runs");
    expect(without.stdout).toContain('"lora_rank": 64');
  });

  it("writes data, follows the log, and goes on after a stop", async () => {
    const { child, result } = startCli(train("sft", "sft", "--steps", "60"), { STAND_IN_PAUSE: "60" });
    await vi.waitFor(async () => expect((await metrics("sft")).length).toBeGreaterThan(30), {
      timeout: 60_000,
      interval: 100,
    });
    child.kill("SIGINT");
    const stopped = await result;
    expect(stopped.code).not.toBe(0);
    expect(stopped.stderr).toContain("--resume");
    const before = await metrics("sft");
    expect(before.length).toBeLessThan(60);
    const refused = await runCli(train("sft", "sft", "--steps", "60"));
    expect(refused.stderr).toContain("must not hold a run already");
    const { stdout, code } = await runCli(train("sft", "sft", "--steps", "60", "--resume", "--json"));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ step: 60, finished: true, checkpoint: at("sft", "swift", "checkpoint-50") },
    });
    // From the last checkpoint, which was at 25; each step once.
    expect(await readFile(at("sft", "swift.0.log"), "utf8")).toMatch(/rows from step 25\n/);
    expect((await metrics("sft")).map(({ step }) => step)).toEqual(
      Array.from({ length: 60 }, (_, i) => i + 1),
    );
  });

  it("serves rewards to the trainer, by the recipe", async () => {
    const { stderr, code } = await runCli(train("grpo", "grpo", "--steps", "4"));
    expect({ stderr, code }).toMatchObject({ code: 0 });
    expect(stderr).toMatch(/rewards at http:\/\/127\.0\.0\.1:\d+\/v1\/rewards/);
    const steps = await metrics("grpo");
    expect(steps).toHaveLength(4);
    for (const { reward, accuracy } of steps) {
      // Both completions are in the format, and at most one of A and B is right.
      expect(reward).toBeGreaterThanOrEqual(1);
      expect(accuracy).toBeLessThanOrEqual(0.5);
    }
    const [, port] = /127\.0\.0\.1:(\d+)/.exec(stderr) ?? [];
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  });

  it("says what ms-swift said when it fails, and what is missing before it starts", async () => {
    const failed = await runCli(train("sft", "failed", "--steps", "5"), { STAND_IN_FAILS: "1" });
    expect(failed.code).toBe(2);
    expect(failed.stderr).toContain("CUDA out of memory");
    expect(failed.stderr).toContain("swift.0.log");
    const none = await runCli(train("sft", "none").with(6, "/no/such/python"));
    expect(none.stderr).toContain("must be a Python that runs");
    const odd = await runCli([...train("sft", "odd"), "--gpus", "7"]);
    expect(odd.stderr).toContain("batchSize: must be a multiple of the 7");
  });
});
