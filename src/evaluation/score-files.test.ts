import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type Judge, openEmbedder, openJudge } from "../judges/index.ts";
import { parseTrace, truncationOf } from "../trace/index.ts";
import { markClaims } from "./mark-claims.ts";
import { RunningFigure } from "./running-figure.ts";
import { scoreFiles } from "./score-files.ts";
import type { SampleRecord } from "./score-record.ts";

const folder = mkdtempSync(join(tmpdir(), "score-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

const run = async (file: string, given: object = {}) => {
  const embedder = await openEmbedder("lexical");
  const records: SampleRecord[] = [];
  const done = await scoreFiles({
    files: [file],
    judge: await openJudge("rules"),
    embedder,
    threshold: embedder.threshold,
    deltaSeconds: 2,
    compat: "paper",
    onRecord: (record) => records.push(record),
    ...given,
  });
  return { ...done, records };
};

describe("cut-off outputs", () => {
  it.each([
    ["<think>So the answer is", null, "cut off inside the reasoning"],
    ["<think>x</think><answer>the dog ju", null, "cut off inside the answer"],
    ["<think>x</think><answer>B", null, null],
    ["<think>x</think><answer>B</answer>", "length", null],
    ["A", "length", "cut off at the token limit before an answer"],
    ["A", null, null],
    ["<think>So the answer is", "stop", null],
  ])("%j, %s: %s", (output, finish, expected) => {
    expect(truncationOf(parseTrace(output), finish)).toBe(expected);
  });
});

it("a judge that fails is counted, and asked again by the next run only where it failed", async () => {
  const path = join(folder, "rows.jsonl");
  const row = (id: string) => ({
    id,
    question: "?",
    options: ["x", "y"],
    answer: "A",
    output: "<think>So A.</think><answer>A</answer>",
  });
  writeFileSync(path, ["a", "b", "c"].map((id) => `${JSON.stringify(row(id))}\n`).join(""));
  const rules = await openJudge("rules");
  let asked = 0;
  const judge = (broken: boolean): Judge =>
    ({
      name: "a model",
      concluded: (input) => rules.concluded(input),
      answered: (input) => rules.answered(input),
      claims: (input) => rules.claims(input),
      equal: (input) => rules.equal(input),
      number: (input) => rules.number(input),
      attention: async () => ({ value: { score: 7, rationale: "" } }),
      consistency: async (input) => {
        asked++;
        return broken && input.id.endsWith(":2")
          ? { value: null, reason: "no reply" }
          : rules.consistency(input);
      },
      usage: () => rules.usage(),
      close: () => rules.close(),
    }) satisfies Judge;
  const outDir = join(folder, "out");
  const first = await run(path, { judge: judge(true), outDir });
  expect(first.summary.agreement).toMatchObject({ n: 2, unscored: 1, reasons: { "no reply": 1 } });
  expect(asked).toBe(3);
  const second = await run(path, { judge: judge(false), outDir });
  expect(asked).toBe(4);
  expect(second).toMatchObject({
    taken: 2,
    summary: { agreement: { value: 1, n: 3 }, attention: { value: 7 } },
  });
  const page = readFileSync(join(outDir, "report.html"), "utf8");
  expect(page).not.toMatch(/(?:src|href)="(?!data:)/);
});

it("keeps markup of a model out of the page", async () => {
  const path = join(folder, "evil.jsonl");
  writeFileSync(
    path,
    JSON.stringify({ output: "<think></script><script>alert(1)</script><!--</think><answer>x</answer>" }),
  );
  await run(path, { outDir: join(folder, "evil") });
  expect(readFileSync(join(folder, "evil", "report.html"), "utf8")).not.toContain("<script>alert");
});

it("a running figure of many samples has the exact mean, and about the interval of all", () => {
  const [running, n] = [new RunningFigure(), 30_000];
  for (let i = 0; i < n; i++) running.add({ score: i % 4 === 0 ? 1 : 0, cluster: `v${i >> 1}` });
  const figure = running.figure({ samples: 200 });
  expect(figure).toMatchObject({ value: 0.25, n });
  // Standard error by clusters of two: half of them hold one right answer, so 0.25 / sqrt(15000) = 0.00204.
  const width = (figure.interval?.high ?? 0) - (figure.interval?.low ?? 0);
  expect(width).toBeGreaterThan(0.006);
  expect(width).toBeLessThan(0.0105);
});

it("marks where claims stand, and the words that decide", () => {
  const think = "At 00:05 a dog jumps. So the answer is B.";
  const { claims } = parseTrace(`<think>${think}</think>`);
  const marks = markClaims(think, claims, "So the answer is B.");
  expect(marks.map(({ from, to, claim }) => [think.slice(from, to), claim])).toEqual([
    ["At 00:05", 0],
    ["a dog jumps", 0],
    ["So the answer is B.", -1],
  ]);
});

it("sums up VSI-Bench as the reference does: numbers by how near they are, and right in its table within 5 %", async () => {
  const path = join(folder, "vsi.jsonl");
  const number = { benchmark: "vsibench", question: "How many metres?", type: "number", answer: "10" };
  const rows = [
    { ...number, id: "near", output: "<think>So the answer is 10.</think><answer>9.4</answer>" },
    { ...number, id: "far", output: "<think>So the answer is 40.</think><answer>40</answer>" },
    { ...number, id: "silent", output: "<think>It is hard to say.</think><answer>9.6</answer>" },
    {
      benchmark: "vsibench",
      id: "letter",
      question: "Where?",
      options: ["left", "right"],
      answer: "B",
      output: "<think>So the answer is B.</think><answer>B</answer>",
    },
  ];
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const { summary } = await run(path);
  const { vsibench } = summary.reference.tac.datasets;
  // Errors of 6 %, 300 % and 4 %: 9 of 10 thresholds, none, and 10.
  expect(vsibench?.answer_parsed_accuracy).toBeCloseTo((0.9 + 0 + 1 + 1) / 4, 12);
  expect(vsibench?.lmms_eval_accuracy).toBeCloseTo((0.9 + 0 + 1 + 1) / 4, 12);
  expect(vsibench?.thinking_parsed_accuracy).toBeCloseTo((1 + 0 + 0 + 1) / 4, 12);
  // Right in the table are answers 3 and 4, and reasonings 1 and 4.
  expect(vsibench?.consistency_accuracy).toBe(1 / 2);
  expect(vsibench?.answer_to_thinking_correlation).toBe(2 / 4);
});
