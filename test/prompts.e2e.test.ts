/** `video-r2 prompts`: a checkout's words become a file, which `eval` asks in. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sha256 } from "../src/base/index.ts";
import { writeBenchmark } from "../src/benchmarks/testing/write-benchmark.ts";
import { writeCheckout } from "../src/benchmarks/testing/write-checkout.ts";
import { runCli } from "./run-cli.ts";

const root = mkdtempSync(join(tmpdir(), "prompts-"));
const checkout = join(root, "theirs");
const out = join(root, "prompts.json");
beforeAll(() => writeCheckout(checkout));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it("imports, shows, and asks in a checkout's words", async () => {
  const imported = await runCli(["prompts", "import", checkout, "--out", out]);
  expect(imported).toMatchObject({ code: 0, stderr: "" });
  expect(imported.stdout).toContain(
    "imported  mvbench         tasks/mvbench_think/utils.py:8 words (20 tasks, default)\n",
  );
  expect(imported.stdout).toMatch(
    /prompts\.json: 11 of 11 benchmarks, theirs@[\da-f]{8}\nsha256 [\da-f]{64}\n$/,
  );
  expect(imported.stdout).toContain(sha256(readFileSync(out)));

  const shown = await runCli(["prompts", "show", "vsi-bench", "--prompts", out]);
  expect(shown.stdout).toMatch(
    /^vsibench, choice, theirs@\w+\nA room\\house\.\nWhat colour is the ball\?\nChoices:\nA\. red\n.*\nvsibench, number, /s,
  );

  const data = join(root, "videomathqa");
  writeBenchmark("videomathqa", data);
  const eval_ = ["eval", "videomathqa", "--data", data, "--prompts", out, "--dry-run", "--json"];
  const asked = await runCli(eval_);
  expect(JSON.parse(asked.stdout)[0].example).toBe(
    'Pick one, "A" to "E".\nWhat colour is the ball?\nA. red\nB. green\nC. blue\nD. white\nE. black\nCount twice.',
  );
});

it("shows our own words without a file", async () => {
  const { stdout } = await runCli(["prompts", "show", "--json"]);
  const shown = JSON.parse(stdout) as { benchmark: string; form: string; words: string; prompt: string }[];
  expect(shown).toHaveLength(16);
  expect(shown[0]).toMatchObject({ benchmark: "mvbench", form: "default", words: "own-v1" });
  expect(shown[0]?.prompt).toContain("What colour is the ball?");
});

it("says what is left out, with 1", async () => {
  const other = join(root, "other");
  writeCheckout(other, { "mmvu_think/utils.py": "def words(doc, kwargs=None):\n    return ask(doc)\n" });
  const file = join(root, "other.json");
  const { code, stdout } = await runCli([
    "prompts",
    "import",
    other,
    "mmvu",
    "mlvu",
    "--out",
    file,
    "--json",
  ]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    out: file,
    imported: [{ benchmark: "mlvu", tasks: ["mlvu_dev_think"], keys: ["default"] }],
    leftOut: [
      {
        benchmark: "mmvu",
        reason:
          "tasks/mmvu_think/utils.py:2: ask must be a name that is understood, it is not (in what words does)",
      },
    ],
  });
  const none = await runCli(["prompts", "import", other, "mmvu", "--out", join(root, "none.json")]);
  expect(none).toMatchObject({ code: 1, stdout: expect.stringContaining("nothing is written\n") });
});

it("refuses what is no checkout, another benchmark, and to write over another file", async () => {
  const file = join(root, "notes.json");
  writeFileSync(file, "{}");
  for (const [args, message] of [
    [["import", root], `must be a checkout of lmms-eval, got none of ${join(root, "lmms_eval/tasks")}`],
    [["import", checkout, "synthetic"], "benchmark: must be one of mvbench, "],
    [["import", checkout, "--variant", "other"], "--variant: must be one of think, plain"],
    [["import", checkout, "--out", file], "must be a new file or one of prompts"],
  ] as const) {
    const { code, stderr } = await runCli(["prompts", ...args]);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  }
  expect(readFileSync(file, "utf8")).toBe("{}");
});
