import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planVideo } from "../../data/index.ts";
import { curveFigure } from "./curve-figure.ts";
import { measurementName, modelName, planJobs } from "./jobs.ts";
import { reproductionHtml, reproductionMarkdown, reproductionText } from "./report.ts";
import { type ReproductionResults, readResults } from "./results.ts";
import { checkSettings, fullSettings, quickSettings, variantsOf, worldsOf } from "./settings.ts";

describe("settings", () => {
  it("are refused where they make no sense, by name", () => {
    expect(() => checkSettings(quickSettings)).not.toThrow();
    expect(() => checkSettings({ ...quickSettings, seeds: 0 })).toThrow("seeds: must be a whole number");
    expect(() => checkSettings({ ...quickSettings, firstOption: 1.5 })).toThrow(
      "firstOption: must be a share",
    );
    expect(() => checkSettings({ ...quickSettings, learningRate: 0 })).toThrow(
      "learningRate: must be above 0",
    );
  });

  it("never train twice on a video, or on one that is held out", () => {
    const worlds = worldsOf(fullSettings);
    const videos = (name: string, split: string): Set<string> => {
      const { world } = worlds.find((one) => one.name === name && one.world.split === split) ?? {};
      if (!world) throw new Error(name);
      const { start, count } = world;
      return new Set(Array.from({ length: count }, (_, i) => planVideo(world, start + i).video));
    };
    const [sft, grpo] = [videos("sft", "train"), videos("grpo", "train")];
    expect([...grpo].filter((video) => sft.has(video))).toEqual([]);
    expect(videos("lot", "train")).toEqual(grpo);
    expect(videos("loose", "train")).toEqual(sft);
    expect(videos("lot", "heldout")).toEqual(videos("grpo", "heldout"));
  });

  it("plan each job after those that it needs, the rows of a seed from one model, and other rewards for each", () => {
    const jobs = planJobs(fullSettings, "/out", "/model");
    const names = new Set<string>();
    for (const { name, after } of jobs) {
      for (const other of after) expect(names, `${name} after ${other}`).toContain(other);
      names.add(name);
    }
    expect(jobs).toHaveLength(2 * (1 + 6 * (variantsOf(fullSettings).length - 1)));
    const seed = jobs.flatMap(({ name, job }) =>
      job.kind === "grpo" && name.startsWith("seed-3/") ? [job.recipe] : [],
    );
    expect(new Set(seed.map(({ model }) => model))).toEqual(new Set(["/out/seed-3/sft/model"]));
    expect(seed.map(({ rewards }) => [rewards.temporal, rewards.gate])).toEqual([
      [0, true],
      [1, false],
      [1, true],
      [1, true],
    ]);
    expect(seed.map(({ data }) => data.split("/").at(-2))).toEqual(["grpo", "grpo", "grpo", "lot"]);
  });
});

describe("results", () => {
  const settings = { ...quickSettings, seeds: 3 };
  let out = "";
  let results: ReproductionResults;
  const figure = (value: number | null) => ({ value, n: 10, unscored: 2, reasons: {}, interval: null });
  // TAC of each row by seed; everything else is the same everywhere.
  const tac: Record<string, number[]> = {
    start: [0.5],
    sft: [1, 0.98, 0.99],
    grpo: [0.8, 0.82, 0.78],
    tar: [0.81, 0.79, 0.83],
    gate: [0.99, 1, 0.98],
  };

  beforeAll(async () => {
    out = await mkdtemp(join(tmpdir(), "results-"));
    for (const variant of variantsOf(settings))
      for (const [seed, value] of (tac[variant] ?? []).entries()) {
        const figures = {
          accuracy: figure(0.7),
          tac: figure(value),
          agreement: figure(0.9),
          tar: figure(null),
          grounding: figure(0.8),
          claims: figure(1.5),
        };
        const folder = join(out, measurementName(variant, seed));
        await mkdir(join(folder, "greedy"), { recursive: true });
        await writeFile(
          join(folder, "measurement.json"),
          JSON.stringify({
            outputs: { greedy: figures, sampled: figures, lot: figures },
            attention: 0.25,
            reliance: 0.3,
            attentionTraces: 12,
            relianceTraces: 4,
          }),
        );
        const record = {
          id: "q",
          question: "Which <colour> | at 00:01?",
          options: [{ letter: "A", text: "red" }],
          gold: "A",
          category: "colour-at",
          output: `<think>${variant}</think>`,
          accuracy: { score: 1 },
          consistent: { value: variant !== "grpo", why: "" },
          claims: variant === "start" ? [] : [{}],
          alignment: { precision: variant === "tar" ? 0.5 : 1 },
        };
        await writeFile(join(folder, "greedy", "samples.jsonl"), `${JSON.stringify(record)}\n`);
        if (variant === "start" || variant === "sft") continue;
        const lines = Array.from({ length: 12 }, (_, i) => ({
          reward: i < 6 ? 1 : 1.5 + seed / 10,
          accuracy: (i + seed) / 20,
          temporal: 0.5,
          agreement: i === 3 ? null : 1,
          entropy: 0.1,
        }));
        await writeFile(
          join(out, modelName(variant, seed), "metrics.jsonl"),
          lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
        );
      }
    results = await readResults(settings, out);
  });
  afterAll(() => rm(out, { recursive: true }));

  it("are means over seeds with Student's interval, and null where nothing could be scored", () => {
    const sft = results.rows.find(({ variant }) => variant === "sft");
    expect(sft?.outputs.greedy.tac?.mean).toBeCloseTo(0.99, 9);
    // 4.3027 * 0.01 / sqrt(3)
    expect(sft?.outputs.greedy.tac?.high).toBeCloseTo(0.99 + 0.02484, 4);
    expect(sft?.outputs.greedy.tar).toBeNull();
    expect(results.rows[0]?.outputs.greedy.tac).toEqual({ mean: 0.5, low: null, high: null, n: 1 });
    expect(results.questions).toEqual({ greedy: 12, sampled: 12, lot: 12 });
  });

  it("compare rows seed by seed and say what can be told", () => {
    const of = (a: string, b: string) =>
      results.comparisons.find(
        (one) => one.of === a && one.against === b && one.mode === "greedy" && one.figure === "tac",
      );
    expect(of("grpo", "sft")).toMatchObject({ verdict: "less" });
    expect(of("grpo", "sft")?.difference.mean).toBeCloseTo((-0.2 - 0.16 - 0.21) / 3, 9);
    expect(of("tar", "grpo")).toMatchObject({ verdict: "cannot be told" });
    expect(of("gate", "tar")).toMatchObject({ verdict: "more" });
    // The start is the same for all seeds.
    expect(of("sft", "start")?.difference.n).toBe(3);
    expect(results.comparisons.some(({ figure: name }) => name === "tar")).toBe(false);
  });

  it("have learning curves averaged over three steps, with the range of seeds", () => {
    const [grpo] = results.training;
    expect(grpo?.variant).toBe("grpo");
    expect(grpo?.curves.accuracy).toHaveLength(10);
    expect(grpo?.curves.accuracy[0]).toEqual({
      step: 3,
      mean: expect.closeTo(2 / 20, 9),
      low: expect.closeTo(1 / 20, 9),
      high: expect.closeTo(3 / 20, 9),
    });
    expect(grpo?.curves.agreement[0]?.mean).toBe(1);
    expect(grpo?.rewardRise?.mean).toBeCloseTo(0.6, 9);
  });

  it("show the same as text, Markdown and a page; nothing that was written can break out", () => {
    const text = reproductionText(results);
    expect(text).toMatch(/\+ SFT \+ GRPO\s+70\.0 ± 0\.0\s+80\.0 ± 5\.0\s+-/);
    const markdown = reproductionMarkdown(results, "curves.svg");
    expect(markdown).toContain("| + SFT + GRPO | 70.0 ± 0.0 | 80.0 ± 5.0 | - |");
    expect(markdown).toContain(
      "| + SFT + GRPO + TAR | `<think>tar</think>` | right, consistent, claims 50 % |",
    );
    expect(markdown).toContain("right, inconsistent, claims 100 %");
    const page = reproductionHtml(results, curveFigure(results.training));
    expect(page).toContain("Which &#60;colour&#62; | at 00:01?");
    expect(page).toContain("&#60;think&#62;gate&#60;/think&#62;");
    expect(page).toMatch(/<path d="M46,[\d.,L-]+/);
    expect(page).not.toContain("NaN");
  });
});
