import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Random } from "../src/base/index.ts";
import { tinyBenchmarks, writeBenchmark } from "../src/benchmarks/testing/write-benchmark.ts";
import { say, startServer } from "../src/judges/testing/scripted-server.ts";
import { encodeJpeg, sampleVideo } from "../src/video/index.ts";
import { type AnsweringServer, startAnsweringServer } from "./answering-server.ts";
import { runCli, startCli } from "./run-cli.ts";
import { writeTinyVideo } from "./tiny-video.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

// Every benchmark in its real layout, with real videos, behind a real server.
const names = Object.keys(tinyBenchmarks);
let folder = "";
let server: AnsweringServer;
const at = (...path: string[]) => join(folder, ...path);
const model = () => ["--model", `${server.url}#answering`];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eval-"));
  await writeTinyVideo(at("tiny.mp4"));
  const video = await readFile(at("tiny.mp4"));
  for (const name of names) {
    const paths = writeBenchmark(name, at("data", name), video);
    const frames = paths.find((path) => path.includes("/tvqa/"));
    if (frames !== undefined) await asPictures(frames);
  }
  server = await startAnsweringServer(undefined, 5);
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** Puts a folder of pictures of the tiny video in its place, as TVQA comes. */
async function asPictures(path: string): Promise<void> {
  const { frames } = await sampleVideo(path, { maxFrames: 8 });
  await rm(path);
  await mkdir(path);
  for (const [i, frame] of frames.entries())
    await writeFile(join(path, `${String(i + 1).padStart(5, "0")}.jpg`), encodeJpeg(frame));
}

/** What `eval --dry-run --json` prints. */
type DryRun = {
  benchmark: string;
  questions: number;
  missing: unknown[];
  time: { seconds: number; basis: string } | null;
}[];

/** What `report --json` prints. */
type Tables = {
  name: string;
  heads: string[];
  rows: { label: string; cells: (number | string | null)[] }[];
  notes: string[];
}[];

/** The answers of a run in lmms-eval's format, by task. */
async function logs(...path: string[]): Promise<Record<string, string[]>> {
  const files = (await readdir(at(...path))).filter((name) => name.includes("_samples_")).sort();
  const entries = files.map(async (name): Promise<[string, string[]]> => {
    const text = await readFile(at(...path, name), "utf8");
    return [name.replace(/^.*_samples_/, ""), text.trim().split("\n")];
  });
  return Object.fromEntries(await Promise.all(entries));
}

describe("eval", () => {
  it("checks data and prompts of all benchmarks without asking anything", async () => {
    const { stdout, code } = await runCli([
      ...["eval", ...names, "--data", at("data"), ...model()],
      ...["--dry-run", "--json"],
    ]);
    expect(code).toBe(0);
    const found = JSON.parse(stdout) as DryRun;
    expect(found.map(({ benchmark }) => benchmark)).toEqual(names);
    for (const { questions, missing, time } of found) {
      expect(questions).toBeGreaterThan(1);
      expect(missing).toEqual([]);
      expect(time).toBeNull();
    }
    expect(server.requests()).toBe(0);
  });

  it("runs all of them, scored both ways, and leaves logs that score reads", async () => {
    const { stdout, stderr, code } = await runCli([
      ...["eval", ...names, "--data", at("data"), ...model()],
      ...["--out", at("all"), "--json"],
    ]);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    const runs = JSON.parse(stdout) as {
      record: {
        benchmark: string;
        questions: number;
        frames: number;
        failed: number;
        seconds: number;
        commit: string | null;
      };
      result: { robust: { n: number; unscored: number }; reference: { value: number | null } };
      scores: { outputs: number; agreement: { n: number } };
    }[];
    expect(runs.map(({ record }) => record.benchmark)).toEqual(names);
    expect(runs.reduce((sum, { record }) => sum + record.questions, 0)).toBe(server.requests());
    for (const { record, result, scores } of runs) {
      expect(record.failed, record.benchmark).toBe(0);
      // Null where the package is no checkout.
      expect(record.commit ?? "0".repeat(40)).toMatch(/^[0-9a-f]{40}$/);
      expect(record.frames, record.benchmark).toBeGreaterThanOrEqual(4 * record.questions);
      expect(result.robust.n + result.robust.unscored, record.benchmark).toBe(record.questions);
      expect(result.reference.value, record.benchmark).not.toBeNull();
      expect(scores.outputs, record.benchmark).toBe(record.questions);
      const rows = Object.values(await logs("all", record.benchmark)).flat();
      expect(rows).toHaveLength(record.questions);
      const [row] = rows.map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(row).toMatchObject({ doc_id: 0, filtered_resps: [expect.stringContaining("<answer>")] });
    }
    const asked = server.requests();
    const estimate = async (...more: string[]) => {
      const dry = ["eval", "mlvu", "--data", at("data"), ...model(), "--dry-run", "--json", ...more];
      return (JSON.parse((await runCli(dry)).stdout) as DryRun)[0]?.time;
    };
    // As fast as it was; or as some of the questions are now.
    expect(await estimate("--out", at("all"))).toMatchObject({
      basis: "as fast as mlvu was (7 questions)",
      seconds: runs[names.indexOf("mlvu")]?.record.seconds,
    });
    expect(server.requests()).toBe(asked);
    const probing = await startAnsweringServer(undefined, 5);
    const probe = await runCli([
      ...["eval", "mlvu", "--data", at("data"), "--model", `${probing.url}#answering`, "--concurrency", "3"],
      ...["--dry-run", "--probe"],
    ]);
    expect(probe.stdout).toMatch(/about \d+ s, as fast as 3 of the questions, just asked/);
    expect(probing.requests()).toBe(3);
    await probing.close();
    const again = await runCli([
      ...["eval", ...names, "--data", at("data"), ...model(), "--out", at("all"), "--json"],
    ]);
    expect(again.code).toBe(0);
    expect(server.requests()).toBe(asked);
  });

  it("killed at ten moments and started again, leaves the logs of a run left alone", async () => {
    const args = [
      "eval",
      "mvbench",
      "mlvu",
      "--data",
      at("data"),
      ...model(),
      "--concurrency",
      "2",
      "--json",
    ];
    // As if it were its own child already, so that the kill hits the process that asks.
    const env = { MALLOC_TRIM_THRESHOLD_: String(2 ** 34) };
    const slow = await startAnsweringServer(undefined, 40);
    const killed = args.with(args.indexOf("--model") + 1, `${slow.url}#answering`);
    const random = new Random(3);
    let kills = 0;
    try {
      for (let i = 0; i < 10; i++) {
        const before = slow.requests();
        const { child, result } = startCli([...killed, "--out", at("killed")], env);
        const ended = result.then(() => true);
        // Some moments fall before the first request of a run, most between two.
        const wanted = before + random.integer(0, 6);
        await Promise.race([
          vi.waitFor(() => expect(slow.requests()).toBeGreaterThan(wanted), { timeout: 60_000, interval: 2 }),
          ended,
        ]).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, random.integer(0, 30)));
        if (child.kill("SIGKILL")) kills++;
        await result;
      }
      const last = await runCli([...killed, "--out", at("killed"), "--json"], env);
      expect(last.code).toBe(0);
    } finally {
      await slow.close();
    }
    expect(kills).toBeGreaterThan(4);
    await runCli([...args, "--out", at("alone")], env);
    for (const name of ["mvbench", "mlvu"]) {
      const [one, other] = [await logs("killed", name), await logs("alone", name)];
      expect(one).toEqual(other);
      expect(Object.keys(one).length).toBeGreaterThan(0);
    }
  });

  it("divides a benchmark into parts that have every question once", async () => {
    const ids: string[] = [];
    for (const part of ["1/2", "2/2"]) {
      const { code } = await runCli([
        ...[
          "eval",
          "mvbench",
          "--data",
          at("data"),
          ...model(),
          "--shard",
          part,
          "--out",
          at("parts"),
          "--json",
        ],
      ]);
      expect(code).toBe(0);
      const rows = Object.values(await logs("parts", `mvbench.${part.replace("/", "-of-")}`)).flat();
      ids.push(...rows.map((line) => (JSON.parse(line) as { video_r2: { id: string } }).video_r2.id));
    }
    const whole = Object.values(await logs("all", "mvbench")).flat();
    expect(ids.sort()).toEqual(
      whole.map((line) => (JSON.parse(line) as { video_r2: { id: string } }).video_r2.id).sort(),
    );
  });

  it("reports on them: the paper's table, parts put together, one run against another, in every format", async () => {
    const whole = await runCli(["report", at("all"), "--published", "--json"]);
    expect(whole.code).toBe(0);
    const tables = JSON.parse(whole.stdout) as Tables;
    const accuracy = tables.find(({ name }) => name === "accuracy");
    expect(accuracy?.heads[5]).toBe("generic");
    expect(accuracy?.heads.slice(-2)).toEqual(["reasoning", "average"]);
    const [printed, own] = (accuracy?.rows ?? []).slice(-2);
    expect([printed?.label, own?.label]).toEqual(["Video-R2 (as printed)", "answering"]);
    // Of the printed numbers the mean of eleven is printed too: 53.0.
    expect(printed?.cells.at(-1)).toBeCloseTo(53.0, 1);
    const values = [...(own?.cells.slice(0, 5) ?? []), ...(own?.cells.slice(6, 12) ?? [])] as number[];
    expect(own?.cells.at(-1)).toBeCloseTo(values.reduce((a, b) => a + b, 0) / names.length, 9);

    const parts = await runCli(["report", at("parts"), "--json"]);
    const [together] = JSON.parse(parts.stdout) as Tables;
    const column = accuracy?.heads.indexOf("MVBench") ?? -1;
    expect(together?.rows[0]?.cells[0]).toBe(own?.cells[column]);
    await rm(at("parts", "mvbench.2-of-2"), { recursive: true });
    const half = await runCli(["report", at("parts")]);
    expect(half.code).toBe(1);
    expect(half.stdout).toContain("Of answering on MVBench the parts 2/2 are missing.");

    const against = await runCli(["report", at("all"), "--against", at("alone"), "--format", "csv"]);
    expect(against.stdout).toMatch(/comparison,"answering against answering, MLVU: accuracy",difference,0\n/);
    const latex = await runCli(["report", at("all"), "--format", "latex"]);
    expect(latex.stdout).toContain("\\begin{tabular}{l");
    const page = await runCli(["report", at("all"), "--format", "html", "--out", at("report.html")]);
    expect(page.code).toBe(0);
    expect(await readFile(at("report.html"), "utf8")).toContain("<h2>Accuracy</h2>");
    const none = await runCli(["report", at("data"), "--json"]);
    expect(JSON.parse(none.stdout)).toMatchObject({ error: { code: "report-runs" } });
  });

  it("draws the maps, and the steps of an ablation with what can be told from noise", async () => {
    const { stdout, code } = await runCli([
      ...["report", at("all"), at("alone"), "--ablation", "--published", "--json"],
      ...["--figures", at("figures")],
    ]);
    expect(code).toBe(0);
    const tables = JSON.parse(stdout) as Tables;
    const ablation = tables.find(({ name }) => name === "ablation");
    const [first, second] = (ablation?.rows ?? []).slice(-2);
    expect(first?.label).toContain(at("all"));
    expect(second?.label).toContain(at("alone"));
    expect(ablation?.notes.join()).toContain("MVBench, MLVU");
    const accuracy = tables.find(({ name }) => name === "accuracy");
    const of = (label: string | undefined, head: string) =>
      accuracy?.rows.find((row) => row.label === label)?.cells[accuracy.heads.indexOf(head)] as number;
    const overall = (of(first?.label, "MVBench") + of(first?.label, "MLVU")) / 2;
    expect(first?.cells[ablation?.heads.indexOf("accuracy overall") ?? -1]).toBeCloseTo(overall, 9);
    // Both asked the same model the same questions.
    const [step] = tables.find(({ name }) => name === "steps")?.rows ?? [];
    expect(step?.cells.slice(2)).toEqual([0, 0, 0, "2"]);
    const map = await readFile(at("figures", "tac.svg"), "utf8");
    expect(map.match(/Video-R2 \(as printed\)/g)).toHaveLength(1);
    expect(map).toContain(">63.7<");
    expect((await readdir(at("figures"))).sort()).toEqual([
      ...["agreement.svg", "steps.svg", "tac.svg", "vas.svg"],
    ]);
  });

  it("reports on runs of lmms-eval as on its own, with the questions in the logs or from the data sets", async () => {
    const theirs = at("theirs", "Some__Model-7B");
    const bare = at("bare", "Some__Model-7B");
    for (const name of names)
      for (const [task, lines] of Object.entries(await logs("all", name)))
        for (const [dir, withQuestions] of [
          [theirs, true],
          [bare, false],
        ] as const) {
          await mkdir(dir, { recursive: true });
          const rows = lines.map((line, i) => {
            const { video_r2: _, finish_reason: __, ...row } = JSON.parse(line) as Record<string, unknown>;
            if (withQuestions) return row;
            const { doc: _doc, resps: _resps, arguments: _arguments, ...rest } = row;
            return i % 2 ? rest : { ...rest, filtered_resps: (row.filtered_resps as string[])[0] };
          });
          const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
          await writeFile(join(dir, `run_20260102_030405_samples_${task}`), text);
          // An earlier run of the same task, of which nothing is right.
          if (name === "mlvu")
            await writeFile(
              join(dir, `run_20260101_030405_samples_${task}`),
              text.replaceAll("<answer>", "no "),
            );
        }
    await writeFile(
      join(theirs, "run_20260102_030405_results.json"),
      JSON.stringify({
        model_name: "Some/Model",
        results: { mlvu_dev_think: { "mlvu_percetion_score,none": 99 } },
      }),
    );
    const own = JSON.parse((await runCli(["report", at("all"), "--json"])).stdout) as Tables;
    const figures = (tables: Tables) =>
      ["accuracy", "accuracy-released", "differ", "tac", "agreement", "vsibench-definitions"].map((name) => {
        const table = tables.find((one) => one.name === name);
        return [name, table?.heads, table?.rows.at(-1)?.cells];
      });
    const { stdout, code } = await runCli(["report", at("theirs"), "--json"]);
    expect(code).toBe(0);
    const tables = JSON.parse(stdout) as Tables;
    expect(figures(tables)).toEqual(figures(own));
    expect(tables[0]?.rows[0]?.label).toBe("Some/Model");
    const notes = tables[0]?.notes.join("\n");
    expect(notes).toContain(
      "Some/Model on MLVU are not what its scoring gives here: mlvu_dev_think 99 and here ",
    );
    expect(notes).toContain("Of 2 logs of Some/Model on MLVU the newest of each task count: 1.");

    const without = await runCli(["report", at("bare"), "--json"]);
    expect(JSON.parse(without.stdout)).toMatchObject({ error: { code: "report-log" } });
    const joined = await runCli(["report", at("bare"), "--data", at("data"), "--json"]);
    expect(figures(JSON.parse(joined.stdout) as Tables)).toEqual(figures(own));
    // Against each other, question by question, they are the same.
    const against = await runCli(["report", at("all"), "--against", at("theirs"), "--json"]);
    const comparison = (JSON.parse(against.stdout) as Tables).find(({ name }) => name === "comparison");
    expect(comparison?.rows.length).toBeGreaterThanOrEqual(names.length);
    for (const { label, cells } of comparison?.rows ?? []) expect([label, cells[2]]).toEqual([label, 0]);
  });

  it("asks a judge in the same command: VAS, consistency, and VSI-Bench's numbers", async () => {
    const wordy = await startAnsweringServer(
      () => "<think>I see two rows at 00:01.</think><answer>two rows of 3 chairs</answer>",
    );
    const judge = await startServer((seen, response) => {
      const asked = seen.messages.map(({ content }) => content).join("\n");
      if (asked.includes('"score"')) return say(response, '{"rationale": "rows", "score": 7}');
      if (asked.includes('"value"')) return say(response, '{"value": 6}');
      say(response, '{"words": null, "conclusion": null}');
    });
    try {
      const { stdout, code } = await runCli([
        ...["eval", "vsibench", "mmvu", "--data", at("data"), "--model", `${wordy.url}#answering`],
        ...["--judge", `${judge.url}#m`, "--out", at("judged"), "--json"],
      ]);
      expect(code).toBe(0);
      const [vsi] = JSON.parse(stdout) as {
        result: { robust: { others: Record<string, { value: number | null }> } };
        scores: { attention: { value: number; n: number }; settings: { judge: string } };
      }[];
      expect(vsi?.scores.settings.judge).toBe(`${judge.url}#m, prompts v1`);
      expect(vsi?.scores.attention).toMatchObject({ value: 7, n: 10 });
      const rows = (await logs("judged", "vsibench"))["vsibench_think.jsonl"]?.map(
        (line) => (JSON.parse(line) as { video_r2: { others: Record<string, { parsed: string }> } }).video_r2,
      );
      const parsed = rows?.map(({ others }) => others.post_processing_judged?.parsed).filter(Boolean);
      expect(parsed).toEqual(["6", "6", "6", "6"]);
      const { value } = vsi?.result.robust.others.post_processing_judged ?? {};
      expect(value).not.toBe(vsi?.result.robust.others.post_processing?.value);
      // The report reads what is there, and asks nobody.
      const asked = judge.seen.length;
      const report = await runCli(["report", at("judged"), "--json"]);
      const vas = (JSON.parse(report.stdout) as Tables).find(({ name }) => name === "vas");
      expect(vas?.rows[0]?.cells).toContain(70);
      expect(judge.seen.length).toBe(asked);
    } finally {
      await wordy.close();
      await judge.close();
    }
  });

  it("loses the questions of a video that is gone, says so, and asks them again when it is back", async () => {
    const [video = ""] = writeBenchmark("mlvu", at("gone"), await readFile(at("tiny.mp4")));
    await unlink(video);
    const args = ["eval", "mlvu", "--data", at("gone"), ...model(), "--out", at("gone-out")];
    const { stderr, stdout, code } = await runCli(args);
    expect(code).toBe(1);
    expect(stderr).toContain(`1 videos of 1 of the`);
    expect(stdout).toMatch(/MLVU\s.*\s1\s+\d+\n/);
    const rows = Object.values(await logs("gone-out", "mlvu")).flat();
    const lost = rows
      .map((line) => JSON.parse(line) as { failure?: string })
      .filter(({ failure }) => failure);
    expect(lost).toHaveLength(1);
    expect(lost[0]?.failure).toContain("video: ");
    await writeTinyVideo(video);
    const before = server.requests();
    const second = await runCli(args);
    expect(second.code).toBe(0);
    expect(server.requests()).toBe(before + 1);
  });

  it("says what is wrong before it asks: no folder, no such benchmark, a server that refuses", async () => {
    const missing = await runCli(["eval", "mvbench", "--data", at("nothing"), ...model(), "--json"]);
    expect(JSON.parse(missing.stdout)).toMatchObject({ error: { code: "benchmark-folder" } });
    expect(missing.code).toBe(2);
    const unknown = await runCli(["eval", "nobench", ...model(), "--json"]);
    expect(JSON.parse(unknown.stdout)).toMatchObject({ error: { code: "benchmark-unknown" } });
    const refusing = await startAnsweringServer(() => null);
    const refused = await runCli([
      ...["eval", "mlvu", "--data", at("data"), "--model", `${refusing.url}#answering`],
      ...["--out", at("refused"), "--json"],
    ]);
    await refusing.close();
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: "server-refused" } });
    expect(existsSync(at("refused", "mlvu", "results.json"))).toBe(false);
  });

  it("runs our own benchmark with the model of the package, offline", async () => {
    const { stdout, code } = await runCli([
      "eval",
      "synthetic",
      "--limit",
      "8",
      "--out",
      at("own"),
      "--json",
    ]);
    expect(code).toBe(0);
    const [run] = JSON.parse(stdout) as {
      record: { model: { weights: string } };
      scores: { agreement: { value: number } };
      result: { robust: { n: number; value: number } };
    }[];
    expect(run?.result.robust.n).toBe(8);
    expect(run?.record.model.weights).toMatch(/^[0-9a-f]{64}$/);
    expect(run?.scores.agreement.value).toBeGreaterThan(0.7);
  });
});
