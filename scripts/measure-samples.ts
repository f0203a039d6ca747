/**
 * Measures inference with the gate: how often an answer is right where one sample is taken, and where several vote.
 *
 *   npx video-r2 data synth --out world --count 60 --split heldout --seed 1
 *   npx tsx scripts/measure-samples.ts --rows world/heldout.jsonl [--count 200 --samples 8 --temperature 0.7]
 */

import { parseArgs } from "node:util";
import { clockEnd, type DataRow, readDataset, rowFiles, spreadRows } from "../src/data/index.ts";
import { answerKey, countVotes, scoreRow } from "../src/evaluation/index.ts";
import { judgeConsistency, LexicalEmbedder } from "../src/judges/index.ts";
import { type GenerationRequest, Qwen25VL } from "../src/nn/index.ts";
import { bootstrapInterval, mean } from "../src/stats/index.ts";
import { parseTrace } from "../src/trace/index.ts";
import { loadRecipe, readClip, rowMessages } from "../src/training/index.ts";

const root = new URL("..", import.meta.url).pathname;
const { values: flags } = parseArgs({
  options: {
    rows: { type: "string", default: `${root}world/heldout.jsonl` },
    model: { type: "string", default: `${root}assets/builtin` },
    count: { type: "string", default: "200" },
    samples: { type: "string", default: "8" },
    temperature: { type: "string", default: "0.7" },
  },
});
const samples = Number(flags.samples);
const { video } = await loadRecipe(`${root}recipes/builtin-world.yaml`);
const model = await Qwen25VL.load(flags.model);
const embedder = new LexicalEmbedder();
const all = (await readDataset(flags.rows)).filter(({ category }) => category !== "timeline");
const rows = spreadRows(all, Number(flags.count));
const count = rows.length;

/** Right or not, and consistent or not, of one way of answering; a value for each row. */
class Way {
  readonly right: number[] = [];
  readonly consistent: number[] = [];

  add(row: DataRow, texts: readonly string[]): void {
    const scored = texts.map((text) => scoreRow(row, text));
    this.right.push(mean(scored.map(({ correct }) => (correct ? 1 : 0))) ?? 0);
    this.consistent.push(mean(scored.map(({ consistency }) => (consistency === "consistent" ? 1 : 0))) ?? 0);
  }

  line(name: string): string {
    const shown = (values: readonly number[]): string => {
      const interval = bootstrapInterval(values, { clusters: rows.map(({ video: file }) => file) });
      const percent = (x: number): string => (100 * x).toFixed(1);
      const middle = percent(mean(values) ?? 0);
      return interval ? `${middle} (${percent(interval.low)} to ${percent(interval.high)})` : middle;
    };
    return `| ${name} | ${shown(this.right)} | ${shown(this.consistent)} |`;
  }
}

const ways = { greedy: new Way(), one: new Way(), majority: new Way(), vote: new Way() };
for (const [done, row] of rows.entries()) {
  const clip = await readClip(rowFiles(flags.rows, row), { video, processor: model.processor });
  const request: GenerationRequest = { messages: rowMessages(row, clip), seed: `samples/${row.id}` };
  const ask = async (temperature: number, of: number): Promise<string[]> => {
    const { generations } = await model.generate([request], { temperature, samples: of, maxNewTokens: 192 });
    return (generations[0] ?? []).map(({ text }) => text);
  };
  const greedy = await ask(0, 1);
  const texts = await ask(Number(flags.temperature), samples);
  const ballots = texts.map((text) => {
    const trace = parseTrace(text, { durationSeconds: clockEnd(row) });
    const answer = answerKey(trace.answer, row);
    const { verdict } = judgeConsistency(trace, { options: row.options, type: row.answerType });
    return { answer, consistency: verdict, claims: trace.claims };
  });
  const chosen = async (of: typeof ballots): Promise<string[]> => {
    const { chosen: best } = await countVotes(of, { embedder });
    return [texts[best ?? 0] as string];
  };
  ways.greedy.add(row, greedy);
  ways.one.add(row, texts);
  ways.majority.add(
    row,
    await chosen(ballots.map((ballot) => ({ ...ballot, consistency: "consistent", claims: [] }))),
  );
  ways.vote.add(row, await chosen(ballots));
  if ((done + 1) % 20 === 0) process.stderr.write(`${done + 1} of ${count}\n`);
}
await model.dispose();
console.log(
  [
    `${count} questions of ${flags.rows.split("/").at(-1)}, temperature ${flags.temperature}, percent with 95 % intervals:`,
    "",
    "| | right | consistent |",
    "|---|---|---|",
    ways.greedy.line("one answer, the likeliest words"),
    ways.one.line("one sample, mean"),
    ways.majority.line(`${samples} samples, majority`),
    ways.vote.line(`${samples} samples, gate and grounding (\`ask --samples ${samples}\`)`),
  ].join("\n"),
);
